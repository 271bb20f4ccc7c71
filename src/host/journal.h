/* SPDX-License-Identifier: MIT */
/* Write-ahead undo log of a site's changes to the host, one line per change.
 *
 * The file is text with one line per change, oldest first, after a header with the boot id and the
 * network namespace of the changes. Each change replaces the whole file, so that it is never half
 * written; the file does not exist when there is nothing to undo. It need not survive a power
 * failure, because none of the changes does.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "host/journal_entry.h"

/** Where the changes were made. No change outlives its network namespace. */
struct journal_place {
	char boot[40];	 /* the kernel's boot id */
	uint64_t inode;	 /* of the network namespace; reused after its end */
	uint64_t cookie; /* of the network namespace; never reused; 0: the kernel has none */
};

/** Whether the changes of a journal exist on this host and in this namespace. */
enum journal_where {
	JOURNAL_HERE = 0,
	JOURNAL_GONE,	   /* another boot, or a namespace that no longer exists */
	JOURNAL_ELSEWHERE, /* in another namespace that still exists */
	JOURNAL_UNDECIDED, /* the boot id or the namespace could not be read */
};

/** A journal in memory, with its file. */
struct journal {
	char path[PATH_MAX];
	struct journal_place place;
	struct journal_entry *v; /* oldest first; owns their texts */
	size_t n;
	size_t room;
};

/** Initialise an empty journal of the site for this boot and namespace. Writes no file yet. Return:
 * 0 or -errno. */
int journal_init(struct journal *j, const char *name);

/**
 * Load the journal that a crashed daemon of the site left.
 * Return: 0; -ENOENT if there is none; -EPERM if another user could have written it; -EPROTO if it
 * is not one of our journals; or another -errno. After 0, free it with journal_fini().
 */
int journal_load(struct journal *j, const char *name);

/** Remove what a process has left that was killed while it wrote the file or held the lock of all
 * sites. */
void journal_sweep(const char *name);

/** Return: where the changes of a journal are. */
enum journal_where journal_where(const struct journal *j);

/** Append an entry and write the file. Return: 0, -EINVAL if it is not valid, or another -errno;
 * after an error the journal is unchanged. */
MUST_CHECK int journal_push(struct journal *j, const struct journal_entry *e);

/** Replace all entries of one kind by the `n` entries `v`, at the journal's start if `first`, else
 * at its end, and write the file. Return: as journal_push(). */
MUST_CHECK int journal_replace(struct journal *j, enum journal_kind kind, bool first,
	const struct journal_entry *v, size_t n);

/** Remove entry `i` and write the file. If the file cannot be written, it still contains the entry,
 * which is harmless, because undo checks the present state first. */
void journal_remove(struct journal *j, size_t i);

/** Write the file again if another program has removed it. Return: 1 if so, 0 if it is there or
 * there is nothing to undo, or -errno. */
MUST_CHECK int journal_keep(const struct journal *j);

/** Check that the file can grow by as much as a reload adds, before the first change. Return: 0 or
 * -errno. */
MUST_CHECK int journal_check_room(const struct journal *j);

/** Return: the index of the newest entry that matches `like`, or SIZE_MAX. */
size_t journal_find(const struct journal *j, const struct journal_entry *like);

/** Find an entry that matches `like` in the journals of other sites of this namespace, running or
 * not. Hold host_lock_take_shared() as long as the answer must be true. Return: 0 and a copy
 * without its text; -ENOENT if there is none; -EBADMSG, and in ret->name the file, if there is none
 * in what can be read, but one journal is damaged or others can write it, so that it may have one;
 * or another -errno. */
MUST_CHECK int journal_find_elsewhere(
	const struct journal *j, const struct journal_entry *like, struct journal_entry *ret);

/** Remove the file. Return: 0, also if there is none, or -errno. */
MUST_CHECK int journal_discard(const struct journal *j);

/** Free the memory; the file stays. A zeroed journal is allowed. */
void journal_fini(struct journal *j);
