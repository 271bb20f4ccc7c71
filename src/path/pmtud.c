/* SPDX-License-Identifier: MIT */
/* The path's MTU, found and followed by probes: a state machine after RFC 8899 (DPLPMTUD). */
#include "path/pmtud.h"

#include "base/bytes.h"

static const char *const names[] = {
	[PMTUD_CONFIRM] = "confirm",
	[PMTUD_SEARCH] = "search",
	[PMTUD_COMPLETE] = "complete",
	[PMTUD_SILENT] = "silent",
};

/* MTUs that paths tend to have: Ethernet, PPPoE, tunnels over these, mobile networks, IPv6's
 * least. */
static const unsigned common[] = { 1500, 1492, 1480, 1454, 1420, 1400, 1280 };

const char *pmtud_state_name(enum pmtud_state state)
{
	return names[state];
}

/* How long after the marker's answer an earlier probe's may still come. */
static uint64_t reordering_ns(const struct pmtud *p)
{
	uint64_t quarter = p->rtt_ns / 4;

	return quarter > 10 * NS_PER_MS ? quarter : 10 * NS_PER_MS;
}

static uint64_t timer_ns(const struct pmtud *p)
{
	return 3 * p->rtt_ns > PMTUD_PROBE_TIMER_NS ? 3 * p->rtt_ns : PMTUD_PROBE_TIMER_NS;
}

static void round_add(struct pmtud *p, unsigned size)
{
	p->sent[p->count++] = (struct pmtud_sent){ .size = size, .token = p->token++ };
}

/* Close the set of sizes with the marker, and let it be sent. */
static void round_start(struct pmtud *p, struct mono now)
{
	round_add(p, PMTUD_MARKER);
	p->next = 0;
	p->round_begun = now;
	p->round_ends = mono_add(now, timer_ns(p));
}

/* The same sizes again, but for those that an answer has settled. */
static void round_repeat(struct pmtud *p, struct mono now)
{
	unsigned sizes = p->count - 1;

	p->count = 0;
	for (unsigned i = 0; i < sizes; i++)
		if (!p->sent[i].acked && p->sent[i].size > p->low)
			round_add(p, p->sent[i].size);
	round_start(p, now);
}

static void begin_confirm(struct pmtud *p, struct mono now)
{
	p->state = PMTUD_CONFIRM;
	p->traffic = false;
	p->rounds = 0;
	p->count = 0;
	p->low = 0;
	round_add(p, p->current);
	round_start(p, now);
}

static void complete(struct pmtud *p)
{
	p->state = PMTUD_COMPLETE;
	if (!p->traffic) /* else it has come after what was just confirmed */
		p->hint = 0;
	p->next_confirm = mono_add(p->round_begun, p->hint ? PMTUD_ROUND_MIN_NS : PMTUD_CONFIRM_NS);
}

static bool round_has(const struct pmtud *p, unsigned size)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->sent[i].size == size)
			return true;
	return false;
}

/* Enter a size to search at, if it lies within the interval and there is room. */
static void search_add(struct pmtud *p, unsigned size)
{
	if (p->count < PMTUD_BURST && size > p->low && size < p->high && !round_has(p, size))
		round_add(p, size);
}

/* Probe a new set of sizes within (low, high): what somebody said, the route's, common ones, and
 * for the rest of the burst an even spread. */
static void search_round(struct pmtud *p, struct mono now)
{
	unsigned span = p->high - p->low, n;

	p->rounds = 0;
	p->count = 0;
	search_add(p, p->hint);
	search_add(p, p->max);
	search_add(p, p->base);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		search_add(p, common[i]);
	n = PMTUD_BURST - p->count;
	for (unsigned k = 1; k <= n; k++)
		search_add(p, p->low + (unsigned)((uint64_t)span * k / (n + 1)));
	/* a span shorter than the burst rounds down to the same sizes: its first byte is not
	 * lost */
	search_add(p, p->low + 1);
	round_start(p, now);
}

static void begin_search(struct pmtud *p, unsigned low, struct mono now)
{
	p->state = PMTUD_SEARCH;
	p->low = low;
	p->high = p->max + 1;
	p->next_raise = mono_add(now, PMTUD_RAISE_TIMER_NS);
	search_round(p, now);
}

static void black_hole(struct pmtud *p, struct mono now)
{
	p->black_holes++;
	if (p->current > p->base)
		p->current = p->base;
	begin_search(p, p->min, now);
}

/* Every size of the set has had its chances: narrow the interval. */
static void search_narrow(struct pmtud *p, struct mono now)
{
	for (unsigned i = 0; i + 1 < p->count; i++)
		if (p->sent[i].size > p->low && p->sent[i].size < p->high)
			p->high = p->sent[i].size;
	if (p->high <= p->current) /* the base was too much */
		p->current = p->low;
	if (p->high - p->low <= 1)
		complete(p);
	else
		search_round(p, now);
}

static bool round_is_settled(const struct pmtud *p)
{
	for (unsigned i = 0; i + 1 < p->count; i++)
		if (!p->sent[i].acked && p->sent[i].size > p->low)
			return false;
	return true;
}

static bool round_was_heard(const struct pmtud *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->sent[i].acked)
			return true;
	return false;
}

/* Not even the marker was answered: that says nothing of sizes. */
static void round_unheard(struct pmtud *p, struct mono now)
{
	unsigned tries;

	p->silence++;
	if (p->silence < PMTUD_MAX_PROBES) {
		round_repeat(p, now);
		return;
	}
	if (p->state == PMTUD_SEARCH)
		p->next_raise = now; /* what it has not come to */
	tries = p->silence - PMTUD_MAX_PROBES;
	p->state = PMTUD_SILENT;
	p->traffic = false;
	p->next_confirm = mono_add(
		now, tries < PMTUD_SILENCE_SHIFT ? NS_PER_S << tries : PMTUD_SILENCE_MAX_NS);
}

/* The round is over: draw the conclusion. */
static void round_conclude(struct pmtud *p, struct mono now)
{
	if (!round_was_heard(p)) {
		round_unheard(p, now);
		return;
	}
	p->silence = 0;
	p->rounds++;
	if (!round_is_settled(p) && p->rounds < PMTUD_MAX_PROBES)
		round_repeat(p, now);
	else if (p->state == PMTUD_SEARCH)
		search_narrow(p, now);
	else if (round_is_settled(p))
		complete(p);
	else
		black_hole(p, now);
}

/* What the route's MTU leaves to try; loopback's is more than the length of any IP packet. */
static unsigned largest(const struct pmtud *p, unsigned route_mtu)
{
	if (route_mtu > PMTUD_LARGEST)
		return PMTUD_LARGEST;
	return route_mtu > p->min ? route_mtu : p->min;
}

void pmtud_init(struct pmtud *p, unsigned route_mtu, uint16_t outer_family, struct mono now)
{
	bool v6 = outer_family == AF_INET6;
	uint16_t token = p->token;

	*p = (struct pmtud){
		.min = v6 ? PMTUD_BASE_IPV6 : PMTUD_MIN_IPV4,
		.base = v6 ? PMTUD_BASE_IPV6 : PMTUD_BASE_IPV4,
		.token =
			token, /* late answers to an earlier life's probes are not taken for ours */
	};
	p->max = largest(p, route_mtu);
	p->base = p->base < p->max ? p->base : p->max;
	p->current = p->max;
	begin_confirm(p, now);
}

static bool is_probing(const struct pmtud *p)
{
	return p->state == PMTUD_CONFIRM || p->state == PMTUD_SEARCH;
}

bool pmtud_next(struct pmtud *p, struct mono now, struct pmtud_probe *ret)
{
	if (!is_probing(p) && p->traffic && mono_reached(p->next_confirm, now))
		begin_confirm(p, now);
	if (is_probing(p) && p->next == p->count && mono_reached(p->round_ends, now))
		round_conclude(p, now);
	if (!is_probing(p) || p->next == p->count)
		return false;
	if (p->next == 0) { /* it may have waited for a session */
		p->round_begun = now;
		p->round_ends = mono_add(now, timer_ns(p));
	}
	p->sent[p->next].at = now;
	ret->size = p->sent[p->next].size;
	ret->token = p->sent[p->next].token;
	p->next++;
	p->probes++;
	return true;
}

struct mono pmtud_deadline(const struct pmtud *p)
{
	if (is_probing(p))
		return p->next < p->count ? p->round_begun : p->round_ends;
	return p->traffic ? p->next_confirm : MONO_NEVER;
}

static void measure(struct pmtud *p, uint64_t ns)
{
	p->rtt_ns = p->rtt_ns ? p->rtt_ns - p->rtt_ns / 8 + ns / 8 : ns;
}

/* A size has passed. */
static void take_size(struct pmtud *p, unsigned size)
{
	if (p->state == PMTUD_CONFIRM) {
		p->low = size; /* settles the round */
		return;
	}
	if (size > p->low)
		p->low = size;
	if (size > p->current)
		p->current = size;
}

void pmtud_acked(struct pmtud *p, uint16_t token, struct mono now)
{
	struct mono last, due;

	for (unsigned i = 0; i < p->next; i++) {
		struct pmtud_sent *s = &p->sent[i];

		if (s->token != token || s->acked)
			continue;
		s->acked = true;
		p->answers++;
		measure(p, mono_between(s->at, now));
		if (!is_probing(p)) /* the marker of a round that was settled before */
			return;
		if (i + 1 < p->count)
			take_size(p, s->size);
		if (p->next == p->count && round_is_settled(p)) {
			p->round_ends = now; /* nothing is left to wait for */
		} else if (i + 1 == p->count) {
			last = mono_add(now, reordering_ns(p));
			due = mono_add(p->round_begun, PMTUD_ROUND_MIN_NS);
			p->round_ends = mono_before(last, due) ? due : last;
		}
		return;
	}
}

void pmtud_traffic(struct pmtud *p, unsigned size, struct mono now)
{
	unsigned large = p->base < p->current ? p->base : p->current;

	if (is_probing(p))
		return;
	if (p->state == PMTUD_COMPLETE && p->current < p->max && mono_reached(p->next_raise, now)) {
		begin_search(p, p->current, now);
		return;
	}
	if (size >= large)
		p->traffic = true;
}

void pmtud_hint(struct pmtud *p, unsigned mtu, struct mono now)
{
	struct mono soon;

	if (mtu < p->min || mtu >= p->current)
		return;
	p->hint = mtu;
	if (p->state == PMTUD_CONFIRM)
		p->traffic = true; /* what is under way may have passed before the path changed */
	if (p->state != PMTUD_COMPLETE)
		return;
	p->traffic = true;
	/* at once, but no sooner than a round may follow another: forged ones come in floods */
	soon = mono_add(p->round_begun, PMTUD_ROUND_MIN_NS);
	p->next_confirm = mono_before(soon, now) ? now : soon;
}

void pmtud_route(struct pmtud *p, unsigned route_mtu, struct mono now)
{
	unsigned max = largest(p, route_mtu);
	bool grown = max > p->max;

	if (max == p->max)
		return;
	p->max = max;
	if (p->current > max) {
		p->current = max;
		begin_confirm(p, now);
	} else if (grown || p->state == PMTUD_SEARCH) {
		begin_search(p, p->current, now);
	}
}
