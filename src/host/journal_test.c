/* SPDX-License-Identifier: MIT */
/* Tests of the journal: written lines are read back, and files that are not ours are refused. */
#include "host/journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

static char dir[64];

static int set_up(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/wirespan-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return setenv("WIRESPAN_RUNDIR", dir, 1);
}

static int clean_up(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/vpn01.state", dir);
	unlink(path);
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

static void write_state(const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/vpn01.state", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	assert_int_equal(fclose(f), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_entries, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_unwritable, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_names, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_foreign, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
