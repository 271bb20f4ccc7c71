/* SPDX-License-Identifier: MIT */
/* Why something on the machine failed and what to do about it, for a person. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/** A failure: an errno and two sentences. */
struct error {
	int code; /* -errno */
	char problem[320];
	char hint[320];
};

/**
 * Fill in an error. `format` makes problem and hint in one, with '\n' between them; ": " and the
 * words for `code` are added to the problem if it ends with a colon, then its full stop. Both are
 * cut to fit. Return: `code`.
 */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
