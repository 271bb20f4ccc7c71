/* SPDX-License-Identifier: MIT */
/* Tests of what an orphan passes on: only descriptors of the site are held, none stays open, and
 * only the monitor's user may pass a channel on. */
#include "backend/isolated_orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/engine_store.h"
#include "backend/rendezvous.h"
#include "backend/test_channel.h"
#include "conf/test_conf.h"
#include "netlink/test_netns.h"

#define FDS_MAX 8
#define PORT	8172

static const char conf_text[] =
	"[Interface]\nPrivateKey = +KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=\n"
	"ListenPort = 8172\nAddress = 10.0.1.11/24\n[L2TP]\nTunnelId = 1\nPeerTunnelId = 2\n"
	"Remote = 10.0.1.21\n[L2TPSession]\nSessionId = 3\nPeerSessionId = 4\n";

static const struct driver_options no_offloads = { 0 };

/* ---- what is passed on ---- */

static int open_tap(const char *name, enum tap_kind kind)
{
	struct tap tap;

	assert_int_equal(tap_open(name, kind, no_offloads.tap, &tap), 0);
	return tap.fd;
}

static int good_tun(void)
{
	return open_tap("wg0", TAP_IP);
}

static int good_tap(void)
{
	return open_tap("l2tpeth0", TAP_ETHERNET);
}

static int tap_instead_of_tun(void)
{
	return open_tap("wg0", TAP_ETHERNET);
}

static int tap_of_no_session(void)
{
	return open_tap("other0", TAP_ETHERNET);
}

static int open_udp(int family, uint16_t port)
{
	struct udp udp;
	int fd;

	assert_int_equal(udp_open(port, 0, no_offloads.udp, &udp), 0);
	fd = fcntl(family == AF_INET ? udp.fd4 : udp.fd6, F_DUPFD_CLOEXEC, 3);
	udp_close(&udp);
	return fd;
}

static int good_socket(void)
{
	return open_udp(AF_INET, PORT);
}

static int socket_that_keeps_packets(void)
{
	int fd = good_socket();
	const int encap = UDP_ENCAP_L2TPINUDP;
	const int on = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &encap, sizeof(encap)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)), 0);
	return fd;
}

static int another_port(void)
{
	return open_udp(AF_INET, PORT + 1);
}

static int good_store(void)
{
	return engine_store_make(1);
}

static int sealed_memory(size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* As where vm.memfd_noexec is set; as any other before Linux 6.3. */
static int store_without_execution(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | 8U /* MFD_NOEXEC_SEAL */);

	if (fd < 0)
		return good_store();
	assert_int_equal(ftruncate(fd, (off_t)wg_store_memory(8)), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return fd;
}

static int store_that_can_shrink(void)
{
	return sealed_memory(wg_store_memory(8), F_SEAL_GROW | F_SEAL_SEAL);
}

static int store_without_seals(void)
{
	return sealed_memory(wg_store_memory(8), 0);
}

static int store_that_cannot_be_written(void)
{
	return sealed_memory(
		wg_store_memory(8), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

static int short_store(void)
{
	return sealed_memory(16, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

static int file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int folder(void)
{
	return open("/", O_RDONLY | O_CLOEXEC);
}

static int end_of_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	return fds[0];
}

static int netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Run a function in another network namespace. */
static int elsewhere(int (*make)(void))
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = make();
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	return fd;
}

static int tun_elsewhere(void)
{
	return elsewhere(good_tun);
}

static int socket_elsewhere(void)
{
	return elsewhere(good_socket);
}

/* Pass on what `make[n]` open. Return: the result, and what is held then. */
static int pass(int (*const *make)(void), size_t n, struct held_ports *held, int *store)
{
	struct conf_site conf;
	int fds[FDS_MAX];
	const struct lent lent = { fds, n };
	struct error e;
	int err;

	*held = (struct held_ports){ .udp = { .fd4 = -1, .fd6 = -1 } };
	for (size_t i = 0; i < n; i++) {
		fds[i] = make[i]();
		assert_true(fds[i] >= 0);
	}
	test_conf(&conf, "near", conf_text);
	err = isolated_hold_lent(held, &conf, &lent, store, &e);
	conf_site_fini(&conf);
	return err;
}

static void close_all(struct held_ports *held, int store)
{
	held_ports_close(held);
	if (store >= 0)
		close(store);
}

static void test_good(void **state)
{
	static int (*const all[])(void) = { good_tun, good_socket, good_tap, good_store };
	int before = test_count_descriptors();
	struct held_ports held;
	int store;

	assert_int_equal(pass(all, 4, &held, &store), 0);
	assert_int_equal(held.n, 2);
	assert_int_equal(held.udp.port, PORT);
	assert_true(store >= 0);
	close_all(&held, store);
	assert_int_equal(test_count_descriptors(), before);
}

static void test_socket_is_reset(void **state)
{
	static const int options[] = { UDP_ENCAP, UDP_CORK };
	static int (*const all[])(void) = { good_tun, socket_that_keeps_packets };
	struct held_ports held;
	int store;

	assert_int_equal(pass(all, 2, &held, &store), 0);
	for (size_t i = 0; i < 2; i++) {
		int value = -1;
		socklen_t len = sizeof(value);

		assert_int_equal(
			getsockopt(held.udp.fd4, IPPROTO_UDP, options[i], &value, &len), 0);
		assert_int_equal(value, 0);
	}
	close_all(&held, store);
}

static void test_store_without_execution(void **state)
{
	static int (*const all[])(void) = { good_tun, store_without_execution };
	struct held_ports held;
	int store;

	assert_int_equal(pass(all, 2, &held, &store), 0);
	assert_true(store >= 0);
	close_all(&held, store);
}

/* What the site does not have any more is closed; the rest is used. */
static void test_changed_file(void **state)
{
	static int (*const all[])(void) = { good_tun, tap_of_no_session, another_port };
	int before = test_count_descriptors();
	struct held_ports held;
	int store;

	assert_int_equal(pass(all, 3, &held, &store), 0);
	assert_int_equal(held.n, 1);
	assert_string_equal(held.taps[0].name, "wg0");
	assert_true(held.udp.fd4 < 0 && held.udp.fd6 < 0);
	assert_int_equal(held.udp.port, 0);
	assert_int_equal(store, -1);
	close_all(&held, store);
	assert_int_equal(test_count_descriptors(), before);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *name;
		int (*make)(void);
	} cases[] = {
		{ "a TAP instead of the TUN", tap_instead_of_tun },
		{ "a TUN of another namespace", tun_elsewhere },
		{ "a socket of another namespace", socket_elsewhere },
		{ "a store that can shrink", store_that_can_shrink },
		{ "a store without seals", store_without_seals },
		{ "a store that cannot be written", store_that_cannot_be_written },
		{ "a short store", short_store },
		{ "a second store", good_store },
		{ "a file", file },
		{ "a folder", folder },
		{ "a pipe", end_of_pipe },
		{ "a netlink socket", netlink_socket },
		{ "a Unix socket", unix_socket },
		{ "a TCP socket", tcp_socket },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int (*const all[])(void) = { good_tap, good_store, cases[i].make };
		int before = test_count_descriptors();
		struct held_ports held;
		int store;
		int err = pass(all, 3, &held, &store);

		close_all(&held, store);
		if (err != -EPROTO || test_count_descriptors() != before)
			fail_msg("%s: %d, descriptors %+d", cases[i].name, err,
				test_count_descriptors() - before);
	}
}

static void test_second_socket(void **state)
{
	static int (*const all[])(void) = { good_socket, another_port };
	int before = test_count_descriptors();
	struct held_ports held;
	int store;

	assert_int_equal(pass(all, 2, &held, &store), -EPROTO);
	close_all(&held, store);
	assert_int_equal(test_count_descriptors(), before);
}

/* ---- the rendezvous ---- */

/* An attacker in the engine cannot pass descriptors on to a process of another user with it. */
static void assert_cannot_send(int fd)
{
	static const char name[] = "wirespan-rendezvous-test";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name));
	int other = unix_socket();

	memcpy(address.sun_path + 1, name, sizeof(name) - 1);
	assert_true(other >= 0);
	assert_int_equal(bind(other, (struct sockaddr *)&address, len), 0);
	assert_int_equal(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, len), -1);
	assert_int_equal(errno, EPIPE);
	close(other);
}

static void test_rendezvous(void **state)
{
	char folder_path[] = "/tmp/wirespan-rendezvous-XXXXXX";
	char path[64];
	struct stat st;
	char byte = 0;
	int fd;
	int ours;
	int theirs;

	assert_non_null(mkdtemp(folder_path));
	snprintf(path, sizeof(path), "%s/near.adopt", folder_path);
	fd = rendezvous_open(path);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_cannot_send(fd);
	assert_int_equal(rendezvous_accept(fd, geteuid()), -EAGAIN);
	ours = rendezvous_connect(path);
	assert_true(ours >= 0);
	theirs = rendezvous_accept(fd, geteuid());
	assert_true(theirs >= 0);
	assert_int_equal(send(ours, "x", 1, 0), 1);
	assert_int_equal(recv(theirs, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	close(ours);
	close(theirs);
	ours = rendezvous_connect(path); /* of another user than expected */
	assert_true(ours >= 0);
	assert_int_equal(rendezvous_accept(fd, geteuid() + 1), -EAGAIN);
	assert_int_equal(recv(ours, &byte, 1, 0), 0); /* closed by the receiver */
	close(ours);
	close(fd);
	assert_int_equal(rendezvous_connect(path), -ECONNREFUSED);
	fd = rendezvous_open(path); /* replaces the stale one */
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder_path), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_socket_is_reset),
		cmocka_unit_test(test_store_without_execution),
		cmocka_unit_test(test_changed_file),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_second_socket),
		cmocka_unit_test(test_rendezvous),
	};

	test_netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
