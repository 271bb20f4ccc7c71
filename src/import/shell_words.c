/* SPDX-License-Identifier: MIT */
/* Splits a shell script into simple commands, with the values of variables that it sets. */
#include "import/shell_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void put(struct shell_command *c, char byte)
{
	if (c->len < sizeof(c->bytes) - 1)
		c->bytes[c->len++] = byte;
	else
		c->too_long = true;
}

static void put_text(struct shell_command *c, const char *text)
{
	while (*text)
		put(c, *text++);
}

/* Begin a word; end_word() counts it. */
static char *word_start(struct shell_command *c)
{
	return c->bytes + c->len;
}

static void end_word(struct shell_command *c, char *start)
{
	c->bytes[c->len] = '\0';
	if (c->len < sizeof(c->bytes) - 1)
		c->len++;
	else
		c->too_long = true;
	if (c->n < SHELL_WORDS_MAX)
		c->words[c->n++] = start;
	else
		c->too_long = true;
}

/* Step over one byte, and count lines. */
static char step(struct shell *s)
{
	s->line += *s->at == '\n';
	return *s->at++;
}

/* Skip up to the bracket that closes the one at `s->at`; quotes are not looked into. */
static void skip_brackets(struct shell *s, char open, char close)
{
	unsigned depth = 0;

	while (*s->at) {
		char byte = step(s);

		depth += byte == open;
		if (byte == close && --depth == 0)
			return;
	}
}

static void expand_name(struct shell *s, struct shell_command *c, const char *name, size_t len)
{
	for (size_t i = s->n_variables; len && i-- > 0;)
		if (strlen(s->variables[i].name) == len &&
			!memcmp(s->variables[i].name, name, len)) {
			put_text(c, s->variables[i].value);
			return;
		}
	put(c, SHELL_UNKNOWN);
}

static size_t name_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return isdigit((unsigned char)*text) ? 0 : len;
}

/* A '$' or '`' at `s->at`. */
static void expand(struct shell *s, struct shell_command *c)
{
	size_t len;

	if (step(s) == '`') {
		while (*s->at && step(s) != '`')
			;
		put(c, SHELL_UNKNOWN);
	} else if (*s->at == '(') {
		skip_brackets(s, '(', ')');
		put(c, SHELL_UNKNOWN);
	} else if (*s->at == '{') {
		len = name_len(s->at + 1);
		expand_name(s, c, s->at + 1, s->at[1 + len] == '}' ? len : 0);
		skip_brackets(s, '{', '}');
	} else {
		len = name_len(s->at);
		expand_name(s, c, s->at, len);
		s->at += len;
		if (!len && *s->at && !isspace((unsigned char)*s->at) && *s->at != '"')
			step(s); /* $1, $?, $$ */
	}
}

static void read_double_quoted(struct shell *s, struct shell_command *c)
{
	while (*s->at && *s->at != '"') {
		if (*s->at == '\\' && s->at[1] && strchr("\\\"$`\n", s->at[1])) {
			step(s);
			if (*s->at == '\n')
				step(s);
			else
				put(c, step(s));
		} else if (*s->at == '$' || *s->at == '`') {
			expand(s, c);
		} else {
			put(c, step(s));
		}
	}
	if (*s->at)
		step(s);
}

/* Read a word up to a blank or operator. Return: whether a part was quoted. */
static bool read_word(struct shell *s, struct shell_command *c)
{
	bool quoted = false;

	while (*s->at && !strchr(" \t\r\n;&|<>()", *s->at)) {
		switch (*s->at) {
		case '\\':
			step(s);
			if (*s->at == '\n')
				step(s);
			else if (*s->at)
				put(c, step(s));
			break;
		case '\'':
			quoted = true;
			step(s);
			while (*s->at && *s->at != '\'')
				put(c, step(s));
			if (*s->at)
				step(s);
			break;
		case '"':
			quoted = true;
			step(s);
			read_double_quoted(s, c);
			break;
		case '$':
		case '`':
			expand(s, c);
			break;
		default:
			put(c, step(s));
		}
	}
	return quoted;
}

static void skip_blanks(struct shell *s)
{
	while (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' ||
		(*s->at == '\\' && s->at[1] == '\n'))
		if (step(s) == '\\')
			step(s);
}

/* `<FILE`, `<<END`, `<(COMMAND)`, `>FILE` and the like, at `s->at`. */
static void read_redirection(struct shell *s, struct shell_command *c)
{
	char which = step(s);
	char *start = word_start(c);
	bool document = which == '<' && *s->at == '<';

	if (which == '<' && *s->at == '(') {
		const char *from = s->at;

		skip_brackets(s, '(', ')');
		put(c, '<');
		for (; from < s->at; from++)
			put(c, *from);
		end_word(c, start);
		return;
	}
	while (*s->at && strchr("<>&|-", *s->at))
		step(s);
	skip_blanks(s);
	read_word(s, c);
	if (c->n == SHELL_WORDS_MAX) {
		c->too_long = true;
		return;
	}
	end_word(c, start);
	c->n--; /* it is no argument */
	if (document)
		snprintf(s->until, sizeof(s->until), "%s", start);
	else if (which == '<')
		c->input_file = start;
}

/* The here-document that begins in the next line: its lines are the command's input. Those for
 * which there is no room are left out, and the command is too long. */
static void read_document(struct shell *s, struct shell_command *c)
{
	while (*s->at) {
		const char *line = s->at;
		size_t len = strcspn(line, "\n");
		size_t blanks = strspn(line, " \t");
		unsigned number = s->line;

		s->at += len;
		if (*s->at)
			step(s);
		if (blanks <= len && len - blanks == strlen(s->until) &&
			!memcmp(line + blanks, s->until, len - blanks))
			break;
		if (blanks < len) {
			c->document = c->document ? c->document : number;
			c->document_end = number;
		}
		if (blanks < len && len - blanks < sizeof(c->bytes) - 1 - c->len) {
			char *start = word_start(c);

			for (size_t i = blanks; i < len; i++)
				put(c, line[i]);
			put(c, '\0');
			if (!c->n_input++)
				c->input = start;
		} else if (blanks < len) {
			c->too_long = true;
		}
	}
	s->until[0] = '\0';
}

static void read_comment(struct shell *s, struct shell_command *c)
{
	size_t len = strcspn(s->at, "\n");
	char *start = word_start(c);

	put(c, '#');
	end_word(c, start);
	start = word_start(c);
	for (size_t i = 1 + strspn(s->at + 1, " \t"); i < len; i++)
		put(c, s->at[i]);
	end_word(c, start);
	s->at += len;
	if (*s->at)
		step(s);
	c->end = '\n';
}

/* The end of a command, at `s->at`. */
static void read_operator(struct shell *s, struct shell_command *c)
{
	c->end = *s->at ? step(s) : '\n';
	if ((c->end == '&' || c->end == '|' || c->end == ';') && *s->at == c->end) {
		step(s);
		c->end = ';'; /* && and || separate commands, too */
	}
	if (c->end == '(' && *s->at == ')')
		step(s);
	if (c->end == '\n' && *s->until)
		read_document(s, c);
}

/* Read up to the next operator; the command may be empty. */
static void read_command(struct shell *s, struct shell_command *c)
{
	for (;;) {
		char *start;
		bool quoted;

		skip_blanks(s);
		if (!*s->at || strchr("\n;&|()", *s->at))
			break;
		if (*s->at == '#' && !c->n) {
			c->line = s->line;
			read_comment(s, c);
			return;
		}
		if (*s->at == '#') {
			s->at += strcspn(s->at, "\n");
			continue;
		}
		if (*s->at == '<' || *s->at == '>') {
			read_redirection(s, c);
			continue;
		}
		if (!c->n)
			c->line = s->line;
		start = word_start(c);
		quoted = read_word(s, c);
		end_word(c, start);
		if ((*s->at == '<' || *s->at == '>') && !quoted && c->n &&
			strspn(start, "0123456789") == strlen(start))
			c->n--; /* the descriptor of a redirection */
	}
	read_operator(s, c);
}

/* NAME=VALUE sets a variable. Return: whether the word does. */
static bool assign(struct shell *s, const char *word)
{
	size_t len = name_len(word);
	size_t i = 0;

	if (!len || word[len] != '=')
		return false;
	while (i < s->n_variables && (strlen(s->variables[i].name) != len ||
					     memcmp(s->variables[i].name, word, len) != 0))
		i++;
	if (i == SHELL_VARIABLES_MAX || len >= sizeof(s->variables[i].name) ||
		strlen(word + len + 1) >= sizeof(s->variables[i].value))
		return true;
	snprintf(s->variables[i].name, sizeof(s->variables[i].name), "%.*s", (int)len, word);
	snprintf(s->variables[i].value, sizeof(s->variables[i].value), "%s", word + len + 1);
	s->n_variables += i == s->n_variables;
	return true;
}

/* Remove assignments and reserved words in front of the command. */
static void shift_prefix(struct shell *s, struct shell_command *c)
{
	static const char *const prefixes[] = { "export", "readonly", "local", "sudo", "then", "do",
		"else", "{", "!", "exec" };
	size_t n = 0;

	for (; n < c->n; n++) {
		bool prefix = assign(s, c->words[n]);

		for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
			prefix |= !strcmp(c->words[n], prefixes[i]);
		if (!prefix)
			break;
	}
	memmove(c->words, c->words + n, (c->n - n) * sizeof(*c->words));
	c->n -= n;
}

bool shell_next(struct shell *shell, struct shell_command *ret)
{
	while (*shell->at) {
		ret->n = ret->len = ret->n_input = 0;
		ret->input = ret->input_file = NULL;
		ret->document = ret->document_end = 0;
		ret->too_long = false;
		ret->line = shell->line;
		read_command(shell, ret);
		shift_prefix(shell, ret);
		if (ret->n)
			return true;
	}
	return false;
}
