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
	int fd = socket(AF_PACKET, type, 0); /* protocol 0: no packet arrives before bind() */

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
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

int packet_socket_receive(int fd, void *buffer, size_t size, struct packet_socket_meta *ret)
{
	struct sockaddr_ll from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, buffer, size, 0, (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return -errno;
	*ret = (struct packet_socket_meta){
		.outgoing = from.sll_pkttype == PACKET_OUTGOING,
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
