/* SPDX-License-Identifier: MIT */
/* ASSERT: checks for bugs of our own, in every build; never for input from the network or a
 * user. */
#pragma once

#include <stdlib.h>

/** Abort the process if `cond` does not hold. */
#define ASSERT(cond) ((cond) ? (void)0 : abort())
