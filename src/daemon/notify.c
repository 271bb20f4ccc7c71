/* SPDX-License-Identifier: MIT */
/* Report the daemon's state to the service manager: the sd_notify protocol, without libsystemd. */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define MESSAGE_LEN 512

/* Fill in the socket address for `name`. Return: its length, or -errno. Source: sd_notify(3). */
static int fill_address(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name);

	if (*name != '/' && *name != '@')
		return -EAFNOSUPPORT;
	if (len < 2 || len >= sizeof(ret->sun_path))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, name, len);
	if (*name == '@')
		ret->sun_path[0] = '\0';
	return (int)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
}

/* How often to report that this process is alive, in ns: twice within the time that the service
 * manager waits; 0 for never. Source: sd_watchdog_enabled(3). */
static uint64_t take_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	bool ours = !pid || strtol(pid, NULL, 10) == getpid();
	uint64_t ns = usec && ours ? strtoull(usec, NULL, 10) * NS_PER_US / 2 : 0;

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return ns;
}

int notify_open(struct notify *ret)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	int len;
	int err = 0;

	*ret = (struct notify){ .fd = -1 };
	ret->alive_ns = take_watchdog();
	if (ret->alive_ns)
		ret->alive_next = clock_mono();
	if (!name || !*name)
		return 0;
	len = fill_address(name, &address);
	unsetenv("NOTIFY_SOCKET");
	if (len < 0)
		return len;
	ret->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ret->fd < 0)
		return -errno;
	if (connect(ret->fd, (const struct sockaddr *)&address, (socklen_t)len) < 0) {
		err = -errno;
		notify_close(ret);
	}
	return err;
}

void notify_save(const struct notify *n, struct saved_state *state)
{
	saved_put_fd(state, "notify", n->fd);
	saved_put_number(state, "alive-ns", n->alive_ns);
}

void notify_adopt(struct notify *ret, const struct saved_state *saved)
{
	int fd = saved_fd(saved, "notify", 0);

	*ret = (struct notify){ .fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3),
		.alive_ns = saved_number(saved, "alive-ns", UINT64_MAX, 0) };
	if (ret->alive_ns)
		ret->alive_next = clock_mono();
}

/* Send one message. Errors are ignored: the daemon works without a service manager. */
static void __attribute__((format(printf, 2, 3)))
send_state(const struct notify *n, const char *format, ...)
{
	char message[MESSAGE_LEN];
	va_list ap;

	if (n->fd < 0)
		return;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	(void)send(n->fd, message, strlen(message), MSG_NOSIGNAL);
}

void notify_ready(const struct notify *n, const char *status)
{
	send_state(n, "READY=1\nSTATUS=%s", status);
}

void notify_status(const struct notify *n, const char *status)
{
	send_state(n, "STATUS=%s", status);
}

void notify_reloading(const struct notify *n, struct mono now)
{
	send_state(n, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(now.ns / NS_PER_US));
}

void notify_stopping(const struct notify *n)
{
	send_state(n, "STOPPING=1");
}

void notify_alive(struct notify *n)
{
	struct mono now;

	if (!n->alive_ns)
		return;
	now = clock_mono();
	if (!mono_reached(n->alive_next, now))
		return;
	send_state(n, "WATCHDOG=1");
	n->alive_next = mono_add(now, n->alive_ns);
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
