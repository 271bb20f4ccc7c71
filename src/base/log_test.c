/* SPDX-License-Identifier: MIT */
/* Tests of the log: which lines get the journal's priority prefix. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Log a warning while stderr is a pipe and JOURNAL_STREAM names it with its inode plus `off`, or is
 * unset for -1. Write the line to `ret`. */
static void log_to_pipe(int off, char *ret, size_t size)
{
	int saved = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino + (uintmax_t)off);
	if (off < 0)
		unsetenv("JOURNAL_STREAM");
	else
		setenv("JOURNAL_STREAM", stream, 1);
	dup2(ends[1], STDERR_FILENO);
	log_warning("the disk is %s", "full");
	dup2(saved, STDERR_FILENO);
	n = read(ends[0], ret, size - 1);
	assert_true(n > 0);
	ret[n] = '\0';
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

/* Lines of a text that explains itself have the priority, and no program's name. */
static void test_lines(void **state)
{
	char text[200] = "";
	char stream[64];
	char lines[] = "a.conf:3: error: no\n    Correct it.\n";
	int saved = dup(STDERR_FILENO);
	struct stat st;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	dup2(ends[1], STDERR_FILENO);
	setenv("JOURNAL_STREAM", stream, 1);
	log_lines(LOG_LEVEL_ERROR, lines);
	unsetenv("JOURNAL_STREAM");
	log_lines(LOG_LEVEL_ERROR, lines);
	log_lines(LOG_LEVEL_ERROR, "");
	dup2(saved, STDERR_FILENO);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "<3>a.conf:3: error: no\n<3>    Correct it.\n"
				  "a.conf:3: error: no\n    Correct it.\n");
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void test_journal(void **state)
{
	char line[200];

	(void)state;
	log_to_pipe(-1, line, sizeof(line));
	assert_string_equal(line, "wirespan: the disk is full\n");
	log_to_pipe(0, line, sizeof(line));
	assert_string_equal(line, "<4>the disk is full\n");
	/* the variable was inherited, and stderr is another file */
	log_to_pipe(1, line, sizeof(line));
	assert_string_equal(line, "wirespan: the disk is full\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
