/* SPDX-License-Identifier: MIT */
/* The machine's answers to the questions of the configuration's check. */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "conf/check.h"

/** Answers from the kernel of the network namespace we are in. */
extern const struct conf_facts facts_system;

#endif
