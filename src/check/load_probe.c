/* SPDX-License-Identifier: MIT */
/* Round trips to a peer beside a load that fills the path to it. */
#include "check/load_probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pkt/headers.h"

#define LOAD_MS	      1000
#define WARM_MS	      250 /* of these, until the buffers count as full */
#define INTERVAL_MS   20  /* between two echo requests to the peer */
#define IDLE_ROUNDS   10
#define ANSWER_MS     600  /* time limit of an idle reply */
#define DRAIN_MS      1500 /* time limit of a reply beside the load: buffers hold a second */
#define STALL_MS      50   /* without any reply, one more frame is sent */
#define WINDOW_MIN    64
#define WINDOW_MAX    256
#define READ_EVERY    16     /* frames sent between two reads of the replies */
#define EVERY	      8	     /* frames of our direction, one is answered */
#define GROW_US	      150000 /* the load delays itself by this much at most, if the buffer can */
#define RATE_REPLIES  8	     /* fewer give no rate */
#define HEADERS_GUESS 114    /* bytes around an IP packet of the segment, if they are not known */

/** One load. */
struct run {
	struct prober *prober;
	struct port *port;
	const struct observed_station *station;
	struct tunnel_probe *inside;
	struct observed_load *facts;
	struct load load;
	struct round_trips trips;
	struct mono next;   /* when the next echo request to the peer is due */
	struct mono moved;  /* when the last reply was seen */
	uint64_t seen;	    /* replies until then */
	struct mono warm;   /* from when on replies count for the rate */
	uint64_t warm_seen; /* replies until then */
};

static struct mono in_ms(uint64_t ms)
{
	return mono_add(clock_mono(), ms * NS_PER_MS);
}

/* ---- round trips ---- */

static bool all_answered(const void *ctx)
{
	const struct round_trips *trips = ctx;

	return trips->received >= trips->sent;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Return: the median of the replies in microseconds; 0 without any. */
static uint64_t median(struct round_trips *trips)
{
	if (!trips->received)
		return 0;
	qsort(trips->us, trips->received, sizeof(*trips->us), by_size);
	return trips->us[trips->received / 2];
}

static uint64_t measure_idle(struct prober *p, struct tunnel_probe *inside, size_t peer)
{
	struct round_trips trips = { .peer = peer };

	tunnel_probe_collect(inside, &trips);
	for (unsigned i = 0; i < IDLE_ROUNDS; i++) {
		tunnel_probe_ask_again(inside);
		prober_wait(p, INTERVAL_MS, NULL, NULL);
	}
	prober_wait(p, ANSWER_MS, all_answered, &trips);
	tunnel_probe_collect(inside, NULL);
	return median(&trips);
}

/* ---- the load ---- */

/* Note new replies. */
static void look(struct run *r)
{
	if (r->load.received == r->seen)
		return;
	r->seen = r->load.received;
	r->moved = clock_mono();
	if (!r->warm_seen && mono_reached(r->warm, r->moved)) {
		r->warm = r->moved;
		r->warm_seen = r->seen;
	}
}

static bool may_send(const struct run *r)
{
	return load_outstanding(&r->load) < r->load.window ||
	       mono_between(r->moved, clock_mono()) >= STALL_MS * NS_PER_MS;
}

/* Send a frame. A receiver ignores what follows an IP packet in its frame, so that the reply to a
 * small packet in a large frame is small. */
static void send_one(struct run *r)
{
	struct wire_ends ends = segment_ends(r->port, r->station);
	struct prober *p = r->prober;
	unsigned size = r->facts->size;
	size_t len;

	if (p->seq >= LOAD_NUMBERS)
		p->seq = 0;
	r->port->station = r->station;
	r->load.last = prober_number(p);
	len = wire_echo_frame(
		&ends, &p->mark, r->load.last, r->load.padded ? SEGMENT_SMALL : size, p->out);
	if (r->load.sent++ % r->load.every)
		wire_make_reply(ends.dst.family, p->out);
	memset(p->out + len, 0, ETH_HEADER_LEN + size - len);
	segment_send_numbered(r->port, ETH_HEADER_LEN + size);
}

/* Send one frame, or wait for replies; and ask the peer if that is due. */
static void step(struct run *r)
{
	look(r);
	if (mono_reached(r->next, clock_mono())) {
		tunnel_probe_ask_again(r->inside);
		r->next = in_ms(INTERVAL_MS);
	}
	if (!may_send(r)) {
		prober_turn(r->prober);
		return;
	}
	if (load_outstanding(&r->load) >= r->load.window)
		r->moved = clock_mono(); /* the next one after a stall as long as this */
	send_one(r);
	if (r->load.sent % READ_EVERY == 0)
		prober_poll(r->prober);
}

static void take_rate(struct run *r, unsigned bytes)
{
	uint64_t replies = r->load.received - r->warm_seen;
	uint64_t ns = mono_between(r->warm, clock_mono());

	if (r->warm_seen && replies >= RATE_REPLIES && ns)
		r->facts->rate = (uint64_t)((double)(replies * r->load.every) * bytes * 8 *
					    NS_PER_S / (double)ns);
}

/* Load the path with frames of facts->size, each of which takes `bytes` on the underlay's link. */
static void run(struct run *r, unsigned bytes)
{
	struct mono end = mono_earliest(in_ms(LOAD_MS), r->prober->end);

	r->prober->seq = 1;
	r->port->load = &r->load;
	tunnel_probe_collect(r->inside, &r->trips);
	r->moved = clock_mono();
	r->warm = r->next = in_ms(WARM_MS);
	while (!mono_reached(end, clock_mono()))
		step(r);
	look(r);
	take_rate(r, bytes);
	prober_wait(r->prober, DRAIN_MS, all_answered, &r->trips);
	tunnel_probe_collect(r->inside, NULL);
	r->port->load = NULL;
	r->facts->loaded_us = median(&r->trips);
}

/* Bytes that a packet of the session takes on the underlay's link: the largest that fits fills the
 * path MTU. */
static unsigned bytes_on_link(
	const struct observations *f, const struct observed_session *s, unsigned size)
{
	unsigned budget = f->before.sessions[s - f->sessions].budget;
	unsigned outer = f->before.peers[s->peer].path.mtu;

	if (!outer)
		outer = f->before.budget.outer_mtu;
	if (!outer || budget < size || outer < budget)
		return size + HEADERS_GUESS;
	return outer - budget + size + ETH_HEADER_LEN;
}

void load_probe_run(struct port *port, const struct observed_station *station,
	struct tunnel_probe *inside, struct observed_session *session)
{
	struct prober *p = port->segment->prober;
	const struct observations *f = p->facts;
	unsigned size = session->whole ? session->whole : SEGMENT_SMALL;
	struct observed_load *loads[] = { &session->load_out, &session->load_both };
	uint64_t idle_us;

	if (!f->peers[session->peer].echo.received)
		return;
	idle_us = measure_idle(p, inside, session->peer);
	for (unsigned i = 0; i < 2 && !prober_is_late(p); i++) {
		struct run r = { .prober = p,
			.port = port,
			.station = station,
			.inside = inside,
			.facts = loads[i],
			.load = { .every = loads[i] == &session->load_out ? EVERY : 1,
				.padded = loads[i] == &session->load_out,
				.window = WINDOW_MIN,
				.window_max = WINDOW_MAX,
				.grow_us = idle_us + GROW_US },
			.trips = { .peer = session->peer } };

		*loads[i] = (struct observed_load){ .size = size, .idle_us = idle_us };
		run(&r, bytes_on_link(f, session, size));
	}
}
