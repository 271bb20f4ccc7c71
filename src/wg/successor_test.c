/* SPDX-License-Identifier: MIT */
/* Tests of sessions that outlive their process: continued without a handshake, no counter twice. */
#include "wg/successor.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "wg/device.h"
#include "wg/handshake.h"

#define PEERS 4
#define MSG   (WG_DATA_OVERHEAD + 16)

static const struct wg_sizes sizes = { .peers = PEERS, .allowed_ips = 8, .sources = 16 };

/** One end: the device, its only peer, and its memory. */
struct end {
	struct wg_device dev;
	struct wg_peer peer;
	struct aead_ctx aead;
	void *memory;
	uint8_t key[WG_KEY_LEN];
	struct endpoint at;
};

/** Two ends; the first stores its sessions. */
struct pair {
	struct end end[2];
	void *stored;
	size_t stored_len;
	struct mono now;
	int64_t set; /* s, by which the wall clock was set */
	uint64_t random;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

static struct wall wall_of(const struct pair *p)
{
	return (struct wall){ 1700000000 + p->now.ns / NS_PER_S + (uint64_t)p->set, 0 };
}

static void open_end(struct pair *p, struct end *e)
{
	e->memory = malloc(wg_device_memory(&sizes));
	assert_non_null(e->memory);
	assert_int_equal(
		wg_device_init(&e->dev, &sizes, e->memory, (struct rng){ fill, &p->random }), 0);
	assert_int_equal(aead_init(&e->aead, AEAD_REFERENCE), 0);
	assert_null(wg_device_set_private_key(&e->dev, e->key));
}

static void close_end(struct end *e)
{
	wg_device_fini(&e->dev);
	aead_fini(&e->aead);
	free(e->memory);
	e->memory = NULL;
}

/* Add the other end as the only peer. */
static void join(struct end *e, const uint8_t *public_key, const struct endpoint *at)
{
	assert_int_equal(wg_device_add_peer(&e->dev, &e->peer, public_key), 0);
	if (at)
		wg_peer_set_endpoint(&e->dev, &e->peer, at);
}

static int use(struct pair *p)
{
	struct wg_store store;
	int err = wg_store_open(&store, p->stored, p->stored_len);

	wg_device_use_store(&p->end[0].dev, &store);
	return err;
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->random = 3;
	p->now.ns = 1000 * NS_PER_S;
	p->stored_len = wg_store_memory(PEERS);
	p->stored = mmap(
		NULL, p->stored_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(p->stored != MAP_FAILED);
	for (unsigned i = 0; i < 2; i++) {
		fill(&p->random, p->end[i].key, WG_KEY_LEN);
		p->end[i].at = (struct endpoint){
			.addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)(i + 1) }), .port = 8172
		};
		open_end(p, &p->end[i]);
	}
	assert_int_equal(use(p), 0);
	join(&p->end[0], p->end[1].dev.identity.public_key, &p->end[1].at);
	join(&p->end[1], p->end[0].dev.identity.public_key, &p->end[0].at);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 2; i++)
		close_end(&p->end[i]);
	munmap(p->stored, p->stored_len);
	free(p);
	return 0;
}

/* End `from` initiates and the other one answers. */
static void handshake(struct pair *p, unsigned from)
{
	struct end *a = &p->end[from], *b = &p->end[!from];
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;

	p->now = mono_add(p->now, NS_PER_S);
	a->peer.last_initiation_sent = MONO_NEVER;
	assert_int_equal(wg_peer_make_initiation(&a->dev, &a->peer, p->now, wall_of(p), msg), 0);
	assert_int_equal(
		wg_device_handshake(&b->dev, msg, sizeof(msg), &a->at, p->now, wall_of(p), &e),
		DROP_NONE);
	assert_int_equal(
		wg_device_handshake(&a->dev, e.reply, e.reply_len, &b->at, p->now, wall_of(p), &e),
		DROP_NONE);
}

/* Establish a session that both ends use. */
static void establish(struct pair *p, unsigned from)
{
	struct end *b = &p->end[!from];

	handshake(p, from);
	(void)wg_peer_received(
		&b->dev, &b->peer, b->peer.keys.next, &p->end[from].at, MSG, true, p->now);
}

/* Seal a message. Return: its counter. */
static uint64_t seal(struct pair *p, unsigned from, uint8_t msg[MSG])
{
	struct end *e = &p->end[from];
	struct wg_keypair *kp = wg_peer_sending_key(&e->peer, p->now);
	uint64_t counter;

	assert_non_null(kp);
	assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
	memset(msg, 0, MSG);
	wg_data_seal(&e->aead, kp, counter, msg, 16);
	return counter;
}

static enum drop take(struct pair *p, unsigned to, const uint8_t sealed[MSG])
{
	struct end *e = &p->end[to];
	struct wg_keypair *kp;
	uint8_t msg[MSG];
	uint64_t counter;
	enum drop drop;

	memcpy(msg, sealed, MSG);
	drop = wg_data_begin(&e->dev, msg, MSG, p->now, &kp, &counter);
	if (!drop)
		drop = wg_data_open(&e->aead, kp, counter, msg, MSG);
	return drop ? drop : wg_data_commit(kp, counter);
}

/* Replace the first end by a successor, without any of its memory but the stored one. Return: the
 * number of peers that have a session. */
static size_t succeed(struct pair *p)
{
	struct end *e = &p->end[0];
	uint8_t before[32768];

	assert_true(p->stored_len <= sizeof(before));
	memcpy(before, p->stored, p->stored_len);
	close_end(e); /* which wipes, as a process that is killed cannot */
	memcpy(p->stored, before, p->stored_len);
	open_end(p, e);
	assert_int_equal(use(p), 0);
	join(e, p->end[1].dev.identity.public_key, NULL);
	return wg_device_restore(&e->dev, p->now, wall_of(p));
}

/* Both directions go on; nothing that was received is accepted again; the endpoint is known. */
static void test_continues(void **state)
{
	struct pair *p = *state;
	uint8_t sent[MSG], got[MSG], late[MSG];
	uint64_t counter;

	establish(p, 1);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(seal(p, 0, sent), i);
	assert_int_equal(take(p, 1, sent), DROP_NONE);
	(void)seal(p, 1, late);
	(void)seal(p, 1, got);
	assert_int_equal(take(p, 0, got), DROP_NONE);

	assert_int_equal(succeed(p), 1);
	assert_true(endpoint_equal(&p->end[0].peer.endpoint, &p->end[1].at));
	counter = seal(p, 0, sent);
	assert_int_equal(counter, WG_STORE_BLOCK);
	assert_int_equal(take(p, 1, sent), DROP_NONE);
	assert_int_equal(take(p, 0, got), DROP_WG_REPLAY);
	assert_int_equal(take(p, 0, late), DROP_WG_REPLAY); /* overtaken: lost */
	(void)seal(p, 1, late);
	(void)seal(p, 1, got);
	assert_int_equal(take(p, 0, got), DROP_NONE);
	assert_int_equal(take(p, 0, late), DROP_NONE); /* in any order afterwards */
	assert_int_equal(take(p, 0, late), DROP_WG_REPLAY);
	assert_int_equal(p->end[0].peer.last_handshake.sec, wall_of(p).sec);
	assert_memory_equal(
		p->end[0].peer.newest_timestamp, p->end[1].peer.sent_timestamp, WG_TIMESTAMP_LEN);
}

/* The times of handshakes follow the wall clock, also of one that is not complete. */
static void test_clock_is_set(void **state)
{
	struct pair *p = *state;
	struct end *a = &p->end[0];
	struct end *b = &p->end[1];

	handshake(p, 0);
	p->now = mono_add(p->now, 20 * NS_PER_S);
	for (unsigned i = 0; i < 2; i++)
		wg_device_clock_set(&p->end[i].dev, p->now, (struct wall){ .sec = 1000 });
	assert_int_equal(a->peer.last_handshake.sec, 980);
	assert_int_equal(b->peer.last_handshake.sec, 0);
	(void)wg_peer_received(&b->dev, &b->peer, b->peer.keys.next, &a->at, MSG, true, p->now);
	assert_int_equal(b->peer.last_handshake.sec, 980);
	wg_device_clock_set(&b->dev, p->now, (struct wall){ .sec = 3 }); /* 0 is "never" */
	assert_int_equal(b->peer.last_handshake.sec, 1);
}

/* The wall clock was set meanwhile: the handshake has the same age by it. */
static void test_clock_set(void **state)
{
	static const int64_t steps[] = { 0, 86400, -366 * 86400 };
	struct pair *p = *state;

	establish(p, 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		p->set = steps[i];
		p->now = mono_add(p->now, 10 * NS_PER_S);
		assert_int_equal(succeed(p), 1);
		assert_int_equal(wall_of(p).sec - p->end[0].peer.last_handshake.sec, 10 * (i + 1));
	}
}

/* Also if it was used by one after the other, and never by the last one. */
static void test_again_and_again(void **state)
{
	struct pair *p = *state;
	uint8_t msg[MSG];

	establish(p, 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(succeed(p), 1);
		assert_int_equal(succeed(p), 1);
		assert_int_equal(seal(p, 0, msg), (uint64_t)i * WG_STORE_BLOCK);
		assert_int_equal(take(p, 1, msg), DROP_NONE);
	}
}

/* Blocks are reserved before their first counter is used, and not beyond the end of the key. */
static void test_blocks(void **state)
{
	struct pair *p = *state;
	struct wg_keypair *kp;
	const struct wg_store_session *s;
	uint64_t counter;

	establish(p, 0);
	kp = p->end[0].peer.keys.current;
	s = kp->stored;
	assert_non_null(s);
	for (uint64_t i = 0; i < 3 * WG_STORE_BLOCK; i++) {
		assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
		assert_int_equal(counter, i);
		assert_true(s->tx_limit > i && s->tx_limit <= i + WG_STORE_BLOCK);
	}
	kp->tx_counter = kp->tx_limit = WG_REJECT_AFTER_MESSAGES - 2;
	assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
	assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
	assert_int_equal(wg_keypair_reserve(kp, &counter), -EKEYEXPIRED);
	assert_true(s->tx_limit == WG_REJECT_AFTER_MESSAGES);
	assert_int_equal(succeed(p), 1);
	assert_null(wg_peer_sending_key(&p->end[0].peer, p->now));
}

/* A session that the peer has not used yet is not used for sending, but can be confirmed. */
static void test_unconfirmed(void **state)
{
	struct pair *p = *state;
	uint8_t msg[MSG];

	handshake(p, 1);
	assert_int_equal(succeed(p), 1);
	assert_null(p->end[0].peer.keys.current);
	assert_non_null(p->end[0].peer.keys.next);
	(void)seal(p, 1, msg);
	assert_int_equal(take(p, 0, msg), DROP_NONE);
}

/* Sessions of before a handshake still open messages. */
static void test_previous(void **state)
{
	struct pair *p = *state;
	uint8_t old[MSG], msg[MSG];

	establish(p, 0);
	(void)seal(p, 1, old);
	establish(p, 0);
	assert_int_equal(succeed(p), 1);
	assert_int_equal(take(p, 0, old), DROP_NONE);
	(void)seal(p, 0, msg);
	assert_int_equal(take(p, 1, msg), DROP_NONE);
	/* and the next handshake has room */
	for (unsigned i = 0; i < 2 * WG_SESSIONS_PER_PEER; i++)
		establish(p, i % 2);
}

/* Nothing is restored of sessions that have ended, and their keys are gone. */
static void test_ended(void **state)
{
	struct pair *p = *state;
	struct wg_store_session *s;

	establish(p, 0);
	s = p->end[0].peer.keys.current->stored;
	p->now = mono_add(p->now, WG_REJECT_AFTER_TIME);
	assert_int_equal(succeed(p), 0);
	assert_true(secret_is_zero(s->tx_key, WG_KEY_LEN));
	establish(p, 0);
	s = p->end[0].peer.keys.current->stored;
	wg_peer_reset(&p->end[0].dev, &p->end[0].peer);
	assert_true(secret_is_zero(s, sizeof(*s)));
	assert_int_equal(succeed(p), 0);
	establish(p, 0);
	wg_device_remove_peer(&p->end[0].dev, &p->end[0].peer);
	assert_true(secret_is_zero((uint8_t *)p->stored + sizeof(struct wg_store_header),
		p->stored_len - sizeof(struct wg_store_header)));
	join(&p->end[0], p->end[1].dev.identity.public_key, &p->end[1].at);
}

/* A peer that the successor does not have is wiped only by wg_device_discard_stored(). */
static void test_discarded(void **state)
{
	struct pair *p = *state;
	struct end *e = &p->end[0];
	uint8_t before[32768];

	establish(p, 0);
	memcpy(before, p->stored, p->stored_len);
	close_end(e);
	memcpy(p->stored, before, p->stored_len);
	open_end(p, e);
	assert_int_equal(use(p), 0);
	assert_int_equal(wg_device_restore(&e->dev, p->now, wall_of(p)), 0);
	join(e, p->end[1].dev.identity.public_key, NULL);
	assert_int_equal(wg_device_restore(&e->dev, p->now, wall_of(p)), 1);
	wg_device_discard_stored(&e->dev);
	assert_non_null(wg_peer_sending_key(&e->peer, p->now));
	wg_device_remove_peer(&e->dev, &e->peer);
	memcpy(p->stored, before, p->stored_len);
	assert_int_equal(use(p), 0);
	wg_device_discard_stored(&e->dev);
	assert_true(secret_is_zero((uint8_t *)p->stored + sizeof(struct wg_store_header),
		p->stored_len - sizeof(struct wg_store_header)));
	join(e, p->end[1].dev.identity.public_key, &p->end[1].at);
}

/* Another layout: the memory is wiped, and can be used. */
static void test_other_layout(void **state)
{
	struct pair *p = *state;
	struct wg_store_header *h = p->stored;
	struct wg_store store;
	uint8_t small[64];

	establish(p, 0);
	h->version++;
	assert_int_equal(wg_store_open(&store, p->stored, p->stored_len), -EPROTO);
	assert_true(secret_is_zero(h + 1, p->stored_len - sizeof(*h)));
	assert_int_equal(wg_store_open(&store, p->stored, p->stored_len), 0);
	assert_non_null(wg_store_claim(&store, p->end[1].dev.identity.public_key));
	h->record_size++;
	assert_int_equal(wg_store_open(&store, p->stored, p->stored_len), -EPROTO);
	h->used = UINT32_MAX;
	assert_int_equal(wg_store_open(&store, p->stored, p->stored_len), -EPROTO);
	assert_int_equal(wg_store_open(&store, small, sizeof(small)), -EINVAL);
	assert_null(wg_store_claim(&store, p->end[1].dev.identity.public_key));
	p->end[0].peer.keys.stored = NULL;
	for (size_t i = 0; i < WG_SESSIONS_PER_PEER; i++)
		p->end[0].peer.keys.slots[i].stored = NULL;
}

/* When all records are used, the next peer has sessions all the same, which are not stored. */
static void test_full(void **state)
{
	struct pair *p = *state;
	struct wg_store store;
	struct wg_store_record *r[PEERS];
	uint8_t key[WG_KEY_LEN] = { 1 };

	assert_int_equal(wg_store_open(&store, p->stored, p->stored_len), 0);
	for (size_t i = 0; i < PEERS; i++) {
		r[i] = wg_store_claim(&store, key);
		assert_non_null(r[i]);
	}
	assert_null(wg_store_claim(&store, key));
	wg_device_use_store(&p->end[0].dev, &store);
	establish(p, 0);
	assert_null(p->end[0].peer.keys.stored);
	wg_store_release(&store, r[1]);
	assert_ptr_equal(wg_store_claim(&store, key), r[1]);
	assert_null(wg_store_claim(&store, key));
}

/* Whatever an attacker has written: the successor stays within its memory, and works. */
static void test_forged(void **state)
{
	struct pair *p = *state;
	struct wg_store_header *h = p->stored;
	uint8_t good[32768];
	uint8_t msg[MSG];

	establish(p, 0);
	establish(p, 0);
	memcpy(good, p->stored, p->stored_len);
	for (unsigned round = 0; round < 200; round++) {
		uint32_t where[2];

		memcpy(p->stored, good, p->stored_len);
		for (unsigned i = 0; i <= round % 9; i++) {
			fill(&p->random, (uint8_t *)where, sizeof(where));
			/* the header's numbers are tested above: they empty the store */
			where[0] = sizeof(*h) + where[0] % sizeof(struct wg_store_record);
			((uint8_t *)p->stored)[where[0]] = (uint8_t)where[1];
		}
		(void)succeed(p);
		wg_peer_set_endpoint(&p->end[0].dev, &p->end[0].peer, &p->end[1].at);
		for (unsigned i = 0; i < 3; i++)
			establish(p, 0);
		(void)seal(p, 0, msg);
		assert_int_equal(take(p, 1, msg), DROP_NONE);
		if (round % 20 == 19) { /* the time of handshakes advances */
			succeed(p);
			memcpy(good, p->stored, p->stored_len);
		}
	}
}

/* A timestamp of a handshake that would refuse the peer's next ones is not used. */
static void test_future(void **state)
{
	struct pair *p = *state;
	struct wg_store_record *r;

	establish(p, 1);
	r = p->end[0].peer.keys.stored;
	for (unsigned i = 0; i < 2; i++)
		memset(r->details[i].newest_timestamp, 0xff, WG_TIMESTAMP_LEN);
	assert_int_equal(succeed(p), 1);
	establish(p, 1);
}

/* ---- killed at any instruction ---- */

/** What a process that will be killed has shown to others. */
struct wire {
	_Atomic uint64_t sent;	     /* counter of the last message sent */
	_Atomic uint64_t accepted;   /* counter of the last message accepted */
	_Atomic uint32_t sent_index; /* sessions of these */
	_Atomic uint32_t accepted_index;
};

/* Handshakes and messages until the end. Between a handshake and its first message both ends have
 * the same keys, or the last ones. */
static void use_up(struct pair *p, struct wire *wire) __attribute__((noreturn));

static void use_up(struct pair *p, struct wire *wire)
{
	uint8_t msg[MSG];

	for (unsigned round = 0;; round++) {
		establish(p, 0);
		for (unsigned i = 0; i < 40; i++) {
			uint64_t counter = seal(p, 0, msg);

			atomic_store(&wire->sent_index, 0);
			atomic_store(&wire->sent, counter);
			atomic_store(&wire->sent_index, load_le32(msg + 4));
			(void)seal(p, 1, msg);
			(void)take(p, 0, msg);
			atomic_store(&wire->accepted_index, 0);
			atomic_store(&wire->accepted, load_le64(msg + 8));
			atomic_store(&wire->accepted_index, load_le32(msg + 4));
		}
	}
}

/* Check what a successor makes of the memory of a killed process. */
static void check_stored(struct pair *p, const struct wire *wire)
{
	struct end *e = &p->end[0];

	open_end(p, e);
	assert_int_equal(use(p), 0);
	join(e, p->end[1].dev.identity.public_key, NULL);
	p->now.ns += 100 * NS_PER_S; /* the other process was ahead */
	(void)wg_device_restore(&e->dev, p->now, wall_of(p));
	for (size_t i = 0; i < WG_SESSIONS_PER_PEER; i++) {
		const struct wg_keypair *kp = &e->peer.keys.slots[i];

		if (!kp->peer)
			continue;
		assert_false(secret_is_zero(kp->tx_key, WG_KEY_LEN));
		assert_false(secret_is_zero(kp->rx_key, WG_KEY_LEN));
		if (kp->remote_index == atomic_load(&wire->sent_index))
			assert_true(kp->tx_counter > atomic_load(&wire->sent));
		if (kp->local_index == atomic_load(&wire->accepted_index))
			assert_false(wg_replay_check(&kp->replay, atomic_load(&wire->accepted)));
	}
	close_end(e);
}

static void test_killed(void **state)
{
	struct pair *p = *state;
	struct wire *wire = mmap(
		NULL, sizeof(*wire), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned with_session = 0;

	assert_true(wire != MAP_FAILED);
	for (unsigned round = 0; round < 60; round++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			use_up(p, wire);
		usleep(200 + round * 97 % 3000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		with_session += atomic_load(&wire->sent_index) != 0;
		close_end(&p->end[0]);
		check_stored(p, wire);
		/* begin again */
		memset(p->stored, 0, p->stored_len);
		memset(wire, 0, sizeof(*wire));
		p->now.ns -= 100 * NS_PER_S;
		open_end(p, &p->end[0]);
		assert_int_equal(use(p), 0);
		join(&p->end[0], p->end[1].dev.identity.public_key, &p->end[1].at);
	}
	print_message("%u of 60 processes were killed amid traffic\n", with_session);
	munmap(wire, sizeof(*wire));
}

/* Change what a successor reads all the time, as a predecessor that has not ended can. */
static void alter(struct pair *p) __attribute__((noreturn));

static void alter(struct pair *p)
{
	struct wg_store_header *h = p->stored;
	struct wg_store_record *r = (struct wg_store_record *)(void *)(h + 1);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint32_t i = 0;; i++) {
		atomic_store(&h->used, i % 2 ? 1 : 1U << 24);
		for (size_t k = 0; k < WG_STORE_SESSIONS; k++)
			*(volatile uint32_t *)&r->sessions[k].local_index = 1 + i % 2;
	}
}

/* What was checked is what is used: no access outside of the memory, and each session is found by
 * its index. */
static void test_altered(void **state)
{
	struct pair *p = *state;
	struct end *e = &p->end[0];
	uint8_t before[32768];
	unsigned restored = 0;
	pid_t pid;

	establish(p, 1);
	assert_true(p->stored_len <= sizeof(before));
	memcpy(before, p->stored, p->stored_len);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		alter(p);
	for (unsigned i = 0; i < 1000; i++) {
		close_end(e);
		memcpy(p->stored, before, p->stored_len);
		open_end(p, e);
		(void)use(p); /* it may have been discarded as invalid */
		assert_in_range(e->dev.store.used, 0, PEERS);
		join(e, p->end[1].dev.identity.public_key, NULL);
		restored += wg_device_restore(&e->dev, p->now, wall_of(p)) == 1;
		for (size_t k = 0; k < WG_SESSIONS_PER_PEER; k++) {
			const struct wg_keypair *kp = &e->peer.keys.slots[k];
			const struct wg_index_entry *entry =
				wg_indextable_find(&e->dev.indices, kp->local_index);

			if (kp->peer)
				assert_true(entry && entry->keypair == kp);
		}
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	print_message("%u of 1000 found the sessions\n", restored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_continues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_is_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unconfirmed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_previous, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discarded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_future, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_altered, setup, teardown),
	};

	return cmocka_run_group_tests_name("successor", tests, NULL, NULL);
}
