/* SPDX-License-Identifier: MIT */
/* top: running sites, live in the terminal. */
#ifndef CLI_VERB_TOP_H
#define CLI_VERB_TOP_H

#include "cli/verb.h"

/** `wirespan top`; only where the build found ncurses. */
extern const struct verb verb_top;

#endif
