/* SPDX-License-Identifier: MIT */
/* Findings about frames that are lost by chance, and about packets of certain sizes. */
#include "judge/judge_series.h"

#include "judge/judge_cause.h"
#include "judge/kinds.h"

#define TRIES	  4  /* frames of a size, none of which passed, that show that none passes */
#define LOST_MIN  2  /* one may be lost for any reason */
#define LOST_PART 10 /* an error above one in ten: within a host none is lost */

/** What passed between two ports in one direction. */
struct tally {
	unsigned sent;
	unsigned passed;
	uint32_t holes; /* bits: sizes of which none passed */
};

/** Sizes without those around them. */
struct range {
	unsigned from;
	unsigned to;
};

static bool is_hole(unsigned sent, unsigned passed)
{
	return sent >= TRIES && !passed;
}

/* Add the requests of a crossing, or the answers to it. */
static void add_series(const struct observed_series *s, bool requests, struct tally *t)
{
	for (unsigned k = 0; k < s->n; k++) {
		const struct observed_passage *all = &s->all[k];
		const struct observed_passage *first = &s->first[k];

		if (requests ? is_hole(all->sent, all->crossed)
			     : is_hole(all->answered, all->delivered)) {
			t->holes |= 1U << k;
			continue;
		}
		t->sent += requests ? first->sent : first->answered;
		t->passed += requests ? first->crossed : first->delivered;
	}
}

static struct tally tally_of(const struct observations *f, size_t from, size_t to)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];

		if (x->in == from && x->out == to)
			add_series(&x->series, true, &t);
		else if (x->in == to && x->out == from)
			add_series(&x->series, false, &t);
	}
	return t;
}

static bool is_lossy(const struct tally *t)
{
	return t->sent - t->passed >= LOST_MIN;
}

static bool is_error(const struct tally *t)
{
	return (t->sent - t->passed) * LOST_PART > t->sent;
}

bool judge_series_is_lossy(const struct observations *f, size_t from, size_t to)
{
	struct tally t = tally_of(f, from, to);

	return is_lossy(&t) && is_error(&t);
}

/* The sizes that are not answered, with those between them. */
static struct range range_of(const struct observed_series *s, uint32_t holes)
{
	struct range r = { 0 };

	for (unsigned k = 0; k < s->n; k++) {
		if (!(holes >> k & 1))
			continue;
		r.from = r.from ? r.from : s->size[k];
		r.to = s->size[k];
	}
	return r;
}

static void name_cause(const struct observations *f, const struct observed_crossing *x,
	bool forward, struct finding *finding)
{
	struct cause_loss loss = { .in = &f->ports[forward ? x->in : x->out],
		.out = &f->ports[forward ? x->out : x->in],
		.kinds = x->kinds[OBSERVED_IP4].delivered ? KINDS_IP4 : KINDS_IP6,
		.requests = KINDS_ARP, /* the hosts are known to the bridge */
		.passed = ~0U,
		.large = x->large };

	judge_cause(f, &loss, finding);
}

/* Frames lost by chance between two ports. Return: whether that is an error. */
static bool judge_chance(const struct observations *f, const struct observed_crossing *x,
	const struct tally *out, const struct tally *back, struct findings *ret)
{
	const char *in_name = f->ports[x->in].name;
	const char *out_name = f->ports[x->out].name;
	bool error = is_error(out) || is_error(back);
	enum finding_severity severity = error ? FINDING_ERROR : FINDING_WARNING;
	struct finding *finding;

	if (!is_lossy(out) && !is_lossy(back))
		return false;
	if (is_lossy(out) && is_lossy(back))
		finding = finding_add(ret, severity, "host_drop", in_name,
			"This host loses members' frames by chance: %u of %u from %s to %s, and %u "
			"of %u back.",
			out->sent - out->passed, out->sent, in_name, out_name,
			back->sent - back->passed, back->sent);
	else if (is_lossy(out))
		finding = finding_add(ret, severity, "host_drop", in_name,
			"This host loses members' frames by chance: %u of %u from %s to %s.",
			out->sent - out->passed, out->sent, in_name, out_name);
	else
		finding = finding_add(ret, severity, "host_drop", out_name,
			"This host loses members' frames by chance: %u of %u from %s to %s.",
			back->sent - back->passed, back->sent, out_name, in_name);
	name_cause(f, x, is_lossy(out), finding);
	return error;
}

/* Sizes lost in this host. Return: whether there are some. */
static bool judge_sizes_here(const struct observations *f, const struct observed_crossing *x,
	const struct tally *out, const struct tally *back, struct findings *ret)
{
	bool forward = out->holes != 0;
	struct range r = range_of(&x->series, forward ? out->holes : back->holes);

	if (!r.to || (x->kinds[OBSERVED_LARGE].sent && !x->kinds[OBSERVED_LARGE].delivered))
		return false; /* or all large ones are lost, which is reported */
	name_cause(f, x, forward,
		finding_add(ret, FINDING_ERROR, "host_drop",
			f->ports[forward ? x->in : x->out].name,
			"This host drops members' frames (packets of %u to %u bytes) from %s to "
			"%s%s; others pass.",
			r.from, r.to, f->ports[forward ? x->in : x->out].name,
			f->ports[forward ? x->out : x->in].name,
			out->holes == back->holes ? " and back" : ""));
	return true;
}

/* Whether the series of the opposite direction is before this one. */
static bool is_second(const struct observations *f, size_t i)
{
	const struct observed_crossing *x = f->crossings;

	for (size_t k = 0; k < i; k++)
		if (x[k].series.n && x[k].in == x[i].out && x[k].out == x[i].in)
			return true;
	return false;
}

bool judge_series_here(const struct observations *f, struct findings *ret)
{
	bool error = false;

	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];
		struct tally out = tally_of(f, x->in, x->out);
		struct tally back = tally_of(f, x->out, x->in);

		if (!x->series.n || is_second(f, i))
			continue;
		error |= judge_sizes_here(f, x, &out, &back, ret);
		error |= judge_chance(f, x, &out, &back, ret);
	}
	return error;
}

void judge_series_beyond(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];
		const struct observed_series *s = &x->series;
		char from[IP_ADDR_TEXT_LEN];
		char to[IP_ADDR_TEXT_LEN];
		struct tally t = { 0 };
		struct range r;

		for (unsigned k = 0; k < s->n; k++)
			if (is_hole(s->all[k].crossed, s->all[k].answered)) {
				t.holes |= 1U << k;
			} else {
				t.sent += s->first[k].crossed;
				t.passed += s->first[k].answered;
			}
		r = range_of(s, t.holes);
		if (!f->ports[x->out].session || !r.to || is_error(&t) ||
			observed_is_lost_beyond(&x->kinds[OBSERVED_LARGE]))
			continue;
		finding_hint(
			finding_add(ret, FINDING_ERROR, "member_size", f->ports[x->out].name,
				"Packets of %u to %u bytes from %s get no answer from %s, beyond "
				"%s; others do.",
				r.from, r.to, observed_station_text(&x->from, from),
				observed_station_text(&x->to, to), f->ports[x->out].name),
			"A filter of packet sizes drops them: `wirespan check` there names one of "
			"that gateway. If it names none, it is on the underlay, where the "
			"datagrams with them are longer by the headers (`wirespan mtu`), or at %s.",
			to);
	}
}
