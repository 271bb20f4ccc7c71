/* SPDX-License-Identifier: MIT */
/* Tests of packet sockets that another process opens: they are those that were asked for, and it
 * refuses wrong requests, other network namespaces and other users. */
#include "host/port_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "host/unit_socket.h"
#include "netlink/test_netns.h"

#define USER 65533

/* Start a process that serves one end; `user` has made both. Return: the other end. */
static int start(uid_t user, bool elsewhere, pid_t *ret)
{
	int fds[2];

	assert_int_equal(seteuid(user), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(seteuid(0), 0);
	*ret = fork();
	if (*ret == 0) {
		close(fds[0]);
		if (elsewhere && unshare(CLONE_NEWNET) < 0)
			_exit(100);
		_exit(-port_socket_serve(fds[1]));
	}
	assert_true(*ret > 0);
	close(fds[1]);
	return fds[0];
}

/* Wait for the end of that process. Return: its exit status. */
static int end(pid_t pid, int fd)
{
	int status;

	if (fd >= 0)
		close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_open(void **state)
{
	const struct port_socket_key lldp = { if_nametoindex("eth1"), 0, 0x88cc };
	const struct port_socket_key absent = { 999, 0, 0x88cc };
	struct sockaddr_ll addr = { 0 };
	socklen_t len = sizeof(addr);
	pid_t pid;
	int opener = start(0, false, &pid);
	int fd = port_socket_ask(opener, &lldp);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(addr.sll_ifindex, lldp.ifindex);
	assert_int_equal(ntohs(addr.sll_protocol), 0x88cc);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(port_socket_ask(opener, &absent), -ENODEV);
	assert_int_equal(end(pid, opener), 0);
}

/* A number of an interface means another one there. */
static void test_elsewhere(void **state)
{
	const struct port_socket_key key = { if_nametoindex("eth1"), 0, 0x88cc };
	pid_t pid;
	int opener = start(0, true, &pid);

	assert_int_equal(port_socket_ask(opener, &key), -EXDEV);
	assert_int_equal(end(pid, opener), 0);
}

static void test_who_asks(void **state)
{
	const struct port_socket_key key = { if_nametoindex("eth1"), 0, 0x88cc };
	pid_t pid;
	int opener = start(USER, false, &pid);

	assert_int_equal(end(pid, -1), EPERM);
	assert_int_equal(port_socket_ask(opener, &key), -EPIPE);
	close(opener);
	assert_int_equal(unit_socket_connect("/proc/self/absent"), -ENOENT);
}

/* Requests of other lengths and of another version. */
static void test_wrong(void **state)
{
	static const uint8_t bytes[64];
	const size_t lens[] = { 1, 31, 32, 33, sizeof(bytes) };

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		pid_t pid;
		int opener = start(0, false, &pid);

		assert_int_equal(send(opener, bytes, lens[i], 0), lens[i]);
		assert_int_equal(end(pid, -1), EBADMSG);
		close(opener);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_who_asks),
		cmocka_unit_test(test_wrong),
	};

	test_netns_enter();
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
