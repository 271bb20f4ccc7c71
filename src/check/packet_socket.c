/* SPDX-License-Identifier: MIT */
/* Packet sockets: capture all packets of an interface in both directions, and send frames. */
#include "check/packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

#define VLAN_ID_MASK   0x0fff
#define RECEIVE_BUFFER (8 << 20)

int packet_socket_open(uint32_t ifindex, bool frames)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	int type = (frames ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int size = RECEIVE_BUFFER;
	int on = 1;
	int fd = socket(AF_PACKET, type, 0); /* protocol 0: no packet arrives before bind() */

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (frames)
		(void)setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int packet_socket_open_icmp(uint16_t family, const char *ifname)
{
	int proto = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);
	int whole = IP_PMTUDISC_PROBE;
	int err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	if (family == AF_INET)
		(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole));
	else
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &whole, sizeof(whole));
	return fd;
}

/* Whether the kernel has taken a tag with the number of a VLAN from the frame. */
static bool had_tag(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status & TP_STATUS_VLAN_VALID && aux.tp_vlan_tci & VLAN_ID_MASK;
	}
	return false;
}

/* Whether a frame begins with such a tag. */
static bool has_tag(const uint8_t *frame, size_t len)
{
	uint16_t type = len >= ETH_HLEN + 4 ? load_be16(frame + 12) : 0;

	return (type == ETH_P_8021Q || type == ETH_P_8021AD) &&
	       load_be16(frame + ETH_HLEN) & VLAN_ID_MASK;
}

int packet_socket_receive(int fd, void *buffer, size_t size, struct packet_socket_meta *ret)
{
	struct sockaddr_ll from = { 0 };
	union {
		struct cmsghdr head; /* aligns it */
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec part = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return -errno;
	*ret = (struct packet_socket_meta){
		.outgoing = from.sll_pkttype == PACKET_OUTGOING,
		.tagged = had_tag(&message) || has_tag(buffer, (size_t)n),
		.protocol = ntohs(from.sll_protocol),
		.len = (size_t)n,
	};
	return 0;
}

int packet_socket_send(int fd, const void *frame, size_t len)
{
	return send(fd, frame, len, 0) < 0 ? -errno : 0;
}

unsigned packet_socket_lost(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0 ? 0 : stats.tp_drops;
}
