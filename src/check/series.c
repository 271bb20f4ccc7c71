/* SPDX-License-Identifier: MIT */
/* Echo requests of many sizes between members: which are lost by chance, and which sizes always. */
#include "check/series.h"

#include <string.h>

#include "check/inject.h"

#define ROUNDS	   6 /* the first shows the loss */
#define ROUND_MS   80
#define LATE_MS	   400
#define BURST	   16
#define SLOW_SIZES 6   /* where the path is slow */
#define LARGE	   600 /* the largest, where it is not known what passes */

/* The sizes of a crossing, from the small packets to the large one. */
static void choose_sizes(const struct prober *p, struct observed_crossing *x)
{
	struct observed_series *s = &x->series;
	unsigned n = p->byte_ns ? SLOW_SIZES : OBSERVED_SIZES;
	unsigned large = x->large > SEGMENT_SMALL + n ? x->large : LARGE;

	if (x->borrowed || x->further || x->to.tcp_port ||
		(!x->kinds[OBSERVED_IP4].delivered && !x->kinds[OBSERVED_IP6].delivered))
		return;
	s->n = n;
	for (unsigned k = 0; k < n; k++)
		s->size[k] = (uint16_t)(SEGMENT_SMALL + (large - SEGMENT_SMALL) * k / (n - 1));
}

static int send_size(struct segment *segment, int program, size_t i, unsigned k)
{
	struct prober *p = segment->prober;
	struct observed_crossing *x = &p->facts->crossings[i];
	struct port *in = &segment->ports[x->in];
	struct port *out = &segment->ports[x->out];
	bool v4 = x->kinds[OBSERVED_IP4].delivered;
	struct wire_ends ends = { .src = v4 ? x->from.ip4 : x->from.ip6,
		.dst = v4 ? x->to.ip4 : x->to.ip6 };
	size_t len;

	memcpy(ends.src_mac, x->from.mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, x->to.mac, LINK_MAC_LEN);
	len = wire_echo_frame(&ends, &p->mark, (uint16_t)(SEGMENT_SERIES + i * OBSERVED_SIZES + k),
		x->series.size[k], p->out);
	x->series.all[k].sent++;
	if (in->session)
		prober_pace(p, &in->free, len, false); /* the answer goes there */
	if (out->session)
		prober_pace(p, &out->free, len, false);
	return inject_frame(program, in->link.ifindex, p->out, len);
}

static bool all_delivered(const void *ctx)
{
	const struct observations *f = ctx;

	for (size_t i = 0; i < f->n_crossings; i++)
		for (unsigned k = 0; k < f->crossings[i].series.n; k++)
			if (!f->crossings[i].series.all[k].delivered)
				return false;
	return true;
}

/* Send one packet of each size that has not been answered. */
static void send_round(struct segment *segment, int program)
{
	struct prober *p = segment->prober;
	struct observations *f = p->facts;
	unsigned sent = 0;

	for (size_t i = 0; i < f->n_crossings; i++)
		for (unsigned k = 0; k < f->crossings[i].series.n; k++) {
			if (f->crossings[i].series.all[k].delivered)
				continue;
			if (prober_is_late(p) || send_size(segment, program, i, k) < 0)
				return;
			if (++sent % BURST == 0)
				prober_wait(p, 1, NULL, NULL);
		}
}

void series_ask(struct segment *segment, int program)
{
	struct prober *p = segment->prober;
	struct observations *f = p->facts;

	for (size_t i = 0; i < f->n_crossings; i++)
		choose_sizes(p, &f->crossings[i]);
	for (unsigned round = 0; round < ROUNDS && !all_delivered(f) && !prober_is_late(p);
		round++) {
		send_round(segment, program);
		prober_wait(p, round ? ROUND_MS : LATE_MS, all_delivered, f);
		for (size_t i = 0; !round && i < f->n_crossings; i++)
			memcpy(f->crossings[i].series.first, f->crossings[i].series.all,
				sizeof(f->crossings[i].series.first));
	}
	prober_wait(p, LATE_MS, all_delivered, f);
}

void series_follow(struct observations *f, size_t port, bool outgoing, enum wire_kind kind,
	const struct wire_read *r)
{
	size_t i = (size_t)(r->seq - SEGMENT_SERIES) / OBSERVED_SIZES;
	unsigned k = (unsigned)(r->seq - SEGMENT_SERIES) % OBSERVED_SIZES;
	bool request = kind == WIRE_ECHO_REQUEST;
	struct observed_crossing *x = &f->crossings[i];

	if (i >= f->n_crossings || r->tagged || kind == WIRE_LATER_PIECE)
		return;
	if (request && outgoing && port == x->out)
		observed_passage_note(&x->series.all[k], OBSERVED_CROSSED, false);
	else if (!request && !outgoing && port == x->out)
		observed_passage_note(&x->series.all[k], OBSERVED_ANSWERED, false);
	else if (!request && outgoing && port == x->in)
		observed_passage_note(&x->series.all[k], OBSERVED_DELIVERED, false);
}
