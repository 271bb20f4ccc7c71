/* SPDX-License-Identifier: MIT */
/* The system's clocks: the only file that reads the time. */
#pragma once

#include "base/mono.h"

/** Now, on CLOCK_BOOTTIME, which advances while the host is suspended, so that session keys
 * expire. */
struct mono clock_mono(void);

/** Now, on CLOCK_REALTIME. */
struct wall clock_wall(void);
