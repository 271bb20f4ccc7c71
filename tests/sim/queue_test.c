/* SPDX-License-Identifier: MIT */
/* Latency under load, on a simulated clock: bulk flows and a ping share a link of 20 Mbit/s, behind
 * the queue and the pace of the sending path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"
#include "queue/pace.h"
#include "queue/queue.h"

#define LINK_RATE  2500000 /* bytes per second: 20 Mbit/s */
#define FLOWS	   4
#define PING_FLOW  FLOWS
#define PAYLOAD	   1400
#define BASE_US	   10000 /* round trip time of the path without a queue */
#define IN_FLIGHT  4000
#define STEP_US	   100
#define WARM_UP_US 3000000
#define END_US	   13000000

/* A packet: on the link until `leaves`, acknowledged at `back`. */
struct packet {
	unsigned flow, number;
	uint64_t sent_us;
	uint32_t charge, len;
	uint64_t leaves_us, back_us;
};

/* A sender with Reno's congestion control. */
struct sender {
	double window;
	double threshold;
	unsigned next, acked; /* packet numbers */
	uint64_t cut_us;      /* when the window was halved last */
	uint64_t received_us;
	uint64_t delivered; /* bytes after the warm-up */
};

struct world {
	struct queue q;
	struct queue_peer peer;
	struct pace pace;
	struct drop_counters drops;
	void *memory;
	uint64_t seed;
	struct sender senders[FLOWS];
	struct packet packets[IN_FLIGHT]; /* in the order of leaving */
	unsigned n;
	uint64_t link_free_us;
	uint64_t link_bytes;
	uint64_t now_us;
	uint64_t due_us;     /* when the sending path is called */
	unsigned late_us;    /* by so much at most it is called late */
	bool bypass;	     /* all frames go straight to the socket, as without a queue */
	unsigned socket_max; /* bytes that the device's queue holds */
	uint64_t ping_us[2000];
	unsigned pings;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)test_random(ctx);
}

static struct mono now_of(const struct world *w)
{
	return (struct mono){ NS_PER_S + w->now_us * NS_PER_US };
}

static uint64_t unsent(const struct world *w, bool charge)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->n; i++)
		if (w->packets[i].leaves_us > w->now_us)
			sum += charge ? w->packets[i].charge : w->packets[i].len;
	return sum;
}

/* The socket: the packet leaves when those before it have left. Return: whether there was room. */
static bool link_send(struct world *w, unsigned flow, unsigned number, uint64_t sent_us, size_t len)
{
	struct packet *p = &w->packets[w->n];

	if (unsent(w, false) + len > w->socket_max)
		return false;
	if (w->link_free_us < w->now_us)
		w->link_free_us = w->now_us;
	w->link_free_us += len * 1000000 / LINK_RATE;
	*p = (struct packet){ flow, number, sent_us, (uint32_t)(len > 1000 ? 2304 : 800),
		(uint32_t)len, w->link_free_us, w->link_free_us + BASE_US };
	assert_true(++w->n < IN_FLIGHT);
	if (w->now_us > WARM_UP_US)
		w->link_bytes += len;
	return true;
}

/* Give the socket a packet, and the pace what follows. */
static void send_measured(
	struct world *w, unsigned flow, unsigned number, uint64_t sent_us, size_t len)
{
	uint64_t before = unsent(w, true);
	bool taken = link_send(w, flow, number, sent_us, len);

	pace_sent(&w->pace, len, unsent(w, true) - before, now_of(w));
	if (!taken)
		pace_refused(&w->pace, unsent(w, true), now_of(w));
}

/* Send a frame past the queue. */
static void send_now(struct world *w, unsigned flow, unsigned number, size_t len)
{
	if (w->bypass) {
		(void)link_send(w, flow, number, w->now_us, len);
		return;
	}
	if (pace_must_look(&w->pace))
		pace_look(&w->pace, unsent(w, true), now_of(w));
	send_measured(w, flow, number, w->now_us, len);
}

static void push(struct world *w, unsigned flow, unsigned number, unsigned payload)
{
	const struct testpkt t = { .ethernet = true, .hosts = flow, .payload = payload };
	uint8_t frame[1600];
	struct queue_frame f = { .bytes = frame, .ethernet = true };

	f.len = testpkt_build(&t, frame);
	f.wire = f.len + 100;
	if (w->bypass || (w->pace.state != PACE_QUEUE && !w->pace.limit.rate)) {
		send_now(w, flow, number, f.len);
		return;
	}
	store_be32(frame + f.len - 4, number);
	store_be32(frame + f.len - 8, (uint32_t)w->now_us);
	store_be16(frame + f.len - 10, (uint16_t)flow);
	queue_push(&w->q, &w->peer, &f, now_of(w));
}

/* The sending path: give the socket what it may have. */
static void release(struct world *w)
{
	struct queue_frame f;

	if (w->now_us < w->due_us || (w->pace.state != PACE_QUEUE && queue_is_empty(&w->q)))
		return;
	pace_look(&w->pace, unsent(w, true), now_of(w));
	while (pace_is_ready(&w->pace, now_of(w)) && queue_take(&w->q, now_of(w), &f)) {
		pace_take(&w->pace, f.wire, now_of(w));
		send_measured(w, load_be16(f.bytes + f.len - 10), load_be32(f.bytes + f.len - 4),
			load_be32(f.bytes + f.len - 8), f.len);
	}
	pace_end(&w->pace, !queue_is_empty(&w->q), now_of(w));
	w->due_us = (pace_due(&w->pace, now_of(w)).ns - NS_PER_S) / NS_PER_US + 999;
	w->due_us -= w->due_us % 1000; /* timers have milliseconds */
	if (w->late_us)
		w->due_us += test_random(&w->seed) % w->late_us;
}

static void halve(struct world *w, struct sender *s, uint64_t rtt_us)
{
	if (w->now_us - s->cut_us < rtt_us)
		return;
	s->window = s->window > 4 ? s->window / 2 : 2;
	s->threshold = s->window;
	s->cut_us = w->now_us;
}

/* An acknowledgement: what is missing before it was lost. */
static void take_ack(struct world *w, const struct packet *p)
{
	struct sender *s = &w->senders[p->flow];

	if (p->number < s->acked)
		return;
	if (p->number > s->acked)
		halve(w, s, w->now_us - p->sent_us);
	s->acked = p->number + 1;
	s->received_us = w->now_us;
	s->window += s->window < s->threshold ? 1 : 1 / s->window;
	if (w->now_us > WARM_UP_US)
		s->delivered += p->len;
}

static void take_acks(struct world *w)
{
	unsigned done = 0;

	while (done < w->n && w->packets[done].back_us <= w->now_us) {
		const struct packet *p = &w->packets[done++];

		if (p->flow != PING_FLOW)
			take_ack(w, p);
		else if (p->sent_us > WARM_UP_US)
			w->ping_us[w->pings++] = w->now_us - p->sent_us - BASE_US;
	}
	w->n -= done;
	memmove(w->packets, w->packets + done, w->n * sizeof(w->packets[0]));
}

static void send_bulk(struct world *w, unsigned flow)
{
	struct sender *s = &w->senders[flow];

	if (s->next > s->acked && w->now_us - s->received_us > 300000) { /* all were lost */
		s->next = s->acked;
		s->window = 2;
		s->received_us = w->now_us;
	}
	while (s->next - s->acked < (unsigned)s->window)
		push(w, flow, s->next++, PAYLOAD);
}

static void run(struct world *w)
{
	const struct rng rng = { fill, &w->seed };

	w->seed = 3;
	w->memory = calloc(1, queue_memory(65535));
	queue_init(&w->q, w->memory, 65535, &rng, &w->drops);
	queue_peer_init(&w->peer);
	for (unsigned i = 0; i < FLOWS; i++)
		w->senders[i] = (struct sender){ .window = 10, .threshold = 1e6 };
	for (w->now_us = 0; w->now_us < END_US; w->now_us += STEP_US) {
		take_acks(w);
		for (unsigned i = 0; i < FLOWS; i++)
			if (w->now_us >= i * 200000)
				send_bulk(w, i);
		if (w->now_us % 10000 == 0)
			push(w, PING_FLOW, 0, 50);
		release(w);
	}
	free(w->memory);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t ping_quantile(struct world *w, unsigned percent)
{
	qsort(w->ping_us, w->pings, sizeof(w->ping_us[0]), by_value);
	return w->ping_us[(w->pings - 1) * percent / 100];
}

/* Each upload has 25 ± 5 % of the link, and all together at least `use` percent of it. */
static void assert_shares(const struct world *w, unsigned use)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FLOWS; i++)
		sum += w->senders[i].delivered;
	for (unsigned i = 0; i < FLOWS; i++)
		assert_in_range(w->senders[i].delivered * 1000 / sum, 200, 300);
	assert_in_range(
		w->link_bytes * 100 / (END_US - WARM_UP_US) * 1000000 / LINK_RATE, use, 101);
}

/* The device has a queue of 50, 400 and 1,000 ms, and the sending path is called in time or up to
 * 2 ms late. */
static void test_own_bottleneck(void **state)
{
	static const unsigned buffer_ms[] = { 50, 400, 1000 };

	for (unsigned i = 0; i < 6; i++) {
		struct world *w = calloc(1, sizeof(*w));

		w->socket_max = LINK_RATE / 1000 * buffer_ms[i / 2];
		w->late_us = i % 2 ? 2000 : 0;
		run(w);
		assert_true(ping_quantile(w, 50) < 7000);
		assert_true(ping_quantile(w, 99) < 10000);
		assert_true(w->drops.n[DROP_TX_QUEUE] > 0);
		assert_shares(w, 95);
		free(w);
	}
}

/* The bottleneck cannot be seen: a configured rate of 95 % has the same effect. */
static void test_limit(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->socket_max = LINK_RATE;
	w->pace.limit.rate = LINK_RATE / 100 * 101; /* the wire's bytes, with 100 of each frame */
	run(w);
	assert_true(ping_quantile(w, 99) < 10000);
	assert_shares(w, 90);
	free(w);
}

/* Without the queue the same link delays the ping by its whole buffer: the simulation is able to
 * show what the queue is for. */
static void test_without(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->socket_max = LINK_RATE / 1000 * 400;
	w->bypass = true;
	run(w);
	assert_true(ping_quantile(w, 50) > 150000);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_bottleneck),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
