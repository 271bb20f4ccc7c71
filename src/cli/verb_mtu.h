/* SPDX-License-Identifier: MIT */
/* mtu: the header ladder of a configuration's sessions, or of options alone. */
#ifndef CLI_VERB_MTU_H
#define CLI_VERB_MTU_H

#include "cli/verb.h"

/** `wirespan mtu`. */
extern const struct verb verb_mtu;

#endif
