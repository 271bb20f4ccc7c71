/* SPDX-License-Identifier: MIT */
/* Landlock: a process gives up its access to files, for itself and without privileges. */
#include "confine/landlock.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The rights of the first version of the interface. */
#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGING                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                   \
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                       \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                       \
		LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                     \
		LANDLOCK_ACCESS_FS_MAKE_SYM)

bool landlock_restrict(bool may_read)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs =
							    CHANGING | (may_read ? 0 : READING) };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0U);
	bool done;

	if (fd < 0)
		return false;
	done = syscall(SYS_landlock_restrict_self, fd, 0U) == 0;
	close(fd);
	return done;
}
