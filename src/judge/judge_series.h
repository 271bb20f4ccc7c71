/* SPDX-License-Identifier: MIT */
/* Findings about frames that are lost by chance, and about packets of certain sizes. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Whether so much is lost by chance from one port to another that nothing follows from a few
 * frames that are lost. */
bool judge_series_is_lossy(const struct observations *f, size_t from, size_t to);

/** Judge what this host loses between its ports. Return: whether it is an error. */
bool judge_series_here(const struct observations *f, struct findings *ret);

/** Judge which sizes far hosts do not answer. */
void judge_series_beyond(const struct observations *f, struct findings *ret);
