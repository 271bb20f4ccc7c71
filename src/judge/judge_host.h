/* SPDX-License-Identifier: MIT */
/* The judgement of the machine around the engine: bridges and their ports, settings, the underlay,
 * what was dropped. */
#ifndef JUDGE_JUDGE_HOST_H
#define JUDGE_JUDGE_HOST_H

#include "judge/finding.h"
#include "judge/observations.h"

/** Append what the facts say about bridges, ports and settings. */
void judge_host(const struct observations *f, struct findings *ret);

/** Append what was seen on the underlay. */
void judge_underlay(const struct observations *f, struct findings *ret);

/** Append what was dropped during the check, and lately. */
void judge_drops(const struct observations *f, struct findings *ret);

#endif
