/* SPDX-License-Identifier: MIT */
/* Commands of hooks: expand %i, and find the programs that they start. */
#include "conf/hook.h"

#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

#define BLANKS	   " \t"
#define REDIRECTS  "<>"
#define SEPARATORS ";&|()\n"

char *conf_hook_expand(const char *command, const char *ifname)
{
	struct text t = { 0 };

	for (const char *p = command; *p; p++) {
		if (p[0] == '%' && p[1] == 'i') {
			text_add(&t, "%s", ifname);
			p++;
		} else {
			text_add(&t, "%c", *p);
		}
	}
	return text_finish(&t);
}

/* Read a word without its quotes. Return: whether all of it fits. */
static bool read_word(const char **at, char *ret, size_t size)
{
	const char *p = *at;
	char quote = '\0';
	size_t n = 0;

	for (; *p && (quote || !strchr(BLANKS REDIRECTS SEPARATORS, *p)); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"') {
			quote = quote ? '\0' : *p;
			continue;
		}
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		if (n < size)
			ret[n] = *p;
		n++;
	}
	*at = p;
	if (n >= size)
		return false;
	ret[n] = '\0';
	return true;
}

/* Whether a word is NAME=VALUE, for the environment. */
static bool is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return n && word[n] == '=';
}

/* Whether a word, with or without the path of a folder of the system, starts the program that
 * follows it. */
static bool starts_another(const char *word)
{
	static const char *const folders[] = { "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/" };
	static const char *const words[] = { "!", ".", "bash", "chrt", "command", "dash", "do",
		"elif", "else", "env", "exec", "if", "ionice", "nice", "nohup", "perl", "python3",
		"setsid", "sh", "source", "sudo", "then", "time", "timeout", "until", "while",
		"{" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (!strncmp(word, folders[i], strlen(folders[i]))) {
			word += strlen(folders[i]);
			break;
		}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

/* Skip one redirection and its file; not "(" behind it, where a command begins. */
static void skip_redirection(const char **at)
{
	char ignored[1];

	*at += strspn(*at, REDIRECTS);
	*at += strspn(*at, "&|");
	*at += strspn(*at, BLANKS);
	(void)read_word(at, ignored, sizeof(ignored));
}

/* Skip redirections and the characters in `skipped`. Return: whether something is left. */
static bool find_word(const char **at, const char *skipped)
{
	while (**at) {
		if (strchr(REDIRECTS, **at))
			skip_redirection(at);
		else if (strchr(skipped, **at))
			(*at)++;
		else
			break;
	}
	return **at;
}

static void skip_arguments(const char **at)
{
	char ignored[1];

	while (find_word(at, BLANKS) && !strchr(SEPARATORS, **at))
		(void)read_word(at, ignored, sizeof(ignored));
}

bool conf_hook_program(const char **at, char *ret, size_t size)
{
	bool options = false; /* of the last word may follow, and numbers, as of nice or timeout */

	while (find_word(at, BLANKS SEPARATORS)) {
		bool complete = read_word(at, ret, size);

		if (complete && starts_another(ret)) {
			options = true;
			continue;
		}
		if (complete && ((options && strchr("-0123456789", *ret)) || is_assignment(ret)))
			continue;
		options = false;
		skip_arguments(at);
		if (complete && *ret == '/' && !ret[strcspn(ret, "$`*?[")])
			return true;
	}
	return false;
}
