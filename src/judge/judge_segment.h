/* SPDX-License-Identifier: MIT */
/* Findings about members: whether their frames pass from one site to the other, through the filters
 * of this host; loops; addresses that are in use twice; frames that are too large. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Judge all ports and crossings. Sessions have been judged before. */
void judge_segment(const struct observations *f, struct findings *ret);

/** Report loops. Return: whether there is one; then nothing else of the segment was probed. */
bool judge_loops(const struct observations *f, struct findings *ret);
