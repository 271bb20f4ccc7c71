/* SPDX-License-Identifier: MIT */
/* Bind the Unix datagram sockets SOCKET..., and print what they receive: the line "-- SOCKET"
 * before each datagram, and a newline behind it. The first line is "bound". */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define SOCKETS_MAX 4

static int bind_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	return fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

static void copy(int fd, const char *path)
{
	char data[65536];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n >= 0)
		printf("-- %s\n%.*s\n", path, (int)n, data);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pollfd fds[SOCKETS_MAX];
	int n = argc - 1;

	if (n < 1 || n > SOCKETS_MAX)
		return 2;
	for (int i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = bind_socket(argv[i + 1]), .events = POLLIN };
		if (fds[i].fd < 0) {
			perror(argv[i + 1]);
			return 1;
		}
	}
	puts("bound");
	fflush(stdout);
	while (poll(fds, (nfds_t)n, -1) >= 0)
		for (int i = 0; i < n; i++)
			if (fds[i].revents)
				copy(fds[i].fd, argv[i + 1]);
	return 1;
}
