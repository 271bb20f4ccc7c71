/* SPDX-License-Identifier: MIT */
/* A netlink socket: sends a request and reads its whole answer; receives multicast events. */
#include "netlink/exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

/* Enable a socket option that old kernels lack, ignoring failure: extended acks (4.12), strict
 * filters (4.20). */
static void enable(struct mnl_socket *mnl, int option)
{
	int on = 1;

	(void)mnl_socket_setsockopt(mnl, option, &on, sizeof(on));
}

static int open_socket(struct nl_socket *nl, int protocol, uint32_t groups, int flags)
{
	struct mnl_socket *mnl = mnl_socket_open2(protocol, SOCK_CLOEXEC | flags);
	int err;

	nl->mnl = NULL;
	nl->answer = NULL;
	nl->seq = 0;
	nl->verdict = (struct nl_verdict){ 0 };
	if (!mnl)
		return -errno;
	nl->answer = malloc(NL_ANSWER_MAX);
	if (!nl->answer) {
		mnl_socket_close(mnl);
		return -ENOMEM;
	}
	if (mnl_socket_bind(mnl, groups, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		free(nl->answer);
		nl->answer = NULL;
		mnl_socket_close(mnl);
		return err;
	}
	enable(mnl, NETLINK_EXT_ACK);
	enable(mnl, NETLINK_CAP_ACK);
	enable(mnl, NETLINK_GET_STRICT_CHK);
	nl->mnl = mnl;
	return 0;
}

int nl_socket_open(struct nl_socket *nl)
{
	return open_socket(nl, NETLINK_ROUTE, 0, 0);
}

int nl_socket_open_generic(struct nl_socket *nl)
{
	return open_socket(nl, NETLINK_GENERIC, 0, 0);
}

int nl_socket_open_filter(struct nl_socket *nl)
{
	return open_socket(nl, NETLINK_NETFILTER, 0, 0);
}

int nl_socket_open_events(struct nl_socket *nl, uint32_t groups)
{
	return open_socket(nl, NETLINK_ROUTE, groups, SOCK_NONBLOCK);
}

void nl_socket_close(struct nl_socket *nl)
{
	if (nl->mnl)
		mnl_socket_close(nl->mnl);
	nl->mnl = NULL;
	free(nl->answer);
	nl->answer = NULL;
}

int nl_socket_fd(const struct nl_socket *nl)
{
	return mnl_socket_get_fd(nl->mnl);
}

/* Receive one datagram and pass its messages to `visit`, until that fails. Return: 0 or -errno. */
static int read_datagram(struct nl_socket *nl, nl_visit_fn *visit, void *ctx)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)nl->answer;
	ssize_t n;
	int len;
	int err = 0;

	do
		n = mnl_socket_recvfrom(nl->mnl, nl->answer, NL_ANSWER_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	len = (int)n;
	for (; err == 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		err = visit(ctx, nlh);
	return err;
}

/** State of reading one answer. */
struct answer {
	struct nl_socket *nl;
	nl_visit_fn *visit;
	void *ctx;
	bool done;
	bool changed; /* the dump is inconsistent (NLM_F_DUMP_INTR) */
	int result;   /* of `visit` */
};

static int read_message(void *ctx, const struct nlmsghdr *nlh)
{
	struct answer *a = ctx;

	if (nlh->nlmsg_seq != a->nl->seq)
		return 0; /* left over from an aborted exchange */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->changed = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		a->done = true;
		return nl_verdict_decode(nlh, &a->nl->verdict);
	}
	if (a->visit && a->result == 0)
		a->result = a->visit(a->ctx, nlh);
	return 0;
}

/* Send `len` bytes, in which a message of the present sequence number wants an answer, and read it.
 * Return: as nl_exchange(). */
static int send_and_read(
	struct nl_socket *nl, const void *bytes, size_t len, nl_visit_fn *visit, void *ctx)
{
	struct answer a = { .nl = nl, .visit = visit, .ctx = ctx };
	int err = 0;

	nl->verdict = (struct nl_verdict){ 0 };
	if (mnl_socket_sendto(nl->mnl, bytes, len) < 0)
		return -errno;
	while (err == 0 && !a.done)
		err = read_datagram(nl, read_message, &a);
	if (err < 0)
		return err;
	if (nl->verdict.code < 0)
		return nl->verdict.code;
	return a.changed ? -EAGAIN : a.result;
}

int nl_exchange(struct nl_socket *nl, struct nl_msg *m, nl_visit_fn *visit, void *ctx)
{
	if (m->head.nlmsg_type < NLMSG_MIN_TYPE) /* the kernel would acknowledge it unread */
		return -ENOENT;
	m->head.nlmsg_seq = ++nl->seq;
	if ((m->head.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		m->head.nlmsg_flags |= NLM_F_ACK;
	return send_and_read(nl, m->bytes, m->head.nlmsg_len, visit, ctx);
}

int nl_request_all(struct nl_socket *nl, struct nl_msg *v, size_t n)
{
	uint8_t *bytes = malloc(n * NL_MSG_MAX);
	size_t len = 0;
	int err;

	if (!bytes)
		return -ENOMEM;
	nl->seq++;
	v[n - 2].head.nlmsg_flags |= NLM_F_ACK;
	for (size_t i = 0; i < n; i++) {
		v[i].head.nlmsg_seq = nl->seq; /* an error of any ends the exchange */
		memcpy(bytes + len, v[i].bytes, v[i].head.nlmsg_len);
		len += NLMSG_ALIGN(v[i].head.nlmsg_len);
	}
	err = send_and_read(nl, bytes, len, NULL, NULL);
	free(bytes);
	return err;
}

int nl_request(struct nl_socket *nl, struct nl_msg *m)
{
	return nl_exchange(nl, m, NULL, NULL);
}

int nl_fail(const struct nl_socket *nl, struct error *error, int code, const char *format, ...)
{
	const char *why = nl->verdict.code == code ? nl->verdict.why : "";
	char text[sizeof(error->problem) + sizeof(error->hint)];
	va_list args;
	char *hint;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	hint = strchr(text, '\n');
	if (hint)
		*hint++ = '\0';
	return error_set(error, code, "%s: %s%s%s%s\n%s", text, strerror(-code), *why ? " (" : "",
		why, *why ? ")" : "", hint ? hint : "");
}

int nl_read_events(struct nl_socket *nl, nl_visit_fn *visit, void *ctx)
{
	int err;

	do
		err = read_datagram(nl, visit, ctx);
	while (err == 0);
	return err == -EAGAIN ? 0 : err;
}
