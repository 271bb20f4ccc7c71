/* SPDX-License-Identifier: MIT */
/* What a daemon passes on to the program that replaces it in the same process: an upgrade. */
#include "ctlproto/saved_state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define FD_PREFIX "fd-"

/* Longest line in front of a value: the key, a space, a length, a newline. */
#define LINE_LEN (SAVED_KEY_LEN + 24)

/* Make room for `more` bytes; the old copy is wiped. Return: whether there is room. */
static bool grow(struct saved_state *s, size_t more)
{
	size_t room = s->room ? s->room : 4096;
	uint8_t *bytes;

	while (room - s->len < more)
		room *= 2;
	if (room == s->room || s->failed)
		return !s->failed;
	bytes = malloc(room);
	if (!bytes) {
		s->failed = true;
		return false;
	}
	if (s->len)
		memcpy(bytes, s->bytes, s->len);
	if (s->bytes)
		secret_wipe(s->bytes, s->len);
	free(s->bytes);
	s->bytes = bytes;
	s->room = room;
	return true;
}

static void append(struct saved_state *s, const void *bytes, size_t len)
{
	if (!len || !grow(s, len))
		return;
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

void saved_put(struct saved_state *s, const char *key, const void *value, size_t len)
{
	char line[LINE_LEN];
	int n = snprintf(line, sizeof(line), "%s %zu\n", key, len);

	append(s, line, (size_t)n);
	append(s, value, len);
	append(s, "\n", 1);
}

void saved_put_text(struct saved_state *s, const char *key, const char *value)
{
	if (value)
		saved_put(s, key, value, strlen(value));
}

void saved_put_number(struct saved_state *s, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	saved_put_text(s, key, text);
}

void saved_put_fd(struct saved_state *s, const char *key, int fd)
{
	char whole[SAVED_KEY_LEN];

	if (fd < 0)
		return;
	snprintf(whole, sizeof(whole), FD_PREFIX "%s", key);
	saved_put_number(s, whole, (uint64_t)fd);
}

void saved_fini(struct saved_state *s)
{
	if (s->bytes)
		secret_wipe(s->bytes, s->len);
	free(s->bytes);
	*s = (struct saved_state){ 0 };
}

/* Read decimal digits. Return: whether they are a number up to `max`. */
static bool read_number(const uint8_t *at, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!len || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)at[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	*ret = value;
	return value <= max;
}

int saved_next(const struct saved_state *s, size_t *at, struct saved_item *ret)
{
	const uint8_t *line = s->bytes + *at;
	size_t left = s->len - *at;
	const uint8_t *newline;
	const uint8_t *space;
	uint64_t len;

	if (!left)
		return 0;
	newline = memchr(line, '\n', left);
	space = newline ? memchr(line, ' ', (size_t)(newline - line)) : NULL;
	if (!space || space == line || (size_t)(space - line) >= sizeof(ret->key) ||
		memchr(line, '\0', (size_t)(space - line)) ||
		!read_number(space + 1, (size_t)(newline - space - 1), left, &len))
		return -EBADMSG;
	left -= (size_t)(newline + 1 - line);
	if (len >= left || newline[1 + len] != '\n')
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->key, line, (size_t)(space - line));
	ret->value = newline + 1;
	ret->len = (size_t)len;
	*at += (size_t)(newline + 1 - line) + (size_t)len + 1;
	return 1;
}

bool saved_find(const struct saved_state *s, const char *key, size_t n, struct saved_item *ret)
{
	struct saved_item item;
	size_t at = 0;

	while (saved_next(s, &at, &item) > 0) {
		if (strcmp(item.key, key) != 0 || n--)
			continue;
		*ret = item;
		return true;
	}
	return false;
}

uint64_t saved_number(const struct saved_state *s, const char *key, uint64_t max, uint64_t missing)
{
	struct saved_item item;
	uint64_t value;

	if (!saved_find(s, key, 0, &item) || !read_number(item.value, item.len, max, &value))
		return missing;
	return value;
}

int saved_item_fd(const struct saved_item *item)
{
	uint64_t value;

	if (strncmp(item->key, FD_PREFIX, sizeof(FD_PREFIX) - 1) != 0 ||
		!read_number(item->value, item->len, INT_MAX, &value))
		return -1;
	return (int)value;
}

int saved_fd(const struct saved_state *s, const char *key, size_t n)
{
	char whole[SAVED_KEY_LEN];
	struct saved_item item;

	snprintf(whole, sizeof(whole), FD_PREFIX "%s", key);
	return saved_find(s, whole, n, &item) ? saved_item_fd(&item) : -1;
}

char *saved_text(const struct saved_state *s, const char *key)
{
	struct saved_item item;

	if (!saved_find(s, key, 0, &item) || memchr(item.value, 0, item.len))
		return NULL;
	return strndup((const char *)item.value, item.len);
}
