/* SPDX-License-Identifier: MIT */
/* A netlink socket: sends a request and reads its whole answer; receives multicast events. */
#pragma once

#include <linux/netlink.h>
#include <stdint.h>

#include "base/error.h"
#include "base/must_check.h"
#include "netlink/msg.h"

#define NL_ANSWER_MAX 32768 /* bytes; the kernel's limit for one message of a dump */

struct mnl_socket;

/** A netlink socket, of the network namespace in which it was opened. */
struct nl_socket {
	struct mnl_socket *mnl;
	uint32_t seq;
	struct nl_verdict verdict; /* of the last exchange */
	uint8_t *answer;	   /* NL_ANSWER_MAX bytes, until it is closed */
};

/** Called for each message of an answer. Return: 0, or -errno to abort. */
typedef int nl_visit_fn(void *ctx, const struct nlmsghdr *nlh);

/** Open an rtnetlink socket for requests. Return: 0 or -errno; close it after success. */
MUST_CHECK int nl_socket_open(struct nl_socket *nl);

/** Open a generic netlink socket for requests (genl.h). Return: 0 or -errno; close it after
 * success. */
MUST_CHECK int nl_socket_open_generic(struct nl_socket *nl);

/** Open a non-blocking rtnetlink socket for events: `groups` is a set of RTMGRP_… bits. Return: 0
 * or -errno; close it after success. */
MUST_CHECK int nl_socket_open_events(struct nl_socket *nl, uint32_t groups);

/** Open a socket for requests to nfnetlink instead. Return: 0 or -errno; close it after success. */
MUST_CHECK int nl_socket_open_filter(struct nl_socket *nl);

/** Close it. Accepts a zeroed or closed one. */
void nl_socket_close(struct nl_socket *nl);

/** The descriptor, for polling. */
int nl_socket_fd(const struct nl_socket *nl);

/**
 * Send a request and read its whole answer: `visit` (may be NULL) is called for each message.
 * Return: 0, or -errno from the kernel, with its text in nl->verdict.why; -EAGAIN if a dump changed
 * meanwhile: discard it and repeat the request; -ENOENT: the message has no type, as
 * its family is not known.
 */
MUST_CHECK int nl_exchange(struct nl_socket *nl, struct nl_msg *m, nl_visit_fn *visit, void *ctx);

/** Send a request that changes something. Return: 0 or -errno, as nl_exchange(). */
MUST_CHECK int nl_request(struct nl_socket *nl, struct nl_msg *m);

/** Send `n` messages, at least two, in one datagram: a transaction of nfnetlink. The first error of
 * any is returned; the last but one, which is before the end of the transaction, is answered.
 * Return: 0 or -errno, as nl_exchange(). */
MUST_CHECK int nl_request_all(struct nl_socket *nl, struct nl_msg *v, size_t n);

/**
 * Fill in the error of an exchange that failed with `code`: `format` produces what was tried, and
 * after a newline the hint, as for error_set(); the text of the errno follows, and that of the
 * kernel's extended acknowledgement in parentheses. Return: `code`.
 */
int nl_fail(const struct nl_socket *nl, struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * Read pending events. Return: 0 when none is left, -ENOBUFS if some were lost (the caller must
 * query the state; more may be pending), the result of `visit`, or -errno.
 */
MUST_CHECK int nl_read_events(struct nl_socket *nl, nl_visit_fn *visit, void *ctx);
