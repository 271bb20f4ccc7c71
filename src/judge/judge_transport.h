/* SPDX-License-Identifier: MIT */
/* Findings about TCP and UDP that far hosts do not answer. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Judge whether TCP and UDP of members are proved to reach the hosts behind each session. */
void judge_transports(const struct observations *f, struct findings *ret);
