/* SPDX-License-Identifier: MIT */
/* Tests of what undo may remove: nothing that others have made or still use, and nothing is
 * forgotten whose undo fails. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/log.h"
#include "conf/test_conf.h"
#include "host/host.h"
#include "host/journal.h"
#include "host/sysctl.h"
#include "host/test_host.h"
#include "netlink/test_netns.h"

#define KEY  "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define PEER "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define MARK "net/ipv4/conf/all/src_valid_mark"

/* What wg-quick does for a default route. */
#define WG_QUICK                                                                                   \
	"ip rule add not fwmark 7 table 7; ip rule add table main suppress_prefixlength 0;"        \
	"sysctl -qw net.ipv4.conf.all.src_valid_mark=1"

static char rundir[64];
static struct test_engine engine;

/** A site with a default route. */
struct site {
	struct conf_site conf;
	struct host *host;
};

static void site_up(struct site *s, const char *name, const char *interface, const char *more)
{
	const struct host_mtus mtus = { .wg = 1440 };
	struct error error = { 0 };
	char text[1024];

	snprintf(text, sizeof(text),
		"[Interface]\nName = %s\n" KEY "Address = 10.0.1.11/24\n%s" PEER
		"AllowedIPs = 0.0.0.0/0, ::/0\n%s",
		interface, *more == '[' ? "" : more, *more == '[' ? more : "");
	test_conf(&s->conf, name, text);
	assert_int_equal(host_open(&s->conf, HOST_UNDO, NULL, &s->host, &error), 0);
	test_engine_open(&engine, &s->conf);
	assert_int_equal(host_up(s->host, &mtus, &error), 0);
}

/** Take a site down, while the interfaces of `other` stay. Return: the result of host_close(). */
static int site_down(struct site *s, const struct site *other)
{
	int err;

	host_down(s->host);
	test_engine_close(&engine, other ? &other->conf : NULL);
	err = host_close(s->host);
	conf_site_fini(&s->conf);
	return err;
}

static void assert_same_as(const char *before)
{
	char *after = test_host_picture();

	assert_string_equal(after, before);
	free(after);
}

static void assert_mark(const char *expected)
{
	char is[16];

	assert_int_equal(sysctl_read(MARK, is, sizeof(is)), 0);
	assert_string_equal(is, expected);
}

static int count(const char *text, const char *part)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

#define SUPPRESS "mark 0 table 254 suppress 0\n"

/** Two sites: what the first leaves to the second, in either order. */
static void test_two_sites(void **state)
{
	for (int first = 0; first < 2; first++) {
		char *before = test_host_picture();
		struct site sites[2];
		struct site *left = &sites[1 - first];
		char *one;

		site_up(&sites[0], "one", "wg1", "");
		site_up(&sites[1], "two", "wg2", "");
		assert_int_equal(site_down(&sites[first], left), 0);
		one = test_host_picture();
		assert_int_equal(count(one, SUPPRESS), 2); /* IPv4 and IPv6 */
		assert_int_equal(count(one, "not mark"), 2);
		assert_mark("1");
		free(one);
		assert_int_equal(site_down(left, NULL), 0);
		assert_same_as(before);
		free(before);
	}
}

/** wg-quick has a default route before the site, and after it. */
static void test_wg_quick_first(void **state)
{
	struct site site;
	char *before;

	assert_int_equal(system(WG_QUICK), 0);
	before = test_host_picture();
	site_up(&site, "one", "wg1", "");
	assert_int_equal(site_down(&site, NULL), 0);
	assert_same_as(before);
	free(before);
}

/** wg-quick has added its equal rule since, and uses src_valid_mark, too. */
static void test_wg_quick_later(void **state)
{
	struct site site;
	char *after;

	site_up(&site, "one", "wg1", "");
	assert_int_equal(system(WG_QUICK), 0);
	assert_int_equal(site_down(&site, NULL), 0);
	after = test_host_picture();
	assert_int_equal(count(after, SUPPRESS), 1);
	assert_int_equal(count(after, "not mark 7 table 7 "), 1);
	assert_mark("1");
	free(after);
}

static void write_state(const char *name, const char *lines)
{
	struct journal j;
	char head[512] = "";
	FILE *f;

	/* The header of this namespace, as a journal writes it. */
	assert_int_equal(journal_init(&j, name), 0);
	assert_int_equal(journal_push(&j, &(struct journal_entry){ JOURNAL_RULE_MAIN }), 0);
	f = fopen(j.path, "re");
	assert_non_null(f);
	assert_true(fread(head, 1, sizeof(head) - 1, f) > 0);
	fclose(f);
	*strstr(head, "rule ") = '\0';
	f = fopen(j.path, "we");
	assert_non_null(f);
	fprintf(f, "%s%s", head, lines);
	assert_int_equal(fclose(f), 0);
	journal_fini(&j);
}

/** Killed between the entry and its change: there is nothing to undo, but wg-quick's equal rule. */
static void test_killed_before_change(void **state)
{
	struct error error;
	char *before;
	bool found;

	assert_int_equal(system(WG_QUICK), 0);
	before = test_host_picture();
	write_state("one", "rule 4 mark 7 priority 32763\nrule 4 main priority 32764\n"
			   "sysctl " MARK " 1 1\n");
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_true(found);
	assert_same_as(before);
	free(before);
}

/** A journal of the version before, whose rules have no priority. */
static void test_old_journal(void **state)
{
	char *before = test_host_picture();
	struct error error;
	bool found;

	assert_int_equal(system(WG_QUICK), 0);
	write_state("one", "rule 4 mark 7\nrule 4 main\nsysctl " MARK " 1 0\n");
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_same_as(before);
	free(before);
}

/** Entries whose undo fails stay, whatever comes after them, until it succeeds. */
static void test_failing_undo(void **state)
{
	char *before = test_host_picture();
	struct error error;
	struct site site;
	bool found;
	char *left;

	site_up(&site, "one", "wg1", "DNS = 10.0.1.53\nPostDown = true\n");
	assert_int_equal(setenv("BROKEN", "yes", 1), 0);
	assert_int_equal(site_down(&site, NULL), -ECANCELED);
	left = test_host_picture();
	assert_int_equal(count(left, "one.state\n"), 1);
	assert_int_equal(count(left, "not mark"), 0);
	assert_int_equal(count(left, "resolv.wg1"), 1);
	free(left);
	assert_int_equal(host_undo("one", &found, &error), -ECANCELED);
	assert_non_null(strstr(error.problem, "resolvconf -d wg1"));
	assert_non_null(strstr(error.hint, "one.state"));
	assert_int_equal(unsetenv("BROKEN"), 0);
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_same_as(before);
	free(before);
}

/** A line of a later version is neither undone nor forgotten. */
static void test_unknown_line(void **state)
{
	struct error error = { 0 };
	struct host *host;
	struct site site;
	bool found;
	char *left;

	write_state("one", "vrf red 7\n");
	assert_int_equal(host_undo("one", &found, &error), -EPROTO);
	assert_non_null(strstr(error.problem, "vrf red 7"));
	test_conf(&site.conf, "one", "[Interface]\n" KEY);
	assert_int_equal(host_open(&site.conf, HOST_UNDO, NULL, &host, &error), -EPROTO);
	left = test_host_picture();
	assert_int_equal(count(left, "one.state\n"), 1);
	free(left);
	conf_site_fini(&site.conf);
}

/** Use every descriptor that the process may have. Return: how many, in `ret`. */
static size_t use_descriptors(int ret[static 64])
{
	struct rlimit limit;
	size_t n = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (n < 64 && (ret[n] = fcntl(0, F_DUPFD_CLOEXEC, 3)) >= 0)
		n++;
	return n;
}

/** Undo needs no descriptor that it has not reserved. */
static void test_no_descriptors(void **state)
{
	char *before = test_host_picture();
	struct rlimit limit;
	struct site site;
	int fds[64];
	size_t n;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	site_up(&site, "one", "wg1", "DNS = 10.0.1.53\nPostDown = true\n");
	n = use_descriptors(fds);
	assert_int_equal(site_down(&site, NULL), 0);
	while (n > 0)
		close(fds[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_same_as(before);
	free(before);
}

/** Start a site in a process that ends without undoing anything. */
static void leave_site(const char *name, const char *interface, const char *more)
{
	struct site site;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		site_up(&site, name, interface, more);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define BRIDGE "[Bridge]\nName = br1\n"

/** The run folder is emptied after a crash: what is ours is recognised by its marks. */
static void test_lost_folder(void **state)
{
	struct error error;
	struct site two;
	bool found = false;
	char *before;

	site_up(&two, "two", "wg2", "");
	assert_int_equal(system("ip link add br2 type bridge; ip link set br2 alias 'wirespan x';"
				"nft add table ip wirespan-wg2; nft add table ip other-wg1"),
		0);
	before = test_host_picture();
	leave_site("one", "wg1", BRIDGE);
	assert_int_equal(system("rm $WIRESPAN_RUNDIR/one.*"), 0);
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_true(found);
	assert_same_as(before);
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_false(found);
	leave_site("one", "wg1", BRIDGE);
	assert_int_equal(system("rm $WIRESPAN_RUNDIR/one.*"), 0);
	leave_site("one", "wg1", BRIDGE); /* up removes it as well */
	assert_int_equal(host_undo("one", &found, &error), 0);
	assert_same_as(before);
	assert_int_equal(site_down(&two, NULL), 0);
	free(before);
}

/** The only site, whose journal is lost: the sysctl is as before, whatever it was. */
static void test_lost_value(void **state)
{
	for (int was = 0; was < 2; was++) {
		char value[] = { (char)('0' + was), 0 };
		struct error error;
		bool found = false;
		char *before;

		assert_int_equal(sysctl_ensure(MARK, value), 0);
		before = test_host_picture();
		leave_site("one", "wg1", "");
		assert_mark("1");
		assert_int_equal(system("rm $WIRESPAN_RUNDIR/one.*"), 0);
		assert_int_equal(host_undo("one", &found, &error), 0);
		assert_true(found);
		assert_same_as(before);
		assert_mark(value);
		free(before);
	}
}

/** Another site's journal cannot be used: what it may share is not taken from it. */
static void test_damaged_journal(void **state)
{
	static const char *const damages[] = { "echo nonsense >$WIRESPAN_RUNDIR/two.state",
		"cp $WIRESPAN_RUNDIR/one.state $WIRESPAN_RUNDIR/two.state;"
		"sed -i 's/^[rs].*/later 1/' $WIRESPAN_RUNDIR/two.state",
		"cp $WIRESPAN_RUNDIR/one.state $WIRESPAN_RUNDIR/two.state;"
		"chmod 666 $WIRESPAN_RUNDIR/two.state" };
	struct error error;
	struct site site;
	bool found = false;
	char *left;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		site_up(&site, "one", "wg1", "");
		assert_int_equal(system(damages[i]), 0);
		assert_int_equal(site_down(&site, NULL), 0);
		assert_mark("1");
		assert_int_equal(sysctl_ensure(MARK, "0"), 0);
		leave_site("one", "wg1", "");
		assert_int_equal(system("rm $WIRESPAN_RUNDIR/one.*"), 0);
		assert_int_equal(host_undo("one", &found, &error), 0);
		left = test_host_picture();
		assert_int_equal(count(left, SUPPRESS), 2);
		assert_int_equal(count(left, "not mark"), 2);
		free(left);
		assert_int_equal(system("rm $WIRESPAN_RUNDIR/two.state"), 0);
		assert_int_equal(host_undo("one", &found, &error), 0);
		assert_true(found);
		left = test_host_picture();
		assert_int_equal(count(left, "not mark"), 0);
		free(left);
		assert_mark("0");
	}
}

/** The files of a running site are removed: it is not undone, nor started twice. */
static void test_lost_lock(void **state)
{
	struct error error = { 0 };
	struct site site;
	struct host *host;
	char pid[32];
	bool found;

	site_up(&site, "one", "wg1", "");
	assert_int_equal(system("rm $WIRESPAN_RUNDIR/one.*"), 0);
	assert_int_equal(host_undo("one", &found, &error), -EBUSY);
	assert_non_null(strstr(error.problem, "wg1"));
	snprintf(pid, sizeof(pid), "process (%d)", (int)getpid()); /* it holds the TUN */
	assert_non_null(strstr(error.problem, pid));
	assert_true(*error.hint);
	assert_int_equal(host_open(&site.conf, HOST_UNDO, NULL, &host, &error), -EBUSY);
	assert_int_equal(site_down(&site, NULL), 0);
}

static int set_up(void **state)
{
	test_netns_enter();
	test_host_make_rundir(rundir);
	return 0;
}

static int clean_up(void **state)
{
	test_engine_close(&engine, NULL);
	test_host_remove_rundir(rundir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_sites, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_wg_quick_first, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_wg_quick_later, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_killed_before_change, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_old_journal, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_failing_undo, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_unknown_line, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_lost_folder, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_lost_value, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_damaged_journal, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_lost_lock, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_no_descriptors, set_up, clean_up),
	};
	char bin[64];
	int failed;

	log_set_level(LOG_LEVEL_SILENT);
	test_host_make_resolvconf(bin);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_host_remove_rundir(bin);
	return failed;
}
