/* SPDX-License-Identifier: MIT */
/* Tests of opening a port: both families, or the only one that the kernel has; otherwise an
 * error. */
#include "udp/udp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *sa, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t len);
int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len);

static int lacking[2];	 /* families that the kernel lacks */
static int taken_family; /* bind() fails for this family: the port is in use */
static int mark_calls;	 /* SO_MARK fails at this call, counted down to 0 */
static int marks[2];	 /* of the IPv4 and the IPv6 socket */
static int opened;	 /* number of sockets ever opened */

int __wrap_socket(int family, int type, int protocol)
{
	int fd;

	if (family == lacking[0] || family == lacking[1]) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = __real_socket(family, type, protocol);
	opened += fd >= 0;
	return fd;
}

int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	if (sa->sa_family == taken_family) {
		errno = EADDRINUSE;
		return -1;
	}
	return __real_bind(fd, sa, len);
}

/* Simulates firewall marks: setting a real one needs privileges. */
static int *mark_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return &marks[sa.ss_family == AF_INET6];
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (level != SOL_SOCKET || option != SO_MARK)
		return __real_setsockopt(fd, level, option, value, len);
	if (mark_calls && !--mark_calls) {
		errno = EPERM;
		return -1;
	}
	memcpy(mark_of(fd), value, sizeof(int));
	return 0;
}

int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	assert_int_equal(level, SOL_SOCKET);
	assert_int_equal(option, SO_MARK);
	memcpy(value, mark_of(fd), sizeof(int));
	*len = sizeof(int);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	lacking[0] = lacking[1] = -1;
	taken_family = -1;
	mark_calls = 0;
	memset(marks, 0, sizeof(marks));
	opened = 0;
	return 0;
}

static int open_any(uint16_t port, uint32_t fwmark, struct udp *ret)
{
	return udp_open(port, fwmark, (struct udp_offloads){ 0 }, ret);
}

/* If the kernel lacks one of the families, as after ipv6.disable=1, the other is used. */
static void test_one_family(void **state)
{
	struct udp udp;

	(void)state;
	lacking[0] = AF_INET6;
	assert_int_equal(open_any(0, 0, &udp), 0);
	assert_true(udp.fd4 >= 0 && udp.fd6 < 0 && udp.port);
	assert_int_equal(udp_set_fwmark(&udp, 3), 0);
	udp_close(&udp);
	lacking[0] = AF_INET;
	assert_int_equal(open_any(0, 0, &udp), 0);
	assert_true(udp.fd4 < 0 && udp.fd6 >= 0 && udp.port);
	assert_int_equal(udp_set_fwmark(&udp, 3), 0);
	udp_close(&udp);
	lacking[1] = AF_INET6;
	assert_int_equal(open_any(0, 0, &udp), -EAFNOSUPPORT);
}

/* Whether this descriptor is open. */
static bool is_open(int fd)
{
	return dup2(fd, fd) >= 0;
}

/* If one family fails, the call fails and leaves no socket open. */
static void test_all_or_none(void **state)
{
	struct udp before = { .fd4 = 77, .fd6 = 78, .port = 79 };
	struct udp udp = before;
	int next = dup(0);

	(void)state;
	assert_true(next >= 0);
	close(next);
	taken_family = AF_INET;
	assert_int_equal(open_any(1234, 0, &udp), -EADDRINUSE);
	taken_family = AF_INET6;
	assert_int_equal(open_any(0, 0, &udp), -EADDRINUSE);
	assert_true(opened >= 200); /* retries with other ports, a bounded number of times */
	taken_family = -1;
	mark_calls = 2;
	assert_int_equal(open_any(0, 5, &udp), -EPERM);
	assert_memory_equal(&udp, &before, sizeof(udp));
	assert_false(is_open(next));
}

/* If the second socket refuses a mark, the first gets its old mark back. */
static void test_mark_is_undone(void **state)
{
	struct udp udp;

	(void)state;
	assert_int_equal(open_any(0, 5, &udp), 0);
	assert_int_equal(marks[0], 5);
	assert_int_equal(marks[1], 5);
	for (int call = 1; call <= 2; call++) {
		mark_calls = call;
		assert_int_equal(udp_set_fwmark(&udp, 6), -EPERM);
		assert_int_equal(marks[0], 5);
		assert_int_equal(marks[1], 5);
	}
	assert_int_equal(udp_set_fwmark(&udp, 0), 0);
	assert_int_equal(marks[0], 0);
	assert_int_equal(marks[1], 0);
	udp_close(&udp);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_family),
		CASE(test_all_or_none),
		CASE(test_mark_is_undone),
	};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0) {
		print_message("skipped: this kernel has no IPv6\n");
		return 77;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
