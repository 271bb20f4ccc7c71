/* SPDX-License-Identifier: MIT */
/* A set of new files that appear together or not at all, readable by their owner only. */
#ifndef CLI_NEWFILES_H
#define CLI_NEWFILES_H

#include <stdbool.h>
#include <stddef.h>

/** One file of the set. The caller fills the first part, and owns it. */
struct newfile {
	char *path;
	char *text;
	size_t len;
	char *draft; /* the text on disk under another name, until all are written */
	bool placed;
};

/**
 * Write all `n` files with mode 0600. With `force` existing ones are replaced, else they are left
 * alone and nothing is written at all.
 * Return: 0, or -errno with the file that failed in `ret_failed`; then no new file is left, and
 * replaced ones may be.
 */
int newfiles_write(struct newfile *files, size_t n, bool force, const char **ret_failed);

#endif
