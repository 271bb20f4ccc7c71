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
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/unix_address.h"

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
	uint64_t net_dev; /* the network namespace of `ifindex` */
	uint64_t net_ino;
};

/** Room for one descriptor. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
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

static bool is_roots(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == 0;
}

int port_socket_connect(const char *path)
{
	struct sockaddr_un address;
	int err = unix_address(path, &address);
	int fd;

	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else if (!is_roots(fd))
		err = -EPERM;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Receive a number and, if there is one, a descriptor. Return: it, -1 if there is none; or -errno,
 * or the number, if that is negative. */
static int receive_reply(int opener)
{
	union control control;
	int32_t code = 0;
	struct iovec iov = { &code, sizeof(code) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(opener, &msg, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *cm = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd = -1;

	if (n < 0)
		return -errno;
	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
		cm->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	if (n == sizeof(code) && !code && fd >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return n == 0 ? -EPIPE : n == sizeof(code) && code < 0 ? code : -EBADMSG;
}

int port_socket_ask(int opener, const struct port_socket_key *key)
{
	struct request r = { VERSION, key->ifindex, key->limit, key->protocol, 0, 0 };
	struct pollfd p = { .fd = opener, .events = POLLIN };
	struct stat net;
	int n;

	if (stat("/proc/self/ns/net", &net) < 0)
		return -errno;
	r.net_dev = net.st_dev;
	r.net_ino = net.st_ino;
	if (send(opener, &r, sizeof(r), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 ? receive_reply(opener) : -ETIMEDOUT;
}

/* ---- serving ---- */

static bool is_here(const struct request *r)
{
	struct stat net;

	return stat("/proc/self/ns/net", &net) == 0 && net.st_dev == r->net_dev &&
	       net.st_ino == r->net_ino;
}

/* Send a number, with a descriptor unless `passed` is negative. Return: 0 or -errno. */
static int send_reply(int fd, int32_t code, int passed)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { &code, sizeof(code) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed >= 0) {
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Serve a request. Return: 0 or -errno. */
static int serve_one(int fd, const struct request *r)
{
	struct port_socket_key key = { r->ifindex, r->limit, (uint16_t)r->protocol };
	int opened = is_here(r) ? port_socket_open(&key) : -EXDEV;
	int err = send_reply(fd, opened < 0 ? opened : 0, opened);

	if (opened >= 0)
		close(opened);
	return err;
}

int port_socket_serve(int fd)
{
	if (!is_roots(fd))
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
