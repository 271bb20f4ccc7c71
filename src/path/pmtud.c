/* SPDX-License-Identifier: MIT */
/* Path MTU discovery by probes: a state machine after RFC 8899 (DPLPMTUD). */
#include "path/pmtud.h"

#include "base/bytes.h"

#define OUTCOMES 64 /* bits of pmtud.outcomes */

/* Nothing was received for so long: an outage, if probes were not answered meanwhile. */
#define GAP_NS NS_PER_S

/* Common MTUs: Ethernet, PPPoE, tunnels over these, mobile networks, the minimum of IPv6. */
static const unsigned common[] = { 1500, 1492, 1480, 1454, 1420, 1400, 1280 };

/* How long to wait, after the marker's answer, for the answers to earlier probes. */
static uint64_t reordering_ns(const struct pmtud *p)
{
	uint64_t quarter = p->rtt_ns / 4;

	return quarter > 10 * NS_PER_MS ? quarter : 10 * NS_PER_MS;
}

static uint64_t timer_ns(const struct pmtud *p)
{
	return 3 * p->rtt_ns > PMTUD_PROBE_TIMER_NS ? 3 * p->rtt_ns : PMTUD_PROBE_TIMER_NS;
}

static bool is_probing(const struct pmtud *p)
{
	return p->state == PMTUD_CONFIRM || p->state == PMTUD_SEARCH || p->state == PMTUD_TRAINS;
}

/* ---- loss ---- */

/* Record whether a probe of a size that fits was lost. */
static void note_outcome(struct pmtud *p, bool lost)
{
	p->losses -= (unsigned)(p->outcomes >> (OUTCOMES - 1));
	p->outcomes = p->outcomes << 1 | lost;
	p->losses += lost;
}

/* The number of rounds after which an unanswered size has failed: the smallest n for which
 * (losses / OUTCOMES)^n <= 1/10,000, from PMTUD_MAX_PROBES to PMTUD_LOSSY_PROBES. */
static unsigned tries_needed(const struct pmtud *p)
{
	uint64_t chance = 10000;
	unsigned n = 0;

	while (n < PMTUD_MAX_PROBES || (n < PMTUD_LOSSY_PROBES && chance > 1)) {
		chance = (chance * p->losses + OUTCOMES - 1) / OUTCOMES;
		n++;
	}
	return n;
}

/* ---- rounds ---- */

static void round_add(struct pmtud *p, unsigned size, unsigned count, unsigned tries)
{
	p->sent[p->count++] = (struct pmtud_sent){
		.size = size, .count = count, .tries = tries, .token = p->token++
	};
}

/* Add the marker and start the round. */
static void round_start(struct pmtud *p, struct mono now)
{
	round_add(p, PMTUD_MARKER, 1, 0);
	p->next = 0;
	p->round_begun = now;
	p->round_ends = mono_add(now, timer_ns(p));
}

static bool is_train(const struct pmtud_sent *s)
{
	return s->count > 1;
}

/* Whether the result for this size or length is still unknown. */
static bool is_open(const struct pmtud *p, const struct pmtud_sent *s)
{
	if (s->acked)
		return false;
	return is_train(s) ? trains_is_open(&p->trains, s->count)
			   : s->size > p->low && s->size < p->high;
}

static bool round_has(const struct pmtud *p, unsigned size)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->sent[i].size == size)
			return true;
	return false;
}

static bool round_is_settled(const struct pmtud *p)
{
	for (unsigned i = 0; i + 1 < p->count; i++)
		if (is_open(p, &p->sent[i]))
			return false;
	return true;
}

static bool round_was_answered(const struct pmtud *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->sent[i].acked)
			return true;
	return false;
}

/* Repeat the probes whose results are unknown. */
static void round_repeat(struct pmtud *p, struct mono now)
{
	unsigned n = p->count - 1;

	p->count = 0;
	for (unsigned i = 0; i < n; i++)
		if (is_open(p, &p->sent[i]))
			round_add(p, p->sent[i].size, p->sent[i].count, p->sent[i].tries);
	round_start(p, now);
}

/* Count the unanswered probes of a round that had any answer, and update the estimate of loss. */
static void round_count(struct pmtud *p)
{
	const struct pmtud_sent *marker = &p->sent[p->count - 1];
	bool early = !marker->acked && round_is_settled(p); /* answers may still be in transit */
	bool passes = p->low >= p->current;		    /* the single probe beside the trains */

	for (unsigned i = 0; i + 1 < p->count; i++) {
		struct pmtud_sent *s = &p->sent[i];

		if (!s->acked && !early && (!is_train(s) || (marker->acked && passes)))
			s->tries++;
		if (is_train(s) || s->size > p->low)
			continue;
		for (unsigned k = 0; k < s->tries; k++)
			note_outcome(p, true);
		if (s->acked)
			note_outcome(p, false);
	}
	if (!early)
		note_outcome(p, !marker->acked);
}

/* Lower `high` to the smallest size that has failed. */
static void round_judge(struct pmtud *p)
{
	unsigned needed = tries_needed(p);

	for (unsigned i = 0; i + 1 < p->count; i++) {
		const struct pmtud_sent *s = &p->sent[i];

		if (!is_train(s) && is_open(p, s) && s->tries >= needed)
			p->high = s->size;
	}
}

/* ---- states ---- */

/* Add a size to the round, if it is within the interval and there is room. */
static void search_add(struct pmtud *p, unsigned size)
{
	if (p->count < PMTUD_BURST && size >= p->min && size > p->low && size < p->high &&
		!round_has(p, size))
		round_add(p, size, 1, 0);
}

/* Keep three of the sizes whose results are unknown: the two smallest, as the MTU is most likely
 * below or between them, and the largest, whose answer would settle all. Return: the smallest, or
 * `high`. */
static unsigned search_keep(struct pmtud *p)
{
	unsigned least = p->high, second = p->high, most = 0;
	unsigned n = p->count ? p->count - 1 : 0;

	for (unsigned i = 0; i < n; i++) {
		const struct pmtud_sent *s = &p->sent[i];

		if (!is_open(p, s))
			continue;
		most = s->size > most ? s->size : most;
		if (s->size < least) {
			second = least;
			least = s->size;
		} else if (s->size < second) {
			second = s->size;
		}
	}
	p->count = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct pmtud_sent s = p->sent[i];

		if (is_open(p, &s) && (s.size == least || s.size == second || s.size == most))
			round_add(p, s.size, 1, s.tries);
	}
	return least;
}

/* Probe the sizes whose results are unknown, and new sizes below them: the hint, the base, common
 * MTUs, and sizes at equal distances for the rest of the burst. */
static void search_round(struct pmtud *p, struct mono now)
{
	unsigned bound = search_keep(p);
	unsigned span = bound > p->low ? bound - p->low : 0;
	unsigned n;

	search_add(p, p->hint);
	search_add(p, p->hint + 1); /* if the hint is right, this fails and ends the search */
	if (p->state == PMTUD_SEARCH && bound == p->high)
		search_add(p, p->max);
	if (p->base < bound)
		search_add(p, p->base);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (common[i] < bound)
			search_add(p, common[i]);
	n = PMTUD_BURST - p->count;
	for (unsigned k = 1; k <= n; k++)
		search_add(p, p->low + (unsigned)((uint64_t)span * k / (n + 1)));
	/* in a span shorter than the burst, the division can skip the first size */
	search_add(p, p->low + 1);
	round_start(p, now);
}

static void begin_confirm(struct pmtud *p, struct mono now)
{
	p->state = PMTUD_CONFIRM;
	p->traffic = false;
	p->low = 0;
	p->high = p->current + 1;
	p->count = 0;
	round_add(p, p->current, 1, 0);
	search_add(p, p->hint);
	round_start(p, now);
}

static void begin_search(struct pmtud *p, struct mono now)
{
	if (p->state != PMTUD_SEARCH)
		p->low = p->current;
	p->state = PMTUD_SEARCH;
	p->high = p->max + 1;
	p->count = 0;
	search_round(p, now);
}

/* Start a round of the TRAINS state: the single probe, and `n` trains with their earlier tries. */
static void trains_round(
	struct pmtud *p, const struct pmtud_sent *trains, size_t n, struct mono now)
{
	unsigned tries = p->state == PMTUD_TRAINS && p->low < p->current ? p->sent[0].tries : 0;

	p->state = PMTUD_TRAINS;
	p->low = 0;
	p->high = p->current + 1;
	p->count = 0;
	round_add(p, p->current, 1, tries);
	for (size_t i = 0; i < n; i++)
		round_add(p, p->current, trains[i].count, trains[i].tries);
	round_start(p, now);
}

static void begin_trains(struct pmtud *p, struct mono now)
{
	struct pmtud_sent trains[TRAINS_PROBES] = { 0 };
	unsigned lengths[TRAINS_PROBES];
	size_t n = trains_begin(&p->trains, now, lengths);

	for (size_t i = 0; i < n; i++)
		trains[i].count = lengths[i];
	p->traffic = false;
	trains_round(p, trains, n, now);
}

/* The time until larger sizes or longer trains are tried: short after loss, which may have been
 * mistaken for a limit. */
static uint64_t raise_after(const struct pmtud *p)
{
	return p->losses ? PMTUD_RAISE_SOON_NS : PMTUD_RAISE_TIMER_NS;
}

static void complete(struct pmtud *p, struct mono now)
{
	if (p->state == PMTUD_SEARCH) {
		p->next_raise = mono_add(now, p->raise_ns);
		p->raise_ns = 2 * p->raise_ns < PMTUD_RAISE_TIMER_NS ? 2 * p->raise_ns
								     : PMTUD_RAISE_TIMER_NS;
	}
	p->state = PMTUD_COMPLETE;
	p->verified = true;
	p->sure = p->current;
	if (!p->traffic) /* else the hint is newer than the round */
		p->hint = 0;
	p->next_confirm = mono_add(p->round_begun, p->hint ? PMTUD_ROUND_MIN_NS : PMTUD_CONFIRM_NS);
}

/* `current` does not pass: use the largest size that does, and search above it. */
static void narrow(struct pmtud *p)
{
	p->state = PMTUD_SEARCH;
	if (p->low)
		p->current = p->low;
	else
		p->current = p->current > p->base ? p->base : p->min;
	p->sure = p->current;
	if (p->low < p->min)
		p->low = p->min;
	if (p->high <= p->low) /* the smallest size fails, too, but none is smaller */
		p->high = p->low + 1;
	p->raise_ns = raise_after(p);
	trains_recheck(&p->trains);
}

/* A round has not confirmed `current`. Conclude nothing yet, but use only sizes that should pass
 * until the next round. */
static void lower_sure(struct pmtud *p)
{
	unsigned sure = p->low ? p->low : p->base;

	if (p->low || sure < p->sure)
		p->sure = sure;
}

static bool is_narrow_at_start(const struct pmtud *p)
{
	return p->state == PMTUD_CONFIRM && !p->verified && p->low < p->current;
}

/* The peer answers no probe: use the MTU of an authentic ICMP message, for as long as the kernel
 * caches one. */
static void use_hint(struct pmtud *p, struct mono now)
{
	if (p->hint >= p->current)
		return;
	p->current = p->sure = p->hint;
	p->from_icmp = true;
	p->next_raise = mono_add(now, PMTUD_RAISE_TIMER_NS);
}

/* ---- conclusions ---- */

/* No probe was answered, not even the marker: conclude nothing about sizes. */
static void round_unheard(struct pmtud *p, struct mono now)
{
	unsigned tries;

	p->silence++;
	if (p->silence < PMTUD_MAX_PROBES) {
		round_repeat(p, now);
		return;
	}
	if (p->state == PMTUD_SEARCH)
		p->next_raise = now; /* the search is not finished */
	tries = p->silence - PMTUD_MAX_PROBES;
	p->state = PMTUD_SILENT;
	p->traffic = false;
	p->next_confirm = mono_add(
		now, tries < PMTUD_SILENCE_SHIFT ? NS_PER_S << tries : PMTUD_SILENCE_MAX_NS);
	if (p->hint && p->authentic)
		use_hint(p, now);
	p->sure = p->current;
}

static void conclude_search(struct pmtud *p, struct mono now)
{
	if (p->high <= p->current) /* the base was too large */
		p->current = p->sure = p->low;
	if (p->high - p->low <= 1)
		complete(p, now);
	else
		search_round(p, now);
}

static void conclude_confirm(struct pmtud *p, struct mono now)
{
	if (p->low >= p->current) {
		complete(p, now);
	} else if (is_narrow_at_start(p)) {
		narrow(p);
		conclude_search(p, now);
	} else if (p->high <= p->current) {
		p->black_holes++;
		narrow(p);
		conclude_search(p, now);
	} else {
		lower_sure(p);
		search_round(p, now);
	}
}

/* Judge the trains of the round. Return: the number without a result, in `ret`. */
static size_t judge_trains(struct pmtud *p, struct pmtud_sent ret[static TRAINS_PROBES])
{
	/* a lower limit is reported to the user: be sure of it */
	unsigned needed = tries_needed(p) * (p->trains.raising ? 1 : 2);
	unsigned lengths[TRAINS_PROBES];
	size_t n = 0;
	size_t more = 0;

	for (unsigned i = 1; i + 1 < p->count; i++) {
		const struct pmtud_sent *s = &p->sent[i];

		if (!is_open(p, s))
			continue;
		if (s->tries >= needed)
			more = trains_lost(&p->trains, s->count, lengths);
		else
			ret[n++] = *s;
	}
	for (size_t k = 0; k < more; k++) /* the lost one was the only one */
		ret[n++] = (struct pmtud_sent){ .count = lengths[k] };
	return n;
}

static void conclude_trains(struct pmtud *p, struct mono now)
{
	struct pmtud_sent open[TRAINS_PROBES];
	size_t n = 0;

	if (p->low >= p->current) {
		n = judge_trains(p, open);
		if (!n) {
			trains_done(&p->trains, raise_after(p), now);
			complete(p, now);
			return;
		}
	} else if (p->high <= p->current) {
		p->black_holes++;
		narrow(p);
		p->count = 0; /* drop the trains: a search is for sizes */
		conclude_search(p, now);
		return;
	} else {
		lower_sure(p);
		for (unsigned i = 1; i + 1 < p->count; i++)
			if (is_open(p, &p->sent[i]))
				open[n++] = p->sent[i];
	}
	trains_round(p, open, n, now);
}

/* Evaluate the round that has ended. */
static void round_conclude(struct pmtud *p, struct mono now)
{
	if (!round_was_answered(p)) {
		round_unheard(p, now);
		return;
	}
	p->silence = 0;
	p->from_icmp = false;
	round_count(p);
	round_judge(p);
	if (p->state == PMTUD_TRAINS)
		conclude_trains(p, now);
	else if (p->state == PMTUD_CONFIRM)
		conclude_confirm(p, now);
	else
		conclude_search(p, now);
}

/* ---- interface ---- */

/* The largest size to try. The MTU of loopback is larger than any IP packet. */
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
		.token = token, /* so late answers to probes before a restart do not match */
		.raise_ns = PMTUD_RAISE_TIMER_NS,
	};
	p->max = largest(p, route_mtu);
	p->base = p->base < p->max ? p->base : p->max;
	p->current = p->max;
	p->sure = p->base;
	trains_init(&p->trains);
	begin_confirm(p, now);
}

/* Begin what is due while nothing is being probed. */
static void begin_due(struct pmtud *p, struct mono now)
{
	if (!p->traffic || !mono_reached(p->next_confirm, now))
		return;
	if (p->state == PMTUD_COMPLETE && !p->hint && trains_due(&p->trains, now))
		begin_trains(p, now);
	else
		begin_confirm(p, now);
}

bool pmtud_next(struct pmtud *p, struct mono now, struct pmtud_probe *ret)
{
	struct pmtud_sent *s;

	if (!is_probing(p))
		begin_due(p, now);
	if (is_probing(p) && p->next == p->count && mono_reached(p->round_ends, now))
		round_conclude(p, now);
	if (!is_probing(p) || p->next == p->count)
		return false;
	if (p->next == 0) { /* the round may have waited for a session */
		p->round_begun = now;
		p->round_ends = mono_add(now, timer_ns(p));
	}
	s = &p->sent[p->next++];
	s->at = now;
	*ret = (struct pmtud_probe){ .size = s->size, .count = s->count, .token = s->token };
	p->probes++;
	return true;
}

struct mono pmtud_deadline(const struct pmtud *p)
{
	if (is_probing(p))
		return p->next < p->count ? p->round_begun : p->round_ends;
	return p->traffic ? p->next_confirm : MONO_NEVER;
}

/* Smooth a round trip, and how far it is from the smoothed one. Source: RFC 6298 §2. */
static void measure(struct pmtud *p, uint64_t ns)
{
	uint64_t off = p->rtt_ns > ns ? p->rtt_ns - ns : ns - p->rtt_ns;

	if (!p->rtt_ns) {
		p->rtt_ns = ns;
		return;
	}
	p->jitter_ns = p->jitter_ns - p->jitter_ns / 4 + off / 4;
	p->rtt_ns = p->rtt_ns - p->rtt_ns / 8 + ns / 8;
}

/* A probe was answered: its size, or its train, passes. */
static void take_probe(struct pmtud *p, const struct pmtud_sent *s)
{
	if (is_train(s)) {
		trains_passed(&p->trains, s->count);
		return;
	}
	if (s->size > p->low)
		p->low = s->size;
	if (p->state == PMTUD_SEARCH && s->size > p->current)
		p->current = s->size;
	if (s->size >= p->current)
		p->sure = p->current;
}

/* The marker was answered: earlier probes are answered soon, or count as lost. */
static void take_marker(struct pmtud *p, struct mono now)
{
	struct mono last = mono_add(now, reordering_ns(p));
	struct mono due = mono_add(p->round_begun, PMTUD_ROUND_MIN_NS);

	if (is_narrow_at_start(p)) { /* at once, as connections are being opened */
		narrow(p);
		last = due = now;
	}
	p->round_ends = mono_before(last, due) ? due : last;
}

void pmtud_acked(struct pmtud *p, uint16_t token, struct mono now)
{
	for (unsigned i = 0; i < p->next; i++) {
		struct pmtud_sent *s = &p->sent[i];

		if (s->token != token || s->acked)
			continue;
		s->acked = true;
		p->answers++;
		measure(p, mono_between(s->at, now));
		if (!is_probing(p)) /* the marker of a round that ended before */
			return;
		if (i + 1 < p->count)
			take_probe(p, s);
		if (p->next == p->count && round_is_settled(p))
			p->round_ends = now; /* nothing is left to wait for */
		else if (i + 1 == p->count)
			take_marker(p, now);
		return;
	}
}

void pmtud_traffic(struct pmtud *p, unsigned size, unsigned datagrams, struct mono now)
{
	unsigned large = p->base < p->current ? p->base : p->current;

	/* a train of the same bytes, but in datagrams of the probes' size */
	trains_note(&p->trains, (unsigned)((uint64_t)datagrams * size / p->current));
	if (is_probing(p))
		return;
	if (p->state == PMTUD_COMPLETE && p->current < p->max && mono_reached(p->next_raise, now)) {
		begin_search(p, now);
		return;
	}
	if (p->from_icmp && mono_reached(p->next_raise, now)) {
		p->from_icmp = false;
		p->verified = false;
		p->current = p->sure = p->max;
	}
	if (size >= large)
		p->traffic = true;
}

void pmtud_received(struct pmtud *p, struct mono now)
{
	bool gap = mono_is_set(p->received) && mono_between(p->received, now) > GAP_NS;

	p->received = now;
	if (!gap || !p->answers) /* a peer that has never answered a probe will not do so now */
		return;
	p->silence = 0;
	if (p->state == PMTUD_SILENT)
		p->next_confirm = now;
}

void pmtud_hint(struct pmtud *p, unsigned mtu, bool authentic, struct mono now)
{
	bool searching = p->state == PMTUD_SEARCH;
	struct mono soon;

	if (mtu < p->min || mtu >= (searching ? p->high : p->current) ||
		(searching && mtu <= p->low))
		return;
	p->hint = mtu;
	p->authentic = authentic;
	if (authentic && mtu < p->sure)
		p->sure = mtu; /* until a probe has confirmed or refuted it */
	if (p->state == PMTUD_CONFIRM || p->state == PMTUD_TRAINS)
		p->traffic = true; /* packets in transit may have passed before the path changed */
	if (is_probing(p))
		return;
	if (p->state == PMTUD_SILENT && authentic)
		use_hint(p, now);
	p->traffic = true;
	/* at once, but PMTUD_ROUND_MIN_NS after the last round: forged hints may be many */
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
	if (p->current > max || (grown && !p->verified && p->state != PMTUD_SEARCH)) {
		p->current = max;
		p->sure = p->sure < max ? p->sure : max;
		begin_confirm(p, now);
	} else if (grown || p->state == PMTUD_SEARCH) {
		begin_search(p, now);
	}
}
