/* SPDX-License-Identifier: MIT */
/* Tests of when a host name is resolved again, and which of its addresses becomes the endpoint,
 * with a resolver, a clock and a kernel of the test's own. */
#include "backend/kernel_names.h"

#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "conf/test_conf.h"
#include "netlink/query.h"

int __wrap_wgnl_get(
	struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret);
int __wrap_wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config);
int __wrap_resolver_open(struct resolver **ret);
void __wrap_resolver_close(struct resolver *r);
int __wrap_resolver_fd(const struct resolver *r);
int __wrap_resolver_ask(struct resolver *r, uint64_t id, const char *host, bool doubtful);
bool __wrap_resolver_next(struct resolver *r, struct resolver_answer *ret);
int __wrap_loop_watch_input(
	struct loop *l, struct loop_watch *w, int fd, loop_callback *callback, void *ctx);
void __wrap_loop_remove(struct loop *l, struct loop_watch *w);
int __wrap_query_route(
	struct nl_socket *nl, const struct route_query *query, struct route_info *ret);
struct mono __wrap_clock_mono(void);
struct wall __wrap_clock_wall(void);

#define CONF(host)                                                                                 \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n[Peer]\n"         \
	"PublicKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nEndpoint = " host ":5\n"

static struct mono now;
static uint64_t clock_base = 1000000;
static struct wgnl_peer_info peer;
static unsigned questions;
static uint64_t question;
static struct resolver_answer answer;
static bool answered;
static char moved[ENDPOINT_TEXT_LEN];
static struct loop_watch *watch;

static struct ip_addr unreachable; /* family 0: there is a route to every address */
static int set_fails;

static struct kernel_netlink k;
static struct nl_socket routes;
static const struct kernel_names_target target = { &k, "wg0", &routes };

struct mono __wrap_clock_mono(void)
{
	return now;
}

struct wall __wrap_clock_wall(void)
{
	return (struct wall){ .sec = clock_base + now.ns / NS_PER_S };
}

int __wrap_wgnl_get(
	struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret)
{
	*ret = (struct wgnl_device){ .n_peers = 1, .peers = malloc(sizeof(peer)) };
	assert_non_null(ret->peers);
	ret->peers[0] = peer;
	return 0;
}

int __wrap_wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config)
{
	assert_int_equal(config->n_peers, 1);
	assert_true(config->peers[0].update_only && !config->peers[0].remove);
	if (set_fails < 0)
		return set_fails;
	endpoint_text(config->peers[0].endpoint, moved);
	peer.endpoint = *config->peers[0].endpoint;
	return 0;
}

int __wrap_resolver_open(struct resolver **ret)
{
	*ret = (struct resolver *)(void *)&answer;
	return 0;
}

void __wrap_resolver_close(struct resolver *r)
{
}

int __wrap_resolver_fd(const struct resolver *r)
{
	return 0;
}

int __wrap_resolver_ask(struct resolver *r, uint64_t id, const char *host, bool doubtful)
{
	questions++;
	question = id;
	return 0;
}

bool __wrap_resolver_next(struct resolver *r, struct resolver_answer *ret)
{
	bool has = answered;

	answered = false;
	*ret = answer;
	return has;
}

int __wrap_loop_watch_input(
	struct loop *l, struct loop_watch *w, int fd, loop_callback *callback, void *ctx)
{
	watch = w;
	*w = (struct loop_watch){ .callback = callback, .ctx = ctx };
	return 0;
}

void __wrap_loop_remove(struct loop *l, struct loop_watch *w)
{
}

int __wrap_query_route(
	struct nl_socket *nl, const struct route_query *query, struct route_info *ret)
{
	*ret = (struct route_info){ .mtu = 1500 };
	return ip_addr_equal(&query->dst, &unreachable) ? -ENETUNREACH : 0;
}

static void pass(uint64_t seconds)
{
	now = mono_add(now, seconds * NS_PER_S);
}

/* Answer the last question with two addresses, or with an error. Return: where the peer moved, ""
 * if it did not. */
static const char *reply(struct kernel_names *names, int code)
{
	bool did;

	answer = (struct resolver_answer){ .id = question, .code = code };
	if (code == RESOLVER_OK) {
		answer.n = 2;
		assert_int_equal(ip_addr_parse("192.0.2.1", &answer.v[0].addr), 0);
		assert_int_equal(ip_addr_parse("192.0.2.2", &answer.v[1].addr), 0);
	}
	answered = true;
	moved[0] = '\0';
	watch->callback(watch->ctx, 0);
	did = kernel_names_work(names, &target);
	assert_int_equal(did, *moved != '\0');
	return moved;
}

static void look(struct kernel_names *names)
{
	const struct wgnl_device device = { .n_peers = 1, .peers = &peer };

	kernel_names_look(names, &device, &routes);
	(void)kernel_names_work(names, &target);
}

/* Follow the names of a configuration. `resumed`: of a site that runs already. */
static void follow(struct kernel_names *names, const char *text, bool resumed)
{
	const struct wgnl_device device = { .n_peers = 1, .peers = &peer };
	struct loop loop;
	struct conf_site conf;
	struct error error;

	test_conf(&conf, "here", text);
	assert_int_equal(
		kernel_names_set(names, &loop, &conf, resumed ? &device : NULL, &error), 0);
	conf_site_fini(&conf);
	(void)kernel_names_work(names, &target);
}

static int setup(void **state)
{
	now = mono_add((struct mono){ 1 }, 1000 * NS_PER_S);
	peer = (struct wgnl_peer_info){ 0 };
	for (int i = 0; i < KEY_LEN; i++)
		peer.public_key[i] = (uint8_t)i;
	questions = 0;
	answered = false;
	unreachable = (struct ip_addr){ 0 };
	set_fails = 0;
	return 0;
}

static void set_live(void)
{
	peer.handshake_s = (int64_t)clock_wall().sec;
}

static void test_first_answer(void **state)
{
	struct kernel_names names = { 0 };

	follow(&names, CONF("far.example"), false);
	assert_int_equal(questions, 1);
	assert_false(mono_is_set(kernel_names_deadline(&names)));
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	kernel_names_close(&names);
	follow(&names, CONF("192.0.2.9"), false); /* no name */
	assert_int_equal(questions, 1);
	assert_int_equal(names.n, 0);
	kernel_names_close(&names);
}

/* The intervals between failed queries double, up to a minute. */
static void test_not_found(void **state)
{
	struct kernel_names names = { 0 };
	uint64_t expected = 1;

	follow(&names, CONF("far.example"), false);
	for (int i = 0; i < 8; i++) {
		assert_string_equal(reply(&names, EAI_NONAME), "");
		assert_int_equal(
			mono_between(now, kernel_names_deadline(&names)) / NS_PER_S, expected);
		pass(expected);
		(void)kernel_names_work(&names, &target);
		assert_int_equal(questions, i + 2);
		expected = 2 * expected > 60 ? 60 : 2 * expected;
	}
	assert_string_equal(reply(&names, EAI_NONAME), "");
	kernel_names_routes_changed(&names);
	assert_int_equal(mono_between(now, kernel_names_deadline(&names)) / NS_PER_S, 1);
	kernel_names_close(&names);
}

/* Events that never end cause queries at growing intervals; after a quiet time, one soon. */
static void test_not_found_with_events(void **state)
{
	struct kernel_names names = { 0 };
	unsigned before;

	follow(&names, CONF("far.example"), false);
	for (int s = 0; s < 600; s++) {
		if (s % 10 == 3)
			kernel_names_routes_changed(&names); /* also during a query */
		if (questions && names.v[0].asking)
			assert_string_equal(reply(&names, EAI_NONAME), "");
		pass(1);
		kernel_names_routes_changed(&names);
		(void)kernel_names_work(&names, &target);
	}
	assert_in_range(questions, 55, 70); /* 1, 2, 4, 8, 10, 10 ... s */
	(void)reply(&names, EAI_NONAME);
	for (int i = 0; i < 2; i++) {
		pass(60);
		(void)kernel_names_work(&names, &target);
		(void)reply(&names, EAI_NONAME);
	}
	before = questions;
	kernel_names_routes_changed(&names);
	pass(1);
	(void)kernel_names_work(&names, &target);
	assert_int_equal(questions, before + 1);
	kernel_names_close(&names);
}

/* When the peers were made again, the names are resolved again. */
static void test_ask_again(void **state)
{
	struct kernel_names names = { 0 };

	follow(&names, CONF("far.example"), false);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	set_live();
	peer.endpoint = (struct endpoint){ 0 };
	kernel_names_ask_again(&names);
	(void)kernel_names_work(&names, &target);
	assert_int_equal(questions, 2);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	kernel_names_close(&names);
}

/* Only a peer that is sent to and does not answer is resolved again; its addresses take turns. */
static void test_stale(void **state)
{
	struct kernel_names names = { 0 };

	follow(&names, CONF("far.example"), false);
	(void)reply(&names, RESOLVER_OK);
	set_live();
	pass(100);
	peer.tx_bytes += 100;
	look(&names);
	assert_int_equal(questions, 1);
	pass(100); /* stale now, but nothing is sent */
	look(&names);
	assert_int_equal(questions, 1);
	peer.tx_bytes += 148;
	look(&names);
	assert_int_equal(questions, 2);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.2:5");
	peer.tx_bytes += 148;
	look(&names);
	assert_int_equal(questions, 2); /* not at each event */
	pass(30);
	peer.tx_bytes += 148;
	look(&names);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	pass(30);
	peer.tx_bytes += 148;
	look(&names);
	set_live(); /* it has answered before the name server has */
	assert_string_equal(reply(&names, RESOLVER_OK), "");
	kernel_names_close(&names);
}

/* A resumed site with a live session asks nothing; a new name in the file moves the peer. */
static void test_resumed(void **state)
{
	struct kernel_names names = { 0 };

	assert_int_equal(endpoint_parse("192.0.2.7:9", &peer.endpoint), 0);
	set_live();
	follow(&names, CONF("far.example"), true);
	assert_int_equal(questions, 0);
	follow(&names, CONF("far.example"), false);
	assert_int_equal(questions, 0);
	follow(&names, CONF("other.example"), false);
	assert_int_equal(questions, 1);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	kernel_names_close(&names);
}

/* The session of a peer that mostly receives is alive until its handshake is 165 s old. */
static void test_received(void **state)
{
	struct kernel_names names = { 0 };

	follow(&names, CONF("far.example"), false);
	(void)reply(&names, RESOLVER_OK);
	set_live();
	pass(140);
	peer.tx_bytes += 32;
	peer.rx_bytes += 1000;
	look(&names);
	pass(20);
	peer.tx_bytes += 32;
	look(&names);
	assert_int_equal(questions, 1);
	pass(10);
	peer.tx_bytes += 148;
	look(&names);
	assert_int_equal(questions, 2);
	peer.rx_bytes += 92; /* a packet comes before the answer */
	assert_string_equal(reply(&names, RESOLVER_OK), "");
	kernel_names_close(&names);
}

/* A clock that is set back makes no old session live, nor does one that is set forward end one. */
static void test_clock_set(void **state)
{
	const uint64_t base = clock_base;

	for (unsigned i = 0; i < 2; i++) {
		struct kernel_clock clock = { 0 };
		struct kernel_names names = { .clock = &clock };
		unsigned before;

		kernel_clock_note(&clock, clock_mono(), clock_wall());
		follow(&names, CONF("far.example"), false);
		(void)reply(&names, RESOLVER_OK);
		before = questions;
		assert_int_equal(endpoint_parse("192.0.2.1:5", &peer.endpoint), 0);
		set_live();
		clock_base = i ? base + 86400 : base - 86400;
		kernel_clock_note(&clock, clock_mono(), clock_wall());
		pass(30);
		peer.tx_bytes += 148;
		look(&names);
		assert_int_equal(questions, before); /* it is live */
		pass(KERNEL_NAMES_STALE_S);
		peer.tx_bytes += 148;
		look(&names);
		assert_int_equal(questions, before + 1);
		assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.2:5");
		kernel_names_close(&names);
		clock_base = base;
	}
}

/* An address without a route is not used, and left, although nothing is counted as sent. */
static void test_unreachable(void **state)
{
	struct kernel_names names = { 0 };

	assert_int_equal(ip_addr_parse("192.0.2.1", &unreachable), 0);
	follow(&names, CONF("far.example"), false);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.2:5");
	pass(30);
	look(&names);
	assert_int_equal(questions, 1);
	assert_int_equal(ip_addr_parse("192.0.2.2", &unreachable), 0);
	look(&names);
	assert_int_equal(questions, 2);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	kernel_names_close(&names);
}

/* An endpoint that could not be set is set later. */
static void test_set_fails(void **state)
{
	struct kernel_names names = { 0 };

	follow(&names, CONF("far.example"), false);
	set_fails = -ENOMEM;
	assert_string_equal(reply(&names, RESOLVER_OK), "");
	set_fails = 0;
	pass(30);
	look(&names);
	assert_int_equal(questions, 2);
	assert_string_equal(reply(&names, RESOLVER_OK), "192.0.2.1:5");
	kernel_names_close(&names);
}

/* A peer that is resumed without a session stays at its address, if the name has it. */
static void test_resumed_idle(void **state)
{
	struct kernel_names names = { 0 };

	assert_int_equal(endpoint_parse("192.0.2.1:5", &peer.endpoint), 0);
	follow(&names, CONF("far.example"), true);
	assert_int_equal(questions, 1);
	answer.id = question;
	(void)reply(&names, RESOLVER_OK);
	assert_string_equal(moved, "");
	kernel_names_close(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_first_answer, setup),
		cmocka_unit_test_setup(test_not_found, setup),
		cmocka_unit_test_setup(test_not_found_with_events, setup),
		cmocka_unit_test_setup(test_ask_again, setup),
		cmocka_unit_test_setup(test_stale, setup),
		cmocka_unit_test_setup(test_resumed, setup),
		cmocka_unit_test_setup(test_resumed_idle, setup),
		cmocka_unit_test_setup(test_received, setup),
		cmocka_unit_test_setup(test_clock_set, setup),
		cmocka_unit_test_setup(test_unreachable, setup),
		cmocka_unit_test_setup(test_set_fails, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
