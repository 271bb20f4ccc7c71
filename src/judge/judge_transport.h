/* SPDX-License-Identifier: MIT */
/* Findings about TCP, UDP and fragments that far hosts do not answer. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Whether a session loses so much that it proves nothing if some frames have no answer. */
bool judge_loses_much(const struct observations *f, const struct observed_port *p);

/** Judge whether TCP, UDP and fragments of members reach the hosts behind each session. */
void judge_transports(const struct observations *f, struct findings *ret);
