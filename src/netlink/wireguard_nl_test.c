/* SPDX-License-Identifier: MIT */
/* Tests of WireGuard's generic netlink messages: requests byte by byte, valid and malformed
 * answers, configurations that take several messages. */
#include "netlink/wireguard_nl.h"

#include <errno.h>
#include <linux/wireguard.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"
#include "netlink/test_kernel.h"

#define FAMILY 31

static const uint8_t *key(uint8_t byte)
{
	static uint8_t keys[8][WGNL_KEY_LEN];
	static size_t next;
	uint8_t *k = keys[next++ % ARRAY_LEN(keys)];

	return memset(k, byte, WGNL_KEY_LEN);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(text, &e), 0);
	return e;
}

static void test_set(void **state)
{
	const struct ip_prefix ips[] = { prefix("10.0.1.12/32"), prefix("fd00::/64") };
	const struct endpoint e4 = endpoint("192.0.2.2:51820");
	const struct endpoint e6 = endpoint("[fe80::1%3]:51821");
	const struct wgnl_peer peers[] = {
		{ .public_key = key(0x22),
			.preshared_key = key(0x33),
			.endpoint = &e4,
			.allowedips = ips,
			.n_allowedips = ARRAY_LEN(ips),
			.replace_allowedips = true,
			.has_keepalive = true,
			.keepalive = 25 },
		{ .public_key = key(0x44), .remove = true, .endpoint = &e4 },
		{ .public_key = key(0x55), .update_only = true, .endpoint = &e6 },
	};
	const struct wgnl_config config = { .ifname = "wg0",
		.private_key = key(0x11),
		.has_listen_port = true,
		.listen_port = 51820,
		.has_fwmark = true,
		.fwmark = 0x51,
		.peers = peers,
		.n_peers = ARRAY_LEN(peers) };
	struct wgnl_cursor cursor = { 0 };
	struct nl_msg m;

	assert_true(wgnl_encode_set(&m, FAMILY, &config, &cursor));
	assert_message(&m,
		"8c010000 1f000100 00000000 00000000 01010000 08000200 77673000 24000300 "
		"11111111 11111111 11111111 11111111 11111111 11111111 11111111 11111111 "
		"06000600 6cca0000 08000700 51000000 3c010880 b8000080 24000100 22222222 "
		"22222222 22222222 22222222 22222222 22222222 22222222 22222222 08000300 "
		"02000000 24000200 33333333 33333333 33333333 33333333 33333333 33333333 "
		"33333333 33333333 14000400 0200ca6c c0000202 00000000 00000000 06000500 "
		"19000000 48000980 1c000080 06000100 02000000 08000200 0a00010c 05000300 "
		"20000000 28000080 06000100 0a000000 14000200 fd000000 00000000 00000000 "
		"00000000 05000300 40000000 30000080 24000100 44444444 44444444 44444444 "
		"44444444 44444444 44444444 44444444 44444444 08000300 01000000 50000080 "
		"24000100 55555555 55555555 55555555 55555555 55555555 55555555 55555555 "
		"55555555 08000300 04000000 20000400 0a00ca6d 00000000 fe800000 00000000 "
		"00000000 00000001 03000000");
	assert_false(wgnl_encode_set(&m, FAMILY, &config, &cursor));
}

/* What is not set is not sent: not even an empty list of peers. */
static void test_set_nothing(void **state)
{
	const struct wgnl_config config = { .ifname = "wg0" };
	struct wgnl_cursor cursor = { 0 };
	struct nl_msg m;

	assert_true(wgnl_encode_set(&m, FAMILY, &config, &cursor));
	assert_message(&m, "1c000000 1f000100 00000000 00000000 01010000 08000200 77673000");
	assert_false(wgnl_encode_set(&m, FAMILY, &config, &cursor));
}

#define MANY_PEERS 40
#define MANY_IPS   250

/** What the kernel would have after the messages of a configuration. */
struct applied {
	struct wgnl_device device;
	size_t messages;
	size_t replaced; /* peers whose allowed IPs were replaced */
	size_t keyed;	 /* messages with the private key */
};

/* The first attribute of a type, or NULL. */
static const struct nlattr *attr(struct nl_attrs walk, uint16_t type)
{
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/* Decode a request as if it were an answer: the attributes are the same. */
static void apply(struct applied *to, struct nl_msg *m)
{
	struct nl_attrs walk = nl_attrs_of(&m->head, 4);
	const struct nlattr *peers = attr(walk, WGDEVICE_A_PEERS);
	const struct nlattr *a;
	struct nl_attrs peer;
	uint32_t flags;

	assert_true(m->head.nlmsg_len <= NL_MSG_MAX);
	to->messages++;
	assert_null(attr(walk, WGDEVICE_A_FLAGS));
	to->keyed += attr(walk, WGDEVICE_A_PRIVATE_KEY) != NULL;
	assert_non_null(peers);
	for (peer = nl_attrs_in(peers); (a = nl_attrs_next(&peer));) {
		const struct nlattr *f = attr(nl_attrs_in(a), WGPEER_A_FLAGS);

		if (f && nl_attr_u32(f, &flags) && flags & WGPEER_F_REPLACE_ALLOWEDIPS)
			to->replaced++;
	}
	m->bytes[NLMSG_HDRLEN] = WG_CMD_GET_DEVICE;
	assert_int_equal(wgnl_decode_device(&m->head, &to->device), 0);
}

static void test_set_many(void **state)
{
	static struct ip_prefix ips[MANY_IPS];
	static struct wgnl_peer peers[MANY_PEERS];
	static uint8_t keys[MANY_PEERS][WGNL_KEY_LEN];
	const struct endpoint e = endpoint("[fe80::1%3]:51821");
	const struct wgnl_config config = {
		.ifname = "wg0", .private_key = key(0x11), .peers = peers, .n_peers = MANY_PEERS
	};
	struct wgnl_cursor cursor = { 0 };
	struct applied applied = { 0 };
	struct nl_msg m;

	for (size_t i = 0; i < MANY_IPS; i++) {
		ips[i] = prefix("fd00::/128");
		store_be16(ips[i].addr.bytes + 14, (uint16_t)i);
	}
	for (size_t i = 0; i < MANY_PEERS; i++) {
		store_be16(keys[i], (uint16_t)i);
		peers[i] = (struct wgnl_peer){ .public_key = keys[i],
			.preshared_key = key(0x33),
			.endpoint = &e,
			.allowedips = ips,
			.n_allowedips = i == 7 ? MANY_IPS : i,
			.replace_allowedips = true };
	}
	while (wgnl_encode_set(&m, FAMILY, &config, &cursor))
		apply(&applied, &m);
	assert_true(applied.messages > 2);
	assert_int_equal(applied.keyed, 1);
	assert_int_equal(applied.replaced, MANY_PEERS);
	assert_int_equal(applied.device.n_peers, MANY_PEERS);
	for (size_t i = 0; i < MANY_PEERS; i++) {
		const struct wgnl_peer_info *peer = &applied.device.peers[i];

		assert_memory_equal(peer->public_key, keys[i], WGNL_KEY_LEN);
		assert_true(endpoint_equal(&peer->endpoint, &e));
		assert_int_equal(peer->n_allowedips, peers[i].n_allowedips);
		for (size_t j = 0; j < peer->n_allowedips; j++)
			assert_int_equal(load_be16(peer->allowedips[j].addr.bytes + 14), j);
	}
	wgnl_device_fini(&applied.device);
}

static void assert_first_peer(const struct wgnl_peer_info *peer)
{
	char text[ENDPOINT_TEXT_LEN];

	assert_memory_equal(peer->public_key, key(0x22), WGNL_KEY_LEN);
	assert_true(peer->has_preshared_key);
	assert_string_equal(endpoint_text(&peer->endpoint, text), "192.0.2.2:51820");
	assert_int_equal(peer->keepalive, 25);
	assert_int_equal(peer->handshake_s, 1700000000);
	assert_int_equal(peer->handshake_ns, 5);
	assert_int_equal(peer->rx_bytes, 2000);
	assert_int_equal(peer->tx_bytes, 1000);
	assert_int_equal(peer->n_allowedips, 2);
	assert_string_equal(ip_prefix_text(&peer->allowedips[0], text), "10.0.1.12/32");
	assert_string_equal(ip_prefix_text(&peer->allowedips[1], text), "fd00::/64");
}

/* The allowed IPs of the first peer are in two messages. */
static void test_get(void **state)
{
	struct wgnl_device device = { 0 };
	char text[ENDPOINT_TEXT_LEN];
	struct nl_msg m;

	assert_message(wgnl_encode_get(&m, FAMILY, "wg0"),
		"1c000000 1f000103 00000000 00000000 00010000 08000200 77673000");
	assert_int_equal(
		wgnl_decode_device(
			message_of(&m,
				"3c010000 1f000200 00000000 00000000 00010000 06000600 6cca0000 "
				"08000700 "
				"51000000 08000100 05000000 08000200 77673000 24000300 11111111 "
				"11111111 "
				"11111111 11111111 11111111 11111111 11111111 11111111 24000400 "
				"66666666 "
				"66666666 66666666 66666666 66666666 66666666 66666666 66666666 "
				"c0000880 "
				"bc000080 24000100 22222222 22222222 22222222 22222222 22222222 "
				"22222222 "
				"22222222 22222222 24000200 33333333 33333333 33333333 33333333 "
				"33333333 "
				"33333333 33333333 33333333 14000600 00f15365 00000000 05000000 "
				"00000000 "
				"06000500 19000000 0c000800 e8030000 00000000 0c000700 d0070000 "
				"00000000 "
				"08000a00 01000000 14000400 0200ca6c c0000202 00000000 00000000 "
				"20000980 "
				"1c000080 06000100 02000000 08000200 0a00010c 05000300 20000000"),
			&device),
		0);
	assert_int_equal(wgnl_decode_device(message_of(&m, "20010000 1f000200 00000000 00000000 "
							   "00010000 08000200 77673000 04010880 "
							   "54000080 24000100 22222222 22222222 "
							   "22222222 22222222 22222222 22222222 "
							   "22222222 22222222 2c000980 28000080 "
							   "06000100 0a000000 14000200 fd000000 "
							   "00000000 00000000 00000000 05000300 "
							   "40000000 ac000080 24000100 44444444 "
							   "44444444 44444444 44444444 44444444 "
							   "44444444 44444444 44444444 24000200 "
							   "00000000 00000000 00000000 00000000 "
							   "00000000 00000000 00000000 00000000 "
							   "14000600 00f15365 00000000 05000000 "
							   "00000000 06000500 19000000 0c000800 "
							   "e8030000 00000000 0c000700 d0070000 "
							   "00000000 08000a00 01000000 20000400 "
							   "0a00ca6d 00000000 fe800000 00000000 "
							   "00000000 00000001 03000000 04000980"),
				 &device),
		0);
	assert_int_equal(device.ifindex, 5);
	assert_string_equal(device.name, "wg0");
	assert_true(device.has_public_key);
	assert_memory_equal(device.public_key, key(0x66), WGNL_KEY_LEN);
	assert_int_equal(device.listen_port, 51820);
	assert_int_equal(device.fwmark, 0x51);
	assert_int_equal(device.n_peers, 2);
	assert_first_peer(&device.peers[0]);
	assert_false(device.peers[1].has_preshared_key);
	assert_string_equal(endpoint_text(&device.peers[1].endpoint, text), "[fe80::1%3]:51821");
	assert_int_equal(device.peers[1].n_allowedips, 0);
	wgnl_device_fini(&device);
	assert_int_equal(device.n_peers, 0);
}

static void test_decode_wrong(void **state)
{
	static const char *const table[] = {
		/* truncated; another command; an address of 6 bytes; a mask of 33 bits; a peer
		 * without a key */
		"00000000 1f000000 00000000 00000000 0001",
		"00000000 1f000000 00000000 00000000 01010000",
		("64000000 1f000200 00000000 00000000 00010000 50000880 4c000080 24000100 "
		 "22222222 22222222 22222222 22222222 22222222 22222222 22222222 22222222 "
		 "24000980 20000080 06000100 02000000 0a000200 0a000001 00000000 05000300 "
		 "20000000"),
		("60000000 1f000200 00000000 00000000 00010000 4c000880 48000080 24000100 "
		 "22222222 22222222 22222222 22222222 22222222 22222222 22222222 22222222 "
		 "20000980 1c000080 06000100 02000000 08000200 0a000001 05000300 21000000"),
		("24000000 1f000200 00000000 00000000 00010000 10000880 0c000080 06000500 "
		 "19000000"),
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct wgnl_device device = { 0 };
		struct nl_msg m;

		assert_int_equal(wgnl_decode_device(message_of(&m, table[i]), &device), -EBADMSG);
		wgnl_device_fini(&device);
	}
}

static _Alignas(struct nlmsghdr) uint8_t answer[NL_ANSWER_MAX];
static struct nl_socket nl;

static int begin(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	nl = (struct nl_socket){ .seq = 6, .answer = answer };
	return 0;
}

#define DEVICE                                                                                     \
	"00000000 1f000200 00000000 00000000 00010000 06000600 6cca0000 08000700 51000000 "        \
	"08000100 05000000 08000200 77673000 24000300 11111111 11111111 11111111 11111111 "        \
	"11111111 11111111 11111111 11111111"

/* A dump that changed meanwhile is repeated; the key does not stay in the socket's buffer. */
static void test_get_device(void **state)
{
	static const uint8_t half[16] = { 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
		17, 17 };
	struct wgnl_device device = { .listen_port = 77 };
	struct nl_msg m;
	struct nl_msg wrong;
	const struct nlmsghdr *const v[] = { message_of(&m, DEVICE) };
	const struct nlmsghdr *const bad[] = { message_of(
		&wrong, "00000000 1f000200 00000000 00000000 0001") };

	message(datagram(), NLMSG_ERROR, 0, 7, -ENODEV);
	assert_int_equal(wgnl_get(&nl, FAMILY, "wg0", &device), -ENODEV);
	dump(8, NLM_F_MULTI, bad, 1);
	assert_int_equal(wgnl_get(&nl, FAMILY, "wg0", &device), -EBADMSG);
	assert_int_equal(device.listen_port, 77);
	dump(9, NLM_F_DUMP_INTR, v, 1);
	dump(10, NLM_F_MULTI, v, 1);
	assert_int_equal(wgnl_get(&nl, FAMILY, "wg0", &device), 0);
	assert_int_equal(device.listen_port, 51820);
	assert_null(memmem(answer, sizeof(answer), half, sizeof(half)));
	wgnl_device_fini(&device);
	assert_int_equal(kernel.next, kernel.n);
}

/* A refused message ends the change; the key does not stay in the socket's buffer. */
static void test_set_device(void **state)
{
	const struct wgnl_config config = { .ifname = "wg0", .private_key = key(0x11) };

	need_little_endian();
	message(datagram(), NLMSG_ERROR, 0, 7, 0);
	assert_int_equal(wgnl_set(&nl, FAMILY, &config), 0);
	assert_non_null(memmem(kernel.request, kernel.request_len, key(0x11), WGNL_KEY_LEN));
	message(datagram(), NLMSG_ERROR, 0, 8, -EPERM);
	assert_int_equal(wgnl_set(&nl, FAMILY, &config), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_nothing),
		cmocka_unit_test(test_set_many),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_decode_wrong),
		cmocka_unit_test_setup(test_get_device, begin),
		cmocka_unit_test_setup(test_set_device, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
