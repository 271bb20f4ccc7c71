/* SPDX-License-Identifier: MIT */
/* script: the wg and ip commands that set up a site. */
#ifndef CLI_VERB_SCRIPT_H
#define CLI_VERB_SCRIPT_H

#include "cli/verb.h"

/** `wirespan script`. */
extern const struct verb verb_script;

#endif
