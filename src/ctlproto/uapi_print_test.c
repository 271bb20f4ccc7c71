/* SPDX-License-Identifier: MIT */
/* Tests of the configuration protocol's replies: a device in the format that wg(8) parses. */
#include "ctlproto/uapi_print.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctlproto/uapi_parse.h"
#include "wg/device.h"

/** A device with two peers. */
struct fixture {
	struct wg_device dev;
	struct wg_peer peers[2];
	void *memory;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	memset(out, 7, len);
}

static void setup(struct fixture *f)
{
	const struct wg_sizes sizes = { .peers = 4, .allowed_ips = 8, .sources = 8 };

	f->memory = calloc(1, wg_device_memory(&sizes));
	assert_non_null(f->memory);
	assert_int_equal(wg_device_init(&f->dev, &sizes, f->memory, (struct rng){ fill, NULL }), 0);
}

static void teardown(struct fixture *f)
{
	wg_device_fini(&f->dev);
	free(f->memory);
}

static void add_prefix(struct fixture *f, int peer, const char *text)
{
	struct ip_prefix prefix;

	assert_int_equal(ip_prefix_parse(text, &prefix), 0);
	assert_int_equal(wg_allowedips_insert(&f->dev.allowed, &prefix, &f->peers[peer]), 0);
}

static void add_peers(struct fixture *f)
{
	uint8_t key[WG_KEY_LEN];
	struct endpoint e;

	memset(key, 0x22, sizeof(key));
	assert_int_equal(wg_device_add_peer(&f->dev, &f->peers[0], key), 0);
	memset(key, 0x33, sizeof(key));
	assert_int_equal(wg_device_add_peer(&f->dev, &f->peers[1], key), 0);
	memset(key, 0xff, sizeof(key));
	wg_peer_set_psk(&f->dev, &f->peers[1], key);
	assert_int_equal(endpoint_parse("[fe80::1%3]:65535", &e), 0);
	wg_peer_set_endpoint(&f->dev, &f->peers[1], &e);
	f->peers[1].last_handshake = (struct wall){ 1700000000, 999999999 };
	f->peers[1].rx_bytes = UINT64_MAX;
	f->peers[1].tx_bytes = 12;
	wg_peer_set_keepalive(&f->dev, &f->peers[1], 65535);
	add_prefix(f, 1, "10.0.0.0/8");
	add_prefix(f, 1, "fd00::/64");
}

static void test_empty(void **state)
{
	struct fixture f = { 0 };
	char *text;
	size_t len;

	setup(&f);
	assert_int_equal(
		uapi_print_get(&(struct uapi_shown){ .dev = &f.dev, .max = 1 }, &text, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "errno=0\n\n");
	free(text);
	teardown(&f);
}

/* The private key is set unclamped and is returned clamped. */
static void test_full(void **state)
{
	static const char golden_head[] =
		"private_key="
		"f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f\n"
		"listen_port=51820\n"
		"fwmark=4294967295\n"
		"public_key=2222222222222222222222222222222222222222222222222222222222222222\n"
		"preshared_key="
		"0000000000000000000000000000000000000000000000000000000000000000\n"
		"protocol_version=1\n"
		"last_handshake_time_sec=0\n"
		"last_handshake_time_nsec=0\n"
		"tx_bytes=0\n"
		"rx_bytes=0\n"
		"persistent_keepalive_interval=0\n"
		"public_key=3333333333333333333333333333333333333333333333333333333333333333\n"
		"preshared_key="
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n"
		"protocol_version=1\n"
		"endpoint=[fe80::1%3]:65535\n"
		"last_handshake_time_sec=1700000000\n"
		"last_handshake_time_nsec=999999999\n"
		"tx_bytes=12\n"
		"rx_bytes=18446744073709551615\n"
		"persistent_keepalive_interval=65535\n";
	struct fixture f = { 0 };
	uint8_t key[WG_KEY_LEN];
	char *text;
	size_t len;

	setup(&f);
	memset(key, 0xff, sizeof(key));
	assert_null(wg_device_set_private_key(&f.dev, key));
	add_peers(&f);
	assert_int_equal(uapi_print_get(&(struct uapi_shown){ .dev = &f.dev,
						.listen_port = 51820,
						.fwmark = UINT32_MAX,
						.max = SIZE_MAX },
				 &text, &len),
		0);
	assert_int_equal(len, strlen(text));
	assert_true(strncmp(text, golden_head, strlen(golden_head)) == 0);
	assert_non_null(strstr(text, "\nallowed_ip=10.0.0.0/8\n"));
	assert_non_null(strstr(text, "\nallowed_ip=fd00::/64\n"));
	assert_string_equal(text + len - 9, "errno=0\n\n");
	free(text);
	teardown(&f);
}

/* The parts are the whole, and only the last one has the end. */
static void test_parts(void **state)
{
	struct fixture f = { 0 };
	struct uapi_shown shown = { .dev = &f.dev, .listen_port = 1, .max = SIZE_MAX };
	char *whole;
	char *parts[3];
	char joined[4096] = "";
	size_t len;

	(void)state;
	setup(&f);
	add_peers(&f);
	assert_int_equal(uapi_print_get(&shown, &whole, &len), 0);
	shown.max = 1;
	for (int i = 0; i < 3; i++) {
		shown.after = i ? &f.peers[i - 1] : NULL;
		assert_int_equal(uapi_print_get(&shown, &parts[i], &len), 0);
		if (i < 2)
			strcat(joined, parts[i]);
	}
	assert_string_equal(joined, whole);
	assert_null(strstr(parts[0], "errno="));
	assert_non_null(strstr(parts[0], "listen_port=1\n"));
	assert_null(strstr(parts[1], "listen_port"));
	assert_string_equal(parts[2], UAPI_GET_END);
	for (int i = 0; i < 3; i++)
		free(parts[i]);
	free(whole);
	teardown(&f);
}

static void test_errno(void **state)
{
	char buf[UAPI_ERRNO_LEN];

	assert_int_equal(uapi_print_errno(0, buf), 9);
	assert_string_equal(buf, "errno=0\n\n");
	assert_int_equal(uapi_print_errno(-EINVAL, buf), 11);
	assert_string_equal(buf, "errno=-22\n\n");
}

/* A set request that is parsed, printed and parsed again is the same. */
static void test_set(void **state)
{
	static const char *const lines[] = { "set=1",
		"private_key=0101010101010101010101010101010101010101010101010101010101010101",
		"listen_port=51820", "fwmark=7", "replace_peers=true",
		"public_key=0202020202020202020202020202020202020202020202020202020202020202",
		"update_only=true",
		"preshared_key=0303030303030303030303030303030303030303030303030303030303030303",
		"endpoint=[fe80::1%3]:51820", "persistent_keepalive_interval=25",
		"replace_allowed_ips=true", "allowed_ip=10.0.0.0/8", "allowed_ip=-fd00::/8",
		"public_key=0404040404040404040404040404040404040404040404040404040404040404",
		"remove=true", "" };
	struct uapi_request r = { 0 };
	enum uapi_step step = UAPI_MORE;
	char whole[1024] = "";
	char *text;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(step, UAPI_MORE);
		step = uapi_request_line(&r, lines[i], strlen(lines[i]));
		strcat(strcat(whole, lines[i]), "\n");
	}
	assert_int_equal(step, UAPI_SET);
	assert_int_equal(uapi_print_set(&r.set, &text, &len), 0);
	assert_string_equal(text, whole);
	assert_int_equal(len, strlen(whole));
	free(text);
	uapi_request_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
