/* SPDX-License-Identifier: MIT */
/* validate: report mistakes in a configuration file, with hints. */
#ifndef CLI_VERB_VALIDATE_H
#define CLI_VERB_VALIDATE_H

#include "cli/verb.h"

/** `wirespan validate`. */
extern const struct verb verb_validate;

#endif
