/* SPDX-License-Identifier: MIT */
/* Findings about TCP, UDP and fragments that far hosts do not answer. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Judge whether TCP, UDP and fragments of members reach the hosts behind each session. */
void judge_transports(const struct observations *f, struct findings *ret);
