/* SPDX-License-Identifier: MIT */
/* Session keys: slots, counters, sealing and opening data messages. */
#include "wg/keypair.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"

_Static_assert(WG_STORE_SESSIONS == WG_SESSIONS_PER_PEER, "a stored session for each slot");

/* The number of a slot plus 1, or 0 for NULL. */
static uint8_t number_of(const struct wg_keypairs *keys, const struct wg_keypair *slot)
{
	return slot ? (uint8_t)(slot - keys->slots + 1) : 0;
}

/* Let a successor continue with the present sessions. */
static void publish(const struct wg_keypairs *keys)
{
	struct wg_store_roles roles = { { number_of(keys, keys->current),
		number_of(keys, keys->next) } };

	if (!keys->stored)
		return;
	for (size_t i = 0; i < WG_PREVIOUS; i++)
		roles.v[2 + i] = number_of(keys, keys->previous[i]);
	wg_store_set_roles(keys->stored, &roles);
}

static void release_slot(
	struct wg_keypairs *keys, struct wg_keypair **slot, struct wg_indextable *indices)
{
	struct wg_keypair *kp = *slot;

	if (!kp)
		return;
	wg_replay_sum(&kp->replay, true, &keys->ended);
	*slot = NULL;
	publish(keys);
	if (kp->stored)
		secret_wipe(kp->stored, sizeof(*kp->stored));
	wg_indextable_remove(indices, kp->local_index);
	list_remove(&kp->sent_link);
	secret_wipe(kp, sizeof(*kp));
}

/* Stop sending with the session; receiving stays possible. */
static void retire(
	struct wg_keypairs *keys, struct wg_keypair **slot, struct wg_indextable *indices)
{
	if (!*slot)
		return;
	release_slot(keys, &keys->previous[WG_PREVIOUS - 1], indices);
	memmove(&keys->previous[1], &keys->previous[0],
		(WG_PREVIOUS - 1) * sizeof(keys->previous[0]));
	keys->previous[0] = *slot;
	*slot = NULL;
}

static void drop_expired(struct wg_keypairs *keys, struct wg_keypair **slot,
	struct wg_indextable *indices, struct mono now)
{
	if (*slot && !wg_keypair_is_fresh(*slot, now))
		release_slot(keys, slot, indices);
}

static struct wg_keypair *free_slot(struct wg_keypairs *keys)
{
	for (size_t i = 0; i < ARRAY_LEN(keys->slots); i++)
		if (!keys->slots[i].peer)
			return &keys->slots[i];
	return NULL;
}

/* Begin to store a session, whose slot no role names yet. */
static void store_session(const struct wg_keypairs *keys, struct wg_keypair *kp)
{
	struct wg_store_session *s;

	kp->tx_limit = WG_REJECT_AFTER_MESSAGES;
	if (!keys->stored)
		return;
	s = &keys->stored->sessions[kp - keys->slots];
	atomic_store(&s->tx_limit, 0);
	atomic_store(&s->rx_next, 0);
	s->born = kp->born.ns;
	s->made_s = kp->made.sec;
	s->made_ns = kp->made.nsec;
	s->local_index = kp->local_index;
	s->remote_index = kp->remote_index;
	s->initiator = kp->initiator;
	memcpy(s->tx_key, kp->tx_key, sizeof(s->tx_key));
	memcpy(s->rx_key, kp->rx_key, sizeof(s->rx_key));
	kp->stored = s;
	kp->tx_limit = 0;
}

struct wg_keypair *wg_keypairs_add(struct wg_keypairs *keys, struct wg_indextable *indices,
	struct wg_peer *peer, const struct wg_session *s, struct mono now, struct wall wall)
{
	struct wg_keypair *kp;
	struct wg_index_entry *entry;

	for (size_t i = 0; i < WG_PREVIOUS; i++)
		drop_expired(keys, &keys->previous[i], indices, now);
	drop_expired(keys, &keys->current, indices, now);
	if (s->initiator) {
		/* Keep both receivable: the peer may be using either. */
		retire(keys, &keys->current, indices);
		retire(keys, &keys->next, indices);
	} else {
		release_slot(keys, &keys->next, indices);
	}
	kp = free_slot(keys);
	entry = wg_indextable_find(indices, s->local_index);
	ASSERT(kp && entry && !entry->keypair);
	list_init(&kp->sent_link);
	kp->peer = peer;
	kp->initiator = s->initiator;
	kp->local_index = s->local_index;
	kp->remote_index = s->remote_index;
	kp->born = now;
	kp->rx_born = now;
	kp->made = wall;
	memcpy(kp->tx_key, s->keys.tx, sizeof(kp->tx_key));
	memcpy(kp->rx_key, s->keys.rx, sizeof(kp->rx_key));
	store_session(keys, kp);
	entry->keypair = kp;
	*(s->initiator ? &keys->current : &keys->next) = kp;
	publish(keys);
	return kp;
}

/* Whether a session that another process has stored can be used at `now`. */
static bool is_usable(const struct wg_store_session *s, struct mono now)
{
	return s->born && s->born <= now.ns && now.ns - s->born < WG_REJECT_AFTER_TIME &&
	       s->made_ns < NS_PER_S && s->initiator <= 1;
}

/* Put a stored session in the slot with its number. Return: the slot, or NULL if it is invalid. */
static struct wg_keypair *restore_session(struct wg_keypairs *keys, struct wg_indextable *indices,
	struct wg_peer *peer, size_t number, struct mono now)
{
	struct wg_keypair *kp = &keys->slots[number];
	struct wg_store_session s;

	wg_store_get_session(&keys->stored->sessions[number], &s);
	if (!is_usable(&s, now) || wg_indextable_put(indices, s.local_index, peer, kp) < 0)
		kp = NULL;
	if (kp) {
		*kp = (struct wg_keypair){ .born = { s.born },
			.tx_counter = s.tx_limit,
			.tx_limit = s.tx_limit,
			.remote_index = s.remote_index,
			.initiator = s.initiator,
			.rx_born = { s.born },
			.peer = peer,
			.stored = &keys->stored->sessions[number],
			.local_index = s.local_index,
			.made = { .sec = s.made_s, .nsec = s.made_ns } };
		memcpy(kp->tx_key, s.tx_key, sizeof(kp->tx_key));
		memcpy(kp->rx_key, s.rx_key, sizeof(kp->rx_key));
		wg_replay_restore(&kp->replay, s.rx_next);
		list_init(&kp->sent_link);
	}
	secret_wipe(&s, sizeof(s));
	return kp;
}

void wg_keypairs_restore(struct wg_keypairs *keys, struct wg_indextable *indices,
	struct wg_peer *peer, struct mono now)
{
	struct wg_store_roles roles = wg_store_get_roles(keys->stored);
	struct wg_keypair **to[WG_SESSIONS_PER_PEER] = { &keys->current, &keys->next };

	for (size_t i = 0; i < WG_PREVIOUS; i++)
		to[2 + i] = &keys->previous[i];
	for (size_t i = 0; i < WG_SESSIONS_PER_PEER; i++)
		if (roles.v[i])
			*to[i] = restore_session(keys, indices, peer, roles.v[i] - 1U, now);
	publish(keys);
	for (size_t i = 0; i < WG_SESSIONS_PER_PEER; i++)
		if (!keys->slots[i].peer)
			secret_wipe(&keys->stored->sessions[i], sizeof(keys->stored->sessions[i]));
}

void wg_keypairs_confirm(struct wg_keypairs *keys, struct wg_indextable *indices)
{
	retire(keys, &keys->current, indices);
	keys->current = keys->next;
	keys->next = NULL;
	publish(keys);
}

void wg_keypairs_wipe(struct wg_keypairs *keys, struct wg_indextable *indices)
{
	release_slot(keys, &keys->current, indices);
	release_slot(keys, &keys->next, indices);
	for (size_t i = 0; i < WG_PREVIOUS; i++)
		release_slot(keys, &keys->previous[i], indices);
}

struct wg_arrivals wg_keypairs_arrivals(const struct wg_keypairs *keys)
{
	struct wg_arrivals sum = keys->ended;

	for (size_t i = 0; i < ARRAY_LEN(keys->slots); i++)
		if (keys->slots[i].peer)
			wg_replay_sum(&keys->slots[i].replay, false, &sum);
	return sum;
}

bool wg_keypair_is_fresh(const struct wg_keypair *kp, struct mono now)
{
	return mono_between(kp->born, now) < WG_REJECT_AFTER_TIME;
}

bool wg_keypair_may_open(const struct wg_keypair *kp, struct mono now)
{
	return mono_between(kp->rx_born, now) < WG_REJECT_AFTER_TIME;
}

/* Extend the reservation beyond `counter`. Return: whether that is possible. */
static bool extend(struct wg_keypair *kp, uint64_t counter)
{
	uint64_t before = atomic_load_explicit(&kp->tx_limit, memory_order_relaxed);
	uint64_t end;

	if (!kp->stored || counter >= WG_REJECT_AFTER_MESSAGES)
		return false;
	end = wg_store_reserve(kp->stored, counter, WG_REJECT_AFTER_MESSAGES);
	while (before < end && !atomic_compare_exchange_weak(&kp->tx_limit, &before, end))
		;
	return true;
}

int wg_keypair_reserve(struct wg_keypair *kp, uint64_t *ret)
{
	uint64_t counter = atomic_load_explicit(&kp->tx_counter, memory_order_relaxed);

	do
		if (counter >= atomic_load_explicit(&kp->tx_limit, memory_order_relaxed) &&
			!extend(kp, counter))
			return -EKEYEXPIRED;
	while (!atomic_compare_exchange_weak_explicit(&kp->tx_counter, &counter, counter + 1,
		memory_order_relaxed, memory_order_relaxed));
	*ret = counter;
	return 0;
}

void wg_data_seal(struct aead_ctx *aead, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *msg, size_t padded_len)
{
	uint8_t *text = msg + WG_DATA_HEADER_LEN;

	store_le32(msg, WG_MSG_DATA);
	store_le32(msg + 4, kp->remote_index);
	store_le64(msg + 8, counter);
	aead_seal(aead, kp->tx_key, counter, text, text, padded_len, NULL, 0);
}

enum drop wg_data_open(struct aead_ctx *aead, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *msg, size_t len)
{
	uint8_t *text = msg + WG_DATA_HEADER_LEN;

	if (aead_open(aead, kp->rx_key, counter, text, text, len - WG_DATA_HEADER_LEN, NULL, 0))
		return DROP_WG_AUTH;
	return DROP_NONE;
}

enum drop wg_data_commit(struct wg_keypair *kp, uint64_t counter)
{
	if (!wg_replay_commit(&kp->replay, counter))
		return DROP_WG_REPLAY;
	if (kp->stored)
		atomic_store_explicit(&kp->stored->rx_next, kp->replay.next, memory_order_release);
	return DROP_NONE;
}
