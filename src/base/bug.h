/* SPDX-License-Identifier: MIT */
/* ASSERT: checks for bugs of our own, in every build; never for input from the network or a
 * user. */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stdlib.h>

/** Abort the process if `cond` does not hold. */
#define ASSERT(cond) ((cond) ? (void)0 : abort())

#endif
