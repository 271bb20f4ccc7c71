/* SPDX-License-Identifier: MIT */
/* Tests of the route plan: the routes that wg-quick(8) would install for the same file. */
#include "host/route_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define TEXTS_MAX 8

static void read_prefixes(const char *const texts[], struct conf_prefixes *ret)
{
	ret->v = calloc(TEXTS_MAX, sizeof(*ret->v));
	assert_non_null(ret->v);
	for (ret->n = 0; ret->n < TEXTS_MAX && texts[ret->n]; ret->n++)
		assert_int_equal(ip_prefix_parse(texts[ret->n], &ret->v[ret->n].prefix), 0);
}

/** Format the plan as "10.9.0.0/16 254, 0.0.0.0/0 rule 0": prefix, table, and whether by rule. */
static void write_plan(const struct route_plan *plan, char *ret, size_t size)
{
	size_t len = 0;

	*ret = '\0';
	for (size_t i = 0; i < plan->n; i++) {
		char text[IP_PREFIX_TEXT_LEN];

		len += (size_t)snprintf(ret + len, size - len, "%s%s %s%u", i ? ", " : "",
			ip_prefix_text(&plan->v[i].dst, text), plan->v[i].by_rule ? "rule " : "",
			plan->v[i].table);
	}
}

static void test_make(void **state)
{
	static const struct {
		const char *name;
		enum conf_table table;
		const char *addresses[TEXTS_MAX];
		const char *allowed[TEXTS_MAX];
		const char *plan;
	} table[] = {
		{ "the interface's network leads there", CONF_TABLE_AUTO, { "10.0.1.11/24" },
			{ "10.0.1.21/32", "10.9.0.0/16" }, "10.9.0.0/16 254" },
		{ "also to all of it, but not beyond", CONF_TABLE_AUTO, { "10.0.1.11/24" },
			{ "10.0.1.0/24", "10.0.0.0/16" }, "10.0.0.0/16 254" },
		{ "an address alone has no network", CONF_TABLE_AUTO, { "10.0.1.11/32" },
			{ "10.0.1.11/32", "10.0.1.21/32" }, "10.0.1.11/32 254, 10.0.1.21/32 254" },
		{ "except in IPv6", CONF_TABLE_AUTO, { "fd01::1/128" },
			{ "fd01::1/128", "fd01::2/128" }, "fd01::2/128 254" },
		{ "the most specific first, host bits cleared, once", CONF_TABLE_AUTO, { NULL },
			{ "10.0.0.0/8", "10.1.2.3/24", "fd00::/8", "10.1.2.0/24" },
			"10.1.2.0/24 254, 10.0.0.0/8 254, fd00::/8 254" },
		{ "default routes by rules", CONF_TABLE_AUTO, { "10.0.1.11/24" },
			{ "0.0.0.0/0", "::/0", "10.9.0.0/16" },
			"10.9.0.0/16 254, 0.0.0.0/0 rule 0, ::/0 rule 0" },
		{ "halves of everything are ordinary routes", CONF_TABLE_AUTO, { NULL },
			{ "0.0.0.0/1", "128.0.0.0/1" }, "0.0.0.0/1 254, 128.0.0.0/1 254" },
		{ "a table of the user's takes all as it is", CONF_TABLE_NUMBER, { "10.0.1.11/24" },
			{ "0.0.0.0/0", "10.0.1.21/32" }, "10.0.1.21/32 7, 0.0.0.0/0 7" },
		{ "off", CONF_TABLE_OFF, { "10.0.1.11/24" }, { "0.0.0.0/0", "10.9.0.0/16" }, "" },
		{ "nothing", CONF_TABLE_AUTO, { NULL }, { NULL }, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct conf_peer peer = { 0 };
		struct conf_site conf = { .interface = { .table = table[i].table,
						  .table_number = 7 },
			.peers = &peer,
			.n_peers = 1 };
		struct route_plan plan;
		char text[256];

		print_message("%s\n", table[i].name);
		read_prefixes(table[i].addresses, &conf.interface.addresses);
		read_prefixes(table[i].allowed, &peer.allowed_ips);
		assert_int_equal(route_plan_make(&conf, &plan), 0);
		write_plan(&plan, text, sizeof(text));
		assert_string_equal(text, table[i].plan);
		route_plan_fini(&plan);
		free(conf.interface.addresses.v);
		free(peer.allowed_ips.v);
	}
}

static void test_tables(void **state)
{
	static const char *const allowed[] = { "0.0.0.0/0", "10.9.0.0/16", NULL };
	static const char *const none[] = { NULL };
	struct conf_peer peer = { 0 };
	struct conf_site conf = { .peers = &peer, .n_peers = 1 };
	struct route_plan empty = { 0 };
	struct route_plan plan;
	struct route_plan other;

	read_prefixes(allowed, &peer.allowed_ips);
	read_prefixes(none, &conf.interface.addresses);
	assert_int_equal(route_plan_make(&conf, &plan), 0);
	assert_int_equal(route_plan_make(&conf, &other), 0);
	assert_true(route_plan_has_default(&plan));
	assert_false(route_plan_has_default(&empty));
	route_plan_set_table(&plan, 51820);
	assert_int_equal(plan.v[0].table, 254);
	assert_int_equal(plan.v[1].table, 51820);
	/* The same destination in another table is another route. */
	route_plan_set_table(&other, 51821);
	assert_true(route_plan_has(&plan, &other.v[0]));
	assert_false(route_plan_has(&plan, &other.v[1]));
	assert_false(route_plan_has(&empty, &plan.v[0]));
	route_plan_fini(&plan);
	route_plan_fini(&other);
	free(conf.interface.addresses.v);
	free(peer.allowed_ips.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
