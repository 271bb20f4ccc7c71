/* SPDX-License-Identifier: MIT */
/* script: a site as the wg and ip commands that a person would type. */
#ifndef CLI_VERB_SCRIPT_H
#define CLI_VERB_SCRIPT_H

#include "cli/verb.h"

/** `wirespan script`. */
extern const struct verb verb_script;

#endif
