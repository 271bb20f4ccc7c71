/* SPDX-License-Identifier: MIT */
/* Findings about who answers on both sides of a segment, and what that proves. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Judge the hosts behind session number `i`, whose port is `p`. */
void judge_far_side(const struct observations *f, size_t i, const struct observed_port *p,
	struct findings *ret);

/** Judge whether broadcasts of a host that was asked have arrived on the port. */
void judge_broadcasts(const struct observed_port *p, struct findings *ret);

/** Judge the hosts on a bridge's ports to members. */
void judge_near_side(
	const struct observations *f, const struct status_bridge *b, struct findings *ret);
