/* SPDX-License-Identifier: MIT */
/* The userspace engine as the back end of a site. */
#ifndef BACKEND_USERSPACE_SITE_H
#define BACKEND_USERSPACE_SITE_H

#include "backend/backend.h"

/** The back end `userspace`: one engine in this process, driven by its event loop. */
extern const struct backend backend_userspace;

#endif
