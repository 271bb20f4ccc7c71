/* SPDX-License-Identifier: MIT */
/* Findings about TCP and UDP that far hosts do not answer. */
#include "judge/judge_transport.h"

#include "judge/kinds.h"

/* Kinds of TCP and UDP that a host does not answer, although it answers echo requests. One that is
 * asked by TCP alone has answered that. */
static unsigned unanswered(const struct observed_crossing *x)
{
	unsigned kinds = 0;

	for (unsigned k = 0; k < OBSERVED_KINDS; k++)
		if (observed_is_transport(k) && observed_is_lost_beyond(&x->kinds[k]))
			kinds |= 1U << k;
	if (!x->kinds[OBSERVED_IP4].answered)
		kinds &= ~(KINDS_TCP | KINDS_UDP);
	if (!x->kinds[OBSERVED_IP6].answered)
		kinds &= ~(KINDS_TCP6 | KINDS_UDP6);
	return x->to.tcp_port ? kinds & ~KINDS_TCP : kinds;
}

/* Whether a crossing to the same session is before this one in the list, with as much. */
static bool is_repeated(const struct observations *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->crossings[k].out == f->crossings[i].out && unanswered(&f->crossings[k]))
			return true;
	return false;
}

/* Far hosts that answer echo requests alone: a filter there, or a firewall of their own. From here
 * the two look alike. That the second drops UDP is usual. */
static void judge_unanswered(const struct observations *f, size_t i, struct findings *ret)
{
	const struct observed_crossing *x = &f->crossings[i];
	const struct observed_port *out = &f->ports[x->out];
	unsigned kinds = unanswered(x);
	char from[IP_ADDR_TEXT_LEN];
	char to[IP_ADDR_TEXT_LEN];
	char words[KINDS_LEN];

	if (!kinds || !out->session || is_repeated(f, i))
		return;
	kinds_text(kinds, x->large, words);
	finding_hint(
		finding_add(ret, kinds & (KINDS_TCP | KINDS_TCP6) ? FINDING_WARNING : FINDING_NOTE,
			"member_silent", out->name,
			"%s answers echo requests of %s, but nothing that was sent by %s: that it "
			"passes beyond %s is not proved.",
			observed_station_text(&x->to, to), observed_station_text(&x->from, from),
			words, out->name),
		"`wirespan check` there names a filter that drops it. If it finds none, it is the "
		"firewall of %s, which is no fault of the segment: name a host without one with "
		"--target.",
		to);
}

void judge_transports(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_crossings; i++)
		judge_unanswered(f, i, ret);
}
