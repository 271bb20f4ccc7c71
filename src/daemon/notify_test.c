/* SPDX-License-Identifier: MIT */
/* Tests of the service manager's protocol: to a path, to an abstract name, without a manager. */
#include "daemon/notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* Act as the service manager at `name`, which has the form of NOTIFY_SOCKET. Return: its
 * descriptor. */
static int manage(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, len);
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect(int fd, const char *message)
{
	char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, message);
}

static void test_messages(const char *name)
{
	struct notify n;
	int fd = manage(name);
	char text[2000];

	assert_int_equal(notify_open(&n), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_ready(&n, "vpn01: 1 peer");
	expect(fd, "READY=1\nSTATUS=vpn01: 1 peer");
	notify_reloading(&n, (struct mono){ 1234567890 });
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=1234567");
	notify_stopping(&n);
	expect(fd, "STOPPING=1");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	notify_ready(&n, text);
	assert_in_range(recv(fd, text, sizeof(text), 0), 100, 1024);
	close(fd);
	notify_stopping(&n); /* the manager has closed its socket: no signal, no error */
	notify_close(&n);
}

/* It is reported at once and then after half of the time, and children inherit no variable. */
static void test_watchdog(void **state)
{
	static const struct {
		const char *usec;
		const char *pid; /* or NULL: this process */
		bool watches;
	} table[] = { { "40000000", NULL, true }, { "40000000", "1", false }, { "0", NULL, false },
		{ "x", NULL, false } };
	char pid[16];
	char text[64];
	struct notify n;
	int fd;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fd = manage("@wirespan-watchdog");
		setenv("WATCHDOG_USEC", table[i].usec, 1);
		setenv("WATCHDOG_PID", table[i].pid ? table[i].pid : pid, 1);
		assert_int_equal(notify_open(&n), 0);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		assert_int_equal(mono_is_set(notify_deadline(&n)), table[i].watches);
		notify_alive(&n);
		notify_alive(&n); /* too early */
		if (table[i].watches) {
			expect(fd, "WATCHDOG=1");
			assert_true(mono_before(clock_mono(), notify_deadline(&n)));
			n.alive_next = clock_mono();
			notify_alive(&n);
			expect(fd, "WATCHDOG=1");
		}
		assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
		notify_close(&n);
		close(fd);
	}
}

static void test_path(void **state)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/wirespan-notify-%d", (int)getpid());
	test_messages(name);
	assert_int_equal(unlink(name), 0);
}

static void test_abstract(void **state)
{
	char name[64];

	snprintf(name, sizeof(name), "@wirespan-notify-%d", (int)getpid());
	test_messages(name);
}

static void test_no_socket(void **state)
{
	static const struct {
		const char *name;
		int result;
	} table[] = { { "", 0 }, { "/nonexistent/notify", -ENOENT }, { "vsock:2:1", -EAFNOSUPPORT },
		{ "/", -EINVAL }, { "@", -EINVAL }, { "@wirespan-absent", -ECONNREFUSED } };
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n), 0);
	notify_ready(&n, "unheard");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setenv("NOTIFY_SOCKET", table[i].name, 1);
		assert_int_equal(notify_open(&n), table[i].result);
		assert_int_equal(n.fd, -1);
		notify_ready(&n, "unheard");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
