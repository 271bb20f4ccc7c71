/* SPDX-License-Identifier: MIT */
/* An engine replaces another one as planned: sessions, windows and numbers go on, and what a
 * predecessor has written is not believed. */
#include "path/handover.h"

#include "path/test_pair.h"

#include <errno.h>
#include <string.h>

#include "crypto/x25519.h"
#include "pkt/testpkt.h"
#include "wg/successor.h"

/** Two sites, the first with a store, and the engine that replaces its own. */
struct scene {
	struct pair *p;
	void *stored;
	size_t stored_len;
	uint8_t text[16384];
	size_t len;
};

static void use_store(struct scene *s, struct side *side)
{
	struct wg_store store;

	assert_int_equal(wg_store_open(&store, s->stored, s->stored_len), 0);
	wg_device_use_store(&side->e.wg, &store);
}

/* Send frames from one site to the other; every length, so that fragments are among them. */
static void send_frames(struct pair *p, struct side *from, struct side *to, unsigned n)
{
	uint64_t before = to->frames;
	uint8_t frame[1514];

	for (unsigned i = 0; i < n; i++) {
		pair_make_frame(frame, 60 + i * 97 % 1454, i);
		pair_send(p, from, to, frame, 60 + i * 97 % 1454, &pair_plain);
		pair_settle(p);
	}
	assert_int_equal(to->frames - before, n);
}

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->stored_len = wg_store_memory(4);
	s->stored = aligned_alloc(64, s->stored_len);
	assert_non_null(s->stored);
	memset(s->stored, 0, s->stored_len);
	s->p = pair_new_unmerged();
	use_store(s, &s->p->a);
	s->p->a.session.l2tp.send_sequence = true;
	s->p->b.session.l2tp.send_sequence = true;
	assert_int_equal(l2tp_session_init(&s->p->a.session.l2tp), 0);
	assert_int_equal(l2tp_session_init(&s->p->b.session.l2tp), 0);
	pair_tick(s->p);
	send_frames(s->p, &s->p->a, &s->p->b, 40);
	send_frames(s->p, &s->p->b, &s->p->a, 40);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	pair_free(s->p);
	free(s->stored);
	free(s);
	return 0;
}

static struct wg_keypair *current(struct side *side)
{
	assert_non_null(side->peer.wg.keys.current);
	return side->peer.wg.keys.current;
}

static void write_text(struct scene *s)
{
	assert_true(handover_room(&s->p->a.e) <= sizeof(s->text));
	s->len = handover_write(&s->p->a.e, s->text);
	assert_true(s->len <= handover_room(&s->p->a.e));
}

/* The first site's engine ends, as a process does, and another one has the same configuration. */
static void replace(struct scene *s)
{
	static uint64_t seed = 77;
	struct side *a = &s->p->a;
	uint8_t priv[32] = { 8, 1 };
	uint8_t priv_b[32] = { 16, 2 };
	uint8_t pub_b[32];
	void *copy = malloc(s->stored_len);
	void *memory = a->memory;

	assert_non_null(copy);
	memcpy(copy, s->stored, s->stored_len);
	engine_fini(&a->e); /* in place of the kernel, which would leave the store as it is */
	free(memory);
	memcpy(s->stored, copy, s->stored_len);
	free(copy);
	memset(a, 0, sizeof(*a));
	assert_int_equal(x25519_public(priv_b, pub_b), 0);
	side_init(a, &seed, priv, pub_b, 11, 21);
	engine_set_merge(&a->e, &(struct gso_merge_caps){ 0 });
	a->session.l2tp.send_sequence = true;
	assert_int_equal(l2tp_session_init(&a->session.l2tp), 0);
	pair_advance(s->p, 0);
	use_store(s, a);
	assert_int_equal(wg_device_restore(&a->e.wg, s->p->now, a->e.wall), 1);
}

/* All goes on: no handshake, no counter skipped or repeated, no sequence number either. */
static void test_goes_on(void **state)
{
	struct scene *s = *state;
	struct pair *p = s->p;
	uint64_t next = current(&p->a)->tx_counter;
	uint32_t ns = p->a.session.l2tp.tx.ns;
	struct wg_replay window = current(&p->a)->replay;
	struct mono handshake_at = p->b.peer.wg.handshake_at;
	uint64_t rx_bytes = p->a.peer.wg.rx_bytes;

	assert_true(engine_is_quiet(&p->a.e));
	assert_int_not_equal(ns, 0);
	write_text(s);
	replace(s);
	assert_int_equal(handover_read(&p->a.e, s->text, s->len), 0);
	assert_int_equal(current(&p->a)->tx_counter, next);
	assert_int_equal(p->a.session.l2tp.tx.ns, ns);
	assert_int_equal(p->a.peer.wg.rx_bytes, rx_bytes);
	assert_memory_equal(&current(&p->a)->replay, &window, sizeof(window));
	send_frames(p, &p->a, &p->b, 40);
	send_frames(p, &p->b, &p->a, 40);
	assert_int_equal(p->b.peer.wg.handshake_at.ns, handshake_at.ns);
	assert_int_equal(pair_drops(p), 0);
	assert_int_equal(current(&p->b)->replay.arrivals.lost, 0);
	assert_int_equal(p->b.session.l2tp.rx.lost, 0);
	assert_int_equal(p->b.session.l2tp.rx.bad_sequence, 0);
}

/* A message that later ones have overtaken is accepted by the successor, once. */
static void test_overtaken(void **state)
{
	struct scene *s = *state;
	struct wg_keypair *kp = current(&s->p->a);
	uint64_t missing = kp->replay.next;

	assert_int_equal(wg_data_commit(kp, missing + 1), DROP_NONE);
	write_text(s);
	replace(s);
	kp = current(&s->p->a);
	assert_int_equal(handover_read(&s->p->a.e, s->text, s->len), 0);
	assert_int_equal(wg_data_commit(kp, missing + 1), DROP_WG_REPLAY);
	assert_int_equal(wg_data_commit(kp, missing), DROP_NONE);
	assert_int_equal(wg_data_commit(kp, missing), DROP_WG_REPLAY);
}

/* A window that is behind what the store knows would let messages arrive twice. */
static void test_older_window(void **state)
{
	struct scene *s = *state;
	uint64_t next;

	write_text(s);
	send_frames(s->p, &s->p->b, &s->p->a, 1);
	next = current(&s->p->a)->replay.next;
	replace(s);
	assert_int_equal(handover_read(&s->p->a.e, s->text, s->len), 0);
	assert_int_equal(current(&s->p->a)->replay.next, next);
	assert_int_equal(wg_data_commit(current(&s->p->a), next - 1), DROP_WG_REPLAY);
}

/* Another version, and every damage: an error, and the sessions go on without it. */
static void test_damaged(void **state)
{
	struct scene *s = *state;
	uint8_t text[sizeof(s->text)];

	write_text(s);
	replace(s);
	memcpy(text, s->text, s->len);
	text[4]++;
	assert_int_equal(handover_read(&s->p->a.e, text, s->len), -EPROTO);
	text[4]--;
	text[0]++;
	assert_int_equal(handover_read(&s->p->a.e, text, s->len), -EBADMSG);
	for (size_t len = 0; len < s->len; len++) {
		uint64_t whole = len;
		uint8_t *cut = malloc(len + 1); /* so that a read beyond it is noticed */

		assert_non_null(cut);
		memcpy(cut, s->text, len);
		assert_int_equal(handover_read(&s->p->a.e, cut, len), -EBADMSG);
		if (len >= 16) {
			memcpy(cut + 8, &whole, sizeof(whole));
			assert_true(handover_read(&s->p->a.e, cut, len) <= 0);
		}
		free(cut);
	}
	send_frames(s->p, &s->p->a, &s->p->b, 10);
	send_frames(s->p, &s->p->b, &s->p->a, 10);
}

/* What makes an engine wait before it is replaced. */
static void test_quiet(void **state)
{
	struct scene *s = *state;
	struct pair *p = s->p;
	uint8_t frame[1514];
	struct tx_answer answer;

	assert_true(engine_is_quiet(&p->a.e));
	pair_make_frame(frame, sizeof(frame), 1);
	answer = tx_begin(
		&p->a.e.tx, &p->a.job, &p->a.session.port, frame, sizeof(frame), &pair_plain);
	assert_int_equal(answer.len, 0);
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	assert_false(engine_is_quiet(&p->a.e)); /* datagrams that were not sent */
	pair_settle(p);
	assert_true(engine_is_quiet(&p->a.e));

	p->a.peer.wg.handshake.state = WG_HANDSHAKE_INITIATION_SENT;
	assert_false(engine_is_quiet(&p->a.e));
	p->a.peer.wg.handshake.state = WG_HANDSHAKE_NONE;

	p->a.e.tx.blocked = true;
	assert_false(engine_is_quiet(&p->a.e));
	p->a.e.tx.blocked = false;

	/* the head of a packet whose tail is still in transit */
	pair_make_frame(frame, sizeof(frame), 2);
	answer = tx_begin(
		&p->b.e.tx, &p->b.job, &p->b.session.port, frame, sizeof(frame), &pair_plain);
	assert_int_equal(answer.len, 0);
	assert_true(tx_continue(&p->b.e.tx, &p->b.job));
	assert_true(pair_carry(p, &p->b, &p->b.e.tx.out.heads, &p->a));
	assert_int_not_equal(p->b.e.tx.out.tails.n, 0);
	assert_false(engine_is_quiet(&p->a.e));
	pair_settle(p);
	assert_true(engine_is_quiet(&p->a.e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overtaken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
