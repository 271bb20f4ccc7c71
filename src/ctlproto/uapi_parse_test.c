/* SPDX-License-Identifier: MIT */
/* Tests of the configuration protocol's requests: how each line is parsed, and the error for each
 * invalid one. */
#include "ctlproto/uapi_parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define KEY1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY2 "22222222222222222222222222222222222222222222222222222222222222Ab"
#define PEER "public_key=" KEY1 "\n"

/* Pass `text` line by line. Return: the result of its last line. */
static enum uapi_step feed(struct uapi_request *r, const char *text)
{
	enum uapi_step step = UAPI_MORE;

	while (*text) {
		const char *newline = strchr(text, '\n');

		assert_non_null(newline);
		assert_int_equal(step, UAPI_MORE);
		step = uapi_request_line(r, text, (size_t)(newline - text));
		text = newline + 1;
	}
	return step;
}

static void test_get(void **state)
{
	struct uapi_request r = { 0 };

	assert_int_equal(feed(&r, "get=1\n\n"), UAPI_GET);
	uapi_request_fini(&r);
	assert_int_equal(feed(&r, "get=1\nx\n"), UAPI_REFUSED);
	assert_int_equal(r.err, -EINVAL);
	uapi_request_fini(&r);
}

/* An overlong line is one error, at any position. */
static void test_overlong(void **state)
{
	struct uapi_request r = { 0 };

	assert_int_equal(uapi_request_overlong(&r), UAPI_FOREIGN);
	uapi_request_fini(&r);
	assert_int_equal(feed(&r, "get=1\n"), UAPI_MORE);
	assert_int_equal(uapi_request_overlong(&r), UAPI_REFUSED);
	uapi_request_fini(&r);
	assert_int_equal(feed(&r, "set=1\n" PEER), UAPI_MORE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(uapi_request_overlong(&r), UAPI_MORE);
	assert_int_equal(feed(&r, "set=1\nlisten_port=1\n"), UAPI_MORE);
	assert_int_equal(feed(&r, "\n"), UAPI_REFUSED);
	assert_int_equal(r.err, -EINVAL);
	uapi_request_fini(&r);
	/* a skipped line is not a blank line */
	assert_int_equal(feed(&r, "set=1\nx\n"), UAPI_MORE);
	assert_int_equal(uapi_request_overlong(&r), UAPI_MORE);
	assert_int_equal(feed(&r, "\n"), UAPI_MORE);
	assert_int_equal(feed(&r, "\n"), UAPI_REFUSED);
	assert_int_equal(r.err, -EPROTO);
	uapi_request_fini(&r);
}

static void test_foreign(void **state)
{
	static const char *const table[] = { "\n", "get=2\n", "get=1 \n", "set=10\n",
		"GET / HTTP/1.1\r\n", "set\n", PEER };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct uapi_request r = { 0 };

		assert_int_equal(feed(&r, table[i]), UAPI_FOREIGN);
		uapi_request_fini(&r);
	}
}

static void test_set_device(void **state)
{
	struct uapi_request r = { 0 };

	assert_int_equal(feed(&r, "set=1\n\n"), UAPI_SET);
	assert_false(r.set.has_private_key || r.set.has_listen_port || r.set.has_fwmark ||
		     r.set.replace_peers);
	uapi_request_fini(&r);
	assert_int_equal(feed(&r, "set=1\nprivate_key=" KEY2 "\nlisten_port=51820\n"
				  "fwmark=4294967295\nreplace_peers=true\n\n"),
		UAPI_SET);
	assert_true(r.set.has_private_key && r.set.has_listen_port && r.set.has_fwmark &&
		    r.set.replace_peers);
	assert_int_equal(r.set.private_key[0], 0x22);
	assert_int_equal(r.set.private_key[31], 0xab);
	assert_int_equal(r.set.listen_port, 51820);
	assert_int_equal(r.set.fwmark, 0xffffffff);
	assert_int_equal(r.set.peers_len, 0);
	uapi_request_fini(&r);
	assert_null(r.set.peers);
	assert_int_equal(r.set.private_key[0], 0);
}

static void test_set_peers(void **state)
{
	struct uapi_request r = { 0 };
	const struct uapi_peer *p;
	char text[ENDPOINT_TEXT_LEN];

	assert_int_equal(feed(&r, "set=1\n" PEER "update_only=true\npreshared_key=" KEY2 "\n"
				  "endpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n"
				  "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\n"
				  "allowed_ip=-fd00::/64\nprotocol_version=1\n"
				  "public_key=" KEY2 "\nremove=true\n"
				  "public_key=" KEY2 "\nendpoint=[fe80::1%eth0]:1\n\n"),
		UAPI_SET);
	assert_int_equal(r.set.peers_len, 3);
	p = &r.set.peers[0];
	assert_true(p->update_only && p->has_psk && p->has_endpoint && p->has_keepalive &&
		    p->replace_allowed_ips);
	assert_false(p->remove);
	assert_int_equal(p->psk[31], 0xab);
	assert_int_equal(p->keepalive_s, 25);
	assert_string_equal(endpoint_text(&p->endpoint, text), "192.0.2.1:51820");
	assert_int_equal(p->prefixes_len, 2);
	assert_false(p->prefixes[0].remove);
	assert_true(p->prefixes[1].remove);
	assert_int_equal(p->prefixes[1].prefix.len, 64);
	assert_true(r.set.peers[1].remove);
	assert_false(r.set.peers[1].has_endpoint);
	p = &r.set.peers[2];
	assert_string_equal(p->zone, "eth0");
	assert_string_equal(endpoint_text(&p->endpoint, text), "[fe80::1]:1");
	uapi_request_fini(&r);
}

/* Entries before replace_allowed_ips are replaced, too. */
static void test_replace_after_add(void **state)
{
	struct uapi_request r = { 0 };

	assert_int_equal(feed(&r, "set=1\n" PEER "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n"
				  "replace_allowed_ips=true\nallowed_ip=10.1.0.0/16\n\n"),
		UAPI_SET);
	assert_int_equal(r.set.peers[0].prefixes_len, 1);
	assert_int_equal(r.set.peers[0].prefixes[0].prefix.len, 16);
	assert_int_equal(r.prefixes, 1);
	uapi_request_fini(&r);
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *value;
		const char *text;
		const char *zone;
	} table[] = {
		{ "1.2.3.4:5", "1.2.3.4:5", "" },
		{ "[2001:db8::1]:65535", "[2001:db8::1]:65535", "" },
		{ "[fe80::1%3]:1", "[fe80::1%3]:1", "" },
		{ "[fe80::1%br-l2tp0]:1", "[fe80::1]:1", "br-l2tp0" },
		{ "[fe80::1%3com]:1", "[fe80::1]:1", "3com" },
		{ "[::ffff:1.2.3.4]:5", "1.2.3.4:5", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct uapi_request r = { 0 };
		char request[256];
		char text[ENDPOINT_TEXT_LEN];

		snprintf(
			request, sizeof(request), "set=1\n" PEER "endpoint=%s\n\n", table[i].value);
		assert_int_equal(feed(&r, request), UAPI_SET);
		assert_string_equal(endpoint_text(&r.set.peers[0].endpoint, text), table[i].text);
		assert_string_equal(r.set.peers[0].zone, table[i].zone);
		uapi_request_fini(&r);
	}
}

/* One error each, in an otherwise valid request: the whole request is rejected at its end. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *line;
		int err;
	} table[] = {
		{ "rubbish", -EPROTO },
		{ " ", -EPROTO },
		{ "=", -EINVAL },
		{ "=1", -EINVAL },
		{ "get=1", -EINVAL },
		{ "privat_key=" KEY1, -EINVAL },
		{ "Private_Key=" KEY1, -EINVAL },
		{ "private_key", -EPROTO },
		{ "private_key=", -EINVAL },
		{ "private_key=" KEY1 "1", -EINVAL },
		{ "private_key=1" KEY1, -EINVAL },
		{ "private_key=g111111111111111111111111111111111111111111111111111111111111111",
			-EINVAL },
		{ "listen_port=65536", -EINVAL },
		{ "listen_port=", -EINVAL },
		{ "listen_port=-1", -EINVAL },
		{ "listen_port=+1", -EINVAL },
		{ "listen_port=0x10", -EINVAL },
		{ "listen_port= 1", -EINVAL },
		{ "listen_port=1 ", -EINVAL },
		{ "listen_port=18446744073709551617", -EINVAL },
		{ "fwmark=4294967296", -EINVAL },
		{ "fwmark=off", -EINVAL },
		{ "replace_peers=false", -EINVAL },
		{ "replace_peers=", -EINVAL },
		{ "allowed_ip=10.0.0.0/8", -EINVAL },
		{ "protocol_version=1", -EINVAL },
		{ "public_key=" KEY1 "0", -EINVAL },
		{ PEER "private_key=" KEY1, -EINVAL },
		{ PEER "listen_port=1", -EINVAL },
		{ PEER "remove=yes", -EINVAL },
		{ PEER "update_only=1", -EINVAL },
		{ PEER "replace_allowed_ips=false", -EINVAL },
		{ PEER "preshared_key=00", -EINVAL },
		{ PEER "protocol_version=2", -EINVAL },
		{ PEER "persistent_keepalive_interval=65536", -EINVAL },
		{ PEER "persistent_keepalive_interval=off", -EINVAL },
		{ PEER "endpoint=", -EINVAL },
		{ PEER "endpoint=host:1", -EINVAL },
		{ PEER "endpoint=1.2.3.4", -EINVAL },
		{ PEER "endpoint=fe80::1:1", -EINVAL },
		{ PEER "endpoint=[fe80::1%]:1", -EINVAL },
		{ PEER "endpoint=[fe80::1%sixteen-letters-]:1", -EINVAL },
		{ PEER "endpoint=[fe80::1%et%h0]x:1", -EINVAL },
		{ PEER "endpoint=%]", -EINVAL },
		{ PEER "allowed_ip=10.0.0.0", -EINVAL },
		{ PEER "allowed_ip=10.0.0.0/33", -EINVAL },
		{ PEER "allowed_ip=--10.0.0.0/8", -EINVAL },
		{ PEER "allowed_ip=-", -EINVAL },
		{ PEER "allowed_ip=fd00::/129", -EINVAL },
		{ PEER "last_handshake_time_sec=0", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct uapi_request r = { 0 };
		char request[512];

		snprintf(request, sizeof(request), "set=1\nlisten_port=1\n%s\n" PEER "\n",
			table[i].line);
		if (feed(&r, request) != UAPI_REFUSED || r.err != table[i].err)
			fail_msg("%s: %d", table[i].line, r.err);
		uapi_request_fini(&r);
	}
}

static void test_first_mistake_counts(void **state)
{
	struct uapi_request r = { 0 };

	assert_int_equal(feed(&r, "set=1\nlisten_port=x\nrubbish\n\n"), UAPI_REFUSED);
	assert_int_equal(r.err, -EINVAL);
	uapi_request_fini(&r);
}

/* A NUL does not end a value, and an overlong value is invalid. */
static void test_odd_bytes(void **state)
{
	static const char nul[] = "listen_port=1\0 2";
	struct uapi_request r = { 0 };
	char line[4000];

	assert_int_equal(feed(&r, "set=1\n"), UAPI_MORE);
	assert_int_equal(uapi_request_line(&r, nul, sizeof(nul) - 1), UAPI_MORE);
	assert_int_equal(r.err, -EINVAL);
	uapi_request_fini(&r);
	memset(line, '0', sizeof(line));
	memcpy(line, "listen_port=", 12);
	assert_int_equal(feed(&r, "set=1\n"), UAPI_MORE);
	assert_int_equal(uapi_request_line(&r, line, sizeof(line)), UAPI_MORE);
	assert_int_equal(r.err, -EINVAL);
	uapi_request_fini(&r);
}

/* Limits of one request: one more than the maximum is rejected. */
static void test_too_much(void **state)
{
	struct uapi_request r = { 0 };
	char line[80];
	int len;

	assert_int_equal(feed(&r, "set=1\n"), UAPI_MORE);
	for (unsigned i = 0; i <= UAPI_PEERS_MAX; i++) {
		assert_int_equal(r.err, 0);
		len = snprintf(line, sizeof(line), "public_key=%064x", i);
		assert_int_equal(uapi_request_line(&r, line, (size_t)len), UAPI_MORE);
	}
	assert_int_equal(r.err, -E2BIG);
	assert_int_equal(r.set.peers_len, UAPI_PEERS_MAX);
	uapi_request_fini(&r);

	assert_int_equal(feed(&r, "set=1\n" PEER), UAPI_MORE);
	for (unsigned i = 0; i <= UAPI_PREFIXES_MAX; i++) {
		assert_int_equal(r.err, 0);
		assert_int_equal(uapi_request_line(&r, "allowed_ip=10.0.0.0/8", 21), UAPI_MORE);
	}
	assert_int_equal(r.err, -E2BIG);
	uapi_request_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_overlong),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_set_device),
		cmocka_unit_test(test_set_peers),
		cmocka_unit_test(test_replace_after_add),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_first_mistake_counts),
		cmocka_unit_test(test_odd_bytes),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
