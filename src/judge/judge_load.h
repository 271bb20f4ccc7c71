/* SPDX-License-Identifier: MIT */
/* Findings about round trips beside a load: which direction has a buffer that delays them, and the
 * rate that keeps it empty. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Append the finding about the load through session number `i`, if there was one. */
void judge_load(const struct observations *f, size_t i, struct findings *ret);
