/* SPDX-License-Identifier: MIT */
/* UDP sockets on the underlay: open, close and configure them, and receive batches with UDP_GRO. */
#include "udp/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "udp/hints.h"

/* Room for bursts while the thread is busy: 4 MiB, which the kernel doubles for its own
 * accounting. */
#define SOCKET_BUFFER (4 << 20)

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static void socket_buffers(int fd)
{
	/* FORCE needs CAP_NET_ADMIN and overrides the sysctl limits; without it the limits apply */
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) < 0)
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) < 0)
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
}

static int socket_facts(int fd, int family)
{
	int err;

	if (family == AF_INET) {
		err = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
		return err < 0 ? err : set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
	err = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	return err < 0 ? err : set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

static int socket_bind(int fd, int family, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int err;

	if (family == AF_INET)
		err = bind(fd, (const struct sockaddr *)(const void *)&in, sizeof(in));
	else
		err = bind(fd, (const struct sockaddr *)(const void *)&in6, sizeof(in6));
	return err < 0 ? -errno : 0;
}

/* Set the options of a socket that is bound or not. Return: 0 or -errno. */
static int socket_configure(int fd, int family)
{
	int err;

	socket_buffers(fd);
	err = socket_facts(fd, family);
	return err < 0 ? err : udp_hints_enable(fd, family);
}

/* Return: a bound socket, or -errno. */
static int socket_open(int family, uint16_t port, uint32_t fwmark)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	int err;

	if (fd < 0)
		return -errno;
	err = socket_configure(fd, family);
	if (!err && family == AF_INET6)
		err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err && fwmark)
		err = set_int(fd, SOL_SOCKET, SO_MARK, (int)fwmark);
	if (!err)
		err = socket_bind(fd, family, port);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int socket_port(int fd, uint16_t *ret_port)
{
	struct sockaddr_in6 sa;
	struct endpoint e;
	socklen_t len = sizeof(sa);
	int err;

	if (getsockname(fd, (struct sockaddr *)(void *)&sa, &len) < 0)
		return -errno;
	err = endpoint_from_sockaddr(&sa, &e);
	if (err < 0)
		return err;
	*ret_port = e.port;
	return 0;
}

/* Try to open both families once; with port 0 the IPv6 socket gets the port that the IPv4 socket
 * was assigned. */
static int open_pair(uint16_t port, uint32_t fwmark, struct udp *u)
{
	int err;

	u->fd6 = -1;
	u->port = port;
	u->fd4 = socket_open(AF_INET, port, fwmark);
	if (u->fd4 < 0 && u->fd4 != -EAFNOSUPPORT)
		return u->fd4;
	if (u->fd4 >= 0) {
		err = socket_port(u->fd4, &u->port);
		if (err < 0)
			goto fail;
	}
	u->fd6 = socket_open(AF_INET6, u->port, fwmark);
	if (u->fd6 < 0 && u->fd6 != -EAFNOSUPPORT) {
		err = u->fd6;
		goto fail;
	}
	if (u->fd4 < 0 && u->fd6 < 0)
		return -EAFNOSUPPORT;
	if (u->fd4 < 0)
		return socket_port(u->fd6, &u->port);
	return 0;
fail:
	udp_close(u);
	return err;
}

static bool all_accept(const struct udp *u, int option, int value)
{
	return (u->fd4 < 0 || !set_int(u->fd4, IPPROTO_UDP, option, value)) &&
	       (u->fd6 < 0 || !set_int(u->fd6, IPPROTO_UDP, option, value));
}

static void choose_offloads(struct udp *u, struct udp_offloads want)
{
	u->offloads.gro = want.gro && all_accept(u, UDP_GRO, 1);
	u->offloads.segment = want.segment && all_accept(u, UDP_SEGMENT, 0);
}

int udp_open(uint16_t port, uint32_t fwmark, struct udp_offloads want, struct udp *ret)
{
	struct udp u = { .fd4 = -1, .fd6 = -1 };
	int err = -EADDRINUSE;

	for (int attempt = 0; attempt < (port ? 1 : 100) && err == -EADDRINUSE; attempt++)
		err = open_pair(port, fwmark, &u);
	if (err < 0)
		return err;
	choose_offloads(&u, want);
	*ret = u;
	return 0;
}

static uint64_t unsent_of(int fd, bool used)
{
	int n = 0;

	return used && fd >= 0 && ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

uint64_t udp_unsent(const struct udp *u)
{
	return unsent_of(u->fd4, u->used4) + unsent_of(u->fd6, u->used6);
}

/* Return: the value of an option, or -errno. */
static int get_int(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, level, option, &value, &len) < 0 ? -errno : value;
}

/* Reset what another program may have set on a socket: with UDP_ENCAP, the kernel would keep every
 * message of WireGuard. */
static int socket_reset(int fd)
{
	static const int options[] = { UDP_CORK, UDP_ENCAP, UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX,
		UDP_SEGMENT, UDP_GRO };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(options) && !err; i++)
		if (get_int(fd, IPPROTO_UDP, options[i]) > 0)
			err = set_int(fd, IPPROTO_UDP, options[i], 0);
	return err;
}

/* Configure a bound socket, if there is one, and check its port. Return: 0 or -errno. */
static int socket_adopt(int fd, int family, uint16_t *port)
{
	uint16_t own = 0;
	int flags;
	int err;

	if (fd < 0)
		return 0;
	if (get_int(fd, SOL_SOCKET, SO_DOMAIN) != family ||
		get_int(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP ||
		(family == AF_INET6 && get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1))
		return -EPROTOTYPE;
	err = socket_port(fd, &own);
	if (!err && (!own || (*port && own != *port)))
		err = -EADDRNOTAVAIL;
	flags = fcntl(fd, F_GETFL);
	if (!err && (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
			    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
		err = -errno;
	*port = own;
	if (!err)
		err = socket_reset(fd);
	return err < 0 ? err : socket_configure(fd, family);
}

int udp_adopt(int fd4, int fd6, struct udp_offloads want, struct udp *ret)
{
	struct udp u = { .fd4 = fd4, .fd6 = fd6 };
	int err = fd4 < 0 && fd6 < 0 ? -EBADF : socket_adopt(fd4, AF_INET, &u.port);

	if (!err)
		err = socket_adopt(fd6, AF_INET6, &u.port);
	if (err < 0)
		return err;
	choose_offloads(&u, want);
	*ret = u;
	return 0;
}

void udp_close(struct udp *u)
{
	if (u->fd4 >= 0)
		close(u->fd4);
	if (u->fd6 >= 0)
		close(u->fd6);
	u->fd4 = -1;
	u->fd6 = -1;
}

int udp_set_fwmark(struct udp *u, uint32_t fwmark)
{
	socklen_t len = sizeof(int);
	int before = 0;
	int err = 0;

	if (u->fd4 >= 0) {
		if (getsockopt(u->fd4, SOL_SOCKET, SO_MARK, &before, &len) < 0)
			return -errno;
		err = set_int(u->fd4, SOL_SOCKET, SO_MARK, (int)fwmark);
	}
	if (!err && u->fd6 >= 0) {
		err = set_int(u->fd6, SOL_SOCKET, SO_MARK, (int)fwmark);
		if (err < 0 && u->fd4 >= 0)
			(void)set_int(u->fd4, SOL_SOCKET, SO_MARK, before);
	}
	return err;
}

int udp_set_df(struct udp *u, enum udp_df df)
{
	int err = 0;

	if (u->fd4 >= 0)
		err = set_int(u->fd4, IPPROTO_IP, IP_MTU_DISCOVER,
			df == UDP_DF_SET ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
	if (!err && u->fd6 >= 0)
		err = set_int(u->fd6, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			df == UDP_DF_SET ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
	return err;
}

static void read_control(struct msghdr *msg, struct udp_received *r)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int value = 0;

		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			if (value > 0)
				r->stride = (size_t)value;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			r->tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			r->tos = (uint8_t)value;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			r->from.local = ip_addr_v4(&info.ipi_spec_dst);
			r->from.local_ifindex = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			r->from.local = ip_addr_v6(&info.ipi6_addr);
			r->from.local_ifindex = info.ipi6_ifindex;
		}
	}
}

int udp_receive(
	struct udp *u, int fd, uint8_t *buffers, struct udp_received ret[static UDP_RECV_MAX])
{
	struct mmsghdr msgs[UDP_RECV_MAX];
	struct iovec iov[UDP_RECV_MAX];
	struct sockaddr_in6 from[UDP_RECV_MAX];
	_Alignas(struct cmsghdr) uint8_t control[UDP_RECV_MAX][128];
	int count = 0;
	int n;

	for (size_t i = 0; i < UDP_RECV_MAX; i++) {
		iov[i] = (struct iovec){ buffers + i * UDP_RECV_STRIDE, UDP_RECV_LEN };
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = control[i],
			.msg_controllen = sizeof(control[i]),
		};
	}
	n = recvmmsg(fd, msgs, UDP_RECV_MAX, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct udp_received *r = &ret[count];

		*r = (struct udp_received){
			.data = iov[i].iov_base, .len = msgs[i].msg_len, .stride = msgs[i].msg_len
		};
		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC ||
			endpoint_from_sockaddr(&from[i], &r->from) < 0)
			continue; /* larger than any buffer: not a WireGuard message */
		read_control(&msgs[i].msg_hdr, r);
		count++;
	}
	return count;
}
