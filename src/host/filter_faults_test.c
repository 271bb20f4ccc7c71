/* SPDX-License-Identifier: MIT */
/* Faults at each message about the filter of a default route, in a real network namespace: up,
 * reload and down end with a sentence, and nothing is left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/log.h"
#include "conf/test_conf.h"
#include "host/host.h"
#include "host/test_faults.h"
#include "host/test_host.h"

#define SITE(allowed)                                                                              \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.11/24, fd01::11/64\n"                                                    \
	"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                       \
	"AllowedIPs = " allowed "\n"

static const char with_default[] = SITE("0.0.0.0/0, ::/0");
static const char without[] = SITE("10.0.1.21/32");

static const struct host_mtus mtus = { .wg = 1440 };

static struct test_engine engine;

/** What a fault happens in. */
enum verb {
	UP = 0,
	RELOAD,	     /* to the default route */
	RELOAD_BACK, /* from it */
	DOWN,
	VERBS
};

static int bring_up(const struct conf_site *conf, struct host **ret, struct error *error)
{
	int err = host_open(conf, HOST_UNDO, NULL, ret, error);

	if (err < 0)
		return err;
	test_engine_open(&engine, conf);
	err = host_up(*ret, &mtus, error);
	if (err < 0) {
		test_engine_close(&engine, NULL);
		host_close(*ret);
	}
	return err;
}

/* A reload that failed leaves a site that the next one changes as wanted. */
static void reload(struct host *host, const struct conf_site *next, const struct test_life_fault *f,
	enum verb verb, bool *ret_reached)
{
	struct error error = { 0 };
	int err;

	test_life_arm(f, verb);
	err = host_reload(host, next, &mtus, &error);
	if (f->verb == verb)
		*ret_reached = test_filter_fault_end();
	if (err == 0)
		return;
	assert_int_equal(f->verb, verb);
	assert_true(*error.problem);
	if (host_reload(host, next, &mtus, &error) < 0)
		fail_msg("the second reload: %s", error.problem);
}

/* The whole life of a site, with a fault. Return: whether there was its place. */
static bool live(const struct test_life_fault *f)
{
	struct error error = { 0 };
	struct conf_site first;
	struct conf_site second;
	struct host *host;
	bool reached = false;
	int err;

	test_conf(&first, "vpn01", f->verb == UP || f->verb == DOWN ? with_default : without);
	test_conf(&second, "vpn01", with_default);
	test_life_arm(f, UP);
	err = bring_up(&first, &host, &error);
	if (f->verb == UP)
		reached = test_filter_fault_end();
	if (err < 0)
		assert_true(f->verb == UP && *error.problem);
	if (err == 0 && (f->verb == RELOAD || f->verb == RELOAD_BACK)) {
		reload(host, &second, f, RELOAD, &reached);
		if (f->verb == RELOAD_BACK)
			reload(host, &first, f, RELOAD_BACK, &reached);
	}
	if (err == 0)
		test_life_down(host, &engine, f, DOWN, &reached);
	conf_site_fini(&second);
	conf_site_fini(&first);
	return reached;
}

/* Where nf_tables are not allowed or not there, the site runs without a filter, and `down` has
 * nothing to undo. */
static void test_not_allowed(void **state)
{
	static const int errors[] = { EPERM, EOPNOTSUPP };
	char *before = test_host_picture();

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		const struct test_life_fault f = {
			.verb = UP, .kind = TEST_FAULT_SEND, .error = errors[i], .lasting = true
		};
		struct error error = { 0 };
		struct conf_site conf;
		struct host *host;

		test_conf(&conf, "vpn01", with_default);
		test_life_arm(&f, UP);
		assert_int_equal(bring_up(&conf, &host, &error), 0);
		host_down(host);
		test_engine_close(&engine, NULL);
		assert_int_equal(host_close(host), 0);
		assert_true(test_filter_fault_end());
		test_life_assert_picture(before, &f);
		conf_site_fini(&conf);
	}
	free(before);
}

static int clean_up(void **state)
{
	test_engine_close(&engine, NULL);
	return test_life_clean_up(state);
}

int main(void)
{
	struct test_lives lives = { .live = live,
		.verbs = VERBS,
		.only_send = 1U << RELOAD, /* the messages are those of `up` */
		.least = 2 };		   /* of both families */
	const struct CMUnitTest tests[] = {
		TEST_LIFE_KINDS(&lives, clean_up),
		cmocka_unit_test_setup_teardown(test_not_allowed, test_life_set_up, clean_up),
	};

	log_set_level(getenv("WIRESPAN_TEST_STEPS") ? LOG_LEVEL_DEBUG : LOG_LEVEL_SILENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
