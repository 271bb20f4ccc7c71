/* SPDX-License-Identifier: MIT */
/* The kernel's own WireGuard and L2TP as the back end of a site. */
#pragma once

#include "backend/backend.h"

/** The back end `Backend = kernel`. */
extern const struct backend backend_kernel;
