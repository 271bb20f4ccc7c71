/* SPDX-License-Identifier: MIT */
/* A library to preload: it kills the process by SIGKILL before its Nth netlink request that changes
 * something, counted from when there is a file whose name is in KILL_AT: it contains N. Requests of
 * children are not counted. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static pid_t process;
static long changes;

__attribute__((constructor)) static void start(void)
{
	process = getpid();
}

/* Return: the number in the file KILL_AT, or 0 if there is no such file. */
static long kill_at(void)
{
	const char *path = getenv("KILL_AT");
	FILE *file = path ? fopen(path, "re") : NULL;
	long n = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%ld", &n) != 1)
		n = 0;
	fclose(file);
	return n;
}

/* Return: the protocol of a netlink socket, or -1 if it is another one. */
static int protocol_of(int fd)
{
	int domain = 0;
	int protocol = -1;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_NETLINK)
		return -1;
	len = sizeof(protocol);
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0 ? -1 : protocol;
}

static bool changes_something(int fd, const void *data, size_t len)
{
	struct nlmsghdr nlh;
	int protocol = protocol_of(fd);

	if (protocol < 0 || len < sizeof(nlh))
		return false;
	memcpy(&nlh, data, sizeof(nlh));
	switch (protocol) {
	case NETLINK_ROUTE:
		return (nlh.nlmsg_type - RTM_BASE) % 4 != 2; /* not RTM_GET... */
	case NETLINK_GENERIC:
		return nlh.nlmsg_type != GENL_ID_CTRL &&
		       (nlh.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP;
	case NETLINK_NETFILTER:
		return (nlh.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP;
	default:
		return false;
	}
}

static void count(int fd, const void *data, size_t len)
{
	int saved = errno;
	long n;

	if (getpid() == process && changes_something(fd, data, len)) {
		n = kill_at();
		if (n && ++changes == n)
			kill(process, SIGKILL);
	}
	errno = saved;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	socklen_t to_len)
{
	static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "sendto");
	count(fd, data, len);
	return next(fd, data, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "sendmsg");
	if (msg->msg_iovlen)
		count(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len);
	return next(fd, msg, flags);
}
