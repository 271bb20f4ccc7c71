/* SPDX-License-Identifier: MIT */
/* The program with a pause in an upgrade: it takes a site over once a file is gone, so that a test
 * can see what the old engine does until then. */
#include <time.h>
#include <unistd.h>

#include "host/host.h"

#define FILE_TO_WAIT_FOR "/run/upgrade-waits"

/* Looks at the file, of 20 ms each. */
#define LOOKS_MAX 6000

int __real_host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error);
int __wrap_host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error);

int __wrap_host_adopt(const struct conf_site *conf, struct conf_site *running, int lock_fd,
	struct host **ret, struct error *ret_error)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (int i = 0; i < LOOKS_MAX && access(FILE_TO_WAIT_FOR, F_OK) == 0; i++)
		(void)nanosleep(&pause, NULL);
	return __real_host_adopt(conf, running, lock_fd, ret, ret_error);
}
