/* SPDX-License-Identifier: MIT */
/* Turns observations into findings. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Append the findings about a site to `ret`, in reading order: the daemon, the host, each peer,
 * each session, the underlay, drops. */
void judge_observations(const struct observations *f, struct findings *ret);
