/* SPDX-License-Identifier: MIT */
/* Packet sockets on members' ports, opened by this process, or by another one that may. */
#include "host/port_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/unit_socket.h"

#define RECEIVE_BUFFER (256 << 10) /* bytes */

/* How long systemd may take to start the process. */
#define PATIENCE_MS 5000

/* Of another version: it is refused. */
#define VERSION 1

/** A request. Both processes are on one host, and mostly the same program. */
struct request {
	uint32_t version;
	uint32_t ifindex;
	uint32_t limit;
	uint32_t protocol;
	struct namespace_id net; /* of `ifindex` */
};

/* ---- opening ---- */

/* Let only received frames pass that are longer than `limit`. Return: 0 or -errno. */
static int set_filter(int fd, uint32_t limit)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, limit, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

int port_socket_open(const struct port_socket_key *key)
{
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(key->protocol),
		.sll_ifindex = (int)key->ifindex,
	};
	const int one = 1;
	const int room = key->protocol == ETH_P_ALL ? RECEIVE_BUFFER : 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (key->protocol == ETH_P_ALL) {
		err = set_filter(fd, key->limit);
		if (!err && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0)
			err = -errno;
	}
	if (!err && bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- asking ---- */

/* Receive a number and, if there is one, a descriptor. Return: it, -1 if there is none; or -errno,
 * or the number, if that is negative. */
static int receive_reply(int opener)
{
	int32_t code = 0;
	int fd;
	ssize_t n = unit_socket_receive(opener, &code, sizeof(code), &fd);

	if (n < 0)
		return (int)n;
	if (n == sizeof(code) && !code && fd >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return n == 0 ? -EPIPE : n == sizeof(code) && code < 0 ? code : -EBADMSG;
}

int port_socket_ask(int opener, const struct port_socket_key *key)
{
	struct request r = { VERSION, key->ifindex, key->limit, key->protocol, { 0 } };
	struct pollfd p = { .fd = opener, .events = POLLIN };
	int n;

	n = namespace_id_read("/proc/self/ns/net", &r.net);
	if (n < 0)
		return n;
	if (send(opener, &r, sizeof(r), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 ? receive_reply(opener) : -ETIMEDOUT;
}

/* ---- serving ---- */

/* Serve a request. Return: 0 or -errno. */
static int serve_one(int fd, const struct request *r)
{
	struct port_socket_key key = { r->ifindex, r->limit, (uint16_t)r->protocol };
	int opened =
		namespace_id_is("/proc/self/ns/net", &r->net) ? port_socket_open(&key) : -EXDEV;
	int32_t code = opened < 0 ? opened : 0;
	int err = unit_socket_send(fd, &code, sizeof(code), opened);

	if (opened >= 0)
		close(opened);
	return err;
}

int port_socket_serve(int fd)
{
	if (!unit_socket_is_roots(fd))
		return -EPERM;
	for (;;) {
		struct request r;
		ssize_t n = recv(fd, &r, sizeof(r), MSG_TRUNC);
		int err = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (n != sizeof(r) || r.version != VERSION || r.protocol > UINT16_MAX || !r.ifindex)
			return -EBADMSG;
		err = serve_one(fd, &r);
		if (err < 0)
			return err;
	}
}
