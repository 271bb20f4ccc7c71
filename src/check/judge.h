/* SPDX-License-Identifier: MIT */
/* The judgement: facts in, findings out. */
#ifndef CHECK_JUDGE_H
#define CHECK_JUDGE_H

#include "check/facts.h"
#include "check/finding.h"

/** Append everything that the facts say about a site to `ret`, in reading order: the daemon, the
 * machine, each peer, each session, the underlay, drops. */
void check_judge(const struct check_facts *f, struct check_findings *ret);

#endif
