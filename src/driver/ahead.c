/* SPDX-License-Identifier: MIT */
/* Superframes that were read ahead of their processing, so that those of sparse flows go first. */
#include "driver/ahead.h"

#include "base/bug.h"
#include "queue/flow.h"

static void list_append(struct ahead_list *l, struct ahead_frame *f)
{
	f->next = NULL;
	if (l->first)
		l->last->next = f;
	else
		l->first = f;
	l->last = f;
}

static struct ahead_frame *list_take(struct ahead_list *l)
{
	struct ahead_frame *f = l->first;

	if (f)
		l->first = f->next;
	return f;
}

void ahead_init(struct ahead *a, uint8_t *memory, struct hash_key key)
{
	*a = (struct ahead){ .key = key };
	for (size_t i = AHEAD_MAX; i-- > 0;) {
		struct ahead_frame *f = &a->frames[i];

		f->buffer = memory + i * TAP_BUFFER_LEN;
		f->bytes = f->buffer + VNET_HDR_LEN;
		ahead_free(a, f);
	}
}

struct ahead_frame *ahead_room(const struct ahead *a)
{
	return a->free;
}

/* A frame that nothing else waits with needs no flow. */
static uint32_t flow_of(const struct ahead *a, struct ahead_frame *f)
{
	if (!f->hashed)
		f->flow = flow_hash(&a->key, f->bytes, f->len, f->ethernet);
	f->hashed = true;
	return f->flow;
}

/* Whether a superframe of the same flow, or another frame behind one, waits. */
static bool has_superframes(const struct ahead *a, struct ahead_frame *f)
{
	for (struct ahead_frame *s = a->superframes.first; s; s = s->next)
		if (s->port == f->port && flow_of(a, s) == flow_of(a, f))
			return true;
	return false;
}

void ahead_push(struct ahead *a)
{
	struct ahead_frame *f = a->free;

	ASSERT(f);
	a->free = f->next;
	f->hashed = false;
	if (f->len <= AHEAD_SHORT && !has_superframes(a, f))
		list_append(&a->sparse, f);
	else
		list_append(&a->superframes, f);
}

struct ahead_frame *ahead_take_sparse(struct ahead *a)
{
	return list_take(&a->sparse);
}

struct ahead_frame *ahead_take_superframe(struct ahead *a)
{
	return list_take(&a->superframes);
}

void ahead_free(struct ahead *a, struct ahead_frame *f)
{
	f->next = a->free;
	a->free = f;
}

bool ahead_is_empty(const struct ahead *a)
{
	return !a->sparse.first && !a->superframes.first;
}

bool ahead_has_sparse(const struct ahead *a)
{
	return a->sparse.first;
}

static unsigned forget_in(struct ahead *a, struct ahead_list *l, const struct driver_port *port)
{
	struct ahead_list all = *l;
	struct ahead_frame *f;
	unsigned forgotten = 0;

	*l = (struct ahead_list){ 0 };
	while ((f = list_take(&all))) {
		if (f->port != port) {
			list_append(l, f);
			continue;
		}
		ahead_free(a, f);
		forgotten++;
	}
	return forgotten;
}

unsigned ahead_forget(struct ahead *a, const struct driver_port *port)
{
	return forget_in(a, &a->sparse, port) + forget_in(a, &a->superframes, port);
}
