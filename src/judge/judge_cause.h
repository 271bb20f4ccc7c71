/* SPDX-License-Identifier: MIT */
/* Names what may drop frames between two ports of this host, likeliest first, and what to do. */
#pragma once

#include "judge/finding.h"
#include "judge/observations.h"

/** Frames that are lost in this host. */
struct cause_loss {
	const struct observed_port *in;
	const struct observed_port *out;    /* the same: sent by this gateway, below the bridge */
	unsigned kinds;			    /* lost: bits 1 << enum observed_kind */
	unsigned requests;		    /* those of them whose requests are lost */
	unsigned passed;		    /* kinds that pass */
	unsigned large;			    /* bytes of a large packet */
	const struct observed_entry *entry; /* by which they go elsewhere, or NULL */
};

/** Add to an error's text and hint what may be the cause: one, if the facts exclude the others;
 * else the two or three that remain. `finding` may be NULL. */
void judge_cause(
	const struct observations *f, const struct cause_loss *loss, struct finding *finding);

/** Whether a filter whose policy is drop sees frames from one port to the other. */
bool judge_cause_is_likely(const struct observations *f, const struct cause_loss *loss);
