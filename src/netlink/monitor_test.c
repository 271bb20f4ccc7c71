/* SPDX-License-Identifier: MIT */
/* Tests of kernel events in a network namespace: each change to an interface is reported. */
#include "netlink/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "netlink/query.h"
#include "netlink/test_netns.h"

static struct nl_socket nl;
static struct monitor monitor;

static int open_tun(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	memcpy(r.ifr_name, name, strlen(name));
	assert_int_equal(ioctl(fd, TUNSETIFF, &r), 0);
	return fd;
}

static uint32_t ifindex_of(const char *name)
{
	struct link_info link;

	assert_int_equal(query_link(&nl, name, &link), 0);
	return link.ifindex;
}

static void do_request(struct nl_msg *m)
{
	assert_int_equal(nl_request(&nl, m), 0);
}

/** Read all queued events, following `ifindex`. */
static struct changes read_changes(struct monitor *n, uint32_t ifindex)
{
	struct pollfd p = { .fd = monitor_fd(n), .events = POLLIN };
	struct changes d;

	changes_init(&d, ifindex);
	(void)poll(&p, 1, 30000);
	assert_int_equal(monitor_read(n, &d), 0);
	return d;
}

static void test_follow(void **state)
{
	int tun = open_tun("wg0");
	uint32_t wg = ifindex_of("wg0");
	struct changes d;
	struct nl_msg m;

	assert_int_equal(monitor_open(&monitor, MONITOR_LINKS), 0);
	changes_init(&d, wg);
	assert_int_equal(monitor_look(&monitor, &d), 0);
	assert_int_equal(d.fate, CHANGES_CHANGED);
	assert_false(d.up);

	do_request(link_encode_up(&m, wg, true));
	d = read_changes(&monitor, wg);
	assert_int_equal(d.fate, CHANGES_CHANGED);
	assert_true(d.up);
	do_request(link_encode_mtu(&m, wg, 1280));
	d = read_changes(&monitor, wg);
	assert_int_equal(d.mtu, 1280);
	assert_true(d.up);
	do_request(link_encode_up(&m, wg, false));
	assert_false(read_changes(&monitor, wg).up);
	close(tun);
	assert_int_equal(read_changes(&monitor, wg).fate, CHANGES_GONE);
	changes_init(&d, wg);
	assert_int_equal(monitor_look(&monitor, &d), 0);
	assert_int_equal(d.fate, CHANGES_GONE);
}

static void test_interfaces(void **state)
{
	struct endpoint far = { 0 };
	struct ip_prefix p;
	struct changes d;
	struct nl_msg m;
	uint32_t eth1 = ifindex_of("eth1");

	assert_int_equal(ip_prefix_parse("192.0.2.1/24", &p), 0);
	do_request(link_encode_up(&m, eth1, true));
	do_request(ifaddr_encode_add(&m, eth1, &p));
	assert_int_equal(monitor_open(&monitor, MONITOR_ALL), 0);
	changes_init(&d, 0);
	assert_int_equal(monitor_read(&monitor, &d), 0);
	do_request(ifaddr_encode_delete(&m, eth1, &p));
	d = read_changes(&monitor, 0);
	assert_int_equal(ip_addr_parse("198.51.100.1", &far.addr), 0);
	far.local = p.addr;
	far.local_ifindex = eth1;
	assert_true(changes_moves_source(&d, &far));
	do_request(link_encode_up(&m, eth1, false));
	d = read_changes(&monitor, 0);
	far.local = (struct ip_addr){ 0 };
	assert_true(changes_moves_source(&d, &far));
}

/** More events than the socket buffer holds: the loss is detected, and the interface is queried. */
static void test_flood(void **state)
{
	int tun = open_tun("wg0");
	uint32_t wg = ifindex_of("wg0");
	struct changes d;
	struct nl_msg m;

	assert_int_equal(monitor_open(&monitor, MONITOR_LINKS), 0);
	for (uint32_t i = 0; i < 2000; i++)
		do_request(link_encode_mtu(&m, wg, 1280 + i % 100));
	do_request(link_encode_mtu(&m, wg, 1234));
	d = read_changes(&monitor, wg);
	assert_true(d.lost);
	assert_int_equal(d.fate, CHANGES_CHANGED);
	assert_int_equal(d.mtu, 1234);
	close(tun);
}

/** Events of an interface are received after it moves to another namespace. */
static void test_move(void **state)
{
	int tun = open_tun("wg0");
	uint32_t wg = ifindex_of("wg0");
	struct monitor there = { 0 };
	struct changes d;
	char command[256];
	int gate[2];
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(monitor_open(&monitor, MONITOR_LINKS), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte;

		close(gate[1]);
		_exit(unshare(CLONE_NEWNET) < 0 || read(gate[0], &byte, 1) < 0);
	}
	close(gate[0]);
	snprintf(command, sizeof(command),
		"for i in $(seq 300); do [ $(readlink /proc/%d/ns/net) != "
		"$(readlink /proc/self/ns/net) ] && break; sleep 0.1; done; "
		"ip link set wg0 netns %d",
		(int)pid, (int)pid);
	assert_int_equal(system(command), 0);
	assert_int_equal(read_changes(&monitor, wg).fate, CHANGES_MOVED);

	assert_int_equal(monitor_open_tun(&there, tun, MONITOR_LINKS), 0);
	snprintf(
		command, sizeof(command), "nsenter -n -t %d ip link set wg0 mtu 1300 up", (int)pid);
	assert_int_equal(system(command), 0);
	d = read_changes(&there, wg);
	assert_int_equal(d.fate, CHANGES_CHANGED);
	assert_int_equal(d.mtu, 1300);
	assert_true(d.up);
	/* The test is still in its own namespace. */
	assert_int_equal(ifindex_of("eth1") > 0, 1);
	assert_int_equal(system("ip link show eth1 >/dev/null"), 0);
	monitor_close(&there);
	close(gate[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(tun);
}

static int set_up(void **state)
{
	test_netns_enter();
	return nl_socket_open(&nl);
}

static int clean_up(void **state)
{
	monitor_close(&monitor);
	nl_socket_close(&nl);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follow, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_interfaces, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_flood, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_move, set_up, clean_up),
	};

	test_netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
