/* SPDX-License-Identifier: MIT */
/* check: proves a running site's segment from this host, and reports faults. */
#ifndef CLI_VERB_CHECK_H
#define CLI_VERB_CHECK_H

#include "cli/verb.h"

extern const struct verb verb_check;

#endif
