/* SPDX-License-Identifier: MIT */
/* Count large frames of a member: each address is looked up once, few are, and
 * none with VLANs. */
#include "host/port_counts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "netlink/query.h"
#include "netlink/test_netns.h"

#define BRIDGE	  100 /* ifindexes, of interfaces in the view only */
#define SESSION	  101
#define FRAME_LEN 300 /* more than the session's MTU */
#define FRAMES	  40

int __wrap_query_bridge_port(struct nl_socket *nl, uint32_t bridge,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, uint32_t *ret_ifindex);

static unsigned queries;

/* A table that has learned the addresses whose last byte is below 100, behind
 * the session. */
int __wrap_query_bridge_port(struct nl_socket *nl, uint32_t bridge,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, uint32_t *ret_ifindex)
{
	assert_int_equal(bridge, BRIDGE);
	queries++;
	*ret_ifindex = SESSION;
	return mac[LINK_MAC_LEN - 1] < 100 ? 0 : -ENOENT;
}

static struct link_info links[] = {
	{ .ifindex = BRIDGE, .name = "br0", .kind = "bridge", .mtu = 1500 },
	{ .ifindex = SESSION, .name = "s0", .master = BRIDGE, .mtu = 200 },
	{ .name = "eth1", .master = BRIDGE, .mtu = 1500 },
};
static struct wanted_link wanted_links[] = {
	{ .role = WANTED_BRIDGE, .name = "br0", .ifindex = BRIDGE, .bridge = "" },
	{ .role = WANTED_SESSION, .name = "s0", .bridge = "br0" },
	{ .role = WANTED_MEMBER, .name = "eth1", .bridge = "br0" },
};
static const struct host_view view = { .links = { .v = links, .n = ARRAY_LEN(links) } };
static const struct wanted wanted = { .v = wanted_links, .n = ARRAY_LEN(wanted_links) };

static int open_port(const char *name)
{
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	const struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

/* Send frames to addresses from `first` on, `step` apart, and count them in one
 * reading. The socket at eth1 is older than those that count, so it gets each
 * frame after them. */
static uint64_t count(uint8_t first, uint8_t step, bool filters_vlans)
{
	uint8_t frame[FRAME_LEN] = { 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0x88, 0xb5 };
	struct port_counts c = { 0 };
	int at = open_port("eth1");
	int from = open_port("eth1-peer");
	uint64_t large;

	queries = 0;
	links[0].filters_vlans = filters_vlans;
	links[2].ifindex = if_nametoindex("eth1");
	port_counts_follow(&c, &wanted, &view);
	assert_int_equal(c.n, filters_vlans ? 3 : 4); /* three of control protocols */
	assert_int_equal(mono_is_set(c.due), !filters_vlans);
	for (unsigned i = 0; i < FRAMES; i++) {
		frame[LINK_MAC_LEN - 1] = (uint8_t)(first + i * step);
		assert_int_equal(send(from, frame, sizeof(frame), 0), sizeof(frame));
	}
	for (unsigned i = 0; i < FRAMES;) {
		ssize_t len = recv(at, frame, sizeof(frame), 0);

		assert_true(len >= 0);
		i += len == FRAME_LEN && frame[12] == 0x88 && frame[13] == 0xb5;
	}
	port_counts_read(&c, NULL, (struct mono){ 1 });
	large = c.large;
	port_counts_close(&c);
	close(at);
	close(from);
	return large;
}

/* Frames to one address cost one query. */
static void test_one_address(void **state)
{
	assert_int_equal(count(7, 0, false), FRAMES);
	assert_int_equal(queries, 1);
	assert_int_equal(count(200, 0, false), FRAMES); /* it floods */
	assert_int_equal(queries, 1);
}

/* Of many addresses, only some are looked up, and counted. */
static void test_many_addresses(void **state)
{
	assert_int_equal(count(7, 1, false), 16);
	assert_int_equal(queries, 16);
	assert_int_equal(count(200, 1, false), 16);
	assert_int_equal(queries, 16);
}

/* Where VLANs are filtered, a missing entry does not show that a frame was
 * flooded. */
static void test_vlans(void **state)
{
	assert_int_equal(count(200, 0, true), 0);
	assert_int_equal(queries, 0);
}

/* Set eth1 up, and wait until its peer can send. */
static int set_up(void **state)
{
	struct link_info peer = { 0 };
	struct nl_socket nl;
	struct nl_msg m;

	assert_int_equal(nl_socket_open(&nl), 0);
	assert_int_equal(nl_request(&nl, link_encode_up(&m, if_nametoindex("eth1"), true)), 0);
	for (int i = 0; i < 1000 && !(peer.flags & IFF_RUNNING); i++) {
		usleep(10000);
		assert_int_equal(query_link(&nl, "eth1-peer", &peer), 0);
	}
	nl_socket_close(&nl);
	return peer.flags & IFF_RUNNING ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_vlans),
	};

	test_netns_enter();
	return cmocka_run_group_tests_name("port counts", tests, set_up, NULL);
}
