/* SPDX-License-Identifier: MIT */
/* The log: one line per message to stderr, with a journald priority prefix if stderr is the
 * journal; or to syslog, after log_to_syslog(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Severity of a message, with the numbers of syslog. */
enum log_level {
	LOG_LEVEL_SILENT = 0,
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/** Write messages up to and including level `max` only. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);

/** Set the level by the environment variable LOG_LEVEL: "silent", "error", "warning", "info",
 * "debug", or "verbose", which is "debug". Unset leaves it; another value does, with a warning. */
void log_set_level_from_environment(void);

/** Whether messages of the level are written. */
bool log_shows(enum log_level level);

/** Set the name of the program, which starts each line; default: "wirespan". It is borrowed. */
void log_set_program(const char *name);

/** Set what follows the program's name in each line, such as the interface; initially nothing. It
 * is truncated to 63 bytes. */
void log_set_subject(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Write to syslog(3) instead of stderr from now on, for a daemon without a terminal. */
void log_to_syslog(void);

/** From now on, lose a line if nothing reads the log for a tenth of a second, and further ones
 * until something does, rather than wait: for a process that must not stop. A later line has their
 * number. If stderr is a terminal now, it is opened again, without waiting; where that is not
 * possible (no /proc), a terminal that has room for a part of a line can still stop the process. */
void log_never_wait(void);

/** Pass each message to `to` from now on, in place of stderr or syslog; for a process that may
 * write to neither. */
void log_to_sink(void (*to)(enum log_level level, const char *line));

/** Write one message, which states the attempt, the cause of the failure and the remedy. Only
 * layers 4 and above log. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Write each line of a text that explains itself, such as problems of a file: without the name of
 * the program and the subject, whatever level log_set_level() has set. */
void log_lines(enum log_level level, const char *text);

/** A field of a message, by which journalctl(1) can select it. Its name has capitals, digits and _
 * only. */
struct log_field {
	const char *name;
	const char *value;
};

/** Write one message as log_line() does. If stderr is the journal, it gets the `n` fields with it:
 * LOG_FIELDS_MAX at most, and line feeds in values become spaces. */
void log_fields(enum log_level level, const struct log_field *fields, size_t n, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#define LOG_FIELDS_MAX 16

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
