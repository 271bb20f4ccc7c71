/* SPDX-License-Identifier: MIT */
/* Findings about one session: whether it works in both directions, configuration mismatches, packet
 * sizes, throughput. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Append the findings about session number `i`. */
void judge_session(const struct observations *f, size_t i, struct findings *ret);

/** Append an error if the host that the user named was not found through any session. */
void judge_target(const struct observations *f, struct findings *ret);
