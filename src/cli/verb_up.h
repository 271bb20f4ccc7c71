/* SPDX-License-Identifier: MIT */
/* wirespan up: start a site and run it. */
#ifndef CLI_VERB_UP_H
#define CLI_VERB_UP_H

#include "cli/verb.h"

extern const struct verb verb_up;

#endif
