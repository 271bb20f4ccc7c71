/* SPDX-License-Identifier: MIT */
/* Policy for a peer whose endpoint is a host name: which of its addresses to try next, and when to
 * resolve the name again. */
#include "underlay/dns_policy.h"

#include "base/bytes.h"

/* While a handshake is wanted, an initiation is sent every five seconds: after this long without
 * one, there is nothing to send. */
#define TRYING (15 * NS_PER_S)

static bool is_stale(const struct wg_peer *peer, struct mono now)
{
	const struct wg_keypair *kp = peer->keys.current;

	return !kp || mono_between(kp->born, now) >= DNS_POLICY_STALE;
}

static bool is_wanted(const struct dns_policy *n, const struct wg_peer *peer, struct mono now)
{
	if (!n->n || n->moves)
		return true;
	return n->unanswered && mono_between(n->sent, now) < TRYING && is_stale(peer, now);
}

static bool is_listed(const struct dns_policy *n, const struct endpoint *e)
{
	for (size_t i = 0; i < n->n; i++)
		if (endpoint_equal(&n->v[i], e))
			return true;
	return false;
}

/* Return: the address to try after `e`: the answer's addresses in turn, then the last session's. */
static const struct endpoint *next_address(const struct dns_policy *n, const struct endpoint *e)
{
	bool extra = n->worked.addr.family && !is_listed(n, &n->worked);
	size_t total = n->n + extra;

	for (size_t i = 0; i < total; i++) {
		size_t next = (i + 1) % total;

		if (endpoint_equal(i < n->n ? &n->v[i] : &n->worked, e))
			return next < n->n ? &n->v[next] : &n->worked;
	}
	return n->n ? &n->v[0] : e;
}

/* Evaluate a session that was established since the last initiations. */
static void look_back(struct dns_policy *n, const struct wg_peer *peer, struct mono now)
{
	const struct wg_keypair *kp = peer->keys.current;

	if (kp && !mono_before(kp->born, n->began)) {
		n->worked = peer->endpoint;
		n->unanswered = 0;
		n->began = now;
	}
	if (!endpoint_equal(&n->called, &peer->endpoint))
		n->unanswered = 0; /* the peer was authenticated at that address */
}

bool dns_policy_turn(
	struct dns_policy *n, const struct wg_peer *peer, struct mono now, struct endpoint *ret_to)
{
	const struct endpoint *to = &peer->endpoint;

	look_back(n, peer, now);
	if (n->unanswered && is_stale(peer, now) && !n->asking && !mono_is_set(n->due)) {
		struct mono again = mono_add(n->answered, DNS_POLICY_AGAIN);

		n->due = mono_before(again, now) ? now : again;
	}
	if (n->unanswered >= DNS_POLICY_PATIENCE)
		to = next_address(n, to);
	if (endpoint_equal(to, &peer->endpoint))
		return false;
	*ret_to = *to;
	return true;
}

void dns_policy_sent(struct dns_policy *n, const struct wg_peer *peer, struct mono now)
{
	if (!endpoint_equal(&n->called, &peer->endpoint))
		n->unanswered = 0;
	n->called = peer->endpoint;
	n->unanswered++;
	n->sent = now;
}

bool dns_policy_ask(struct dns_policy *n, const struct wg_peer *peer, struct mono now)
{
	if (n->asking || !mono_reached(n->due, now))
		return false;
	n->due = MONO_NEVER;
	if (!is_wanted(n, peer, now))
		return false;
	n->asking = true;
	dns_retry_asked(&n->retry, now);
	return true;
}

void dns_policy_put_off(struct dns_policy *n, struct mono now)
{
	n->asking = false;
	n->due = mono_add(now, DNS_RETRY_MIN);
}

bool dns_policy_answer(struct dns_policy *n, const struct endpoint *v, size_t count,
	const struct wg_peer *peer, struct mono now, struct endpoint *ret_to)
{
	bool moves = n->moves || !peer->endpoint.addr.family || is_stale(peer, now);

	n->asking = false;
	n->failed = !count;
	n->due = dns_retry_answered(&n->retry, n->failed, now);
	if (n->failed)
		return false;
	n->n = count < DNS_POLICY_MAX ? count : DNS_POLICY_MAX;
	for (size_t i = 0; i < n->n; i++)
		n->v[i] = v[i];
	n->moves = false;
	n->answered = now;
	if (!moves || is_listed(n, &peer->endpoint))
		return false;
	*ret_to = is_listed(n, &n->worked) ? n->worked : n->v[0];
	return true;
}

void dns_policy_routes_changed(struct dns_policy *n, const struct wg_peer *peer, struct mono now)
{
	if (is_wanted(n, peer, now))
		n->due = mono_earliest(n->due, dns_retry_event(&n->retry, n->asking, now));
}

static bool policy_turn(struct endpoint_policy *p, const struct wg_peer *peer, struct mono now,
	struct endpoint *ret_to)
{
	return dns_policy_turn(CONTAINER_OF(p, struct dns_policy, hooks), peer, now, ret_to);
}

static struct mono policy_sent(
	struct endpoint_policy *p, const struct wg_peer *peer, struct mono now)
{
	struct dns_policy *n = CONTAINER_OF(p, struct dns_policy, hooks);

	dns_policy_sent(n, peer, now);
	return n->due;
}

void dns_policy_init(struct dns_policy *n, bool moves, struct mono now)
{
	*n = (struct dns_policy){
		.hooks = { .turn = policy_turn, .sent = policy_sent },
		.due = now,
		.moves = moves,
	};
	dns_retry_init(&n->retry);
}
