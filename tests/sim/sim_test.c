/* SPDX-License-Identifier: MIT */
/* Hours of the WireGuard protocol in seconds: rekeys, restarts, timeouts, roaming, cookies. */
#include "sim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"

static struct sim *begin(void **state)
{
	struct sim *s = *state;

	return s;
}

static int setup(void **state)
{
	struct sim *s = malloc(sizeof(*s));

	if (!s)
		return -1;
	sim_init(s, 1);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	sim_fini(*state);
	free(*state);
	return 0;
}

static void traffic(struct sim *s, uint64_t a_ns, uint64_t b_ns)
{
	s->host[0].interval_ns = a_ns;
	s->host[0].next_packet = s->now;
	s->host[1].interval_ns = b_ns;
	s->host[1].next_packet = s->now;
}

/* Stop sending and wait until datagrams in flight have arrived. */
static void settle(struct sim *s)
{
	traffic(s, 0, 0);
	sim_run(s, 2 * SIM_S);
}

static void assert_no_drops(const struct sim_host *h)
{
	for (unsigned d = 0; d < DROP_COUNT; d++)
		if (h->drops.n[d])
			fail_msg("%s: %llu", drop_name(d), (unsigned long long)h->drops.n[d]);
}

static void assert_all_arrived(const struct sim *s)
{
	assert_int_equal(s->host[0].received, s->host[1].sent);
	assert_int_equal(s->host[1].received, s->host[0].sent);
	assert_no_drops(&s->host[0]);
	assert_no_drops(&s->host[1]);
}

/* The first packet waits for the handshake and then arrives: after one and a half round trips. */
static void test_connect(void **state)
{
	struct sim *s = begin(state);

	sim_send(s, 0);
	sim_run(s, 29 * SIM_MS);
	assert_int_equal(s->host[1].received, 0);
	sim_run(s, 1 * SIM_MS);
	assert_int_equal(s->host[1].received, 1);
	assert_true(endpoint_equal(&s->host[1].peer.endpoint, &s->host[0].at));
	assert_int_equal(s->host[0].peer.last_handshake.sec, sim_wall(s).sec);
	assert_int_equal(s->host[1].peer.last_handshake.sec, sim_wall(s).sec);
	assert_int_equal(mono_between(s->host[0].peer.handshake_at, s->now), 10 * SIM_MS);
	assert_int_equal(mono_between(s->host[1].peer.handshake_at, s->now), 20 * SIM_MS);
	assert_int_equal(s->host[0].peer.tx_bytes, 148 + 64);
	assert_int_equal(s->host[0].peer.rx_bytes, 92);
	assert_int_equal(s->host[1].peer.tx_bytes, 92);
	assert_int_equal(s->host[1].peer.rx_bytes, 148 + 64);
	assert_no_drops(&s->host[0]);
	assert_no_drops(&s->host[1]);
}

/* With nothing to send, the initiator confirms the session with a keepalive. */
static void test_confirm_by_keepalive(void **state)
{
	struct sim *s = begin(state);

	wg_peer_set_keepalive(&s->host[0].dev, &s->host[0].peer, 25);
	sim_run(s, 30 * SIM_MS);
	assert_int_equal(s->host[1].keepalives_received, 1);
	assert_non_null(wg_peer_sending_key(&s->host[1].peer, s->now));
}

/* The responder must not send before the initiator has used the session. */
static void test_responder_waits(void **state)
{
	struct sim *s = begin(state);

	sim_send(s, 0);
	sim_run(s, 10 * SIM_MS);
	assert_non_null(s->host[1].peer.keys.next);
	assert_null(wg_peer_sending_key(&s->host[1].peer, s->now));
	sim_send(s, 1);
	assert_int_equal(s->host[1].pending_count, 1);
	sim_run(s, 5 * SIM_S);
	assert_int_equal(s->host[0].received, 1);
}

/* Two hours of traffic in both directions: some 60 rekeys, and no packet is lost or late. */
static void test_rekey_loses_nothing(void **state)
{
	struct sim *s = begin(state);

	traffic(s, 20 * SIM_MS, 30 * SIM_MS);
	sim_run(s, 7200 * SIM_S);
	settle(s);
	assert_all_arrived(s);
	assert_in_range(s->host[0].initiations + s->host[1].initiations, 58, 62);
	assert_in_range(s->host[0].longest_silence_ns, 1, 60 * SIM_MS);
	assert_in_range(s->host[1].longest_silence_ns, 1, 60 * SIM_MS);
}

/* Traffic in one direction only; the receiver sends nothing but passive keepalives. */
static void test_rekey_one_way(void **state)
{
	struct sim *s = begin(state);

	for (unsigned sender = 0; sender < 2; sender++) {
		if (sender == 1)
			sim_send(s, 0); /* so that host 1 learns the endpoint */
		sim_run(s, SIM_S);
		traffic(s, sender == 0 ? 50 * SIM_MS : 0, sender == 1 ? 50 * SIM_MS : 0);
		sim_run(s, 3600 * SIM_S);
		settle(s);
	}
	assert_all_arrived(s);
	assert_true(s->host[0].keepalives_sent > 300);
	assert_true(s->host[1].keepalives_sent > 300);
}

/* Loss, duplicates and reordering for hours: no packet is received twice, and the session never
 * breaks. */
static void test_bad_link(void **state)
{
	struct sim *s = begin(state);

	s->link.loss = 100;
	s->link.duplicate = 100;
	s->link.jitter_ns = 50 * SIM_MS;
	traffic(s, 40 * SIM_MS, 40 * SIM_MS);
	sim_run(s, 7200 * SIM_S);
	settle(s);
	for (unsigned i = 0; i < 2; i++) {
		const struct sim_host *h = &s->host[i];
		uint64_t sent = s->host[1 - i].sent;

		assert_in_range(h->received, sent * 88 / 100, sent * 92 / 100);
		assert_in_range(h->drops.n[DROP_WG_REPLAY], sent * 7 / 100, sent * 11 / 100);
		assert_true(h->longest_silence_ns < 2 * SIM_S);
		assert_int_equal(h->drops.n[DROP_WG_AUTH], 0);
		assert_int_equal(h->drops.n[DROP_WG_KEY_EXPIRED], 0);
	}
}

static struct wg_arrivals arrivals(const struct sim_host *h)
{
	return wg_keypairs_arrivals(&h->peer.keys);
}

/* 0.1 percent of a million messages is lost, over some rekeys: the receiver knows it to the message
 * once the sessions have ended, and the ratio is the injected one. */
static void test_loss_is_exact(void **state)
{
	struct sim *s = begin(state);
	const struct sim_host *to = &s->host[1];
	struct wg_arrivals a;

	s->link.loss = 1;
	traffic(s, 500000, 0);
	sim_run(s, 500 * SIM_S);
	settle(s);
	a = arrivals(to);
	assert_in_range(a.lost, to->lost_data - 8, to->lost_data); /* some are open still */
	wg_peer_reset(&s->host[1].dev, &s->host[1].peer);
	a = arrivals(to);
	assert_int_equal(a.received, to->received + to->keepalives_received);
	assert_int_equal(a.lost, to->lost_data);
	assert_int_equal(a.late + a.reordered, 0);
	assert_true(s->host[0].initiations >= 4);
	assert_true(a.received > 990000);
	/* 0.10 +- 0.01 percent: lost / sent from 0.0009 to 0.0011 */
	assert_in_range(a.lost * 100000 / (a.received + a.lost), 90, 110);
}

/* On a link that reorders and duplicates but loses nothing, nothing is lost, and what overtook is
 * counted: every message but those in order. */
static void test_reordering_is_no_loss(void **state)
{
	struct sim *s = begin(state);
	const struct sim_host *to = &s->host[1];
	struct wg_arrivals a;

	s->link.duplicate = 100;
	s->link.jitter_ns = 50 * SIM_MS;
	traffic(s, 10 * SIM_MS, 0);
	sim_run(s, 600 * SIM_S);
	settle(s);
	wg_peer_reset(&s->host[1].dev, &s->host[1].peer);
	a = arrivals(to);
	assert_int_equal(a.lost, 0);
	assert_int_equal(a.late, 0);
	assert_int_equal(a.received, to->received + to->keepalives_received);
	assert_in_range(a.reordered, a.received / 4, a.received * 3 / 4);
}

/* Messages that are held for longer than a thousand others are late, and delivered. */
static void test_late(void **state)
{
	struct sim *s = begin(state);
	const struct sim_host *to = &s->host[1];
	uint64_t latency = s->link.latency_ns;

	traffic(s, SIM_MS, 0);
	sim_run(s, SIM_S);
	s->link.latency_ns = 2 * SIM_S; /* of ten messages */
	sim_run(s, 10 * SIM_MS);
	s->link.latency_ns = latency;
	sim_run(s, SIM_S);
	assert_int_equal(arrivals(to).late, 0);
	sim_run(s, 3 * SIM_S);
	settle(s);
	assert_in_range(arrivals(to).late, 9, 11);
	assert_int_equal(arrivals(to).lost, arrivals(to).late);
	assert_int_equal(to->received, s->host[0].sent);
}

/* Half of all datagrams are lost: handshakes need several tries, and still succeed. */
static void test_awful_link(void **state)
{
	struct sim *s = begin(state);

	s->link.loss = 500;
	traffic(s, 100 * SIM_MS, 100 * SIM_MS);
	sim_run(s, 3600 * SIM_S);
	settle(s);
	for (unsigned i = 0; i < 2; i++)
		assert_in_range(s->host[i].received, s->host[1 - i].sent * 40 / 100,
			s->host[1 - i].sent * 60 / 100);
}

/* Either side restarts and loses its state: the other detects it and traffic continues. */
static void test_restart(void **state)
{
	struct sim *s = begin(state);

	for (unsigned round = 0; round < 6; round++) {
		traffic(s, 100 * SIM_MS, 100 * SIM_MS);
		sim_run(s, 200 * SIM_S);
		sim_restart(s, round % 2);
		sim_run(s, 22 * SIM_S);
		for (unsigned i = 0; i < 2; i++)
			assert_true(mono_between(s->host[i].last_received, s->now) < SIM_S);
	}
	/* Host 0 has an endpoint and initiates; host 1 waits for that handshake. */
	assert_true(s->host[0].longest_silence_ns < 21 * SIM_S);
}

/* Both initiate at once: both handshakes complete, and nothing is lost, now and at each later
 * rekey. */
static void test_both_initiate(void **state)
{
	struct sim *s = begin(state);

	wg_peer_set_endpoint(&s->host[1].dev, &s->host[1].peer, &s->host[0].at);
	traffic(s, 5 * SIM_MS, 5 * SIM_MS);
	sim_run(s, 3600 * SIM_S);
	settle(s);
	assert_all_arrived(s);
	assert_true(s->host[0].initiations >= 1 && s->host[1].initiations >= 1);
	assert_true(s->host[0].longest_silence_ns < 30 * SIM_MS);
}

/* Both lose the session at once while both send: the handshakes cross. */
static void test_both_initiate_after_silence(void **state)
{
	struct sim *s = begin(state);

	traffic(s, 10 * SIM_MS, 10 * SIM_MS);
	sim_run(s, SIM_S);
	for (unsigned round = 0; round < 20; round++) {
		traffic(s, 0, 0);
		sim_run(s, 200 * SIM_S);
		traffic(s, 10 * SIM_MS, 10 * SIM_MS);
		sim_run(s, 130 * SIM_S);
	}
	settle(s);
	assert_all_arrived(s);
}

/* Both sides reject a session when it is 180 s old. */
static void test_expiry(void **state)
{
	struct sim *s = begin(state);
	struct wg_keypair *kp;
	uint8_t msg[WG_DATA_OVERHEAD];
	uint64_t counter;

	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	kp = s->host[0].peer.keys.current;
	sim_run(s, 180 * SIM_S - 30 * SIM_MS);
	assert_ptr_equal(s->host[0].peer.keys.current, kp);
	assert_non_null(wg_peer_sending_key(&s->host[0].peer, s->now));
	sim_run(s, 20 * SIM_MS);
	assert_null(wg_peer_sending_key(&s->host[0].peer, s->now));
	assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
	wg_data_seal(&s->host[0].dev.crypto.aead, kp, counter, msg, 0);
	sim_emit(s, &s->host[0].at, &s->host[1].at, msg, sizeof(msg));
	sim_run(s, 10 * SIM_MS);
	assert_int_equal(s->host[1].drops.n[DROP_WG_KEY_EXPIRED], 1);
	/* The next packet starts a new one. */
	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	assert_int_equal(s->host[1].received, 2);
	assert_int_equal(s->host[0].initiations, 2);
}

/* During successive rekeys, keys that neither side accepts any more are removed: a session is wiped
 * at the next handshake after its 180 s. */
static void test_old_sessions_go(void **state)
{
	struct sim *s = begin(state);
	uint8_t keys[8][WG_KEY_LEN];
	uint32_t last = 0;
	unsigned n = 0;

	traffic(s, 100 * SIM_MS, 100 * SIM_MS);
	for (unsigned second = 0; second < 900; second++) {
		const struct wg_keypair *kp;

		sim_run(s, SIM_S);
		kp = s->host[0].peer.keys.current;
		if (!kp || kp->local_index == last || n == ARRAY_LEN(keys))
			continue;
		last = kp->local_index;
		memcpy(keys[n++], kp->tx_key, WG_KEY_LEN);
		for (unsigned i = 0; i < 2; i++)
			for (unsigned old = 0; old + 2 < n; old++)
				assert_null(memmem(
					&s->host[i], sizeof(s->host[i]), keys[old], WG_KEY_LEN));
	}
	assert_true(n > 6);
}

/* An initiator that only receives renews the session when 15 s are left, once; a responder does
 * not. */
static void test_renewal_by_listener(void **state)
{
	struct sim *s = begin(state);
	struct mono begun;

	for (unsigned listener = 0; listener < 2; listener++) {
		struct sim_host *h = &s->host[listener];
		struct wg_keypair *kp;

		sim_send(s, 0);
		sim_run(s, 30 * SIM_MS);
		kp = h->peer.keys.current;
		begun = kp->born;
		assert_int_equal(wg_peer_received(&h->dev, kp->peer, kp, &s->host[1 - listener].at,
					 32, false, mono_add(begun, 165 * SIM_S - 1)),
			0);
		assert_int_equal(wg_peer_received(&h->dev, kp->peer, kp, &s->host[1 - listener].at,
					 32, false, mono_add(begun, 165 * SIM_S)),
			listener == 0 ? WG_SEND_INITIATION : 0);
		assert_int_equal(wg_peer_received(&h->dev, kp->peer, kp, &s->host[1 - listener].at,
					 32, false, mono_add(begun, 170 * SIM_S)),
			0);
		sim_run(s, 200 * SIM_S);
	}
}

/* Keys live for 540 s after the last handshake; then they are wiped, and no timer remains. */
static void test_wiping(void **state)
{
	struct sim *s = begin(state);
	uint8_t key[WG_KEY_LEN];

	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	memcpy(key, s->host[0].peer.keys.current->tx_key, sizeof(key));
	sim_run(s, 539 * SIM_S);
	assert_non_null(s->host[0].peer.keys.current);
	assert_non_null(s->host[1].peer.keys.current);
	sim_run(s, 1 * SIM_S);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host *h = &s->host[i];

		assert_true(h->seen & WG_KEYS_WIPED);
		assert_true(secret_is_zero(&h->peer.keys, offsetof(struct wg_keypairs, ended)));
		assert_true(secret_is_zero(&h->peer.handshake, sizeof(h->peer.handshake)));
		assert_null(memmem(h, sizeof(*h), key, sizeof(key)));
		assert_int_equal(h->dev.indices.len, 0);
		assert_int_equal(wg_device_deadline(&h->dev).ns, 0);
	}
}

/* Repeated initiations to an unreachable peer do not extend the lifetime of keys. */
static void test_wiping_while_calling(void **state)
{
	struct sim *s = begin(state);
	struct sim_host *h = &s->host[0];
	uint8_t key[WG_KEY_LEN];

	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	memcpy(key, h->peer.keys.current->tx_key, sizeof(key));
	s->link.cut = true;
	sim_run(s, 200 * SIM_S);
	sim_send(s, 0);
	sim_run(s, 339 * SIM_S);
	assert_true(h->gave_up > 0);
	assert_non_null(memmem(h, sizeof(*h), key, sizeof(key)));
	sim_run(s, 2 * SIM_S);
	assert_true(h->seen & WG_KEYS_WIPED);
	assert_null(memmem(h, sizeof(*h), key, sizeof(key)));
}

/* The state of an unanswered handshake is also wiped, 540 s after it was given up. */
static void test_wiping_unanswered(void **state)
{
	struct sim *s = begin(state);
	struct sim_host *h = &s->host[0];
	uint8_t secret[WG_KEY_LEN];

	s->link.cut = true;
	sim_send(s, 0);
	sim_run(s, 89 * SIM_S);
	memcpy(secret, h->peer.handshake.ephemeral_private, sizeof(secret));
	assert_false(secret_is_zero(secret, sizeof(secret)));
	sim_run(s, (1 + 539) * SIM_S);
	assert_int_equal(h->peer.handshake.state, WG_HANDSHAKE_INITIATION_SENT);
	assert_int_equal(h->dev.indices.len, 1);
	wg_device_tidy(&h->dev);
	sim_run(s, 2 * SIM_S);
	assert_true(h->dev.spent);
	assert_true(secret_is_zero(&h->peer.handshake, sizeof(h->peer.handshake)));
	assert_null(memmem(h, sizeof(*h), secret, sizeof(secret)));
	assert_int_equal(h->dev.indices.len, 0);
	assert_int_equal(wg_device_deadline(&h->dev).ns, 0);
}

/* No reply: an initiation about every 5 s, giving up after 90 s, and a new attempt on request. */
static void test_give_up(void **state)
{
	struct sim *s = begin(state);
	struct sim_host *h = &s->host[0];

	s->link.cut = true;
	sim_send(s, 0);
	sim_send(s, 0);
	sim_run(s, 89 * SIM_S);
	assert_in_range(h->initiations, 17, 18);
	assert_int_equal(h->gave_up, 0);
	sim_run(s, 2 * SIM_S);
	assert_int_equal(h->gave_up, 2);
	assert_in_range(h->initiations, 17, 18);
	sim_run(s, 100 * SIM_S);
	assert_in_range(h->initiations, 17, 18);
	s->link.cut = false;
	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	assert_int_equal(s->host[1].received, 1);
}

/* Data is sent and nothing is received: after about 15 s a new handshake is attempted. */
static void test_dead_peer_is_noticed(void **state)
{
	struct sim *s = begin(state);

	sim_send(s, 0);
	sim_run(s, 20 * SIM_S);
	assert_int_equal(s->host[0].initiations, 1);
	s->host[1].off = true;
	sim_send(s, 0);
	sim_run(s, 14900 * SIM_MS);
	assert_int_equal(s->host[0].initiations, 1);
	sim_run(s, 500 * SIM_MS);
	assert_int_equal(s->host[0].initiations, 2);
}

/* A host that receives data and has nothing to send sends one keepalive after 10 s, no more. */
static void test_passive_keepalive(void **state)
{
	struct sim *s = begin(state);

	sim_send(s, 0);
	sim_run(s, 30 * SIM_MS);
	sim_run(s, 9900 * SIM_MS);
	assert_int_equal(s->host[1].keepalives_sent, 0);
	sim_run(s, 200 * SIM_MS);
	assert_int_equal(s->host[1].keepalives_sent, 1);
	sim_run(s, 400 * SIM_S);
	assert_int_equal(s->host[1].keepalives_sent, 1);
	assert_int_equal(s->host[0].keepalives_sent, 0);
	assert_int_equal(s->host[0].initiations, 1);
	/* Woken only for the keepalive: an idle engine sleeps. */
	assert_int_equal(s->host[1].wakeups, 1);
	assert_int_equal(s->host[0].wakeups, 0);
}

/* PersistentKeepalive holds a NAT mapping open and the session alive. */
static void test_persistent_keepalive(void **state)
{
	struct sim *s = begin(state);

	wg_peer_set_keepalive(&s->host[0].dev, &s->host[0].peer, 25);
	sim_run(s, 3600 * SIM_S);
	assert_in_range(s->host[0].keepalives_sent, 3600 / 25 - 2, 3600 / 25 + 32);
	assert_non_null(wg_peer_sending_key(&s->host[1].peer, s->now));
	assert_int_equal(s->host[1].keepalives_sent, 0);
	wg_peer_set_keepalive(&s->host[0].dev, &s->host[0].peer, 0);
	sim_run(s, 600 * SIM_S);
	assert_int_equal(wg_device_deadline(&s->host[0].dev).ns, 0);
}

/* It keeps initiating to an unreachable peer, and connects when the peer is back. */
static void test_persistent_keepalive_initiates(void **state)
{
	struct sim *s = begin(state);

	s->host[1].off = true;
	wg_peer_set_keepalive(&s->host[0].dev, &s->host[0].peer, 25);
	sim_run(s, 1000 * SIM_S);
	assert_int_equal(s->host[0].keepalives_sent, 0);
	s->host[1].off = false;
	sim_run(s, 26 * SIM_S);
	assert_true(s->host[1].keepalives_received >= 1);
}

/* Under load an initiation gets a cookie reply; the retry carries the cookie and connects. */
static void test_cookie(void **state)
{
	struct sim *s = begin(state);

	s->host[1].under_load = true;
	sim_send(s, 0);
	sim_run(s, 4 * SIM_S);
	assert_int_equal(s->host[1].received, 0);
	assert_int_equal(s->link.carried_type[WG_MSG_COOKIE], 1);
	assert_int_equal(s->host[1].drops.n[DROP_WG_COOKIE_REQUIRED], 1);
	assert_int_equal(s->host[1].peer.rx_bytes, 0);
	sim_run(s, 2 * SIM_S);
	assert_int_equal(s->host[1].received, 1);
	assert_int_equal(s->host[1].drops.n[DROP_WG_COOKIE_REQUIRED], 1);
}

/* The initiator may be the one under load: then the response gets a cookie reply. */
static void test_cookie_for_response(void **state)
{
	struct sim *s = begin(state);

	s->host[0].under_load = true;
	sim_send(s, 0);
	sim_run(s, 4 * SIM_S);
	assert_int_equal(s->host[0].drops.n[DROP_WG_COOKIE_REQUIRED], 1);
	sim_run(s, 2 * SIM_S);
	assert_int_equal(s->host[1].received, 1);
}

/* Both under load for an hour, traffic in both directions: rekeys succeed with one more try. */
static void test_cookies_for_hours(void **state)
{
	struct sim *s = begin(state);

	s->host[0].under_load = true;
	s->host[1].under_load = true;
	traffic(s, 50 * SIM_MS, 50 * SIM_MS);
	sim_run(s, 3600 * SIM_S);
	settle(s);
	assert_int_equal(s->host[1].received + s->host[0].gave_up, s->host[0].sent);
	assert_int_equal(s->host[0].drops.n[DROP_WG_MAC1], 0);
	assert_true(s->host[1].longest_silence_ns < SIM_S);
}

/* A host changes its address: the other follows with its next packet, without a handshake. */
static void test_roaming(void **state)
{
	struct sim *s = begin(state);

	traffic(s, 10 * SIM_MS, 10 * SIM_MS);
	sim_run(s, 10 * SIM_S);
	for (unsigned round = 0; round < 10; round++) {
		struct sim_host *h = &s->host[round % 2];

		h->at.port++;
		h->at.addr.bytes[3] = (uint8_t)(100 + round);
		sim_run(s, 100 * SIM_MS);
		assert_true(endpoint_equal(&s->host[1 - round % 2].peer.endpoint, &h->at));
	}
	settle(s);
	assert_int_equal(s->host[0].initiations + s->host[1].initiations, 1);
	/* Only datagrams in flight to the old address are lost. */
	assert_true(s->host[0].received + 5 * 3 >= s->host[1].sent);
	assert_true(s->host[0].seen & s->host[1].seen & WG_ENDPOINT_MOVED);
}

/* Replays, forgeries and cookie replies from another address do not move an endpoint. */
static void test_no_roaming_without_authentication(void **state)
{
	struct sim *s = begin(state);
	struct endpoint elsewhere = s->host[0].at, before;
	struct sim_datagram d;

	elsewhere.addr.bytes[3] = 66;
	s->host[1].under_load = true;
	sim_send(s, 0);
	sim_run(s, 10 * SIM_MS);
	/* The cookie reply comes from another address. */
	before = s->host[0].peer.endpoint;
	assert_int_equal(s->in_flight, 1);
	s->flight[0].from = elsewhere;
	sim_run(s, 10 * SIM_MS);
	assert_true(mono_is_set(s->host[0].peer.cookie.cookie_born));
	assert_true(endpoint_equal(&s->host[0].peer.endpoint, &before));
	/* As do a forged and a replayed data message. */
	sim_run(s, 10 * SIM_S);
	assert_int_equal(s->host[1].received, 1);
	before = s->host[1].peer.endpoint;
	sim_send(s, 0);
	d = s->flight[0];
	d.bytes[8] += 64; /* another counter */
	sim_emit(s, &elsewhere, &d.to, d.bytes, d.len);
	d.bytes[8] -= 64;
	sim_run(s, 11 * SIM_MS);
	sim_emit(s, &elsewhere, &d.to, d.bytes, d.len);
	sim_run(s, 11 * SIM_MS);
	assert_int_equal(s->host[1].received, 2);
	assert_int_equal(s->host[1].drops.n[DROP_WG_AUTH], 1);
	assert_int_equal(s->host[1].drops.n[DROP_WG_REPLAY], 1);
	assert_true(endpoint_equal(&s->host[1].peer.endpoint, &before));
}

/* Different preshared keys never make a session; equal ones do. */
static void test_psk(void **state)
{
	struct sim *s = begin(state);

	memset(s->psk[0], 7, WG_KEY_LEN);
	wg_peer_set_psk(&s->host[0].dev, &s->host[0].peer, s->psk[0]);
	traffic(s, SIM_S, 0);
	sim_run(s, 600 * SIM_S);
	assert_int_equal(s->host[1].received, 0);
	assert_null(s->host[0].peer.keys.current);
	assert_true(s->host[0].drops.n[DROP_WG_HANDSHAKE_AUTH] > 100);
	wg_peer_set_psk(&s->host[1].dev, &s->host[1].peer, s->psk[0]);
	sim_run(s, 10 * SIM_S);
	assert_true(s->host[1].received > 5);
}

/* Preshared keys are replaced a thousand times, at the two sides at different times, so that some
 * handshakes fail. The session in use is not concerned, and a later handshake renews it in time. */
static void test_psk_rotation(void **state)
{
	struct sim *s = begin(state);
	uint64_t dropped = 0;
	uint8_t psk[WG_KEY_LEN];

	traffic(s, 200 * SIM_MS, 300 * SIM_MS);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned first = sim_random(s) % 2;
		uint64_t apart = sim_random(s) % 20 * SIM_S;

		memset(psk, 0, sizeof(psk));
		store_le32(psk, i + 1);
		wg_peer_set_psk(&s->host[first].dev, &s->host[first].peer, psk);
		sim_run(s, apart);
		wg_peer_set_psk(&s->host[!first].dev, &s->host[!first].peer, psk);
		sim_run(s, 37 * SIM_S - apart);
	}
	settle(s);
	assert_int_equal(s->host[0].received, s->host[1].sent);
	assert_int_equal(s->host[1].received, s->host[0].sent);
	for (unsigned i = 0; i < 2; i++) {
		dropped += s->host[i].drops.n[DROP_WG_HANDSHAKE_AUTH];
		s->host[i].drops.n[DROP_WG_HANDSHAKE_AUTH] = 0;
		assert_no_drops(&s->host[i]);
	}
	assert_in_range(dropped, 20, 200); /* handshakes with different keys */
	assert_in_range(s->host[0].initiations + s->host[1].initiations, 300, 600);
}

/* Messages are counted: renewal after 2^60, none sealed or accepted beyond 2^64 - 2^13 - 1. */
static void test_message_limits(void **state)
{
	struct sim *s = begin(state);
	struct wg_keypair *kp;
	uint8_t msg[WG_DATA_OVERHEAD];
	uint64_t counter;

	sim_send(s, 0);
	sim_run(s, 10 * SIM_S);
	kp = s->host[0].peer.keys.current;
	kp->tx_counter = WG_REKEY_AFTER_MESSAGES;
	sim_send(s, 0);
	assert_int_equal(s->host[0].initiations, 2);
	kp->tx_counter = WG_REJECT_AFTER_MESSAGES - 1;
	assert_non_null(wg_peer_sending_key(&s->host[0].peer, s->now));
	assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
	assert_int_equal(counter, UINT64_MAX - (1 << 13) - 1);
	assert_int_equal(wg_keypair_reserve(kp, &counter), -EKEYEXPIRED);
	assert_null(wg_peer_sending_key(&s->host[0].peer, s->now));
	wg_data_seal(&s->host[0].dev.crypto.aead, kp, WG_REJECT_AFTER_MESSAGES, msg, 0);
	sim_emit(s, &s->host[0].at, &s->host[1].at, msg, sizeof(msg));
	sim_run(s, 15 * SIM_MS);
	assert_int_equal(s->host[1].drops.n[DROP_WG_KEY_EXPIRED], 1);
}

/* A new private key ends all sessions; messages of the old one are rejected. */
static void test_new_private_key(void **state)
{
	struct sim *s = begin(state);
	uint8_t key[WG_KEY_LEN] = { 1, 2, 3 };

	traffic(s, SIM_S, SIM_S);
	sim_run(s, 10 * SIM_S);
	assert_null(wg_device_set_private_key(&s->host[1].dev, s->host[1].private_key));
	assert_non_null(s->host[1].peer.keys.current);
	wg_device_set_private_key(&s->host[1].dev, key);
	assert_null(s->host[1].peer.keys.current);
	sim_run(s, 100 * SIM_S);
	assert_true(s->host[1].drops.n[DROP_WG_MAC1] > 10);
	wg_device_set_private_key(&s->host[1].dev, s->host[1].private_key);
	sim_run(s, 20 * SIM_S);
	assert_true(mono_between(s->host[1].last_received, s->now) < 2 * SIM_S);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_connect),
		CASE(test_confirm_by_keepalive),
		CASE(test_responder_waits),
		CASE(test_rekey_loses_nothing),
		CASE(test_rekey_one_way),
		CASE(test_bad_link),
		CASE(test_loss_is_exact),
		CASE(test_reordering_is_no_loss),
		CASE(test_late),
		CASE(test_awful_link),
		CASE(test_restart),
		CASE(test_both_initiate),
		CASE(test_both_initiate_after_silence),
		CASE(test_expiry),
		CASE(test_old_sessions_go),
		CASE(test_renewal_by_listener),
		CASE(test_wiping),
		CASE(test_wiping_while_calling),
		CASE(test_wiping_unanswered),
		CASE(test_give_up),
		CASE(test_dead_peer_is_noticed),
		CASE(test_passive_keepalive),
		CASE(test_persistent_keepalive),
		CASE(test_persistent_keepalive_initiates),
		CASE(test_cookie),
		CASE(test_cookie_for_response),
		CASE(test_cookies_for_hours),
		CASE(test_roaming),
		CASE(test_no_roaming_without_authentication),
		CASE(test_psk),
		CASE(test_psk_rotation),
		CASE(test_message_limits),
		CASE(test_new_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
