/* SPDX-License-Identifier: MIT */
/* init: create matching configuration files with keys for two or more sites. */
#ifndef CLI_VERB_INIT_H
#define CLI_VERB_INIT_H

#include "cli/verb.h"

/** `wirespan init`. */
extern const struct verb verb_init;

#endif
