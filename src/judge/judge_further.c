/* SPDX-License-Identifier: MIT */
/* Findings about hosts whose frames are lost while those of others on the same port pass. */
#include "judge/judge_further.h"

#include "judge/judge_cause.h"
#include "judge/judge_series.h"
#include "judge/kinds.h"

const struct observed_crossing *judge_further_main(
	const struct observations *f, const struct observed_crossing *x)
{
	for (size_t i = 0; i < f->n_crossings; i++)
		if (!f->crossings[i].further && f->crossings[i].in == x->in &&
			f->crossings[i].out == x->out)
			return &f->crossings[i];
	return x;
}

/* The kinds of frames, or of answers, that are lost in this host, while the main host's pass. */
static unsigned lost_alone(
	const struct observed_crossing *x, const struct observed_crossing *main, bool answers)
{
	unsigned lost = 0;

	for (unsigned k = 0; k < OBSERVED_KINDS; k++) {
		const struct observed_passage *p = &x->kinds[k];

		if (main->kinds[k].delivered &&
			(answers ? p->answered && !p->delivered : p->sent && !p->crossed))
			lost |= 1U << k;
	}
	return lost;
}

static bool judge_one(const struct observations *f, const struct observed_crossing *x, bool answers,
	struct findings *ret)
{
	const struct observed_crossing *main = judge_further_main(f, x);
	size_t in = answers ? x->out : x->in;
	size_t out = answers ? x->in : x->out;
	struct cause_loss loss = { .in = &f->ports[in],
		.out = &f->ports[out],
		.kinds = lost_alone(x, main, answers),
		.passed = ~0U,
		.entry = answers && x->from_entry.kind ? &x->from_entry : NULL };
	char kinds[KINDS_LEN];
	char host[IP_ADDR_TEXT_LEN];
	char other[IP_ADDR_TEXT_LEN];

	if (!loss.kinds || (answers && x->misaddressed) || judge_series_is_lossy(f, in, out))
		return false;
	kinds_text(loss.kinds, 0, kinds);
	judge_cause(f, &loss,
		finding_add(ret, FINDING_ERROR, "host_drop", loss.in->name,
			"This host drops frames %s %s (%s) from %s to %s; those %s %s pass.",
			answers ? "for" : "of", observed_station_text(&x->from, host), kinds,
			loss.in->name, loss.out->name, answers ? "for" : "of",
			observed_station_text(&main->from, other)));
	return true;
}

bool judge_further(const struct observations *f, struct findings *ret)
{
	bool lost = false;

	for (size_t i = 0; i < f->n_crossings; i++)
		if (f->crossings[i].further) {
			lost |= judge_one(f, &f->crossings[i], false, ret);
			lost |= judge_one(f, &f->crossings[i], true, ret);
		}
	return lost;
}
