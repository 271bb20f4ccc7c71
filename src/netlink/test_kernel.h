/* SPDX-License-Identifier: MIT */
/* For tests of exchanges: the kernel's part, played by what a test has put in a queue. The program
 * is linked with --wrap for mnl_socket_bind, mnl_socket_sendto and mnl_socket_recvfrom. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>

#include "netlink/exchange.h"

#define ROOM 1024

int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t pid);
int __real_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t pid);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size);

/** A datagram that the kernel sends, or an error. */
struct datagram {
	int err;
	size_t len;
	uint8_t bytes[ROOM];
};

/** What the kernel does in a test. */
static struct {
	int bind_err;
	int send_err;
	uint8_t request[ROOM];
	size_t request_len;
	struct datagram answers[32];
	size_t n;
	size_t next;
} kernel;

int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned groups, pid_t pid)
{
	errno = kernel.bind_err;
	return errno ? -1 : __real_mnl_socket_bind(socket, groups, pid);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len)
{
	if (kernel.send_err) {
		errno = kernel.send_err;
		return -1;
	}
	assert_true(len <= sizeof(kernel.request));
	memcpy(kernel.request, bytes, len);
	kernel.request_len = len;
	return (ssize_t)len;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	struct datagram *d = &kernel.answers[kernel.next++];

	assert_in_range(kernel.next, 1, kernel.n);
	if (d->err) {
		errno = d->err;
		return -1;
	}
	assert_true(d->len <= size);
	memcpy(buffer, d->bytes, d->len);
	return (ssize_t)d->len;
}

/* The next datagram. Return: it. */
static inline struct datagram *datagram(void)
{
	return &kernel.answers[kernel.n++];
}

/* Append a message to a datagram, with a number in its payload. */
static inline void message(
	struct datagram *d, uint16_t type, uint16_t flags, uint32_t seq, int32_t number)
{
	struct nlmsghdr h = { NLMSG_LENGTH(4), type, flags, seq, 0 };

	memcpy(d->bytes + d->len, &h, sizeof(h));
	memcpy(d->bytes + d->len + NLMSG_HDRLEN, &number, sizeof(number));
	d->len += NLMSG_ALIGN(h.nlmsg_len);
}

/* Answer a dump: with copies of messages, and its end. */
static inline void dump(uint32_t seq, uint16_t flags, const struct nlmsghdr *const *v, size_t n)
{
	struct datagram *d = datagram();

	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr h = *v[i];

		h.nlmsg_seq = seq;
		h.nlmsg_flags = flags;
		memcpy(d->bytes + d->len, v[i], h.nlmsg_len);
		memcpy(d->bytes + d->len, &h, sizeof(h));
		d->len += NLMSG_ALIGN(h.nlmsg_len);
	}
	message(d, NLMSG_DONE, NLM_F_MULTI, seq, 0);
}
