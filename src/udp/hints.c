/* SPDX-License-Identifier: MIT */
/* Read ICMP too-big errors from the socket's error queue. */
#include "udp/hints.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

int udp_hints_enable(int fd, int family)
{
	bool v4 = family == AF_INET;
	int on = 1;

	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on,
		    sizeof(on)) < 0)
		return -errno;
	return 0;
}

/* The MTU that an error reports, or 0. */
static unsigned too_big(const struct sock_extended_err *e)
{
	if (e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_DEST_UNREACH &&
		e->ee_code == ICMP_FRAG_NEEDED)
		return e->ee_info;
	if (e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMP6_PACKET_TOO_BIG)
		return e->ee_info;
	return 0;
}

/* Whether the message is a too-big error; if so, fills `ret`. */
static bool read_hint(struct msghdr *msg, const struct sockaddr_in6 *to, struct udp_hint *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err e;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			!(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(e)))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		ret->mtu = too_big(&e);
		return ret->mtu && endpoint_from_sockaddr(to, &ret->to) == 0;
	}
	return false;
}

int udp_hints_read(int fd, struct udp_hint ret[static UDP_HINTS_MAX])
{
	int n = 0;

	for (int i = 0; i < UDP_HINTS_MAX; i++) {
		_Alignas(struct cmsghdr) uint8_t control[256];
		struct sockaddr_in6 to = { 0 }; /* stays so if the quoted datagram has no port */
		struct iovec iov = { ret[n].quote, sizeof(ret[n].quote) };
		struct msghdr msg = {
			.msg_name = &to,
			.msg_namelen = sizeof(to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (len < 0)
			break;
		ret[n].quote_len = (size_t)len;
		if (read_hint(&msg, &to, &ret[n]))
			n++;
	}
	return n;
}
