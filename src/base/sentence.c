/* SPDX-License-Identifier: MIT */
/* Corrections of sentences that are composed of numbers and other sentences. */
#include "base/sentence.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

#define WORDS_BETWEEN 1 /* the noun may follow another word: "1 IP fragments" */

/* Plurals and their singulars, none longer than its plural. Nouns first, then verbs. */
static const struct {
	const char *many;
	const char *one;
} words[] = {
	{ "addresses", "address" },
	{ "answers", "answer" },
	{ "bytes", "byte" },
	{ "characters", "character" },
	{ "connections", "connection" },
	{ "datagrams", "datagram" },
	{ "echoes", "echo" },
	{ "errors", "error" },
	{ "events", "event" },
	{ "fragments", "fragment" },
	{ "frames", "frame" },
	{ "hosts", "host" },
	{ "lines", "line" },
	{ "members", "member" },
	{ "messages", "message" },
	{ "packets", "packet" },
	{ "peers", "peer" },
	{ "ports", "port" },
	{ "probes", "probe" },
	{ "replies", "reply" },
	{ "sessions", "session" },
	{ "sites", "site" },
	{ "stations", "station" },
	{ "times", "time" },
	{ "tunnels", "tunnel" },
	{ "warnings", "warning" },
	{ "were", "was" },
	{ "are", "is" },
	{ "have", "has" },
};

#define FIRST_VERB (ARRAY_LEN(words) - 3)

static size_t word_len(const char *at)
{
	size_t len = 0;

	while (isalnum((unsigned char)at[len]) || at[len] == '-')
		len++;
	return len;
}

/* Replace the word at `at` by its singular, if it is one of words[from] to words[to - 1]. */
static bool make_singular(char *at, size_t from, size_t to)
{
	size_t len = word_len(at);

	for (size_t i = from; i < to; i++) {
		size_t new_len = strlen(words[i].one);

		if (len != strlen(words[i].many) || memcmp(at, words[i].many, len) != 0)
			continue;
		memcpy(at, words[i].one, new_len);
		memmove(at + new_len, at + len, strlen(at + len) + 1);
		return true;
	}
	return false;
}

/* The next word of the clause, after one blank; or NULL at its end. */
static char *next_word(char *at)
{
	at += word_len(at);
	return *at == ' ' && word_len(at + 1) ? at + 1 : NULL;
}

/* Correct the clause after a number 1 at `at`. */
static void tidy_clause(char *at)
{
	char *word = next_word(at);
	unsigned between = 0;

	while (word && !make_singular(word, 0, FIRST_VERB)) {
		if (between++ == WORDS_BETWEEN)
			return;
		word = next_word(word);
	}
	while (word && !make_singular(word, FIRST_VERB, ARRAY_LEN(words)))
		word = next_word(word);
}

/* Whether a sentence ends at `at` with one full stop too many: not in "...", nor in a path. */
static bool is_end(const char *at, const char *text)
{
	return (at[0] == '?' || at[0] == '.') && at[1] == '.' &&
	       (at[2] == '\0' || at[2] == ' ' || at[2] == '\n') && at != text &&
	       (isalnum((unsigned char)at[-1]) || strchr(")\"'", at[-1]));
}

void sentence_tidy(char *text)
{
	for (char *at = text; *at; at++) {
		bool starts = at == text || at[-1] == ' ' || at[-1] == '(';

		if (starts && at[0] == '1' && at[1] == ' ')
			tidy_clause(at);
		if (is_end(at, text))
			memmove(at + 1, at + 2, strlen(at + 2) + 1);
	}
}

void sentence_clean(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
}
