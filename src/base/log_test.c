/* SPDX-License-Identifier: MIT */
/* Tests of the log: which lines get the journal's priority prefix. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* Call `log` while stderr is a pipe and JOURNAL_STREAM names it with its inode plus `off`, or is
 * unset for -1. Write the line to `ret`, or nothing. */
static void read_log(int off, void (*log)(void), char *ret, size_t size)
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
	log();
	dup2(saved, STDERR_FILENO);
	close(ends[1]);
	n = read(ends[0], ret, size - 1);
	assert_true(n >= 0);
	ret[n] = '\0';
	close(saved);
	close(ends[0]);
}

static void log_disk(void)
{
	log_warning("the disk is %s", "full");
}

static void log_to_pipe(int off, char *ret, size_t size)
{
	read_log(off, log_disk, ret, size);
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

/* ---- fields ---- */

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags,
	const struct sockaddr *address, socklen_t address_len);

static char sent[5000];
static bool journal_is_there;

ssize_t __wrap_sendto(int fd, const void *data, size_t len, int flags,
	const struct sockaddr *address, socklen_t address_len)
{
	assert_true(flags & MSG_DONTWAIT);
	assert_string_equal(address->sa_data, "/run/systemd/journal/socket");
	if (!journal_is_there)
		return -1;
	assert_true(len < sizeof(sent));
	memcpy(sent, data, len);
	sent[len] = '\0';
	return (ssize_t)len;
}

static void log_with_fields(void)
{
	static char huge[5000];
	const struct log_field fields[] = { { "SITE", "a" }, { "HUGE", huge },
		{ "TEXT", "x\ny=z" } };

	memset(huge, 'h', sizeof(huge) - 1);
	log_fields(LOG_LEVEL_WARNING, fields, 3, "the disk is %s", "full");
}

/* Fields go to the journal, and only there. */
static void test_fields(void **state)
{
	static const char entry[] = "PRIORITY=4\nSYSLOG_IDENTIFIER=wirespan\nSITE=a\n"
				    "TEXT=x y=z\nMESSAGE=the disk is full\n";
	char line[200];

	(void)state;
	*sent = '\0';
	journal_is_there = true;
	read_log(0, log_with_fields, line, sizeof(line));
	assert_string_equal(line, "");
	assert_string_equal(sent, entry);
	*sent = '\0';
	read_log(1, log_with_fields, line, sizeof(line));
	assert_string_equal(line, "wirespan: the disk is full\n");
	assert_string_equal(sent, "");
	journal_is_there = false;
	read_log(0, log_with_fields, line, sizeof(line));
	assert_string_equal(line, "<4>the disk is full\n");
}

/* A reader that has stopped does not stop the program; then a line has how many were lost. The next
 * tests go on from here: log_never_wait() has no end. */
static void test_stopped_reader(void **state)
{
	static char text[65536 + 1];
	int saved = dup(STDERR_FILENO);
	size_t filled = 0;
	const char *last;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_never_wait();
	while (filled <= 100000) { /* more than a pipe has room for: it would wait for ever */
		log_warning("%0900d", 0);
		filled += 900;
	}
	n = read(ends[0], text, sizeof(text) - 1);
	log_warning("read again");
	assert_true(n > 0);
	n = read(ends[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
	assert_true(n > 0);
	text[n] = '\0';
	last = strstr(text, " lines of the log lost, as nothing read it\nwirespan: read again\n");
	assert_non_null(last);
}

/* ---- terminals ---- */

/* Make a terminal, which writes line feeds as "\r\n"; `ret_reader` is the end that reads. */
static int open_terminal(int *ret_reader)
{
	int reader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	int writer;

	assert_true(reader >= 0);
	assert_int_equal(grantpt(reader), 0);
	assert_int_equal(unlockpt(reader), 0);
	writer = open(ptsname(reader), O_RDWR | O_NOCTTY);
	assert_true(writer >= 0);
	*ret_reader = reader;
	return writer;
}

/* Read what is there. Return: its length. */
static size_t read_terminal(int reader, char *ret, size_t size)
{
	struct pollfd p = { .fd = reader, .events = POLLIN };
	size_t len = 0;

	while (len < size - 1 && poll(&p, 1, 200) > 0) {
		ssize_t n = read(reader, ret + len, size - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	ret[len] = '\0';
	return len;
}

/* Each line of a text is whole: a numbered one of the test, or about the log. Return: how many were
 * written and lost. */
static unsigned count_lines(char *text)
{
	unsigned n = 0;

	for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
		unsigned lost = 0;

		if (sscanf(line, "wirespan: %u line", &lost) == 1 &&
			strstr(line, " of the log lost"))
			n += lost;
		else if (strlen(line) == 900)
			n++;
		else
			assert_string_equal(line, "wirespan: read again");
	}
	return n;
}

/* Log to a terminal that nothing reads, or that its user has stopped, and then read it. */
static void use_terminal(bool stop)
{
	static char text[2 * 65536];
	int saved = dup(STDERR_FILENO);
	const unsigned lines = 200; /* more than a terminal has room for */
	unsigned found;
	size_t len = 0;
	int reader;
	int writer = open_terminal(&reader);

	dup2(writer, STDERR_FILENO);
	log_never_wait();
	if (stop)
		assert_int_equal(tcflow(writer, TCOOFF), 0);
	alarm(60); /* it would wait for ever */
	for (unsigned i = 0; i < lines; i++)
		log_warning("%0890u", i); /* 900 characters, with the name */
	alarm(0);
	assert_false(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
	if (stop)
		assert_int_equal(tcflow(writer, TCOON), 0);
	len = read_terminal(reader, text, sizeof(text));
	log_warning("read again");
	len += read_terminal(reader, text + len, sizeof(text) - len);
	dup2(saved, STDERR_FILENO);
	assert_non_null(
		strstr(text, " of the log lost, as nothing read it\r\nwirespan: read again\r\n"));
	found = count_lines(text);
	assert_int_equal(found, lines);
	log_never_wait(); /* that is no terminal of ours any more */
	close(saved);
	close(writer);
	close(reader);
}

static void test_terminal(void **state)
{
	(void)state;
	use_terminal(false);
	use_terminal(true);
}

/* A process that goes on in the background keeps no terminal open. Last: it is for good. */
static void test_terminal_closed(void **state)
{
	int saved = dup(STDERR_FILENO);
	int null = open("/dev/null", O_WRONLY);
	char byte;
	int reader;
	int writer = open_terminal(&reader);

	(void)state;
	dup2(writer, STDERR_FILENO);
	log_never_wait();
	close(writer);
	log_to_syslog();
	dup2(null, STDERR_FILENO);
	assert_int_equal(read(reader, &byte, 1), -1);
	assert_int_equal(errno, EIO); /* and not EAGAIN: nothing has it open */
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_stopped_reader),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_terminal_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
