/* SPDX-License-Identifier: MIT */
/* down: stop a site, or undo the changes that a crashed one has left. */
#ifndef CLI_VERB_DOWN_H
#define CLI_VERB_DOWN_H

#include "cli/verb.h"

/** `wirespan down`. */
extern const struct verb verb_down;

#endif
