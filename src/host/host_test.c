/* SPDX-License-Identifier: MIT */
/* Tests of a site in a real network namespace: what it creates, and that nothing is left after a
 * failure, a crash or a normal end. */
#include "host/host.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/log.h"
#include "conf/test_conf.h"
#include "host/orphan.h"
#include "host/spawn.h"
#include "host/test_host.h"
#include "netlink/nft_table.h"
#include "netlink/test_netns.h"

#define KEY  "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define PEER "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define TUNNEL                                                                                     \
	"[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"    \
	"[L2TPSession]\nName = l2tpeth0\nSessionId = 3941\nPeerSessionId = 3942\n"

static const char plain[] = "[Interface]\n" KEY "Address = 10.0.1.11/24, fd01::11/64\n" PEER
			    "AllowedIPs = 10.0.1.21/32, 10.9.0.0/16, fd09::/64\n" TUNNEL
			    "[Bridge]\nName = br-l2tp0\nAddress = 10.0.2.11/24\nMember = eth1\n";

/* A configuration that uses everything a site can change. */
static const char everything[] =
	"[Interface]\n" KEY "Address = 10.0.1.11/24, fd01::11/64\nDNS = 10.0.1.53, lan.example\n"
	"PreUp = echo pre-up >>$WIRESPAN_RUNDIR/hooks\n"
	"PostUp = echo post-up %i >>$WIRESPAN_RUNDIR/hooks\n"
	"PostUp = echo post-up2 >>$WIRESPAN_RUNDIR/hooks\n"
	"PreDown = echo pre-down >>$WIRESPAN_RUNDIR/hooks\n"
	"PreDown = echo pre-down2 %i >>$WIRESPAN_RUNDIR/hooks\n"
	"PostDown = echo post-down >>$WIRESPAN_RUNDIR/hooks\n"
	"PostDown = rm $WIRESPAN_RUNDIR/hooks\n" PEER
	"AllowedIPs = 0.0.0.0/0, ::/0, 10.9.0.0/16\n" TUNNEL "SplitHorizon = yes\n"
	"[Bridge]\nName = br-l2tp0\nAddress = 10.0.2.11/24, fd02::11/64\nMember = eth1\nSTP = "
	"yes\nMulticastSnooping = yes\nForwardControl = lldp\n";

static char rundir[64];
static struct test_engine engine;

/** Fails or kills the process at one step. */
struct saboteur {
	int at; /* -1: never */
	bool kill;
	int n;
};

static int sabotage(void *ctx, const char *what)
{
	struct saboteur *s = ctx;

	log_debug("%3d %s", s->n, what);
	if (s->n++ != s->at)
		return 0;
	if (s->kill)
		kill(getpid(), SIGKILL);
	return -EIO;
}

/** Run the hooks of one kind as the daemon's loop does. */
static int run_hooks(struct host *host, enum host_hook hook, struct error *error)
{
	int status = 0;
	pid_t pid = 0;
	int err = host_hook_start(host, hook, &pid, error);

	if (err < 0 || !pid)
		return err;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return host_hook_end(host, hook, status, error);
}

/** Start the site as the daemon does. Return: 0 or the site's error; after an error the site is
 * closed. */
static int bring_up(
	const struct conf_site *conf, struct saboteur *s, struct host **ret, struct error *error)
{
	const uint32_t mtu[] = { 1386, 1386 };
	struct host_watch watch = { .step = sabotage, .ctx = s };
	struct host_mtus mtus = { .wg = 1440, .sessions = mtu };
	struct host *host = NULL;
	int err = host_open(conf, HOST_UNDO, &watch, &host, error);

	if (err < 0)
		return err;
	test_engine_open(&engine, conf);
	err = host_up(host, &mtus, error);
	if (err == 0) {
		err = run_hooks(host, HOST_HOOK_POST_UP, error);
		if (err < 0)
			host_down(host);
	}
	if (err == 0) {
		*ret = host;
		return 0;
	}
	test_engine_close(&engine, NULL);
	host_close(host);
	return err;
}

static void take_down(struct host *host)
{
	struct error error;

	(void)run_hooks(host, HOST_HOOK_PRE_DOWN, &error);
	host_down(host);
	test_engine_close(&engine, NULL);
	host_close(host);
}

static void assert_lines(const char *picture, const char *const lines[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strstr(picture, lines[i]))
			fail_msg("\"%s\" is not in\n%s", lines[i], picture);
}

static void assert_same_as(const char *before)
{
	char *after = test_host_picture();

	if (strcmp(after, before) != 0)
		printf("before:\n%s\nafter:\n%s", before, after);
	assert_string_equal(after, before);
	free(after);
}

static void test_plain(void **state)
{
	static const char *const lines[] = {
		"link br-l2tp0 bridge up mtu 1386 master  alias wirespan vpn01\n",
		"link eth1 veth up mtu 1500 master br-l2tp0 alias \n",
		"link l2tpeth0 tun up mtu 1386 master br-l2tp0 alias \n",
		"link wg0 tun up mtu 1440 master  alias wirespan vpn01\n",
		"bridge br-l2tp0 stp 0 snooping 0\n",
		"port eth1 isolated 0 router 1 forward 0x0\n",
		"port l2tpeth0 isolated 0 router 1 forward 0x0\n",
		"address 10.0.1.11/24 dev wg0\n",
		"address fd01::11/64 dev wg0\n",
		"address 10.0.2.11/24 dev br-l2tp0\n",
		"route 10.9.0.0/16 dev wg0 table 254 type 1 metric 0\n",
		"route fd09::/64 dev wg0 table 254 type 1 metric 1024\n",
		"src_valid_mark 0\n",
	};
	struct saboteur harmless = { .at = -1 };
	struct error error;
	struct conf_site conf;
	struct host *host;
	char *before = test_host_picture();
	char *up;

	test_conf(&conf, "vpn01", plain);
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	up = test_host_picture();
	assert_lines(up, lines, ARRAY_LEN(lines));
	assert_null(strstr(up, "10.0.1.21")); /* covered by the connected route */
	assert_null(strstr(up, "fe80"));
	assert_int_equal(host_fwmark(host), 0);
	assert_int_equal(host_running("vpn01"), getpid());
	take_down(host);
	assert_same_as(before);
	assert_int_equal(host_running("vpn01"), 0);
	conf_site_fini(&conf);
	free(up);
	free(before);
}

static void test_everything(void **state)
{
	static const char *const lines[] = {
		"route 0.0.0.0/0 dev wg0 table 51820",
		"route ::/0 dev wg0 table 51820",
		"rule2 32764: mark 0 table 254 suppress 0\n",
		"rule2 32765: not mark 51820 table 51820 suppress -1\n",
		"rule10 32764: mark 0 table 254 suppress 0\n",
		"src_valid_mark 1\n",
		"bridge br-l2tp0 stp 1 snooping 1\n",
		"port eth1 isolated 0 router 1 forward 0x4000\n",
		"port l2tpeth0 isolated 1 router 2 forward 0x4000\n",
		"nft table ip wirespan-wg0\n",
		"nft table ip6 wirespan-wg0\n",
		"resolv.wg0\n",
	};
	static const char hooks[] = "pre-up\npost-up wg0\npost-up2\n";
	struct saboteur harmless = { .at = -1 };
	struct error error;
	struct conf_site conf;
	struct host *host;
	char *before = test_host_picture();
	char *up;
	char path[128];
	char text[128] = "";
	FILE *f;

	test_conf(&conf, "vpn01", everything);
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	up = test_host_picture();
	assert_lines(up, lines, ARRAY_LEN(lines));
	assert_int_equal(host_fwmark(host), 51820);
	snprintf(path, sizeof(path), "%s/hooks", rundir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), strlen(hooks));
	assert_string_equal(text, hooks);
	fclose(f);
	take_down(host);
	assert_same_as(before);
	conf_site_fini(&conf);
	free(up);
	free(before);
}

/** Fail at each step in turn, until the number exceeds the steps. */
static void fail_everywhere(const char *text)
{
	char *before = test_host_picture();
	struct conf_site conf;
	int steps = 0;

	test_conf(&conf, "vpn01", text);
	for (;; steps++) {
		struct saboteur s = { .at = steps };
		struct error error = { 0 };
		struct host *host = NULL;
		int err = bring_up(&conf, &s, &host, &error);

		if (err == 0) {
			take_down(host);
			break;
		}
		assert_int_equal(err, -EIO);
		assert_int_equal(error.code, -EIO);
		assert_true(*error.problem);
		assert_same_as(before);
	}
	assert_same_as(before);
	print_message("failed at each of %d steps\n", steps);
	assert_true(steps > 10);
	conf_site_fini(&conf);
	free(before);
}

static void test_failures(void **state)
{
	fail_everywhere(plain);
	fail_everywhere(everything);
}

#define WHEN_UP INT_MAX /* when the site is up, instead of at a step */

/** Run a site from start to end in its own process, which dies at one step. Return: whether it
 * died. */
static bool live_and_die(const struct conf_site *conf, int at)
{
	struct saboteur s = { .at = at, .kill = true };
	struct error error = { 0 };
	struct host *host;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (bring_up(conf, &s, &host, &error) < 0) {
			printf("%s\n", error.problem);
			_exit(1);
		}
		if (at == WHEN_UP)
			kill(getpid(), SIGKILL);
		take_down(host);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/** Die at each step of starting and stopping; recover from the journal alone, or with the next
 * start. */
/** The process was killed while it wrote the configuration that it runs with, or a `down` when it
 * had removed the journal and not yet that file. */
static void leave_files(void)
{
	static const char *const suffixes[] = { "running", "running.new" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), "%s/vpn01.%s", rundir, suffixes[i]);
		f = fopen(path, "ae");
		assert_non_null(f);
		assert_int_equal(fclose(f), 0);
	}
}

static void crash_everywhere(const char *text)
{
	char *before = test_host_picture();
	struct saboteur harmless = { .at = -1 };
	struct error error = { 0 };
	struct conf_site conf;
	struct host *host;
	int steps = 0;
	bool found;

	test_conf(&conf, "vpn01", text);
	for (; live_and_die(&conf, steps); steps++) {
		assert_int_equal(host_running("vpn01"), 0);
		leave_files();
		if (steps % 3 == 0) {
			assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
			take_down(host);
		} else {
			assert_int_equal(host_undo("vpn01", &found, &error), 0);
		}
		assert_same_as(before);
	}
	assert_same_as(before);
	print_message("died at each of %d steps\n", steps);
	assert_true(steps > 10);
	conf_site_fini(&conf);
	free(before);
}

static void test_crashes(void **state)
{
	crash_everywhere(plain);
	crash_everywhere(everything);
}

static void test_runs_once(void **state)
{
	struct saboteur harmless = { .at = -1 };
	struct error error = { 0 };
	struct conf_site conf;
	struct host *host;
	struct host *second;
	bool found;

	test_conf(&conf, "vpn01", plain);
	assert_int_equal(host_undo("vpn01", &found, &error), 0);
	assert_false(found);
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	assert_int_equal(host_open(&conf, HOST_UNDO, NULL, &second, &error), -EBUSY);
	assert_non_null(strstr(error.problem, "vpn01 is running already"));
	assert_int_equal(host_undo("vpn01", &found, &error), -EBUSY);
	assert_int_equal(host_wait_stopped("vpn01", 20), -ETIMEDOUT);
	take_down(host);
	assert_int_equal(host_wait_stopped("vpn01", 20), 0);
	conf_site_fini(&conf);
}

/** The message names the obstacle, and the host is unchanged. */
static void test_refusals(void **state)
{
	static const struct {
		const char *prepare;
		const char *undo;
		int result;
		const char *problem;
	} table[] = {
		{ "ip link add wg0 type bridge", "ip link del wg0", -EEXIST,
			"An interface wg0 exists already, a bridge" },
		{ "ip link add l2tpeth0 type bridge", "ip link del l2tpeth0", -EEXIST,
			"An interface l2tpeth0 exists already" },
		{ "ip link add br-l2tp0 type bridge", "ip link del br-l2tp0", -EEXIST,
			"A bridge br-l2tp0 exists already" },
		{ "ip link add other type bridge; ip link set eth1 master other",
			"ip link del other", -EBUSY, "eth1 already is a port of other" },
		{ "ip route add 10.9.0.0/16 dev lo", "ip route del 10.9.0.0/16 dev lo", -EEXIST,
			"There is a route to 10.9.0.0/16 already" },
	};
	struct conf_site conf;

	test_conf(&conf, "vpn01", plain);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct saboteur harmless = { .at = -1 };
		struct error error = { 0 };
		struct host *host;
		char *before;

		assert_int_equal(system(table[i].prepare), 0);
		before = test_host_picture();
		assert_int_equal(bring_up(&conf, &harmless, &host, &error), table[i].result);
		assert_non_null(strstr(error.problem, table[i].problem));
		assert_true(*error.hint);
		assert_same_as(before);
		assert_int_equal(system(table[i].undo), 0);
		free(before);
	}
	conf_site_fini(&conf);
}

/* What a transaction of nf_tables returns; 0: that of the kernel. */
static int filter_error;
static unsigned warnings;

int __real_nft_table_apply(struct nl_msg *v, size_t n, struct error *ret_error);
int __wrap_nft_table_apply(struct nl_msg *v, size_t n, struct error *ret_error);

int __wrap_nft_table_apply(struct nl_msg *v, size_t n, struct error *ret_error)
{
	if (!filter_error)
		return __real_nft_table_apply(v, n, ret_error);
	return error_set(ret_error, filter_error, "The filter fails.\nThat is a test.");
}

static void count_warnings(enum log_level level, const char *line)
{
	warnings += level == LOG_LEVEL_WARNING &&
		    strstr(line, "The filter fails. Hosts on the underlay can send") != NULL;
}

/** A kernel that lacks nf_tables, or forbids it: the site is up without the filter, which is in a
 * warning for each family. Another error of the transaction: the site does not come up. Nothing is
 * left in either case. */
static void test_without_filter(void **state)
{
	static const struct {
		int error;
		bool is_up;
	} table[] = { { -EOPNOTSUPP, true }, { -EPROTONOSUPPORT, true }, { -EAFNOSUPPORT, true },
		{ -ENOENT, true }, { -EPERM, true }, { -ENOMEM, false }, { -EINTR, false },
		{ -EBUSY, false }, { -ENOBUFS, false }, { -EIO, false } };
	char *before = test_host_picture();
	struct conf_site conf;

	test_conf(&conf, "vpn01", everything);
	log_to_sink(count_warnings);
	log_set_level(LOG_LEVEL_WARNING);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct saboteur harmless = { .at = -1 };
		struct error error = { 0 };
		struct host *host;
		int err;

		filter_error = table[i].error;
		warnings = 0;
		err = bring_up(&conf, &harmless, &host, &error);
		assert_int_equal(err, table[i].is_up ? 0 : table[i].error);
		assert_int_equal(warnings, table[i].is_up ? 2 : 0);
		if (table[i].is_up)
			take_down(host);
		else
			assert_string_equal(error.problem, "The filter fails.");
		assert_same_as(before);
	}
	filter_error = 0;
	log_to_sink(NULL);
	log_set_level(LOG_LEVEL_ERROR);
	conf_site_fini(&conf);
	free(before);
}

/** A program is found where only root's PATH leads, also without PATH. */
static void test_search_path(void **state)
{
	static const char *const paths[] = { "/nonexistent", "", "/usr/bin:/bin", NULL };
	char *was = strdup(getenv("PATH"));
	const char *const in_sbin[] = { "chroot", "/", "/bin/true", NULL };
	const char *const absent[] = { "no-such-program", NULL };

	assert_non_null(was);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (paths[i])
			assert_int_equal(setenv("PATH", paths[i], 1), 0);
		else
			assert_int_equal(unsetenv("PATH"), 0);
		assert_true(spawn_finds("chroot"));
		assert_false(spawn_finds("no-such-program"));
		assert_int_equal(spawn(in_sbin, NULL), 0);
		assert_int_equal(spawn(absent, NULL), -ENOENT);
	}
	assert_int_equal(setenv("PATH", was, 1), 0);
	assert_true(spawn_finds("resolvconf"));
	free(was);
}

/** Hooks fail while the site starts, and the down hooks fail, too. */
static void test_failing_hooks(void **state)
{
	static const char *const table[] = { "PreUp = exit 3\n", "PostUp = exit 3\n",
		"PostUp = kill $$\n" };
	char *before = test_host_picture();

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct saboteur harmless = { .at = -1 };
		struct error error = { 0 };
		struct conf_site conf;
		struct host *host;
		char text[1024];

		snprintf(text, sizeof(text),
			"[Interface]\n" KEY "%sPreDown = exit 1\nPostDown = false\n" PEER
			"AllowedIPs = 10.0.1.21/32\n",
			table[i]);
		test_conf(&conf, "vpn01", text);
		assert_int_equal(bring_up(&conf, &harmless, &host, &error), -ECANCELED);
		assert_same_as(before);
		conf_site_fini(&conf);
	}
	free(before);
}

/** After a crash, objects may belong to another process by now: undo leaves them alone. */
static void test_leaves_alone(void **state)
{
	struct conf_site conf;
	struct error error;
	char *before;
	bool found;

	test_conf(&conf, "vpn01", plain);
	assert_true(live_and_die(&conf, WHEN_UP));
	assert_int_equal(system("ip link del br-l2tp0; ip link add br-l2tp0 type bridge;"
				"ip link set eth1 up master br-l2tp0"),
		0);
	before = test_host_picture();
	assert_non_null(strstr(before, "vpn01.state"));
	assert_int_equal(host_undo("vpn01", &found, &error), 0);
	assert_true(found);
	assert_int_equal(system("ip link show br-l2tp0 >/dev/null"), 0);
	assert_int_equal(system("ip link show master br-l2tp0 up | grep -q eth1"), 0);
	assert_int_equal(system("ip link del br-l2tp0; ip link set eth1 down"), 0);
	conf_site_fini(&conf);
	free(before);
}

/** Open the site in its own process and namespace. Return: the result of host_open(). */
static int open_elsewhere(const struct conf_site *conf)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct saboteur harmless = { .at = -1 };
		struct error error = { 0 };
		struct host *host;
		int err;

		test_netns_enter();
		err = bring_up(conf, &harmless, &host, &error);
		if (err == 0)
			take_down(host);
		_exit(-err & 0x7f);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void crash_elsewhere(const struct conf_site *conf)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct saboteur harmless = { .at = -1 };
		struct error error;
		struct host *host;

		test_netns_enter();
		_exit(bring_up(conf, &harmless, &host, &error) < 0); /* do not undo a second time */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_namespaces(void **state)
{
	pid_t orphan;
	struct saboteur harmless = { .at = -1 };
	struct error error;
	struct conf_site conf;
	struct host *host;
	bool found;

	test_conf(&conf, "vpn01", plain);
	/* The name is in use, in any namespace. */
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	assert_int_equal(open_elsewhere(&conf), -EBUSY);
	take_down(host);
	/* A crash in this namespace is not undone in another one, nor is its engine ended. */
	assert_true(live_and_die(&conf, WHEN_UP));
	orphan = fork();
	assert_true(orphan >= 0);
	if (orphan == 0)
		for (;;)
			pause();
	assert_int_equal(orphan_note("vpn01", orphan, 1), 0);
	assert_int_equal(open_elsewhere(&conf), -EXDEV);
	assert_int_equal(waitpid(orphan, NULL, WNOHANG), 0);
	assert_int_equal(host_undo("vpn01", &found, &error), 0);
	assert_true(found);
	assert_int_equal(waitpid(orphan, NULL, 0), orphan);
	/* A crash in a namespace that no longer exists needs no undo. */
	crash_elsewhere(&conf);
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	take_down(host);
	conf_site_fini(&conf);
}

/** Use a new network namespace for each test, so that a failed test does not affect the next. */
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

/* The interfaces of all sessions are deleted together, while the engine still has their
 * descriptors; the WireGuard interface and those of others stay. */
static void test_sessions_go_together(void **state)
{
	struct saboteur harmless = { .at = -1 };
	struct error error;
	struct conf_site conf;
	struct host *host;

	test_conf(&conf, "vpn01", plain);
	assert_int_equal(bring_up(&conf, &harmless, &host, &error), 0);
	assert_true(if_nametoindex("l2tpeth0") > 0);
	host_down(host);
	assert_int_equal(if_nametoindex("l2tpeth0"), 0);
	assert_true(if_nametoindex("wg0") > 0);
	assert_true(if_nametoindex("eth1") > 0);
	test_engine_close(&engine, NULL);
	assert_int_equal(host_close(host), 0);
	conf_site_fini(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_everything, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_sessions_go_together, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_failures, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_crashes, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_runs_once, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_failing_hooks, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_without_filter, set_up, clean_up),
		cmocka_unit_test(test_search_path),
		cmocka_unit_test_setup_teardown(test_leaves_alone, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_namespaces, set_up, clean_up),
	};
	char bin[64];
	int failed;

	log_set_level(getenv("WIRESPAN_TEST_STEPS") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	test_host_make_resolvconf(bin);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_host_remove_rundir(bin);
	return failed;
}
