/* SPDX-License-Identifier: MIT */
/* The log: one line per message to stderr, with a journald priority prefix if stderr is the
 * journal; or to syslog, after log_to_syslog(). */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/bytes.h"

#define LINE_LEN 1024
#define TEXT_LEN (LINE_LEN + 256) /* a line with the names before it */
#define WAIT_MS	 100		  /* for a reader of the log, if the last line was read */

static enum log_level max_level = LOG_LEVEL_INFO;
static bool use_syslog;
static void (*sink)(enum log_level level, const char *line); /* or NULL */
static bool never_waits;
static unsigned lost; /* lines that nothing has read */
static const char *program = "wirespan";
static char subject[64]; /* with ": " at its end, or empty */

/* The terminal that stderr is, opened again so that writing to it does not wait; or fd -1. */
static struct {
	int fd;
	size_t len;	     /* of the rest */
	char rest[TEXT_LEN]; /* of the last line, which the terminal has not taken yet */
} terminal = { .fd = -1 };

void log_set_level(enum log_level max)
{
	max_level = max;
}

void log_set_level_from_environment(void)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "silent", LOG_LEVEL_SILENT },
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "verbose", LOG_LEVEL_DEBUG },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	const char *text = getenv("LOG_LEVEL");

	if (!text || !*text)
		return;
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (!strcmp(text, levels[i].name)) {
			max_level = levels[i].level;
			return;
		}
	}
	log_warning("LOG_LEVEL=%s is no level. Use silent, error, warning, info or debug.", text);
}

bool log_shows(enum log_level level)
{
	return level <= max_level;
}

void log_set_program(const char *name)
{
	program = name;
}

void log_set_subject(const char *format, ...)
{
	char text[sizeof(subject) - 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)snprintf(subject, sizeof(subject), "%s%s", text, *text ? ": " : "");
}

/* Give the terminal back: an open one keeps the session of its user from ending. */
static void close_terminal(void)
{
	if (terminal.fd >= 0)
		close(terminal.fd);
	terminal.fd = -1;
	terminal.len = 0;
}

void log_to_syslog(void)
{
	openlog(program, LOG_PID, LOG_DAEMON);
	use_syslog = true;
	close_terminal();
}

/* O_NONBLOCK of stderr itself would hold for the user's shell as well. */
void log_never_wait(void)
{
	never_waits = true;
	close_terminal();
	if (!use_syslog && isatty(STDERR_FILENO))
		terminal.fd = open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

void log_to_sink(void (*to)(enum log_level level, const char *line))
{
	sink = to;
}

/* Whether stderr is the journal's stream, whose device and inode systemd passes on. A program that
 * a service starts inherits the variable also if its stderr is another file. Source:
 * systemd.exec(5), $JOURNAL_STREAM. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(stream, ours);
}

/* ---- a reader that has stopped ---- */

/* Whether a line can be written without waiting for a reader longer than allowed. Pipes and sockets
 * that are ready take at least one; terminals take a part of it, and then the writer waits. */
static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, lost ? 0 : WAIT_MS) != 0;
}

/* Whether syslog(3) can write a line likewise: its socket is of the C library, so that another one
 * is looked at. */
static bool syslog_has_room(void)
{
	static const struct sockaddr_un address = { AF_UNIX, _PATH_LOG };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool room = true;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		room = has_room(fd);
	close(fd);
	return room;
}

/* Whether stderr still is the terminal that was opened again: a process that was forked may have
 * closed both, and use the numbers for something else. */
static bool has_terminal(void)
{
	struct stat ours;
	struct stat now;

	return terminal.fd >= 0 && fstat(terminal.fd, &ours) == 0 &&
	       fstat(STDERR_FILENO, &now) == 0 && S_ISCHR(ours.st_mode) && S_ISCHR(now.st_mode) &&
	       ours.st_rdev == now.st_rdev;
}

/* Write as much as the terminal takes. Return: how much that is; all if it is gone. */
static size_t write_some(const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(terminal.fd, text + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return len;
	}
	return done;
}

/* Write the rest of the last line. Return: whether nothing is left of it. */
static bool finish_line(void)
{
	size_t done = write_some(terminal.rest, terminal.len);

	terminal.len -= done;
	memmove(terminal.rest, terminal.rest + done, terminal.len);
	return !terminal.len;
}

/* Write a line to the terminal. Return: whether it has been taken, maybe with a rest to write. */
static bool write_to_terminal(const char *text, size_t len)
{
	size_t done;

	if (!finish_line())
		return false;
	done = write_some(text, len);
	if (!done)
		return false;
	terminal.len = len - done;
	memcpy(terminal.rest, text + done, terminal.len);
	return true;
}

/* ---- lines ---- */

/* Write to where the log goes. `named`: with the names of program and subject. Return: whether the
 * line has been taken. */
static bool put_line(enum log_level level, bool named, const char *line)
{
	const char *about = named ? subject : "";
	char text[TEXT_LEN];
	int len;

	if (use_syslog) {
		syslog((int)level, "%s%s", about, line);
		return true;
	}
	if (is_journal())
		len = snprintf(text, sizeof(text), "<%d>%s%s\n", (int)level, about, line);
	else
		len = snprintf(text, sizeof(text), "%s%s%s%s\n", named ? program : "",
			named ? ": " : "", about, line);
	if (len < 0)
		return true;
	if (never_waits && has_terminal())
		return write_to_terminal(text, size_min((size_t)len, sizeof(text) - 1));
	fputs(text, stderr);
	return true;
}

static void write_line(enum log_level level, bool named, const char *line)
{
	char text[64];

	if (sink) {
		sink(level, line);
		return;
	}
	if (never_waits && !(use_syslog ? syslog_has_room() : has_room(STDERR_FILENO))) {
		lost++;
		return;
	}
	if (lost) {
		snprintf(text, sizeof(text), "%u line%s of the log lost, as nothing read it", lost,
			lost == 1 ? "" : "s");
		if (!put_line(LOG_LEVEL_WARNING, true, text)) {
			lost++;
			return;
		}
		lost = 0;
	}
	lost += !put_line(level, named, line);
}

void log_lines(enum log_level level, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");
		char line[LINE_LEN];

		snprintf(line, sizeof(line), "%.*s", len, text);
		write_line(level, false, line);
		text += len + (text[len] == '\n');
	}
}

/** A message to the journal. Fields that do not fit are left out. */
struct entry {
	char text[4096];
	size_t len;
};

static void add_field(struct entry *e, const char *name, const char *value)
{
	char *start = e->text + e->len;
	size_t room = sizeof(e->text) - e->len;
	int n = snprintf(start, room, "%s=%s\n", name, value);

	if (n < 0 || (size_t)n >= room)
		return;
	for (int i = 0; i < n - 1; i++)
		if (start[i] == '\n')
			start[i] = ' ';
	e->len += (size_t)n;
}

/* Send a message with its fields to the journal. Return: whether it has been taken. Source: "Native
 * Journal Protocol", systemd.io. */
static bool send_entry(
	enum log_level level, const struct log_field *fields, size_t n, const char *line)
{
	static const struct sockaddr_un journal = { AF_UNIX, "/run/systemd/journal/socket" };
	struct entry e = { .len = 0 };
	char number[2] = { (char)('0' + level), '\0' };
	ssize_t sent;
	int fd;

	add_field(&e, "PRIORITY", number);
	add_field(&e, "SYSLOG_IDENTIFIER", program);
	for (size_t i = 0; i < n && i < LOG_FIELDS_MAX; i++)
		add_field(&e, fields[i].name, fields[i].value);
	add_field(&e, "MESSAGE", line);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	sent = sendto(fd, e.text, e.len, MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&journal, sizeof(journal));
	close(fd);
	return sent == (ssize_t)e.len;
}

/* Write a message; if it has fields, as an entry of the journal where messages go there. */
static __attribute__((format(printf, 4, 0))) void write_message(enum log_level level,
	const struct log_field *fields, size_t n, const char *format, va_list args)
{
	char line[LINE_LEN];

	if (!log_shows(level))
		return;
	(void)vsnprintf(line, sizeof(line), format, args);
	if (!fields || sink || use_syslog || !is_journal() || !send_entry(level, fields, n, line))
		write_line(level, true, line);
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_message(level, NULL, 0, format, args);
	va_end(args);
}

void log_fields(
	enum log_level level, const struct log_field *fields, size_t n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_message(level, fields, n, format, args);
	va_end(args);
}
