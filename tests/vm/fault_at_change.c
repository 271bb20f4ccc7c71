/* SPDX-License-Identifier: MIT */
/* A library to preload: the Nth netlink request that changes something, counted from when there is
 * a file whose name is in FAULT_AT, has a fault. The file contains N, which is SIGKILL, or N and
 * the number of an error: then the request is not sent, and the file is removed. Requests of
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

/* Read the file FAULT_AT. Return: the number of the request, or 0 if there is no such file. */
static long read_fault(int *ret_error)
{
	const char *path = getenv("FAULT_AT");
	FILE *file = path ? fopen(path, "re") : NULL;
	long n = 0;

	*ret_error = 0;
	if (!file)
		return 0;
	if (fscanf(file, "%ld %d", &n, ret_error) < 1)
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

/* Return: whether the request is sent; if not, errno is set. */
static bool is_sent(int fd, const void *data, size_t len)
{
	int saved = errno;
	int error;
	long n;

	if (getpid() != process || !changes_something(fd, data, len) || !(n = read_fault(&error)) ||
		++changes != n) {
		errno = saved;
		return true;
	}
	if (!error)
		kill(process, SIGKILL);
	unlink(getenv("FAULT_AT"));
	errno = error;
	return false;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	socklen_t to_len)
{
	static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "sendto");
	return is_sent(fd, data, len) ? next(fd, data, len, flags, to, to_len) : -1;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);

	if (!next)
		next = (__typeof__(next))dlsym(RTLD_NEXT, "sendmsg");
	if (msg->msg_iovlen && !is_sent(fd, msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len))
		return -1;
	return next(fd, msg, flags);
}
