/* SPDX-License-Identifier: MIT */
/* Prints the table of a status report, one field a line, as the product has it: for
 * status_test.py, which has to know of every field.
 *
 * Output: PATH KIND [WORD...], such as "sessions[].oversize choice fragment reject drop". The words
 * are the names of a choice, or the reasons for drops.
 *
 * With the argument "options", the table of a session's options instead: KEY STATUS VALUE..., such
 * as "Oversize oversize fragment reject drop": the key in the file, the key in the status, and what
 * may be written: each word, and both ends of a range.
 */
#include <stdio.h>
#include <string.h>

#include "ctlproto/fields.h"
#include "ctlproto/status_json.h"
#include "l2tp/session_options.h"
#include "pkt/drop.h"

static const char *const kinds[] = {
	[FIELD_BOOL] = "bool",
	[FIELD_NUMBER] = "number",
	[FIELD_COUNTER] = "counter",
	[FIELD_TEXT] = "text",
	[FIELD_KEY] = "text",
	[FIELD_ADDR] = "text",
	[FIELD_ENDPOINT] = "text",
	[FIELD_PREFIXES] = "list",
	[FIELD_WALL] = "number",
	[FIELD_CHOICE] = "choice",
	[FIELD_DROPS] = "drops",
};

static void print_words(const struct field *f)
{
	if (f->kind == FIELD_CHOICE)
		for (size_t i = 0; i < f->count; i++)
			printf(" %s", f->names[i]);
	if (f->kind == FIELD_DROPS)
		for (int d = DROP_NONE + 1; d < DROP_COUNT; d++)
			printf(" %s", drop_name((enum drop)d));
}

/* The options of a session are keys of its own object. */
static void print_options(const char *path)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *o = &l2tp_option_rows[i];

		printf("%s.%s %s", path, o->status, o->off || o->flag ? "bool" : "choice");
		for (uint32_t w = 0; w < o->n_words && !o->off && !o->flag; w++)
			printf(" %s", o->words[w]);
		putchar('\n');
	}
}

static void print_table(const struct field *table, const char *path)
{
	char name[200];

	for (const struct field *f = table; f->name; f++) {
		if (f->kind == FIELD_OPTIONS) {
			print_options(path);
			continue;
		}
		snprintf(name, sizeof(name), "%s%s%s%s", path, *path ? "." : "", f->name,
			f->kind == FIELD_ARRAY ? "[]" : "");
		if (f->sub) {
			print_table(f->sub, name);
			continue;
		}
		printf("%s %s", name, kinds[f->kind]);
		print_words(f);
		putchar('\n');
	}
}

static void print_option_rows(void)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *o = &l2tp_option_rows[i];

		printf("%s %s", o->key, o->status);
		for (uint32_t w = 0; w < o->n_words; w++)
			printf(" %s", o->words[w]);
		if (o->max)
			printf(" %u %u", o->min, o->max);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "options"))
		print_option_rows();
	else
		print_table(status_fields(), "");
	return 0;
}
