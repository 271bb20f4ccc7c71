/* SPDX-License-Identifier: MIT */
/* Send trains: one sendmmsg for many, UDP_SEGMENT for each, and handling of every error of these
 * calls. */
#include "udp/udp.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

/* Most messages in one sendmmsg call. */
#define SEND_BATCH 32

/* Most retries of an unchanged train that the kernel has refused. */
#define ATTEMPTS 4

/* One message for sendmmsg, with storage for its parts. */
struct outgoing {
	struct sockaddr_in6 to;
	struct iovec iov;
	_Alignas(struct cmsghdr)
		uint8_t control[CMSG_SPACE(sizeof(uint16_t)) + 2 * CMSG_SPACE(sizeof(int)) +
				CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void *control_add(struct msghdr *msg, int level, int type, size_t len)
{
	struct cmsghdr *c =
		(struct cmsghdr *)(void *)((uint8_t *)msg->msg_control + msg->msg_controllen);

	memset(c, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	msg->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

/* Send from this address, through this interface, or both; with no address the kernel chooses
 * one. */
static void control_source(struct msghdr *msg, const struct endpoint *to)
{
	uint16_t family = to->addr.family;

	if (!endpoint_has_source(to) || (to->local.family && to->local.family != family))
		return;
	if (family == AF_INET) {
		struct in_pktinfo info = { .ipi_ifindex = (int)to->local_ifindex };

		memcpy(&info.ipi_spec_dst, to->local.bytes, 4);
		memcpy(control_add(msg, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info, sizeof(info));
	} else if (family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_ifindex = to->local_ifindex };

		memcpy(&info.ipi6_addr, to->local.bytes, 16);
		memcpy(control_add(msg, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info,
			sizeof(info));
	}
}

/* Set a field of the IP header: option `v4` or `v6`; 0 leaves the system default. */
static void control_byte(
	struct msghdr *msg, const struct endpoint *to, int v4, int v6, uint8_t byte)
{
	bool is_v4 = to->addr.family == AF_INET;
	int value = byte;

	if (byte)
		memcpy(control_add(msg, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? v4 : v6,
			       sizeof(value)),
			&value, sizeof(value));
}

/* Fill one message with the datagrams of `t` in [at, at + len). */
static void outgoing_fill(
	struct outgoing *o, struct msghdr *msg, const struct train *t, size_t at, size_t len)
{
	o->iov = (struct iovec){ t->base + at, len };
	*msg = (struct msghdr){
		.msg_name = &o->to,
		.msg_namelen = endpoint_to_sockaddr(&t->to, &o->to),
		.msg_iov = &o->iov,
		.msg_iovlen = 1,
		.msg_control = o->control,
	};
	control_source(msg, &t->to);
	control_byte(msg, &t->to, IP_TOS, IPV6_TCLASS, t->tos);
	control_byte(msg, &t->to, IP_TTL, IPV6_HOPLIMIT, t->ttl);
	if (len > t->stride)
		memcpy(control_add(msg, IPPROTO_UDP, UDP_SEGMENT, sizeof(uint16_t)), &t->stride,
			sizeof(uint16_t));
	if (!msg->msg_controllen)
		msg->msg_control = NULL;
}

static int udp_fd(const struct udp *u, const struct train *t)
{
	return t->to.addr.family == AF_INET ? u->fd4 : t->to.addr.family == AF_INET6 ? u->fd6 : -1;
}

static void note_failure(struct udp *u, const struct train *t, size_t len, int error)
{
	size_t n = (len + t->stride - 1) / t->stride;

	if (error == ENOBUFS) {
		u->full += n;
		u->events |= UDP_FULL;
		return;
	}
	u->send_errors += n;
	if (error == EMSGSIZE)
		u->events |= UDP_TOO_BIG;
}

/* Return: 0 or -errno. */
static int send_one(struct udp *u, const struct train *t, size_t at, size_t len)
{
	struct outgoing o;
	struct msghdr msg;

	outgoing_fill(&o, &msg, t, at, len);
	u->send_calls++;
	if (sendmsg(udp_fd(u, t), &msg, MSG_DONTWAIT) < 0)
		return -errno;
	u->sends++;
	return 0;
}

/* Whether the error may come from an ICMP message about an earlier datagram, perhaps to another
 * destination: the kernel stores it in the socket and the next send returns it. Source: Linux
 * net/ipv4/icmp.c, icmp_err_convert; net/ipv6/icmp.c, tab_unreach. */
static bool is_deferred_icmp_error(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EMSGSIZE || error == ENOPROTOOPT || error == EOPNOTSUPP ||
	       error == EHOSTDOWN || error == ENONET || error == EPROTO || error == EACCES;
}

/* Retry a train that was refused with `error`. If the device's queue is full (the kernel reports
 * this because error queueing is enabled) there is no retry: part of the train may have been sent.
 * Anybody can forge ICMP errors, and each makes one send fail; how many sends in a row fail
 * depends on the rate at which they arrive, so retries are limited. Return: 0 or an errno. */
static int send_again(struct udp *u, const struct train *t, size_t at, size_t len, int error)
{
	if (error == ENOBUFS)
		return error;
	error = -send_one(u, t, at, len);
	for (int i = 1; i < ATTEMPTS && is_deferred_icmp_error(error); i++)
		error = -send_one(u, t, at, len);
	return error;
}

/* Whether the sticky source may be the cause: the host no longer has the address, or its interface
 * has no route to the destination. */
static bool may_be_source(const struct train *t, int error)
{
	return endpoint_has_source(&t->to) &&
	       (error == EINVAL || error == ENETUNREACH || error == EHOSTUNREACH ||
		       error == EADDRNOTAVAIL || error == ENODEV);
}

/* Retry without the sticky source a send that was refused with `error`. Only if the retry succeeds
 * was the sticky source the cause, and it is dropped: older kernels also return EINVAL for
 * segments larger than the device's MTU. Return: 0 or an errno. */
static int send_unstuck(struct udp *u, struct train *t, size_t at, size_t len, int error)
{
	struct train free = *t;

	endpoint_clear_source(&free.to);
	if (send_one(u, &free, at, len) < 0)
		return error;
	u->events |= UDP_SOURCE_STALE;
	u->stale = t->to;
	t->to = free.to;
	return 0;
}

/* Apply the retries that fit `error` to bytes that were refused with it. Return: 0 or an errno. */
static int retry_refused(struct udp *u, struct train *t, size_t at, size_t len, int error)
{
	error = send_again(u, t, at, len, error);
	return may_be_source(t, error) ? send_unstuck(u, t, at, len, error) : error;
}

/* The send buffer is full. Keep of the train what is left from `at` on. Return: false. */
static bool keep_rest(struct udp *u, struct train *t, size_t at)
{
	u->events |= UDP_BLOCKED;
	u->blocked_fd = udp_fd(u, t);
	t->base += at;
	t->len -= (uint32_t)at;
	t->count = (uint16_t)((t->len + t->stride - 1) / t->stride);
	return false;
}

/* Return: false if the send buffer is full; the train has what is left. */
static bool send_singly(struct udp *u, struct train *t)
{
	for (size_t at = 0; at < t->len; at += t->stride) {
		size_t len = size_min(t->stride, t->len - at);
		int error = -send_one(u, t, at, len);

		if (error && error != EAGAIN)
			error = retry_refused(u, t, at, len, error);
		if (error == EAGAIN)
			return keep_rest(u, t, at);
		if (error)
			note_failure(u, t, len, error);
	}
	return true;
}

/* The kernel refused this train: find the cause, retry what can be retried, count the rest as
 * lost. Return: false if the send buffer is full; the train has what is left. */
static bool send_refused(struct udp *u, struct train *t, int error)
{
	if (error != EAGAIN)
		error = retry_refused(u, t, 0, t->len, error);
	if (!error)
		return true;
	if (error == EAGAIN)
		return keep_rest(u, t, 0);
	if (t->count > 1 &&
		(error == EIO || error == EINVAL || error == EMSGSIZE || error == ENOPROTOOPT)) {
		/* EIO: the route's device has no checksum offload, so the kernel does not segment
		 * for it */
		if (error == EIO)
			u->offloads.segment = false;
		return send_singly(u, t);
	}
	note_failure(u, t, t->len, error);
	return true;
}

/* Send `n` trains of one address family. Return: how many were sent, or are lost; fewer than `n` if
 * the send buffer is full. */
static size_t send_family(struct udp *u, struct train *first, size_t n)
{
	struct outgoing out[SEND_BATCH];
	struct mmsghdr msgs[SEND_BATCH];
	size_t done = 0;

	while (done < n) {
		size_t batch = size_min(n - done, SEND_BATCH);
		int sent;

		for (size_t i = 0; i < batch; i++)
			outgoing_fill(&out[i], &msgs[i].msg_hdr, &first[done + i], 0,
				first[done + i].len);
		u->send_calls++;
		sent = sendmmsg(udp_fd(u, first), msgs, (unsigned)batch, MSG_DONTWAIT);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (!send_refused(u, &first[done], errno))
				break;
			done++;
			continue;
		}
		u->sends += (size_t)sent;
		done += (size_t)sent;
	}
	return done;
}

/* The same for a route that does not segment, or for no socket. */
static size_t send_each(struct udp *u, struct train *first, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (udp_fd(u, first) < 0)
			note_failure(u, &first[k], first[k].len, EAFNOSUPPORT);
		else if (!send_singly(u, &first[k]))
			return k;
	}
	return n;
}

unsigned udp_send(struct udp *u, struct train_queue *q)
{
	size_t i = 0;

	u->events = 0;
	while (i < q->n && !(u->events & UDP_BLOCKED)) {
		int fd = udp_fd(u, &q->trains[i]);
		size_t n = 1;

		while (i + n < q->n && udp_fd(u, &q->trains[i + n]) == fd)
			n++;
		u->used4 |= fd == u->fd4;
		u->used6 |= fd == u->fd6;
		if (fd >= 0 && u->offloads.segment)
			i += send_family(u, &q->trains[i], n);
		else
			i += send_each(u, &q->trains[i], n);
	}
	q->n -= i;
	memmove(q->trains, q->trains + i, q->n * sizeof(q->trains[0]));
	return u->events;
}
