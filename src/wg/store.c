/* SPDX-License-Identifier: MIT */
/* The state of sessions in memory that outlives the process, so that another one continues. */
#include "wg/store.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

#define MAGIC 0x57475354u

/* The word `state`: four bits for each role, as in struct wg_store_roles; then which details are
 * valid. */
#define ROLE_BITS  4U
#define ROLE_MASK  ((1U << ROLE_BITS) - 1)
#define ROLES_MASK ((1U << ROLE_BITS * WG_STORE_SESSIONS) - 1)
#define SECOND	   (1U << 24) /* the second details are valid */
#define DETAILS	   (1U << 25) /* any are */
#define IN_USE	   (1U << 31)

/* A change of these sizes needs another WG_STORE_VERSION. */
_Static_assert(sizeof(struct wg_store_session) == 128, "layout of a stored session");
_Static_assert(sizeof(struct wg_store_details) == 80, "layout of stored details");
_Static_assert(sizeof(struct wg_store_record) == 896, "layout of a stored peer");

size_t wg_store_memory(size_t peers)
{
	return sizeof(struct wg_store_header) + peers * sizeof(struct wg_store_record);
}

/* What was written before comes before this for a successor. */
static void set_state(struct wg_store_record *r, uint32_t state)
{
	atomic_store_explicit(&r->state, state, memory_order_release);
}

static uint32_t get_state(const struct wg_store_record *r)
{
	return atomic_load_explicit(&r->state, memory_order_acquire);
}

/* Make an empty store in `len` bytes. The header has the same layout in all versions. */
static void format(struct wg_store_header *h, size_t len, uint32_t capacity)
{
	uint64_t used = (uint64_t)atomic_load(&h->used) * h->record_size;
	bool foreign = h->magic;

	h->magic = 0;
	atomic_thread_fence(memory_order_release);
	if (foreign)
		secret_wipe(h + 1, size_min(len - sizeof(*h), used));
	h->version = WG_STORE_VERSION;
	h->record_size = sizeof(struct wg_store_record);
	h->capacity = capacity;
	atomic_store(&h->used, 0);
	atomic_thread_fence(memory_order_release);
	h->magic = MAGIC;
}

/* No record is claimed by this process. */
static void leave_all(struct wg_store *s)
{
	for (uint32_t i = 0; i < s->used; i++) {
		s->records[i].claimed = 0;
		s->n_free += !get_state(&s->records[i]);
	}
}

int wg_store_open(struct wg_store *ret, void *memory, size_t len)
{
	struct wg_store_header *h = memory;
	size_t capacity = len < sizeof(*h) ? 0 : (len - sizeof(*h)) / sizeof(*ret->records);
	uint32_t used; /* read once, as others may write it */
	bool foreign;

	*ret = (struct wg_store){ 0 };
	if (!capacity || capacity > UINT32_MAX)
		return -EINVAL;
	used = atomic_load(&h->used);
	foreign = h->magic && (h->magic != MAGIC || h->version != WG_STORE_VERSION ||
				      h->record_size != sizeof(struct wg_store_record) ||
				      h->capacity != capacity || used > capacity);
	if (foreign || !h->magic) {
		format(h, len, (uint32_t)capacity);
		used = 0;
	}
	*ret = (struct wg_store){ .header = h,
		.records = (struct wg_store_record *)(void *)(h + 1),
		.capacity = (uint32_t)capacity,
		.used = used };
	leave_all(ret);
	return foreign ? -EPROTO : 0;
}

/* Return: a free record; NULL if there is none. */
static struct wg_store_record *find_free(struct wg_store *s)
{
	if (s->n_free) {
		for (uint32_t i = 0; i < s->used; i++) {
			struct wg_store_record *r = &s->records[(s->free_from + i) % s->used];

			if (get_state(r))
				continue;
			s->free_from = (uint32_t)(r - s->records) + 1;
			s->n_free--;
			return r;
		}
		s->n_free = 0;
	}
	if (s->used == s->capacity)
		return NULL;
	s->used++;
	atomic_store(&s->header->used, s->used);
	return &s->records[s->used - 1];
}

struct wg_store_record *wg_store_claim(
	struct wg_store *s, const uint8_t public_key[static WG_KEY_LEN])
{
	struct wg_store_record *r = s->header ? find_free(s) : NULL;

	if (!r)
		return NULL;
	memcpy(r->public_key, public_key, WG_KEY_LEN);
	r->claimed = 1;
	set_state(r, IN_USE);
	return r;
}

void wg_store_release(struct wg_store *s, struct wg_store_record *r)
{
	if (!r)
		return;
	set_state(r, 0);
	secret_wipe(r, sizeof(*r));
	s->n_free++;
}

struct wg_store_record *wg_store_next_left(const struct wg_store *s, uint32_t *at)
{
	while (*at < s->used) {
		struct wg_store_record *r = &s->records[(*at)++];

		if (get_state(r) && !r->claimed)
			return r;
	}
	return NULL;
}

void wg_store_take(struct wg_store_record *r)
{
	r->claimed = 1;
}

void wg_store_discard(struct wg_store *s)
{
	struct wg_store_record *r;
	uint32_t at = 0;

	while ((r = wg_store_next_left(s, &at)))
		wg_store_release(s, r);
}

void wg_store_set_roles(struct wg_store_record *r, const struct wg_store_roles *roles)
{
	uint32_t state = get_state(r) & ~ROLES_MASK;

	for (unsigned i = 0; i < WG_STORE_SESSIONS; i++)
		state |= (uint32_t)roles->v[i] << i * ROLE_BITS;
	set_state(r, state);
}

struct wg_store_roles wg_store_get_roles(const struct wg_store_record *r)
{
	struct wg_store_roles roles = { { 0 } };
	uint32_t state = get_state(r);
	unsigned named = 0;

	for (unsigned i = 0; i < WG_STORE_SESSIONS; i++) {
		unsigned n = state >> i * ROLE_BITS & ROLE_MASK;

		if (!n || n > WG_STORE_SESSIONS || named & 1U << n)
			continue;
		named |= 1U << n;
		roles.v[i] = (uint8_t)n;
	}
	return roles;
}

void wg_store_set_details(struct wg_store_record *r, const struct wg_store_details *d)
{
	uint32_t state = get_state(r) ^ SECOND;

	r->details[!!(state & SECOND)] = *d;
	set_state(r, state | DETAILS);
}

/* Copy what another process may write. The compiler must not read it again in place of the copy. */
static void copy_once(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	atomic_signal_fence(memory_order_seq_cst);
}

bool wg_store_get_details(const struct wg_store_record *r, struct wg_store_details *ret)
{
	uint32_t state = get_state(r);

	if (state & DETAILS)
		copy_once(ret, &r->details[!!(state & SECOND)], sizeof(*ret));
	return state & DETAILS;
}

void wg_store_get_session(const struct wg_store_session *s, struct wg_store_session *ret)
{
	copy_once(ret, s, sizeof(*ret));
}

uint64_t wg_store_reserve(struct wg_store_session *s, uint64_t counter, uint64_t max)
{
	uint64_t end = max - counter > WG_STORE_BLOCK ? counter + WG_STORE_BLOCK : max;
	uint64_t before = atomic_load(&s->tx_limit);

	while (before < end && !atomic_compare_exchange_weak(&s->tx_limit, &before, end))
		;
	return end;
}
