/* SPDX-License-Identifier: MIT */
/* The protocol's timers as a pure state machine: events in, deadlines and due actions out. */
#include "wg/timers.h"

#include "wg/messages.h"

/* A random span below WG_REKEY_JITTER, so that the two sides do not keep initiating
 * simultaneously. */
static uint64_t jitter(const struct rng *rng)
{
	return (uint64_t)rng_u32(rng) * WG_REKEY_JITTER >> 32;
}

/* Whether the deadline has expired; if so, clears it. */
static bool fired(struct mono *deadline, struct mono now)
{
	if (!mono_reached(*deadline, now))
		return false;
	*deadline = MONO_NEVER;
	return true;
}

struct mono wg_timers_deadline(const struct wg_timers *t)
{
	struct mono due = mono_earliest(t->retransmit, t->give_up);

	due = mono_earliest(due, t->wipe);
	return mono_earliest(due, wg_timers_data_deadline(t));
}

struct mono wg_timers_data_deadline(const struct wg_timers *t)
{
	return mono_earliest(mono_earliest(t->keepalive, t->new_handshake), t->persistent);
}

static unsigned run_handshake(struct wg_timers *t, struct mono now, const struct rng *rng)
{
	unsigned actions = 0;

	if (fired(&t->give_up, now)) {
		t->retransmit = MONO_NEVER;
		t->keepalive = MONO_NEVER;
		if (!mono_is_set(t->wipe))
			t->wipe = mono_add(now, WG_KEY_LIFE);
		actions |= WG_DROP_PENDING;
	}
	if (fired(&t->retransmit, now)) {
		t->retransmit = mono_add(now, WG_REKEY_TIMEOUT + jitter(rng));
		actions |= WG_SEND_INITIATION | WG_SOURCE_STALE;
	}
	if (fired(&t->new_handshake, now)) {
		t->silence_jitter = 0;
		wg_timers_wanted(t, now);
		actions |= WG_SEND_INITIATION | WG_SOURCE_STALE;
	}
	return actions;
}

unsigned wg_timers_run(struct wg_timers *t, struct mono now, const struct rng *rng)
{
	unsigned actions = run_handshake(t, now, rng);

	if (fired(&t->keepalive, now)) {
		if (t->another_keepalive) {
			t->another_keepalive = false;
			t->keepalive = mono_add(now, WG_KEEPALIVE_TIMEOUT);
		}
		actions |= WG_SEND_KEEPALIVE;
	}
	if (fired(&t->persistent, now)) {
		t->persistent = mono_add(now, t->persistent_ns);
		actions |= WG_SEND_KEEPALIVE;
	}
	if (fired(&t->wipe, now))
		actions |= WG_KEYS_WIPED;
	return actions;
}

static void restart_persistent(struct wg_timers *t, struct mono now)
{
	if (t->persistent_ns)
		t->persistent = mono_add(now, t->persistent_ns);
}

void wg_timers_wanted(struct wg_timers *t, struct mono now)
{
	t->give_up = mono_add(now, WG_REKEY_ATTEMPT_TIME);
}

void wg_timers_await(struct wg_timers *t, struct mono until)
{
	if (!mono_is_set(t->retransmit))
		t->retransmit = until;
}

void wg_timers_data_sent(struct wg_timers *t, struct mono now, const struct rng *rng)
{
	if (mono_is_set(t->new_handshake))
		return;
	if (!t->silence_jitter)
		t->silence_jitter = jitter(rng);
	t->new_handshake =
		mono_add(now, WG_KEEPALIVE_TIMEOUT + WG_REKEY_TIMEOUT + t->silence_jitter);
}

void wg_timers_data_received(struct wg_timers *t, struct mono now)
{
	if (mono_is_set(t->keepalive))
		t->another_keepalive = true;
	else
		t->keepalive = mono_add(now, WG_KEEPALIVE_TIMEOUT);
}

void wg_timers_sent(struct wg_timers *t, struct mono now)
{
	t->keepalive = MONO_NEVER;
	restart_persistent(t, now);
}

void wg_timers_received(struct wg_timers *t, struct mono now)
{
	t->new_handshake = MONO_NEVER;
	restart_persistent(t, now);
}

void wg_timers_initiated(struct wg_timers *t, struct mono now, const struct rng *rng)
{
	wg_timers_sent(t, now);
	t->retransmit = mono_add(now, WG_REKEY_TIMEOUT + jitter(rng));
	if (!mono_is_set(t->give_up))
		wg_timers_wanted(t, now);
}

void wg_timers_handshake_complete(struct wg_timers *t)
{
	t->retransmit = MONO_NEVER;
	t->give_up = MONO_NEVER;
	t->last_minute = false;
}

void wg_timers_session_derived(struct wg_timers *t, struct mono now)
{
	t->wipe = mono_add(now, WG_KEY_LIFE);
}

void wg_timers_resume(struct wg_timers *t, struct mono at)
{
	if (mono_is_set(t->give_up))
		t->retransmit = at;
	if (t->persistent_ns)
		t->persistent = WG_AT_ONCE;
}

void wg_timers_set_persistent(struct wg_timers *t, uint64_t interval_ns)
{
	t->persistent_ns = interval_ns;
	t->persistent = MONO_NEVER;
}

void wg_timers_stop(struct wg_timers *t)
{
	*t = (struct wg_timers){ .persistent_ns = t->persistent_ns };
}
