/* SPDX-License-Identifier: MIT */
/* Creates a set of files, all or none, readable by their owner only. */
#include "cli/newfiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bug.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Write the text to a temporary file in the same folder. */
static int draft(struct newfile *file)
{
	int error;
	int fd;

	if (asprintf(&file->draft, "%s.XXXXXX", file->path) < 0) {
		file->draft = NULL;
		return -ENOMEM;
	}
	fd = mkstemp(file->draft); /* mode 0600 */
	if (fd < 0) {
		error = -errno;
		free(file->draft);
		file->draft = NULL;
		return error;
	}
	error = write_all(fd, file->text, file->len);
	if (close(fd) < 0 && !error)
		error = -errno;
	return error;
}

/* Move the draft to its path: link(2) fails if a file exists there, rename(2) does not. */
static int place(struct newfile *file, bool force)
{
	ASSERT(file->draft);
	if (force ? rename(file->draft, file->path) : link(file->draft, file->path))
		return -errno;
	file->placed = true;
	return 0;
}

static void clean_up(struct newfile *files, size_t n, bool take_back)
{
	for (size_t i = 0; i < n; i++) {
		if (files[i].draft)
			unlink(files[i].draft);
		if (files[i].placed && take_back)
			unlink(files[i].path);
		free(files[i].draft);
		files[i].draft = NULL;
	}
}

int newfiles_write(struct newfile *files, size_t n, bool force, const char **ret_failed)
{
	int error = 0;
	size_t i;

	for (i = 0; !error && i < n; i++) {
		*ret_failed = files[i].path;
		if (!force && !access(files[i].path, F_OK))
			error = -EEXIST;
		else
			error = draft(&files[i]);
	}
	for (i = 0; !error && i < n; i++) {
		*ret_failed = files[i].path;
		error = place(&files[i], force);
	}
	clean_up(files, n, error && !force);
	return error;
}
