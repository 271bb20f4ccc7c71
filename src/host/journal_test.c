/* SPDX-License-Identifier: MIT */
/* Tests of the journal: written lines are read back, and files that are not ours are refused. */
#include "host/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/test_alloc.h"

static char dir[64];

static int set_up(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/wirespan-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return setenv("WIRESPAN_RUNDIR", dir, 1);
}

static void remove_state(const char *site)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.state", dir, site);
	unlink(path);
}

static int clean_up(void **state)
{
	remove_state("vpn01");
	return rmdir(dir); /* fails if another file is left */
}

/** Assert what the site's file contains after its header. */
static void assert_file(const char *expected)
{
	char path[128];
	char text[512] = "";
	const char *lines;
	FILE *f;

	snprintf(path, sizeof(path), "%s/vpn01.state", dir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	lines = strstr(text, "\nnetns ");
	assert_non_null(lines);
	assert_string_equal(strchr(lines + 1, '\n') + 1, expected);
}

static void test_entries(void **state)
{
	struct journal_entry rule = { .kind = JOURNAL_RULE_MAIN };
	struct journal_entry dns = { .kind = JOURNAL_DNS, .name = "wg0" };
	struct journal_entry hooks[] = { { JOURNAL_POST_DOWN, .text = (char[]){ "a  b " } },
		{ JOURNAL_POST_DOWN, .text = (char[]){ "c" } } };
	struct journal_entry two_lines = { JOURNAL_POST_DOWN, .text = (char[]){ "two\nlines" } };
	struct journal j;
	struct journal back;
	struct stat st;

	assert_int_equal(journal_load(&j, "vpn01"), -ENOENT);
	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_push(&j, &dns), 0);
	assert_int_equal(journal_push(&j, &rule), 0);
	assert_false(j.v[0].newest);
	assert_true(j.v[1].newest);
	assert_int_equal(journal_push(&j, &two_lines), -EINVAL);
	assert_int_equal(journal_replace(&j, JOURNAL_POST_DOWN, true, hooks, 2), 0);
	assert_file("post-down a  b \npost-down c\ndns wg0\nrule 4 main priority 0\n");
	assert_int_equal(journal_replace(&j, JOURNAL_POST_DOWN, true, &two_lines, 1), -EINVAL);
	assert_int_equal(journal_replace(&j, JOURNAL_POST_DOWN, false, hooks, 1), 0);
	assert_file("dns wg0\nrule 4 main priority 0\npost-down a  b \n");
	assert_int_equal(journal_find(&j, &rule), 1);
	assert_int_equal(journal_find(&j, &(struct journal_entry){ JOURNAL_BRIDGE }), SIZE_MAX);

	assert_int_equal(stat(j.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(journal_load(&back, "vpn01"), 0);
	assert_int_equal(back.n, 3);
	assert_false(back.v[1].newest);
	assert_true(back.v[2].newest);
	assert_string_equal(back.v[2].text, "a  b ");
	assert_int_equal(journal_where(&back), JOURNAL_HERE);
	journal_fini(&back);

	journal_remove(&j, 1);
	assert_file("dns wg0\npost-down a  b \n");
	assert_int_equal(journal_discard(&j), 0);
	assert_int_equal(journal_discard(&j), 0); /* none is no error */
	journal_fini(&j);
	assert_int_equal(journal_load(&back, "vpn01"), -ENOENT);
}

/* A file that another program has removed is written again, with the same entries. */
static void test_keep(void **state)
{
	struct journal_entry dns = { .kind = JOURNAL_DNS, .name = "wg0" };
	struct journal j;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_keep(&j), 0); /* nothing to undo */
	assert_int_equal(access(j.path, F_OK), -1);
	assert_int_equal(journal_push(&j, &dns), 0);
	assert_int_equal(journal_keep(&j), 0);
	assert_int_equal(unlink(j.path), 0);
	assert_int_equal(journal_keep(&j), 1);
	assert_file("dns wg0\n");
	assert_int_equal(journal_discard(&j), 0);
	journal_fini(&j);
}

static void test_unwritable(void **state)
{
	struct journal_entry hook = { JOURNAL_POST_DOWN, .text = (char[]){ "c" } };
	struct journal_entry rule = { .kind = JOURNAL_RULE_MAIN };
	struct journal j;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_push(&j, &hook), 0);
	snprintf(j.path, sizeof(j.path), "/nonexistent/vpn01.state");
	assert_int_equal(journal_push(&j, &rule), -ENOENT);
	assert_int_equal(j.n, 1); /* a change that is not on disk must not be made */
	assert_int_equal(journal_replace(&j, JOURNAL_POST_DOWN, true, &hook, 1), -ENOENT);
	assert_int_equal(j.n, 1);
	assert_string_equal(j.v[0].text, "c");
	journal_fini(&j);
}

static void test_names(void **state)
{
	static const char *const table[] = { "", ".", "..", ".hidden", "a/b", "/etc/x" };
	struct journal j;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(journal_init(&j, table[i]), -EINVAL);
		assert_int_equal(journal_load(&j, table[i]), -EINVAL);
	}
}

static void write_state_of(const char *site, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.state", dir, site);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	assert_int_equal(fclose(f), 0);
}

static void write_state(const char *text, mode_t mode)
{
	write_state_of("vpn01", text, mode);
}

#define HEAD "wirespan journal 1\nboot 0-0\nnetns 1 2\n"

static void test_foreign(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int result;
	} table[] = {
		{ HEAD "rule 4 main\n", 0600, 0 },
		{ HEAD "rule 4 main", 0644, 0 },
		{ HEAD, 0600, 0 },
		{ HEAD "rule 4 main\n", 0620, -EPERM },
		{ HEAD "rule 4 main\n", 0602, -EPERM },
		{ "", 0600, -EPROTO },
		{ "wirespan journal 2\nboot 0-0\nnetns 1 2\n", 0600, -EPROTO },
		{ "wirespan journal 1\nboot 0-0\n", 0600, -EPROTO },
		{ "wirespan journal 1\nboot 0-0\nnetns 1\n", 0600, -EPROTO },
		{ "wirespan journal 1\nboot 0-0\nnetns x 2\n", 0600, -EPROTO },
		{ "wirespan journal 1\nboot 0-0\nnetns 1 2 3\n", 0600, -EPROTO },
		{ "wirespan journal 1\nboot \nnetns 1 2\n", 0600, -EPROTO },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct journal j;

		write_state(table[i].text, table[i].mode);
		assert_int_equal(journal_load(&j, "vpn01"), table[i].result);
		if (table[i].result < 0)
			continue;
		assert_int_equal(journal_where(&j), JOURNAL_GONE); /* another boot */
		journal_fini(&j);
	}
}

/* Room for a reload is tried with a file that does not stay. */
static void test_room(void **state)
{
	struct journal j;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_check_room(&j), 0);
	snprintf(j.path, sizeof(j.path), "/nonexistent/vpn01.state");
	assert_int_equal(journal_check_room(&j), -ENOENT);
	snprintf(j.path, sizeof(j.path), "/dev/null/vpn01.state");
	assert_int_equal(journal_discard(&j), -ENOTDIR);
	journal_fini(&j);
}

/* What a process that was killed has left is removed. */
static void test_sweep(void **state)
{
	struct journal j;

	write_state_of("vpn01", HEAD, 0600);
	write_state_of("vpn02", HEAD, 0600);
	assert_int_equal(journal_load(&j, "vpn01"), 0);
	for (int i = 0; i < 2; i++) {
		char from[160];
		char to[160];

		snprintf(from, sizeof(from), "%s/%s.state", dir, i ? "vpn02" : "vpn01");
		snprintf(to, sizeof(to), "%s/%s", dir, i ? ".sock.lock" : "vpn01.state.new");
		assert_int_equal(rename(from, to), 0);
	}
	journal_sweep("vpn01"); /* and with the last file, the folder */
	assert_int_equal(mkdir(dir, 0700), 0);
	journal_fini(&j);
}

/* The changes are where their namespace is. */
static void test_where(void **state)
{
	struct journal j;
	struct journal_place here;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	here = j.place;
	assert_int_equal(journal_where(&j), JOURNAL_HERE);
	j.place.cookie++; /* the number of an inode is used again */
	assert_int_equal(journal_where(&j), JOURNAL_GONE);
	j.place = here;
	j.place.inode = 1; /* of no namespace */
	assert_int_equal(journal_where(&j), JOURNAL_GONE);
	j.place = here;
	strcpy(j.place.boot, "another");
	assert_int_equal(journal_where(&j), JOURNAL_GONE);
	journal_fini(&j);
}

/* In a child, enter a namespace of its own and write where that is. Return: the child, which waits
 * for the end of `hold`; -1 if that is not permitted. */
static pid_t start_elsewhere(struct journal_place *ret, int *ret_hold)
{
	int place[2];
	int hold[2];
	pid_t child;
	struct journal j;

	assert_int_equal(pipe2(place, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char byte;

		close(hold[1]);
		if (unshare(CLONE_NEWNET) < 0 || journal_init(&j, "vpn01") < 0 ||
			write(place[1], &j.place, sizeof(j.place)) != sizeof(j.place))
			_exit(1);
		_exit(read(hold[0], &byte, 1) != 0);
	}
	close(place[1]);
	close(hold[0]);
	*ret_hold = hold[1];
	if (read(place[0], ret, sizeof(*ret)) != sizeof(*ret)) {
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(hold[1]);
		child = -1;
	}
	close(place[0]);
	return child;
}

static void test_elsewhere(void **state)
{
	struct journal_place there;
	struct journal j;
	int hold;
	int result;
	pid_t child = start_elsewhere(&there, &hold);

	if (child < 0)
		skip();
	assert_int_equal(journal_init(&j, "vpn01"), 0);
	j.place = there;
	assert_int_equal(journal_where(&j), JOURNAL_ELSEWHERE);
	j.place.cookie = 0; /* of a kernel without cookies */
	assert_int_equal(journal_where(&j), JOURNAL_ELSEWHERE);
	j.place.cookie = there.cookie + (there.cookie ? 1000000 : 0);
	assert_int_equal(journal_where(&j), there.cookie ? JOURNAL_GONE : JOURNAL_ELSEWHERE);
	close(hold);
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	j.place = there;
	assert_int_equal(journal_where(&j), JOURNAL_GONE);
	journal_fini(&j);
}

/* An entry that cannot be stored is not in the list either, as its change must not be made. */
static void test_push_fails(void **state)
{
	struct journal_entry hook = { JOURNAL_POST_DOWN, .text = (char[]){ "c" } };
	static char text[65536]; /* longer than what stdio buffers */
	struct journal_entry long_hook = { JOURNAL_POST_DOWN, .text = text };
	struct rlimit before;
	struct journal j;
	unsigned n = 0;
	bool failed;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	do {
		int err;

		alloc_fail_after(n++);
		err = journal_push(&j, &hook);
		failed = alloc_succeed();
		assert_int_equal(err, failed ? -ENOMEM : 0);
		assert_int_equal(j.n, !failed);
	} while (failed);
	assert_in_range(n, 3, 10);

	memset(text, 'x', sizeof(text) - 1);
	/* the file must not grow, as on a full disk; without the limit all is well again */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 16, before.rlim_max });
	assert_int_not_equal(journal_push(&j, &hook), 0);
	assert_int_equal(journal_push(&j, &long_hook), -EIO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(j.n, 1);
	assert_file("post-down c\n");

	/* another kind of file has its name */
	assert_int_equal(journal_discard(&j), 0);
	assert_int_equal(mkdir(j.path, 0700), 0);
	assert_int_equal(journal_push(&j, &hook), -EISDIR);
	assert_int_equal(j.n, 1);
	assert_int_equal(rmdir(j.path), 0);
	journal_fini(&j);
}

/* Without descriptors nothing is decided, and a site is not taken for one of another host. */
static void test_few_descriptors(void **state)
{
	const struct journal_entry dns = { .kind = JOURNAL_DNS, .name = "wg0" };
	struct journal_entry found;
	struct rlimit before;
	struct journal j;
	struct journal other;

	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }), 0);
	assert_int_equal(journal_where(&j), JOURNAL_UNDECIDED);
	assert_int_equal(journal_init(&other, "vpn02"), -EMFILE);
	assert_int_equal(journal_load(&other, "vpn02"), -EMFILE);
	assert_int_equal(journal_find_elsewhere(&j, &dns, &found), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(journal_where(&j), JOURNAL_HERE);
	journal_fini(&j);
}

/* The entries of other sites: found in this namespace; a file of others may have any. */
static void test_find_elsewhere(void **state)
{
	const struct journal_entry dns = { .kind = JOURNAL_DNS, .name = "wg0" };
	const struct journal_entry rule = { .kind = JOURNAL_RULE_MAIN };
	struct journal_entry found;
	struct journal own;
	struct journal other;

	assert_int_equal(journal_init(&own, "vpn01"), 0);
	assert_int_equal(journal_push(&own, &dns), 0);
	assert_int_equal(journal_find_elsewhere(&own, &dns, &found), -ENOENT); /* its own */
	assert_int_equal(journal_init(&other, "vpn02"), 0);
	assert_int_equal(journal_push(&other, &dns), 0);
	assert_int_equal(journal_find_elsewhere(&own, &dns, &found), 0);
	assert_int_equal(found.kind, JOURNAL_DNS);
	assert_string_equal(found.name, "wg0");
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -ENOENT);

	/* of a namespace that does not exist; and files that are no site's */
	write_state_of("vpn03", HEAD "rule 4 main\n", 0600);
	write_state_of(".hidden", HEAD "rule 4 main\n", 0600);
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -ENOENT);

	/* others can write it */
	write_state_of("vpn03", HEAD, 0620);
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -EBADMSG);
	assert_string_equal(found.name, "vpn03.state");
	assert_int_equal(journal_find_elsewhere(&own, &dns, &found), 0); /* is in vpn02's */

	/* damaged: in its head, and in a line */
	write_state_of("vpn03", "garbage\n", 0600);
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -EBADMSG);
	remove_state("vpn03");
	assert_int_equal(journal_push(&other, &(struct journal_entry){ JOURNAL_UNKNOWN,
						      .text = (char[]){ "gibberish" } }),
		0);
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -EBADMSG);
	assert_string_equal(found.name, "vpn02.state");

	remove_state("vpn02");
	remove_state(".hidden");
	journal_fini(&other);
	setenv("WIRESPAN_RUNDIR", "/nonexistent", 1);
	assert_int_equal(journal_find_elsewhere(&own, &rule, &found), -ENOENT);
	journal_fini(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_entries, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_keep, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_unwritable, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_names, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_foreign, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_room, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_sweep, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_where, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_elsewhere, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_push_fails, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_few_descriptors, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_find_elsewhere, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
