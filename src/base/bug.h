/* SPDX-License-Identifier: MIT */
/* ASSERT: a check for our own bugs, on in every build; never for what a network or a user sent. */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stdlib.h>

/** End the process if `cond` does not hold. */
#define ASSERT(cond) ((cond) ? (void)0 : abort())

#endif
