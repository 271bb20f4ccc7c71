/* SPDX-License-Identifier: MIT */
/* A socket at which an engine that has lost its monitor gets a channel to the next one. */
#include "backend/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/engine_channel.h"
#include "base/unix_address.h"

/* Descriptors of a datagram for which there is room; all but one are closed. */
#define FDS_MAX 4

/** Room for what the kernel adds to a datagram. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int rendezvous_open(const char *path)
{
	const int on = 1;
	struct sockaddr_un address;
	int err = unix_address(path, &address);
	int fd = err < 0 ? err : socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err < 0 ? err : -errno;
	(void)unlink(path);
	/* the mode of the socket becomes that of its file */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 || fchmod(fd, 0600) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		shutdown(fd, SHUT_WR) < 0) { /* a confined holder cannot pass anything on */
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Receive a datagram. Return: the number of descriptors in `ret_fds`, and its sender; or -errno. */
static int receive(int fd, int ret_fds[static FDS_MAX], uid_t *ret_user)
{
	union control control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct ucred sender = { .uid = (uid_t)-1 };
	int n = 0;

	if (recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	*ret_user = sender.uid;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET)
			continue;
		if (cm->cmsg_type == SCM_CREDENTIALS && cm->cmsg_len >= CMSG_LEN(sizeof(sender))) {
			memcpy(&sender, CMSG_DATA(cm), sizeof(sender));
			*ret_user = sender.uid;
		}
		if (cm->cmsg_type == SCM_RIGHTS && !n) {
			size_t len = cm->cmsg_len - CMSG_LEN(0);

			memcpy(ret_fds, CMSG_DATA(cm), len);
			n = (int)(len / sizeof(int));
		}
	}
	return n;
}

int rendezvous_accept(int fd, uid_t user)
{
	int fds[FDS_MAX] = { -1 };
	uid_t sender = (uid_t)-1;

	for (;;) {
		int n = receive(fd, fds, &sender);

		if (n == 1 && sender == user)
			return fds[0];
		if (n < 0 && n != -EINTR)
			return n;
		while (n > 0)
			close(fds[--n]);
	}
}

/* Send a descriptor in a datagram. Return: 0 or -errno. */
static int pass_on(int fd, const struct sockaddr_un *to, int passed)
{
	struct sockaddr_un address = *to;
	union control control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };

	control.head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
	};
	memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int rendezvous_connect(const char *path)
{
	struct sockaddr_un address;
	int fds[2] = { -1, -1 };
	int err = unix_address(path, &address);
	int fd = err < 0 ? err : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err < 0 ? err : -errno;
	err = engine_channel_pair(fds);
	if (!err)
		err = pass_on(fd, &address, fds[1]);
	close(fd);
	if (fds[1] >= 0)
		close(fds[1]);
	if (err < 0 && fds[0] >= 0)
		close(fds[0]);
	return err < 0 ? err : fds[0];
}
