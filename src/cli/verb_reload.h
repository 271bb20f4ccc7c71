/* SPDX-License-Identifier: MIT */
/* reload: make a running site read its configuration again. */
#ifndef CLI_VERB_RELOAD_H
#define CLI_VERB_RELOAD_H

#include "cli/verb.h"

/** `wirespan reload`. */
extern const struct verb verb_reload;

#endif
