/* SPDX-License-Identifier: MIT */
/* A socket between the monitor and the engine's process: sends and receives whole messages. */
#include "backend/engine_channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"

/* Room for the packets of a long message, so that neither process waits for the other often. */
#define SOCKET_BUFFER (1 << 20)

/* So many packets are received at a time, before the caller looks at its clock. */
#define PACKETS_MAX 256

/* Longest single wait, so that its milliseconds fit into an int. */
#define WAIT_MAX (60 * NS_PER_S)

/** Room for the descriptors of a packet. */
union control {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(ENGINE_PACKET_FDS * sizeof(int))];
};

int engine_channel_pair(int ret_fds[static 2])
{
	const int size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

void engine_channel_open(struct engine_channel *c, int fd, enum engine_sender peer)
{
	*c = (struct engine_channel){
		.fd = fd, .peer = peer, .takes_fds = peer == ENGINE_FROM_MONITOR
	};
}

/* Forget the message that was received or is being received. */
static void clear_message(struct engine_channel *c, bool close_fds)
{
	for (size_t i = 0; i < c->n_fds && close_fds; i++)
		close(c->fds[i]);
	if (c->body)
		secret_wipe(c->body, c->head.len);
	free(c->body);
	free(c->fds);
	c->body = NULL;
	c->fds = NULL;
	c->n_fds = 0;
	c->receiving = false;
}

void engine_channel_close(struct engine_channel *c)
{
	if (c->fd < 0)
		return;
	clear_message(c, c->receiving);
	secret_wipe(c->packet, sizeof(c->packet));
	close(c->fd);
	c->fd = -1;
}

/* Nanoseconds as poll(2) needs them, rounded up. */
static int wait_ms(uint64_t ns)
{
	return ns > WAIT_MAX ? (int)(WAIT_MAX / NS_PER_MS)
			     : (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* Wait for `events`. Return: whether they occurred before `until`. */
static bool wait_for(int fd, short events, int other_fd, struct mono until)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
		{ .fd = other_fd, .events = POLLIN } };

	for (;;) {
		struct mono now = clock_mono();
		int n;

		if (mono_reached(until, now))
			return poll(fds, 1, 0) > 0;
		n = poll(fds, 2, wait_ms(mono_between(now, until)));
		if (n > 0)
			return fds[0].revents;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

bool engine_channel_wait(const struct engine_channel *c, int other_fd, struct mono until)
{
	return wait_for(c->fd, POLLIN, other_fd, until);
}

static int send_packet(struct engine_channel *c, const struct msghdr *msg, struct mono until)
{
	for (;;) {
		if (sendmsg(c->fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (!wait_for(c->fd, POLLOUT, -1, until))
			return -ETIMEDOUT;
	}
}

/* Add descriptors to a packet. */
static void attach(struct msghdr *msg, union control *control, const int *fds, size_t n)
{
	*control = (union control){ 0 };
	if (!n)
		return;
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(*fds));
	control->head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(*fds)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control->head), fds, n * sizeof(*fds));
}

int engine_channel_send(struct engine_channel *c, const struct engine_message *m, size_t len,
	size_t n_fds, struct mono until)
{
	const size_t room = ENGINE_PACKET_MAX - sizeof(m->head);
	struct engine_head head = m->head;
	size_t sent_fds = 0;
	size_t part;
	int err;

	head.len = (uint32_t)len;
	head.fds = (uint32_t)n_fds;
	head.offset = 0;
	do {
		/* parts shrink if there are so many descriptors that they need more packets */
		size_t packets_left =
			(n_fds - sent_fds + ENGINE_PACKET_FDS - 1) / ENGINE_PACKET_FDS;
		size_t fds = size_min(n_fds - sent_fds, ENGINE_PACKET_FDS);
		struct iovec iov[2] = { { &head, sizeof(head) } };
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		union control control;
		uint8_t *body;

		part = size_min(room, len - head.offset);
		if (packets_left > 1)
			part = size_min(part, (len - head.offset) / packets_left);
		memcpy(&body, &m->body, sizeof(body)); /* sendmsg() does not write to it */
		iov[1] = (struct iovec){ body ? body + head.offset : NULL, part };
		attach(&msg, &control, m->fds + sent_fds, fds);
		err = send_packet(c, &msg, until);
		head.offset += (uint32_t)part;
		sent_fds += fds;
	} while (!err && head.offset < len);
	return err;
}

/* Take the descriptors of a packet over. Return: their number, or -errno with none left open. */
static int detach(struct engine_channel *c, struct msghdr *msg)
{
	int fds[ENGINE_PACKET_FDS];
	size_t n = 0;
	int *grown;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
	}
	if (!n)
		return 0;
	grown = reallocarray(c->fds, c->n_fds + n, sizeof(int));
	if (!grown) {
		while (n--)
			close(fds[n]);
		return -ENOMEM;
	}
	memcpy(grown + c->n_fds, fds, n * sizeof(int));
	c->fds = grown;
	c->n_fds += n;
	return (int)n;
}

/* Receive one packet into `c->packet`. Return: its length and `*ret_fds`; 0: none; or -errno. */
static int receive_packet(struct engine_channel *c, size_t *ret_fds)
{
	union control control;
	struct iovec iov = { c->packet, sizeof(c->packet) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fds;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	fds = detach(c, &msg);
	if (fds < 0)
		return fds;
	if (n == 0)
		return -EPIPE;
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	*ret_fds = (size_t)fds;
	return (int)n;
}

/* Add the received packet to the message. Return: 0 or -errno. */
static int add_packet(struct engine_channel *c, size_t len, size_t n_fds)
{
	struct engine_head head;
	int err = engine_head_decode(c->peer, c->packet, len, n_fds, c->receiving ? &c->head : NULL,
		c->n_fds - n_fds, &head);

	if (err < 0)
		return err;
	if (head.fds && !c->takes_fds)
		return -EBADMSG;
	if (!c->receiving) {
		c->begun = clock_mono();
		c->body = malloc((size_t)head.len + 1);
		if (!c->body)
			return -ENOMEM;
		c->body[head.len] = '\0';
	}
	memcpy(c->body + head.offset, c->packet + sizeof(head), len - sizeof(head));
	secret_wipe(c->packet, len); /* the body is wiped when the next message arrives */
	c->head = head;
	c->receiving = true;
	return 0;
}

int engine_channel_receive(struct engine_channel *c, struct engine_message *ret)
{
	size_t n_fds;
	int len;
	int err;

	if (!c->receiving)
		clear_message(c, false);
	for (unsigned i = 0;; i++) {
		len = i < PACKETS_MAX ? receive_packet(c, &n_fds) : 0;
		if (len == 0)
			return 0;
		err = len < 0 ? len : add_packet(c, (size_t)len, n_fds);
		if (err < 0) {
			c->receiving = false;
			clear_message(c, true);
			return err;
		}
		if (engine_head_is_last(&c->head, (size_t)len))
			break;
	}
	c->receiving = false;
	*ret = (struct engine_message){ .head = c->head, .body = c->body, .fds = c->fds };
	return 1;
}
