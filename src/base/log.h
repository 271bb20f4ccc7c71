/* SPDX-License-Identifier: MIT */
/* The log: one line a message to stderr, with a journald priority prefix when the journal reads it;
 * or to syslog, once told so. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/** How much a message matters, in syslog's order. */
enum log_level {
	LOG_LEVEL_SILENT = 0,
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/** Say which messages are written: those up to and including `max`. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);

/** From now on write to syslog(3) instead of stderr: for a daemon that has left its terminal. */
void log_to_syslog(void);

/** Write one message. Only layers 4 and 5 log; it says what was tried, why it failed and what to
 * do. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
