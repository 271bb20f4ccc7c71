/* SPDX-License-Identifier: MIT */
/* Sockets through which systemd starts a process of ours for each connection. */
#include "host/unit_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unix_address.h"

/** Room for one descriptor. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool unit_socket_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

bool unit_socket_is_roots(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == 0;
}

int unit_socket_connect(const char *path)
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
	else if (!unit_socket_is_roots(fd))
		err = -EPERM;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int unit_socket_send(int fd, const void *bytes, size_t len, int passed)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* only read */
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

ssize_t unit_socket_receive(int fd, void *ret, size_t len, int *ret_passed)
{
	union control control;
	struct iovec iov = { ret, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *cm = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*ret_passed = -1;
	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
		cm->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_passed, CMSG_DATA(cm), sizeof(int));
	return n < 0 ? -errno : n;
}

int namespace_id_read(const char *path, struct namespace_id *ret)
{
	struct stat s;

	*ret = (struct namespace_id){ 0 };
	if (stat(path, &s) < 0)
		return -errno;
	*ret = (struct namespace_id){ s.st_dev, s.st_ino };
	return 0;
}

bool namespace_id_is(const char *path, const struct namespace_id *id)
{
	struct namespace_id own;

	return namespace_id_read(path, &own) == 0 && own.dev == id->dev && own.ino == id->ino;
}
