/* SPDX-License-Identifier: MIT */
/* The socket* to rtnetlink: one request out, all of its answer in; and the kernel's news. */
#ifndef NETLINK_EXCHANGE_H
#define NETLINK_EXCHANGE_H

#include <linux/netlink.h>
#include <stdint.h>

#include "netlink/msg.h"

#define NL_ANSWER_MAX 32768 /* bytes; the kernel packs dumps into messages of at most this */

struct mnl_socket;

/** A socket to rtnetlink of the network namespace that it was opened in. */
struct nl_socket {
	struct mnl_socket *mnl;
	uint32_t seq;
	struct nl_verdict verdict; /* of the last exchange */
	_Alignas(struct nlmsghdr) uint8_t answer[NL_ANSWER_MAX];
};

/** Called for each message of an answer. Return: 0, or -errno to give up. */
typedef int nl_visit_fn(void *ctx, const struct nlmsghdr *nlh);

/** Open a socket for requests. Return: 0 or -errno; must be closed if 0. */
int nl_socket_open(struct nl_socket *nl);

/** Open a socket for news: `groups` is a set of RTMGRP_… bits. It does not block. Return: 0 or
 * -errno; must be closed if 0. */
int nl_socket_open_news(struct nl_socket *nl, uint32_t groups);

/** Close it. Closing a zeroed or a closed one is fine. */
void nl_socket_close(struct nl_socket *nl);

/** The descriptor, to wait for. */
int nl_socket_fd(const struct nl_socket *nl);

/**
 * Send a request and take in all of its answer: `visit` (may be NULL) sees each message of it.
 * Return: 0, or -errno: what the kernel said, in words too in nl->verdict.why; -EAGAIN if what was
 * dumped changed meanwhile: forget it and ask again.
 */
int nl_exchange(struct nl_socket *nl, struct nl_msg *m, nl_visit_fn *visit, void *ctx);

/** Send a request that changes something. Return: 0 or -errno, as nl_exchange(). */
int nl_request(struct nl_socket *nl, struct nl_msg *m);

/**
 * Take in what news has come. Return: 0 when there is no more for now, -ENOBUFS if some was lost
 * (the receiver must look for itself; more may be waiting), what `visit` returned, or -errno.
 */
int nl_news(struct nl_socket *nl, nl_visit_fn *visit, void *ctx);

#endif
