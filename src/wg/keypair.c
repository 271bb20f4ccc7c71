/* SPDX-License-Identifier: MIT */
/* Session keys: slots, counters, sealing and opening data messages. */
#include "wg/keypair.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"

static void release_slot(
	struct wg_keypairs *keys, struct wg_keypair **slot, struct wg_indextable *indices)
{
	if (!*slot)
		return;
	wg_replay_sum(&(*slot)->replay, true, &keys->ended);
	wg_indextable_remove(indices, (*slot)->local_index);
	list_remove(&(*slot)->sent_link);
	secret_wipe(*slot, sizeof(**slot));
	*slot = NULL;
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
	kp->made = wall;
	memcpy(kp->tx_key, s->keys.tx, sizeof(kp->tx_key));
	memcpy(kp->rx_key, s->keys.rx, sizeof(kp->rx_key));
	entry->keypair = kp;
	*(s->initiator ? &keys->current : &keys->next) = kp;
	return kp;
}

void wg_keypairs_confirm(struct wg_keypairs *keys, struct wg_indextable *indices)
{
	retire(keys, &keys->current, indices);
	keys->current = keys->next;
	keys->next = NULL;
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

int wg_keypair_reserve(struct wg_keypair *kp, uint64_t *ret)
{
	uint64_t counter = atomic_load_explicit(&kp->tx_counter, memory_order_relaxed);

	do
		if (counter >= WG_REJECT_AFTER_MESSAGES)
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
	return wg_replay_commit(&kp->replay, counter) ? DROP_NONE : DROP_WG_REPLAY;
}
