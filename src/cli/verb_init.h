/* SPDX-License-Identifier: MIT */
/* init: a matching set of configuration files for two or more sites, keys included. */
#ifndef CLI_VERB_INIT_H
#define CLI_VERB_INIT_H

#include "cli/verb.h"

/** `wirespan init`. */
extern const struct verb verb_init;

#endif
