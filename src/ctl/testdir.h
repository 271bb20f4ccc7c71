/* SPDX-License-Identifier: MIT */
/* A folder for the sockets of a test, which goes away with it. */
#ifndef CTL_TESTDIR_H
#define CTL_TESTDIR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/unixsock.h"

/** The folder, and a socket's path in a folder within that does not exist yet. */
struct testdir {
	char folder[32];
	char path[UNIXSOCK_PATH_LEN];
};

/** Make the folder. */
static inline void testdir_make(struct testdir *t)
{
	snprintf(t->folder, sizeof(t->folder), "/tmp/wirespan-XXXXXX");
	if (!mkdtemp(t->folder))
		abort();
	snprintf(t->path, sizeof(t->path), "%s/run/site.sock", t->folder);
}

/** Remove it; fails the test's process if something has been left in it. */
static inline void testdir_remove(struct testdir *t)
{
	if (rmdir(t->folder) < 0)
		abort();
}

#endif
