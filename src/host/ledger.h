/* SPDX-License-Identifier: MIT */
/* Decide whether to restore a difference, and when, or only to report it. Pure.
 *
 * Theory of operation. The ledger has an entry for each difference of the last ten minutes. The
 * first restore is immediate, the second at least one second after it, and the third at least two
 * seconds after the second. There is no fourth: an administrator or another program wants the
 * difference. An entry expires ten minutes after the last comparison with its difference. A reload
 * removes all entries.
 * A restore that fails does not count: no program wants that difference, and its cause (a module
 * that is not loaded, no memory) may end. It is tried again after one second, then at times that
 * double, at most 16 seconds, for as long as the difference exists. Only resolvconf, a program of
 * the user, is not run again after three failures.
 * A port joins an adopted bridge only after three seconds, so that its owner can set it up first:
 * the kernel derives the MTU and address of a bridge from its ports.
 */
#pragma once

#include "base/error.h"
#include "base/mono.h"
#include "host/difference.h"

#define LEDGER_RESTORES_MAX 3 /* times that one difference is restored */

/** What to do about a difference that has been seen. */
enum ledger_verdict {
	LEDGER_RESTORE = 0, /* now: then call ledger_restored() or ledger_failed() */
	LEDGER_LATER,	    /* at `due` */
	LEDGER_WAIT,	    /* for a member that does not exist */
	LEDGER_LEAVE,	    /* it is only reported */
};

/** A difference that was seen. */
struct ledger_entry {
	struct difference difference;
	unsigned restores; /* times it was restored */
	unsigned failures; /* restores that have failed since the last success or absence */
	struct error why;  /* of the last failure */
	struct mono due;   /* the earliest time of the next restore */
	struct mono seen;  /* when it was last seen */
	bool present;	   /* in the present comparison */
	bool was_present;  /* in the one before */
	bool insisted;	   /* never restored: a hook has made it */
	bool logged;	   /* a message was logged since the last absence or restore */
	bool left_logged;  /* the message that it is not restored was logged */
};

/** The differences of the last ten minutes. Zero is empty; free it with ledger_clear(). */
struct ledger {
	struct ledger_entry *v;
	size_t n;
};

/** Begin a comparison: no entry is present. */
void ledger_begin(struct ledger *l);

/** Record a difference of the present comparison. Return: its entry until the next call, or NULL if
 * out of memory. */
MUST_CHECK struct ledger_entry *ledger_see(
	struct ledger *l, const struct difference *difference, struct mono now);

/** The entry of a difference, or NULL if it was not seen. */
struct ledger_entry *ledger_find(const struct ledger *l, const struct difference *difference);

/** What to do about an entry at `now`. */
enum ledger_verdict ledger_judge(const struct ledger_entry *e, struct mono now);

/** Record that the difference was restored at `now`. */
void ledger_restored(struct ledger_entry *e, struct mono now);

/** Record that it could not be restored at `now`. Return: whether that is new: the first time
 * since a success or an absence, or for another reason than the last time. */
MUST_CHECK bool ledger_failed(struct ledger_entry *e, struct mono now, const struct error *why);

/** End a comparison: forget the entries that have been absent for long. */
void ledger_end(struct ledger *l, struct mono now);

/** When the next present entry is to be restored, or MONO_NEVER. */
struct mono ledger_deadline(const struct ledger *l);

/** Forget all. */
void ledger_clear(struct ledger *l);
