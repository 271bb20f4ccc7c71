/* SPDX-License-Identifier: MIT */
/* Runs a check: the order of the probes, and the addresses that they go to. */
#pragma once

#include "check/prober.h"
#include "judge/observations.h"

/** Check the running site that `options->status` queries. The facts record which observations
 * failed. Return: 0, and the facts are to be released; or the error of `options->status`. */
int check_gather(const struct check_options *options, struct observations *ret);
