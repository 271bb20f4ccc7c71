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
		object,
		strdup(name),
		key,
		strdup(value),
		im->at,
	};
	if (!fact->name || !fact->value) {
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

void import_replace(struct import *im, size_t *n, enum import_object object, const char *name,
	const char *key, const char *value)
{
	size_t left = 0;

	for (size_t i = 0; i < *n; i++) {
		struct import_fact *fact = &im->facts[i];

		if (fact->object != object || fact->at.file != im->at.file ||
			strcmp(fact->key, key) != 0 || (name && strcmp(fact->name, name) != 0) ||
			(value && strcmp(fact->value, value) != 0)) {
			im->facts[left++] = *fact;
			continue;
		}
		import_note_at(
			im, fact->at, IMPORT_DROPPED, "%s: line %u replaces it", key, im->at.line);
		free_fact(fact);
	}
	if (left == *n)
		return;
	memmove(&im->facts[left], &im->facts[*n], (im->n_facts - *n) * sizeof(*im->facts));
	im->n_facts -= *n - left;
	*n = left;
}

void import_remove(struct import *im, const bool *gone)
{
	size_t left = 0;

	for (size_t i = 0; i < im->n_facts; i++)
		if (gone[i])
			free_fact(&im->facts[i]);
		else
			im->facts[left++] = im->facts[i];
	im->n_facts = left;
}

const struct import_fact *import_find(
	const struct import *im, enum import_object object, const char *name, const char *key)
{
	for (size_t i = im->n_facts; i-- > 0;) {
		const struct import_fact *fact = &im->facts[i];

		if (fact->object == object && !strcmp(fact->key, key) && !strcmp(fact->name, name))
			return fact;
	}
	return NULL;
}

void import_fini(struct import *im)
{
	for (size_t i = 0; i < im->n_facts; i++)
		free_fact(&im->facts[i]);
	for (size_t i = 0; i < im->n_notes; i++)
		free(im->notes[i].text);
	for (size_t i = 0; i < im->n_files; i++)
		free(im->files[i]);
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
