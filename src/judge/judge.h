/* SPDX-License-Identifier: MIT */
/* The judgement: observations in, findings out. */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "judge/finding.h"
#include "judge/observations.h"

/** Append everything that the facts say about a site to `ret`, in reading order: the daemon, the
 * machine, each peer, each session, the underlay, drops. */
void judge_observations(const struct observations *f, struct findings *ret);

#endif
