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

static void assert_lines(const struct journal *j, const char *expected)
{
	char text[256] = "";

	for (size_t i = 0; i < j->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s|", j->lines[i]);
	assert_string_equal(text, expected);
}

static void test_lines(void **state)
{
	struct journal j;
	struct journal back;
	struct stat st;

	assert_int_equal(journal_load(&j, "vpn01"), -ENOENT);
	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_push(&j, "member %s %u", "eth1", 3), 0);
	assert_int_equal(journal_push(&j, "rule 4 main"), 0);
	assert_int_equal(journal_push(&j, "two\nlines"), -EINVAL);
	assert_int_equal(journal_insert(&j, 0, "post-down a  b "), 0);
	assert_lines(&j, "post-down a  b |member eth1 3|rule 4 main|");
	assert_int_equal(journal_find(&j, "member eth1 "), 1);
	assert_int_equal(journal_find(&j, "member eth"), 1);
	assert_int_equal(journal_find(&j, "member eth2"), SIZE_MAX);

	assert_int_equal(stat(j.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(journal_load(&back, "vpn01"), 0);
	assert_lines(&back, "post-down a  b |member eth1 3|rule 4 main|");
	assert_int_equal(journal_where(&back), JOURNAL_HERE);
	journal_fini(&back);

	journal_remove(&j, 1);
	assert_int_equal(journal_load(&back, "vpn01"), 0);
	assert_lines(&back, "post-down a  b |rule 4 main|");
	journal_fini(&back);
	journal_discard(&j);
	journal_fini(&j);
	assert_int_equal(journal_load(&back, "vpn01"), -ENOENT);
}

static void test_unwritable(void **state)
{
	struct journal j;

	assert_int_equal(setenv("WIRESPAN_RUNDIR", "/nonexistent", 1), 0);
	assert_int_equal(journal_init(&j, "vpn01"), 0);
	assert_int_equal(journal_push(&j, "rule 4 main"), -ENOENT);
	assert_int_equal(j.n, 0); /* a change that is not on disk must not be made */
	journal_fini(&j);
	assert_int_equal(setenv("WIRESPAN_RUNDIR", dir, 1), 0);
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
		cmocka_unit_test_setup_teardown(test_lines, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_unwritable, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_names, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_foreign, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
