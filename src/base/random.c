/* SPDX-License-Identifier: MIT */
/* Random bytes: the interface that pure code uses, and the kernel's generator. */
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/log.h"

#define DEVICE "/dev/urandom"

/* Read from the device, which gives the same bytes; for kernels and seccomp filters without
 * getrandom(2). Return: the bytes read, or -errno. */
static ssize_t read_device(uint8_t *out, size_t len)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, len);
	if (n <= 0)
		n = n < 0 ? -errno : -EIO;
	close(fd);
	return n;
}

static void system_fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);
		int err = errno;

		if (n < 0 && err != EINTR) {
			n = read_device(out, len);
			if (n < 0 && n != -EINTR) {
				log_error(
					"The kernel gives no random bytes: getrandom(): %s; " DEVICE
					": %s. Without them no key is safe.",
					strerror(err), strerror((int)-n));
				abort(); /* predictable keys are worse than no tunnel */
			}
		}
		if (n < 0)
			continue;
		out += n;
		len -= (size_t)n;
	}
}

struct rng random_system(void)
{
	return (struct rng){ .fill = system_fill };
}
