/* SPDX-License-Identifier: MIT */
/* Splits a shell script into simple commands, with the values of variables that it sets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SHELL_WORDS_MAX	    96
#define SHELL_BYTES_MAX	    8192
#define SHELL_VARIABLES_MAX 64

/** A byte in a word for what only a running shell can know: $(…), $1, a variable that is not
 * set. */
#define SHELL_UNKNOWN '\1'

/** A simple command. The words point into `bytes`. A comment is a command too, with the words "#"
 * and its text. */
struct shell_command {
	char *words[SHELL_WORDS_MAX];
	size_t n;
	unsigned line; /* its first */
	char end;      /* what ended it: '\n', ';', '&', '|', or '(' after the name of a function */
	const char *input; /* its here-document, or NULL: lines, each with a NUL at its end */
	size_t n_input;	   /* the number of lines in it */
	const char *input_file;
	unsigned document;     /* the first line of its here-document that is not blank; 0: none */
	unsigned document_end; /* the last */
	bool too_long;	       /* words are missing */
	char bytes[SHELL_BYTES_MAX];
	size_t len;
};

/** A script while it is read. */
struct shell {
	const char *at; /* what is left */
	unsigned line;
	struct {
		char name[32];
		char value[128];
	} variables[SHELL_VARIABLES_MAX];
	size_t n_variables;
	char until
		[64]; /* the last line of a here-document that begins after this line; "" if none */
};

/** Read the next command, which is not empty. Assignments set variables. Return: false at the
 * end. */
bool shell_next(struct shell *shell, struct shell_command *ret);
