/* SPDX-License-Identifier: MIT */
/* Interposed system calls of the C library: libmnl's and libnftables' calls come here, too. */
#include "netlink/test_filter_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bug.h"

#define UNKNOWN_TYPE (NFNL_SUBSYS_NFTABLES << 8 | 0xfe)

struct test_filter_faults test_filter_faults;

void test_filter_fault(enum test_fault kind, unsigned at, int error)
{
	test_filter_faults = (struct test_filter_faults){ .kind = kind, .at = at, .error = error };
}

bool test_filter_fault_end(void)
{
	bool reached = test_filter_faults.seen > test_filter_faults.at;

	test_filter_faults.kind = TEST_FAULT_NONE;
	return reached;
}

/* Whether the next place has the fault. */
static bool strikes(void)
{
	unsigned place = test_filter_faults.seen++;

	return place == test_filter_faults.at ||
	       (test_filter_faults.lasting && place > test_filter_faults.at);
}

static bool is_filter(int fd)
{
	int protocol = -1;
	int domain = -1;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_NETLINK)
		return false;
	len = sizeof(protocol);
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

/* Make the message of the place one that the kernel refuses. The end of a transaction is none: the
 * kernel reads it as the end whatever is in it. */
static void refuse(uint8_t *bytes, size_t len)
{
	struct nlmsghdr head;

	for (size_t at = 0; at + sizeof(head) <= len; at += NLMSG_ALIGN(head.nlmsg_len)) {
		memcpy(&head, bytes + at, sizeof(head));
		ASSERT(head.nlmsg_len >= sizeof(head));
		if (head.nlmsg_type == NFNL_MSG_BATCH_END || !strikes())
			continue;
		head.nlmsg_type = UNKNOWN_TYPE;
		memcpy(bytes + at, &head, sizeof(head));
	}
}

/* The fault of a request of nf_tables in `bytes`, which may be changed. Return: whether it is sent;
 * if not, errno is set. */
static bool is_sent(uint8_t *bytes, size_t len)
{
	enum test_fault kind = test_filter_faults.kind;

	if (kind == TEST_FAULT_REFUSE)
		refuse(bytes, len);
	if ((kind != TEST_FAULT_KILL && kind != TEST_FAULT_SEND) || !strikes())
		return true;
	if (kind == TEST_FAULT_KILL)
		kill(getpid(), SIGKILL);
	errno = test_filter_faults.error;
	return false;
}

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	ASSERT(function);
	return function;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	socklen_t to_len)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		(__typeof__(real))next("sendto");
	ssize_t n = -1;
	uint8_t *copy;

	if (test_filter_faults.kind == TEST_FAULT_NONE || !is_filter(fd))
		return real(fd, data, len, flags, to, to_len);
	copy = malloc(len + 1);
	ASSERT(copy);
	memcpy(copy, data, len);
	if (is_sent(copy, len))
		n = real(fd, copy, len, flags, to, to_len);
	free(copy);
	return n;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = (__typeof__(real))next("sendmsg");
	size_t len = 0;
	ssize_t n;
	uint8_t *copy;

	if (test_filter_faults.kind == TEST_FAULT_NONE || !is_filter(fd))
		return real(fd, msg, flags);
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	copy = malloc(len + 1);
	ASSERT(copy);
	len = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		memcpy(copy + len, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
		len += msg->msg_iov[i].iov_len;
	}
	n = sendto(fd, copy, len, flags, msg->msg_name, msg->msg_namelen);
	free(copy);
	return n;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = (__typeof__(real))next("recvmsg");
	ssize_t n = real(fd, msg, flags);

	if (test_filter_faults.kind != TEST_FAULT_ANSWER || !is_filter(fd) || !strikes())
		return n;
	errno = test_filter_faults.error;
	return -1;
}
