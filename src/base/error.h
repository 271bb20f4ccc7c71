/* SPDX-License-Identifier: MIT */
/* Errors for the user: why an operation failed, and a hint what to do about it. */
#pragma once

/** A failure: an errno, a sentence about the problem, and a hint. */
struct error {
	int code; /* -errno */
	char problem[320];
	char hint[320];
};

/**
 * Fill in an error. `format` produces the problem and the hint, with a newline between them. If the
 * problem ends with a colon, the text of errno `code` is appended; a missing full stop is added.
 * error_limit_hint() replaces a hint that is missing or only a question, and any if the process has
 * no descriptors left. Both are truncated to fit. Return: `code`.
 */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The hint for an error that comes from a limit of this host (open descriptors, memory, room,
 * system calls), or NULL for other codes. */
const char *error_limit_hint(int code);

/** The same hint to append to a sentence: with a blank before it; "" for other codes. */
const char *error_limit_tail(int code);
