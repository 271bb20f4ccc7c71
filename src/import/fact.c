/* SPDX-License-Identifier: MIT */
/* What files of other programs state about a site: facts, and a note on each line. */
#include "import/fact.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/secret.h"
#include "conf/keys.h"

#define BLANKS " \t\r\v\f"

/* The key of a fact among its likes. */
static struct lookup_key key_of(enum import_object object, const char *name, const char *key)
{
	return (struct lookup_key){ object, key, name };
}

/* The key of the routes to a prefix. */
static struct lookup_key key_of_routes(const char *prefix)
{
	return (struct lookup_key){ IMPORT_LINK, "routes to", prefix };
}

static bool is_route(const struct import_fact *fact)
{
	return fact->object == IMPORT_LINK && !strcmp(fact->key, FACT_ROUTE);
}

/* Make fact `i` the newest of its key. Return: the one that was, or IMPORT_NONE. */
static size_t make_newest(struct import *im, const struct lookup_key *key, size_t i)
{
	size_t *newest = lookup_add(&im->newest, key, IMPORT_NONE);
	size_t before = IMPORT_NONE;

	if (newest) {
		before = *newest;
		*newest = i;
	} else {
		im->out_of_memory = true;
	}
	return before;
}

/* Let fact `i` be found. */
static void enter_fact(struct import *im, size_t i)
{
	struct import_fact *fact = &im->facts[i];
	struct lookup_key key = key_of(fact->object, fact->name, fact->key);

	fact->older = make_newest(im, &key, i);
	fact->older_to = IMPORT_NONE;
	if (is_route(fact)) {
		key = key_of_routes(fact->value);
		fact->older_to = make_newest(im, &key, i);
	}
}

void import_add(struct import *im, enum import_object object, const char *name, const char *key,
	const char *value)
{
	struct import_fact *fact;

	if (im->n_facts >= IMPORT_FACTS_MAX) {
		im->too_many = true;
		return;
	}
	fact = array_grow(&im->facts, &im->n_facts, sizeof(*fact));
	if (!fact) {
		im->out_of_memory = true;
		return;
	}
	*fact = (struct import_fact){
		.object = object,
		.name = strdup(name),
		.key = key,
		.value = strdup(value),
		.at = im->at,
	};
	if (fact->name && fact->value) {
		enter_fact(im, im->n_facts - 1);
	} else {
		im->out_of_memory = true;
		free(fact->name);
		free(fact->value);
		im->n_facts--;
	}
}

static void add_note(struct import *im, struct conf_at at, enum import_verdict verdict, char *text)
{
	struct import_note *note = NULL;

	if (im->n_notes >= 4 * (size_t)IMPORT_FACTS_MAX) {
		im->too_many = true;
		free(text);
		return;
	}
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?'; /* it goes to a terminal */
	if (text)
		note = array_grow(&im->notes, &im->n_notes, sizeof(*note));
	if (!note) {
		im->out_of_memory = true;
		free(text);
		return;
	}
	*note = (struct import_note){ at, verdict, text };
}

void import_note_at(
	struct import *im, struct conf_at at, enum import_verdict verdict, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	add_note(im, at, verdict, n < 0 ? NULL : text);
}

void import_drop(struct import *im, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	add_note(im, im->at, IMPORT_DROPPED, n < 0 ? NULL : text);
}

static void free_fact(struct import_fact *fact)
{
	secret_wipe(fact->value, strlen(fact->value));
	free(fact->value);
	free(fact->name);
}

/* Whether the present line may replace fact `i`, or one before it. */
static bool is_of_file(const struct import *im, size_t i)
{
	return i != IMPORT_NONE && im->facts[i].at.file == im->at.file;
}

static void replace(struct import *im, struct import_fact *fact)
{
	import_note_at(
		im, fact->at, IMPORT_DROPPED, "%s: line %u replaces it", fact->key, im->at.line);
	fact->gone = true;
}

/* Those that are gone are taken out of the chain, so that each is passed once. */
void import_replace(struct import *im, size_t n, enum import_object object, const char *name,
	const char *key, const char *value)
{
	struct lookup_key likes = key_of(object, name, key);
	size_t *at = lookup_find(&im->newest, &likes);

	while (at && is_of_file(im, *at)) {
		struct import_fact *fact = &im->facts[*at];

		if (!fact->gone && *at < n && (!value || !strcmp(fact->value, value)))
			replace(im, fact);
		if (fact->gone)
			*at = fact->older;
		else
			at = &fact->older;
	}
}

void import_replace_routes(struct import *im, size_t n, const char *prefix)
{
	struct lookup_key likes = key_of_routes(prefix);
	size_t *at = lookup_find(&im->newest, &likes);

	while (at && is_of_file(im, *at)) {
		struct import_fact *fact = &im->facts[*at];

		if (!fact->gone && *at < n)
			replace(im, fact);
		if (fact->gone)
			*at = fact->older_to;
		else
			at = &fact->older_to;
	}
}

void import_sweep(struct import *im)
{
	size_t left = 0;

	for (size_t i = 0; i < im->n_facts; i++)
		if (im->facts[i].gone)
			free_fact(&im->facts[i]);
		else
			im->facts[left++] = im->facts[i];
	if (left == im->n_facts)
		return;
	im->n_facts = left;
	lookup_fini(&im->newest);
	for (size_t i = 0; i < left; i++)
		enter_fact(im, i);
}

struct import_fact *import_find(
	const struct import *im, enum import_object object, const char *name, const char *key)
{
	struct lookup_key likes = key_of(object, name, key);
	const size_t *newest = lookup_find(&im->newest, &likes);
	size_t i = newest ? *newest : IMPORT_NONE;

	while (i != IMPORT_NONE && im->facts[i].gone)
		i = im->facts[i].older;
	return i != IMPORT_NONE ? &im->facts[i] : NULL;
}

void import_fini(struct import *im)
{
	for (size_t i = 0; i < im->n_facts; i++)
		free_fact(&im->facts[i]);
	for (size_t i = 0; i < im->n_notes; i++)
		free(im->notes[i].text);
	for (size_t i = 0; i < im->n_files; i++)
		free(im->files[i]);
	lookup_fini(&im->newest);
	free(im->facts);
	free(im->notes);
	free(im->files);
	*im = (struct import){ 0 };
}

static int compare_notes(const void *a, const void *b)
{
	const struct import_note *x = a;
	const struct import_note *y = b;

	if (x->at.file != y->at.file)
		return x->at.file < y->at.file ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	return strcmp(x->text, y->text);
}

void import_sort_notes(struct import *im)
{
	if (im->n_notes)
		qsort(im->notes, im->n_notes, sizeof(*im->notes), compare_notes);
}

bool import_is_noted(const struct import *im, size_t n, struct conf_at at)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		const struct conf_at *other = &im->notes[mid].at;

		if (other->file == at.file && other->line == at.line)
			return true;
		if (other->file < at.file || (other->file == at.file && other->line < at.line))
			low = mid + 1;
		else
			n = mid;
	}
	return false;
}

const struct import_row *import_row_find(
	const struct import_row *rows, const char *where, const char *word)
{
	for (; rows->word; rows++)
		if (!strcmp(rows->where, where) &&
			(!strcmp(rows->word, word) || !strcmp(rows->word, "*")))
			return rows;
	return NULL;
}

char *import_word(char **line)
{
	char *from = *line + strspn(*line, BLANKS);
	char *word = from;
	char *to = from;
	char quote = '\0';

	if (!*from)
		return NULL;
	for (; *from && (quote || !strchr(BLANKS, *from)); from++) {
		if (quote == '"' && *from == '\\' && from[1])
			*to++ = *++from;
		else if (*from == quote)
			quote = '\0';
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else
			*to++ = *from;
	}
	*line = from + (*from != '\0');
	*to = '\0';
	return word;
}

char *import_trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

const char *import_known_key(const char *section, const char *key)
{
	struct conf_key known;

	for (size_t i = 0; i < CONF_SECTIONS; i++)
		for (size_t k = 0; !strcmp(conf_sections[i].name, section) &&
				   conf_section_key(&conf_sections[i], k, &known);
			k++)
			if (!strcasecmp(known.name, key))
				return known.name;
	return NULL;
}
