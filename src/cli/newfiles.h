/* SPDX-License-Identifier: MIT */
/* Creates a set of files, all or none, readable by their owner only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** One file of the set. The caller fills and owns the first part. */
struct newfile {
	char *path;
	char *text;
	size_t len;
	char *draft; /* temporary file with the text, until all are written */
	bool placed;
};

/** Write all `n` files with mode 0600. With `force` existing files are replaced; else any existing
 * file is an error and nothing is written. Return: 0, or -errno with the file that failed in
 * `ret_failed`; then no new file is left, but some may have been replaced. */
int newfiles_write(struct newfile *files, size_t n, bool force, const char **ret_failed);
