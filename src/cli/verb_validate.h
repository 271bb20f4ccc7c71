/* SPDX-License-Identifier: MIT */
/* validate: what is wrong with a configuration file, and how to correct it. */
#ifndef CLI_VERB_VALIDATE_H
#define CLI_VERB_VALIDATE_H

#include "cli/verb.h"

/** `wirespan validate`. */
extern const struct verb verb_validate;

#endif
