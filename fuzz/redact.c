/* SPDX-License-Identifier: MIT */
/* Fuzz target: a configuration file without its secrets. Input: the file; a line with a key and one
 * with a cookie follow it. */
#include "fuzz/target.h"

#include <string.h>

#include "conf/redact.h"

static const char key[] = "YE3aGpC8kPvQzXs1mZ7Jd0WbNfLtRiUoHgSqVxA5cE8=";
static const char cookie[] = "1f2e3d4c5b6a7988";

/* Redact text[len] as a file, then as any text. Return: what is shown, to be freed. */
static char *redact(struct redaction *r, const char *text, size_t len)
{
	struct text shown = { 0 };
	char *bytes;

	redact_conf(r, text, len, &shown);
	bytes = text_finish(&shown);
	EXPECT(bytes && !r->out_of_memory);
	redact_text(r, bytes, strlen(bytes));
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct redaction r = { 0 };
	size_t size = len + sizeof(key) + sizeof(cookie) + 64;
	char *file = malloc(size);
	char *shown;
	int more;

	if (len > 65536 || !file) {
		free(file);
		return 0;
	}
	memcpy(file, data, len);
	more = snprintf(file + len, size - len, "\nPrivateKey = %s\nPeerCookie=%s\n", key, cookie);
	shown = redact(&r, file, len + (size_t)more);
	EXPECT(!strcasestr(shown, cookie) && !strstr(shown, "YE3aGpC8kPvQ"));
	/* and in a text that quotes the file */
	redact_text(&r, file, len + (size_t)more);
	EXPECT(!memmem(file, len + (size_t)more, cookie, sizeof(cookie) - 1));
	EXPECT(!memmem(file, len + (size_t)more, key, 12));
	free(shown);
	free(file);
	redact_fini(&r);
	return 0;
}
