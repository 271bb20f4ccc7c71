/* SPDX-License-Identifier: MIT */
/* status and metrics: reports of running sites. */
#ifndef CLI_VERB_STATUS_H
#define CLI_VERB_STATUS_H

#include "cli/verb.h"

/** `wirespan status`. */
extern const struct verb verb_status;

/** `wirespan metrics`. */
extern const struct verb verb_metrics;

#endif
