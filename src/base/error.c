/* SPDX-License-Identifier: MIT */
/* Errors for the user: why an operation failed, and a hint what to do about it. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/sentence.h"

#define PROBLEM_MAX 250 /* leaves room for the text of an errno */

const char *error_limit_tail(int code)
{
	switch (-code) {
	case EMFILE:
		return " Raise the limit of open descriptors (LimitNOFILE, ulimit -n).";
	case ENFILE:
		return " Raise the host's limit of open files, fs.file-max.";
	case ENOMEM:
	case ENOBUFS:
		return " Free some memory, or raise the limits of memory.";
	case ENOSPC:
		return " Make room in /run, or raise fs.epoll.max_user_watches.";
	case EFBIG:
		return " Raise the limit of the size of files (LimitFSIZE, ulimit -f).";
	case ENOSYS:
		return " The kernel or a container's seccomp filter forbids a system call: allow "
		       "it.";
	default:
		return "";
	}
}

const char *error_limit_hint(int code)
{
	const char *tail = error_limit_tail(code);

	return *tail ? tail + 1 : NULL;
}

/* Whether the hint about the limit is the better one: this one is only a question, or a limit of
 * the process is the reason, whatever was tried. */
static bool is_guess(const char *hint, int code)
{
	size_t len = hint ? strlen(hint) : 0;

	return !len || hint[len - 1] == '?' || code == -EMFILE || code == -ENFILE || code == -EFBIG;
}

int error_set(struct error *error, int code, const char *format, ...)
{
	char text[sizeof(error->problem) + sizeof(error->hint)];
	va_list args;
	const char *hint = NULL;
	char *newline;
	size_t len;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	newline = strchr(text, '\n');
	if (newline) {
		*newline = '\0';
		hint = newline + 1;
	}
	if (is_guess(hint, code) && error_limit_hint(code))
		hint = error_limit_hint(code);
	len = strlen(text);
	error->code = code;
	if (len && text[len - 1] == ':')
		snprintf(error->problem, sizeof(error->problem), "%.*s %s.", PROBLEM_MAX, text,
			strerror(-code));
	else
		snprintf(error->problem, sizeof(error->problem), "%.*s.", PROBLEM_MAX, text);
	snprintf(error->hint, sizeof(error->hint), "%.*s", PROBLEM_MAX, hint ? hint : "");
	sentence_tidy(error->problem);
	sentence_tidy(error->hint);
	return code;
}
