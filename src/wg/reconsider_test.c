/* SPDX-License-Identifier: MIT */
/* Tests of wg_peer_reconsider(): the prerequisites of a handshake appear, disappear and return in
 * every order; the handshake starts at once, and never sooner. */
#include "wg/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/handshake.h"

#define KEEPALIVE 25

/** The prerequisites of a handshake, each as an event. */
enum event {
	PEER,
	KEY,
	ENDPOINT,
	WANTED, /* PersistentKeepalive, or a packet that waits for a session */
	UP,
	PSK, /* optional */
	EVENTS
};

/** A device, and the simulated remote side. */
struct bench {
	struct wg_device dev;
	struct wg_device far;
	struct wg_peer peer;
	struct wg_peer far_peer;
	void *memory[2];
	uint64_t random;
	struct mono now;
	struct wall wall;
	struct mono last_initiation;
	uint8_t private_key[2][WG_KEY_LEN];
	unsigned initiations;
	unsigned keepalives; /* within a session */
	bool answers;	     /* by the remote side */
	bool pending;	     /* WANTED is a packet */
};

static const struct endpoint places[] = {
	{ .addr = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } }, .port = 1 },
	{ .addr = { .family = AF_INET, .bytes = { 192, 0, 2, 2 } }, .port = 2 },
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

static void begin(struct bench *b)
{
	static const struct wg_sizes sizes = { .peers = 1, .allowed_ips = 1, .sources = 16 };
	struct rng rng = { fill, &b->random };

	*b = (struct bench){
		.random = 5, .now = { 1000 * NS_PER_S }, .wall = { 1700000000, 0 }, .answers = true
	};
	for (unsigned i = 0; i < 2; i++) {
		b->memory[i] = malloc(wg_device_memory(&sizes));
		assert_non_null(b->memory[i]);
		fill(&b->random, b->private_key[i], WG_KEY_LEN);
		assert_int_equal(
			wg_device_init(i ? &b->far : &b->dev, &sizes, b->memory[i], rng), 0);
	}
	wg_device_set_private_key(&b->dev, b->private_key[0]);
	wg_device_set_private_key(&b->far, b->private_key[1]);
	assert_int_equal(wg_device_add_peer(&b->far, &b->far_peer, b->dev.identity.public_key), 0);
	wg_device_set_private_key(&b->dev, (uint8_t[WG_KEY_LEN]){ 0 });
	wg_device_set_up(&b->dev, false);
}

static void end(struct bench *b)
{
	wg_device_fini(&b->dev);
	wg_device_fini(&b->far);
	free(b->memory[0]);
	free(b->memory[1]);
}

static void act(struct bench *b, unsigned actions);

/* The remote side answers at once, if it answers at all. */
static void answer(struct bench *b, const uint8_t *msg)
{
	struct wg_event e;

	if (!b->answers)
		return;
	assert_int_equal(wg_device_handshake(
				 &b->far, msg, WG_INITIATION_LEN, &places[0], b->now, b->wall, &e),
		DROP_NONE);
	assert_int_equal(wg_device_handshake(&b->dev, e.reply, e.reply_len, &b->peer.endpoint,
				 b->now, b->wall, &e),
		DROP_NONE);
	act(b, e.actions);
}

static void initiate(struct bench *b)
{
	uint8_t msg[WG_INITIATION_LEN];

	if (wg_peer_make_initiation(&b->dev, &b->peer, b->now, b->wall, msg) < 0)
		return;
	if (mono_is_set(b->last_initiation))
		assert_true(mono_between(b->last_initiation, b->now) >=
			    NS_PER_S / WG_INITIATIONS_PER_S);
	b->last_initiation = b->now;
	b->initiations++;
	answer(b, msg);
}

/* Acts as a driver: see enum wg_action. */
static void act(struct bench *b, unsigned actions)
{
	struct wg_keypair *kp = wg_peer_sending_key(&b->peer, b->now);

	if (actions & WG_SEND_INITIATION)
		initiate(b);
	if (actions & WG_SEND_KEEPALIVE) {
		b->keepalives += !!kp;
		act(b, kp ? wg_peer_sent(&b->dev, kp->peer, WG_DATA_OVERHEAD, false, b->now)
			  : wg_peer_want_session(&b->dev, &b->peer, b->now));
	}
}

static void advance(struct bench *b, struct mono to)
{
	uint64_t ns = b->wall.nsec + mono_between(b->now, to);

	b->wall.sec += ns / NS_PER_S;
	b->wall.nsec = (uint32_t)(ns % NS_PER_S);
	b->now = mono_add(b->now, mono_between(b->now, to));
}

/* Advance the time, from deadline to deadline. */
static void run(struct bench *b, uint64_t ns)
{
	struct mono until = mono_add(b->now, ns);
	unsigned wakeups = 0;

	for (;;) {
		struct mono due = wg_device_deadline(&b->dev);
		struct wg_peer *peer;

		if (!mono_reached(due, until))
			break;
		advance(b, due);
		while ((peer = wg_device_due(&b->dev, b->now))) {
			assert_true(wakeups++ < 1000); /* it sleeps in between */
			act(b, wg_peer_timers(&b->dev, peer, b->now));
		}
	}
	advance(b, until);
}

static void add_peer(struct bench *b)
{
	assert_int_equal(wg_device_add_peer(&b->dev, &b->peer, b->far.identity.public_key), 0);
}

static void happen(struct bench *b, enum event event)
{
	switch (event) {
	case PEER:
		add_peer(b);
		break;
	case KEY:
		assert_null(wg_device_set_private_key(&b->dev, b->private_key[0]));
		break;
	case ENDPOINT:
		wg_peer_set_endpoint(&b->dev, &b->peer, &places[1]);
		break;
	case WANTED:
		if (b->pending)
			act(b, wg_peer_want_session(&b->dev, &b->peer, b->now));
		else
			wg_peer_set_keepalive(&b->dev, &b->peer, KEEPALIVE);
		break;
	case UP:
		wg_device_set_up(&b->dev, true);
		break;
	case PSK:
		wg_peer_set_psk(&b->dev, &b->peer, (uint8_t[WG_KEY_LEN]){ 7 });
		wg_peer_set_psk(&b->far, &b->far_peer, (uint8_t[WG_KEY_LEN]){ 7 });
		break;
	case EVENTS:
		break;
	}
}

/* The next order of the events. Return: false after the last. */
static bool permute(enum event order[static EVENTS])
{
	size_t i = EVENTS - 1, j = EVENTS - 1;

	while (i > 0 && order[i - 1] >= order[i])
		i--;
	if (i == 0)
		return false;
	while (order[j] <= order[i - 1])
		j--;
	for (size_t n = 0;; n++) { /* swap the two, then reverse the rest */
		size_t a = n ? i + n - 1 : i - 1, z = n ? EVENTS - n : j;
		enum event e = order[a];

		if (n && a >= z)
			return true;
		order[a] = order[z];
		order[z] = e;
	}
}

/* Whether the event needs a peer to exist. */
static bool is_possible(const enum event order[static EVENTS])
{
	for (size_t i = 0; order[i] != PEER; i++)
		if (order[i] != KEY && order[i] != UP)
			return false;
	return true;
}

/* One order of the events, `gap` apart. Return: nanoseconds from the last prerequisite to the
 * initiation. */
static void try_order(const enum event order[static EVENTS], uint64_t gap, bool pending)
{
	unsigned needed = EVENTS - 1;
	struct bench b;

	begin(&b);
	b.pending = pending;
	for (size_t i = 0; i < EVENTS; i++) {
		happen(&b, order[i]);
		needed -= order[i] != PSK;
		run(&b, 0);
		if (needed) {
			assert_int_equal(b.initiations, 0);
			run(&b, gap);
			assert_int_equal(b.initiations, 0);
		} else {
			assert_int_equal(b.initiations, 1); /* at once */
			assert_non_null(wg_peer_sending_key(&b.peer, b.now));
		}
	}
	run(&b, 100 * NS_PER_S);
	assert_int_equal(b.initiations, 1);
	assert_int_equal(b.keepalives > 1, !pending);
	end(&b);
}

static void test_every_order(void **state)
{
	static const uint64_t gaps[] = { 0, NS_PER_MS, 4 * NS_PER_S, 200 * NS_PER_S };
	enum event order[EVENTS];
	unsigned tried = 0;

	(void)state;
	for (unsigned i = 0; i < EVENTS; i++)
		order[i] = (enum event)i;
	do {
		if (!is_possible(order))
			continue;
		tried++;
		for (size_t g = 0; g < ARRAY_LEN(gaps); g++)
			try_order(order, gaps[g], false);
		/* a packet waits for 90 seconds at most */
		for (size_t g = 0; g < 3; g++)
			try_order(order, gaps[g], true);
	} while (permute(order));
	/* of 6! orders: four events come after their peer, in one of five; key and interface
	 * anywhere */
	assert_int_equal(tried, 720 / 4);
}

/* ---- lost and regained ---- */

static void remove_key(struct bench *b)
{
	assert_null(wg_device_set_private_key(&b->dev, (uint8_t[WG_KEY_LEN]){ 0 }));
}

static void nothing(struct bench *b)
{
	(void)b;
}

/* The remote side is informed of it, too. */
static void change_key(struct bench *b)
{
	wg_device_remove_peer(&b->far, &b->far_peer);
	fill(&b->random, b->private_key[0], WG_KEY_LEN);
	happen(b, KEY);
	assert_int_equal(wg_device_add_peer(&b->far, &b->far_peer, b->dev.identity.public_key), 0);
}

static void set_key(struct bench *b)
{
	happen(b, KEY);
}

static void set_down(struct bench *b)
{
	wg_device_set_up(&b->dev, false);
}

static void set_up(struct bench *b)
{
	happen(b, UP);
}

static void remove_peer(struct bench *b)
{
	wg_device_remove_peer(&b->dev, &b->peer);
}

static void put_peer_back(struct bench *b)
{
	happen(b, PEER);
	happen(b, WANTED);
	happen(b, ENDPOINT);
}

static void keepalive_off(struct bench *b)
{
	wg_peer_set_keepalive(&b->dev, &b->peer, 0);
}

static void keepalive_on(struct bench *b)
{
	happen(b, WANTED);
}

static void move_away(struct bench *b)
{
	wg_peer_set_endpoint(&b->dev, &b->peer, &places[0]);
}

static void move_back(struct bench *b)
{
	happen(b, ENDPOINT);
}

static void psk_wrong(struct bench *b)
{
	wg_peer_set_psk(&b->dev, &b->peer, (uint8_t[WG_KEY_LEN]){ 8 });
}

static void psk_right(struct bench *b)
{
	wg_peer_set_psk(&b->dev, &b->peer, (uint8_t[WG_KEY_LEN]){ 0 });
}

static void interval(struct bench *b)
{
	wg_peer_set_keepalive(&b->dev, &b->peer, 1000);
}

/** A loss that is reversed. */
struct loss {
	const char *name;
	void (*take)(struct bench *b);
	void (*give)(struct bench *b);
	uint64_t within; /* from `give` on there is a session, in which a message has been sent */
	bool mute;	 /* nothing is sent in between */
};

/* A new initiation has a better chance than the last, so it is sent, at the minimum distance from
 * that. */
#define SOON WG_INITIATION_SPACING

/* It has no better chance, so it is sent when its timer expires. */
#define IN_TIME (WG_REKEY_TIMEOUT + WG_REKEY_JITTER)

static const struct loss losses[] = {
	{ "key", remove_key, set_key, SOON, .mute = true },
	{ "interface", set_down, set_up, SOON, .mute = true },
	{ "peer", remove_peer, put_peer_back, SOON, .mute = true },
	{ "endpoint", move_away, move_back, SOON },
	{ "preshared key", psk_wrong, psk_right, SOON },
	{ "keepalive", keepalive_off, keepalive_on, IN_TIME },
	{ "interval", interval, keepalive_on, IN_TIME },
	{ "identity", nothing, change_key, SOON },
};

/** The moment of the loss. */
enum moment {
	SESSION,	 /* during a session */
	CALLING,	 /* an initiation was just sent */
	HANDSHAKE,	 /* an initiation was sent and is not answered */
	AFTER_GIVING_UP, /* initiations were unanswered for 90 seconds */
	MOMENTS
};

static void reach(struct bench *b, enum moment moment)
{
	static const uint64_t ages[] = { 3 * NS_PER_S, NS_PER_MS, 3 * NS_PER_S, 100 * NS_PER_S };

	begin(b);
	b->answers = moment == SESSION;
	for (unsigned i = 0; i < PSK; i++)
		happen(b, (enum event)i);
	run(b, ages[moment]);
	assert_int_equal(!!wg_peer_sending_key(&b->peer, b->now), moment == SESSION);
}

static void regain(struct bench *b, const struct loss *loss)
{
	unsigned initiations = b->initiations;
	unsigned keepalives = b->keepalives;

	b->answers = true;
	loss->give(b);
	run(b, loss->within);
	assert_non_null(wg_peer_sending_key(&b->peer, b->now));
	assert_true(b->keepalives > keepalives);
	assert_true(b->initiations <= initiations + 1);
}

static void lose_and_regain(const struct loss *loss, enum moment moment, uint64_t gap)
{
	unsigned initiations;
	struct bench b;

	print_message(
		"  %s, moment %d, gap %u ms\n", loss->name, moment, (unsigned)(gap / NS_PER_MS));
	reach(&b, moment);
	initiations = b.initiations;
	b.answers = false;
	loss->take(&b);
	run(&b, gap);
	if (loss->mute)
		assert_int_equal(b.initiations, initiations);
	for (unsigned again = 0; again < 2; again++) {
		regain(&b, loss);
		b.answers = false;
		loss->take(&b);
		run(&b, NS_PER_MS);
	}
	end(&b);
}

static void test_lost_and_regained(void **state)
{
	static const uint64_t gaps[] = { 0, NS_PER_MS, 4 * NS_PER_S, 30 * NS_PER_S };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(losses); i++)
		for (int m = 0; m < MOMENTS; m++)
			for (size_t g = 0; g < ARRAY_LEN(gaps); g++)
				/* a peer that is added again has no record of what it has sent */
				if (m != CALLING || losses[i].give != put_peer_back)
					lose_and_regain(&losses[i], (enum moment)m, gaps[g]);
}

/* A peer without an endpoint initiates, and does not confirm the session: a packet that waits for
 * a session makes us initiate. */
static void test_found_by_its_call(void **state)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	struct bench b;

	(void)state;
	begin(&b);
	b.pending = true;
	happen(&b, PEER);
	happen(&b, KEY);
	happen(&b, UP);
	happen(&b, WANTED);
	run(&b, NS_PER_S);
	assert_int_equal(b.initiations, 0);
	wg_peer_set_endpoint(&b.far, &b.far_peer, &places[0]);
	assert_int_equal(wg_peer_make_initiation(&b.far, &b.far_peer, b.now, b.wall, msg), 0);
	assert_int_equal(
		wg_device_handshake(&b.dev, msg, WG_INITIATION_LEN, &places[1], b.now, b.wall, &e),
		DROP_NONE);
	run(&b, 4 * NS_PER_S);
	assert_int_equal(b.initiations, 0); /* the confirmation may still arrive */
	run(&b, 2 * NS_PER_S);
	assert_int_equal(b.initiations, 1);
	end(&b);
}

/* A peer whose endpoint moves from one dead address to the next, as names with many addresses do,
 * gets an initiation at each; but none after REKEY_ATTEMPT_TIME without an answer, however often
 * it moves. */
static void test_moves_do_not_prolong(void **state)
{
	unsigned initiations;
	struct bench b;

	(void)state;
	begin(&b);
	b.pending = true;
	b.answers = false;
	for (unsigned i = 0; i < PSK; i++)
		happen(&b, (enum event)i);
	for (unsigned i = 0; i < 12; i++) {
		initiations = b.initiations;
		wg_peer_set_endpoint(&b.dev, &b.peer, &places[i % 2]);
		run(&b, WG_INITIATION_SPACING);
		assert_int_equal(b.initiations > initiations, i < 9);
		run(&b, 10 * NS_PER_S - WG_INITIATION_SPACING);
	}
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_order),
		cmocka_unit_test(test_lost_and_regained),
		cmocka_unit_test(test_found_by_its_call),
		cmocka_unit_test(test_moves_do_not_prolong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
