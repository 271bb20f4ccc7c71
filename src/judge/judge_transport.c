/* SPDX-License-Identifier: MIT */
/* Findings about TCP, UDP and fragments that far hosts do not answer. */
#include "judge/judge_transport.h"

#include <string.h>

#include "judge/kinds.h"

/* TCP, UDP and fragments that a host does not answer, while it answers echo requests. One that is
 * asked by TCP alone has answered that. */
static unsigned unanswered(const struct observed_crossing *x)
{
	unsigned kinds = 0;

	for (unsigned k = 0; k < OBSERVED_KINDS; k++)
		if ((observed_is_transport(k) || k == OBSERVED_PIECES) &&
			observed_is_lost_beyond(&x->kinds[k]))
			kinds |= 1U << k;
	if (!x->kinds[OBSERVED_IP4].answered)
		kinds &= ~(KINDS_TCP | KINDS_UDP | KINDS_PIECES);
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

bool judge_loses_much(const struct observations *f, const struct observed_port *p)
{
	for (size_t i = 0; i < f->n_sessions; i++)
		if (!strcmp(f->before.sessions[i].name, p->name))
			return observed_echo_severity(&f->sessions[i].echo) == FINDING_ERROR;
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

	if (!kinds || !out->session || is_repeated(f, i) || judge_loses_much(f, out))
		return;
	kinds_text(kinds, x->large, words);
	finding_hint(
		finding_add(ret,
			kinds & (KINDS_TCP | KINDS_TCP6 | KINDS_PIECES) ? FINDING_WARNING
									: FINDING_NOTE,
			"member_silent", out->name,
			"%s answers echo requests of %s, but none of these: %s. That they pass "
			"beyond %s is not proved.",
			observed_station_text(&x->to, to), observed_station_text(&x->from, from),
			words, out->name),
		"`wirespan check` there names a filter that drops them. If it finds none, it is "
		"the "
		"firewall of %s, which is no fault of the segment: name a host without one with "
		"--target.",
		to);
}

void judge_transports(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_crossings; i++)
		judge_unanswered(f, i, ret);
}
