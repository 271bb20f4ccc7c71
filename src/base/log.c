/* SPDX-License-Identifier: MIT */
/* The log: one line per message to stderr, with a journald priority prefix if stderr is the
 * journal; or to syslog, after log_to_syslog(). */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static bool use_syslog;

void log_set_level(enum log_level max)
{
	max_level = max;
}

void log_to_syslog(void)
{
	openlog("wirespan", LOG_PID, LOG_DAEMON);
	use_syslog = true;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > max_level)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (use_syslog)
		syslog((int)level, "%s", line);
	else if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", (int)level, line);
	else
		fprintf(stderr, "wirespan: %s\n", line);
}
