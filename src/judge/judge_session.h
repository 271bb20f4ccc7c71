/* SPDX-License-Identifier: MIT */
/* The judgement of one session: alive both ways, what does not match, sizes, throughput. */
#ifndef JUDGE_JUDGE_SESSION_H
#define JUDGE_JUDGE_SESSION_H

#include "judge/finding.h"
#include "judge/observations.h"

/** Append what the facts say about session number `i`. */
void judge_session(const struct observations *f, size_t i, struct findings *ret);

/** Append an error if the host that the user named was found through no session. */
void judge_target(const struct observations *f, struct findings *ret);

#endif
