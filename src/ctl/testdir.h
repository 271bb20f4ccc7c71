/* SPDX-License-Identifier: MIT */
/* A temporary folder for the sockets of a test. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/unixsock.h"

/** The folder, and the path of a socket in a subfolder that does not exist yet. */
struct testdir {
	char folder[32];
	char path[UNIXSOCK_PATH_LEN];
};

/** Create the folder. */
static inline void testdir_make(struct testdir *t)
{
	snprintf(t->folder, sizeof(t->folder), "/tmp/wirespan-XXXXXX");
	if (!mkdtemp(t->folder))
		abort();
	snprintf(t->path, sizeof(t->path), "%s/run/site.sock", t->folder);
}

/** Remove it; aborts if files are left in it. */
static inline void testdir_remove(struct testdir *t)
{
	if (rmdir(t->folder) < 0)
		abort();
}
