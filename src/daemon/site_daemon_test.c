/* SPDX-License-Identifier: MIT */
/* Tests of a site's life: in which order the back end and the host are called, and what follows
 * from an error, a reload, an event, a request. No root and no namespace is needed. */
#include "daemon/site_daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "daemon/test_site.h"

#define SITE(port, ips)                                                                            \
	"[Interface]\nName = wg7\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"     \
	"ListenPort = " port "\n[Peer]\nPublicKey = "                                              \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = " ips "\n"

#define ONE SITE("1", "10.0.0.1/32")
#define TWO SITE("2", "10.0.0.1/32")

/* Calls of each start, and those of each end. */
#define UP   "probe host_open open host_up(1401) start(7)"
#define DOWN "host_down close host_close"

static void expect(const struct test_site *t, int exit_code, const char *calls)
{
	assert_string_equal(t->calls, calls);
	assert_int_equal(t->exit_code, exit_code);
}

static void test_order(void **state)
{
	struct test_site plain = { .texts = { ONE }, .events = "T" };
	struct test_site hooks = { .texts = { ONE }, .events = "T", .hooks = true };
	struct test_site far = { .texts = { SITE("1", "0.0.0.0/0") }, .events = "T" };

	test_site_run(&plain);
	expect(&plain, 0, UP " " DOWN);
	assert_non_null(strstr(plain.text, "here is up (wg7 none, port 1, wg MTU 1401)"));
	test_site_run(&hooks);
	expect(&hooks, 0, UP " post_up post_up_ends pre_down pre_down_ends " DOWN);
	test_site_run(&far); /* its routes may cover the name servers */
	expect(&far, 0, "probe host_open open await_names host_up(1401) start(7) " DOWN);
}

/* What the site runs with is stored when it is up and after a reload; PostUp does not run again. */
static void test_resumed(void **state)
{
	struct test_site t = {
		.texts = { ONE, TWO }, .events = "RT", .hooks = true, .resumed = true
	};

	test_site_run(&t);
	expect(&t, 0,
		"probe host_resume open take_over(1401) start(7) store apply(2) host_reload(1402) "
		"sweep(7) store set_mtus(1403) settle pre_down pre_down_ends " DOWN);
}

/* If nothing has to be followed, the process ends and undoes nothing. */
static void test_alone(void **state)
{
	struct test_site t = { .texts = { ONE }, .resumed = true, .alone = true };

	test_site_run(&t);
	expect(&t, 0, "probe host_resume open take_over(1401) start(7) store close host_leave");
	assert_non_null(strstr(t.text, "here needs no process, and none stays"));
}

/* A site that cannot be resumed, as with a mistake in its changed file, is not torn down. */
static void test_failed_resume(void **state)
{
	static const struct {
		const char *fails;
		const char *calls;
	} table[] = {
		{ "open", "probe host_resume open host_leave" },
		{ "take_over", "probe host_resume open take_over(1401) close host_leave" },
		{ "start", "probe host_resume open take_over(1401) start(7) close host_leave" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test_site t = { .texts = { ONE }, .fails = table[i].fails, .resumed = true };

		test_site_run(&t);
		expect(&t, 1, table[i].calls);
		assert_non_null(strstr(t.text, "goes on as before, without a process"));
	}
}

/* Another back end would make other interfaces. */
static void test_other_backend(void **state)
{
	struct test_site t = { .texts = { ONE, "[Site]\nBackend = kernel\n" TWO }, .events = "RT" };

	test_site_run(&t);
	expect(&t, 0, UP " " DOWN);
	assert_false(t.reply.ok);
	assert_non_null(strstr(t.reply.text, "Backend has changed"));
	ctl_reply_fini(&t.reply);
}

static void test_first_error_undoes(void **state)
{
	static const struct {
		const char *fails;
		const char *calls;
	} table[] = {
		{ "probe", "probe" },
		{ "host_open", "probe host_open" },
		{ "open", "probe host_open open host_down host_close" },
		{ "host_up", "probe host_open open host_up(1401) " DOWN },
		{ "start", UP " " DOWN },
		{ "post_up", UP " post_up " DOWN },
		{ "post_up_ends", UP " post_up post_up_ends " DOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test_site t = { .texts = { ONE }, .fails = table[i].fails, .hooks = true };
		char text[80];

		test_site_run(&t);
		expect(&t, 1, table[i].calls);
		snprintf(text, sizeof(text), "The test lets %s fail: Input/output error. Let it.",
			table[i].fails);
		assert_non_null(strstr(t.text, text));
	}
}

static void test_mistake_starts_nothing(void **state)
{
	struct test_site t = { .texts = { NULL } };

	test_site_run(&t);
	expect(&t, SITE_DAEMON_BAD_FILE, "");
	assert_non_null(strstr(t.text, "3: error: a mistake"));
	t.host_is_wrong = true; /* a service manager should try again */
	test_site_run(&t);
	expect(&t, 1, "");
}

/* Each reload is asked for by a signal; the status that follows shows which configuration is used,
 * and an event that the MTUs are still set. */
static void test_reload(void **state)
{
	static const struct {
		const char *next;
		const char *fails;
		const char *calls;
		const char *text; /* in the log */
	} table[] = {
		{ TWO, NULL,
			"apply(2) host_reload(1402) sweep(7) set_mtus(1403) settle host_report(2)",
			"here reloaded" },
		{ NULL, NULL, "host_report(1)", "a mistake. Correct it." },
		{ "[Interface]\nName = wg8\nPrivateKey = "
		  "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
			NULL, "host_report(1)", "Name has changed from wg7 to wg8." },
		{ TWO, "apply", "apply(2) host_report(1)", "lets apply fail" },
		{ TWO, "host_reload", "apply(2) host_reload(1402) revert(1) host_report(1)",
			"lets host_reload fail" },
		{ TWO, "sweep",
			"apply(2) host_reload(1402) sweep(7) set_mtus(1403) settle host_report(2)",
			"lets sweep fail" },
		{ TWO, "settle",
			"apply(2) host_reload(1402) sweep(7) set_mtus(1403) settle host_report(2)",
			"lets settle fail" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test_site t = {
			.texts = { ONE, table[i].next }, .events = "HSMT", .fails = table[i].fails
		};
		char calls[256];

		test_site_run(&t);
		snprintf(calls, sizeof(calls), UP " %s set_mtus(1280) " DOWN, table[i].calls);
		expect(&t, 0, calls);
		assert_non_null(strstr(t.text, table[i].text));
		assert_true(t.reply.ok);
		ctl_reply_fini(&t.reply);
	}
}

static void test_reload_again_and_again(void **state)
{
	struct test_site t = { .texts = { ONE, TWO, NULL, ONE }, .events = "HHHT" };

	test_site_run(&t);
	expect(&t, 0,
		UP " apply(2) host_reload(1402) sweep(7) set_mtus(1403) settle"
		   " apply(1) host_reload(1401) sweep(7) set_mtus(1402) settle " DOWN);
}

/* An error of a reload that was requested is in the reply. */
static void test_reload_request(void **state)
{
	struct test_site good = { .texts = { ONE, TWO }, .events = "RT" };
	struct test_site bad = { .texts = { ONE, TWO }, .events = "RT", .fails = "apply" };

	test_site_run(&good);
	assert_true(good.reply.ok);
	assert_non_null(strstr(good.calls, "sweep(7) set_mtus(1403) settle"));
	test_site_run(&bad);
	assert_false(bad.reply.ok);
	assert_string_equal(
		bad.reply.text, "The test lets apply fail: Input/output error. Let it.");
	assert_null(strstr(bad.calls, "sweep"));
	ctl_reply_fini(&good.reply);
	ctl_reply_fini(&bad.reply);
}

static void test_report(void **state)
{
	struct test_site t = { .texts = { ONE }, .events = "ST" };
	struct test_site bad = { .texts = { ONE }, .events = "ST", .fails = "report" };
	const struct status_report *s = &t.reply.status;

	test_site_run(&t);
	expect(&t, 0, UP " host_report(1) " DOWN);
	assert_true(t.reply.ok && t.reply.has_status);
	assert_string_equal(s->site, "here");
	assert_string_equal(s->backend, "fake");
	assert_string_equal(s->backend_reason, "only for a test");
	assert_string_equal(s->aead, "none");
	assert_int_equal(s->wg.listen_port, 1);
	assert_int_equal(s->pid, getpid());
	ctl_reply_fini(&t.reply);
	test_site_run(&bad);
	assert_false(bad.reply.ok);
	ctl_reply_fini(&bad.reply);
}

static void test_events(void **state)
{
	static const struct {
		const char *events;
		const char *fails;
		int exit_code;
		const char *calls;
	} table[] = {
		{ "MMT", NULL, 0, "set_mtus(1280) set_mtus(1280) pre_down pre_down_ends" },
		{ "MT", "set_mtus", 0, "set_mtus(1280) pre_down pre_down_ends" },
		{ "L", NULL, 1, NULL },
		{ "E", NULL, 0, "pre_down pre_down_ends" },
		{ "ET", NULL, 0, "pre_down pre_down_ends" },
		{ "T", "pre_down", 0, "pre_down" },
		{ "T", "pre_down_ends", 1, "pre_down pre_down_ends" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct test_site t = { .texts = { ONE },
			.events = table[i].events,
			.fails = table[i].fails,
			.hooks = true };
		char calls[256];

		test_site_run(&t);
		snprintf(calls, sizeof(calls), UP " post_up post_up_ends %s%s" DOWN,
			table[i].calls ? table[i].calls : "", table[i].calls ? " " : "");
		expect(&t, table[i].exit_code, calls);
	}
}

static void test_stop(void **state)
{
	struct test_site down = { .texts = { ONE }, .events = "D", .hooks = true };
	struct test_site early = {
		.texts = { ONE }, .events = "TTK", .hooks = true, .slow_hook = true
	};

	test_site_run(&down);
	expect(&down, 0, UP " post_up post_up_ends pre_down pre_down_ends " DOWN);
	assert_int_equal(down.asked, 0);
	assert_true(down.reply.ok);
	ctl_reply_fini(&down.reply);
	test_site_run(&early); /* PostUp is waited for; the site was never up, so no PreDown */
	expect(&early, 1, UP " post_up post_up_ends " DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_failed_resume),
		cmocka_unit_test(test_other_backend),
		cmocka_unit_test(test_first_error_undoes),
		cmocka_unit_test(test_mistake_starts_nothing),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_reload_again_and_again),
		cmocka_unit_test(test_reload_request),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
