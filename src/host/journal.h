/* SPDX-License-Identifier: MIT */
/* The journal of what a site changed on the machine: lines on disk, written before the deed.
 *
 * The file is text, one line a change, the oldest first, below a head that says on which boot and
 * in which network namespace they were made. It is replaced as a whole with each change, so that it
 * is never half written, and none when nothing is left to undo; it need not survive a power cut, as
 * nothing that it tells of does.
 */
#ifndef HOST_JOURNAL_H
#define HOST_JOURNAL_H

#include <limits.h>
#include <stdint.h>
#include <stddef.h>

/** Where the changes were made: none of them outlives its namespace. */
struct journal_place {
	char boot[40];	 /* the kernel's boot id */
	uint64_t inode;	 /* of the network namespace; used again after its end */
	uint64_t cookie; /* of the network namespace; never used again; 0: the kernel has none */
};

/** Whether the changes of a journal are on this machine, here. */
enum journal_where {
	JOURNAL_HERE = 0,
	JOURNAL_GONE,	   /* another boot, or a namespace that no longer is */
	JOURNAL_ELSEWHERE, /* in another namespace that still is */
};

/** A journal in memory, and its file. */
struct journal {
	char path[PATH_MAX];
	struct journal_place place;
	char **lines;
	size_t n;
	size_t room;
};

/** An empty journal of the site, here and now. Nothing is written yet. Return: 0 or -errno. */
int journal_init(struct journal *j, const char *name);

/**
 * The journal that a site left behind.
 * Return: 0; -ENOENT if there is none; -EPERM if others could have written it; -EPROTO if it is no
 * journal of ours; or another -errno. To be freed with journal_fini() if 0.
 */
int journal_load(struct journal *j, const char *name);

/** Where the changes of a journal are. */
enum journal_where journal_where(const struct journal *j);

/** Add a line, without '\n', and write the file. Return: 0, -EINVAL for a '\n', or -errno: then it
 * is not in the journal. */
int journal_push(struct journal *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Insert a line before line `i`; otherwise as journal_push(). */
int journal_insert(struct journal *j, size_t i, const char *line);

/** Take out line `i` and write the file. A file that cannot be written keeps the line, which is
 * harmless: undoing looks first. */
void journal_remove(struct journal *j, size_t i);

/** The index of the last line that starts with these words, or SIZE_MAX. */
size_t journal_find(const struct journal *j, const char *start);

/** Remove the file. */
void journal_discard(struct journal *j);

/** Free the memory; the file stays. Zeroed is fine. */
void journal_fini(struct journal *j);

#endif
