/* SPDX-License-Identifier: MIT */
/* Users of this host, by name. */
#include "base/user.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

/* Room for an entry of the database. */
#define ENTRY_MAX ((size_t)64 << 10)

int user_find(const char *name, struct user *ret)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char *room = malloc(ENTRY_MAX);
	int err = room ? getpwnam_r(name, &entry, room, ENTRY_MAX, &found) : ENOMEM;

	if (!found) {
		/* what getpwnam(3) lists for a name that does not exist */
		err = !err || err == ESRCH || err == EBADF || err == EPERM ? ENOENT : err;
	} else {
		*ret = (struct user){ .uid = entry.pw_uid, .gid = entry.pw_gid };
		err = !ret->uid || !ret->gid ? EPERM : 0;
	}
	free(room);
	return -err;
}
