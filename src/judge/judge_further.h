/* SPDX-License-Identifier: MIT */
/* Findings about hosts whose frames are lost while those of others on the same port pass. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** The crossing of the main host, to which a further one belongs. */
const struct observed_crossing *judge_further_main(
	const struct observations *f, const struct observed_crossing *x);

/** Judge what this host drops of further hosts alone. Return: whether it drops something. */
bool judge_further(const struct observations *f, struct findings *ret);
