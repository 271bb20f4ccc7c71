/* SPDX-License-Identifier: MIT */
/* Fuzz target: a line of the journal. Whatever is parsed is printed as a line that is parsed to the
 * same; a line of no known kind is printed as it was. */
#include "fuzz/target.h"

#include <string.h>

#include "host/journal_entry.h"

/* Return: the entry's line, to be freed. */
static char *print(const struct journal_entry *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	EXPECT(f);
	journal_entry_print(e, f);
	EXPECT(fclose(f) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *line = strndup((const char *)data, len);
	char *original = strndup((const char *)data, len);
	struct journal_entry first;
	struct journal_entry second;
	char *once;
	char *twice;

	EXPECT(line && original);
	EXPECT(journal_entry_parse(line, &first) == (first.kind != JOURNAL_UNKNOWN));
	once = print(&first);
	if (first.kind == JOURNAL_UNKNOWN)
		EXPECT(!strcmp(once, original));
	journal_entry_parse(once, &second);
	EXPECT(journal_entry_matches(&second, &first));
	twice = print(&second);
	EXPECT(!strcmp(once, twice));
	free(line);
	free(original);
	free(once);
	free(twice);
	return 0;
}
