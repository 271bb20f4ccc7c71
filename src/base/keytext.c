/* SPDX-License-Identifier: MIT */
/* 32-byte keys as text: base64 as in wg(8), hex as in the WireGuard UAPI. */
#include "base/keytext.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"

/* -1 if lo <= c <= hi, else 0. Arithmetic only: a table look-up would leak the key through the
 * cache. */
static int in_range(int c, int lo, int hi)
{
	return (((lo - 1) - c) & (c - (hi + 1))) >> 8;
}

static char base64_char(unsigned v)
{
	int x = (int)v;

	return (char)((in_range(x, 0, 25) & (x + 'A')) | (in_range(x, 26, 51) & (x - 26 + 'a')) |
		      (in_range(x, 52, 61) & (x - 52 + '0')) | (in_range(x, 62, 62) & '+') |
		      (in_range(x, 63, 63) & '/'));
}

/* The value of a base64 character, or -1. */
static int base64_value(int c)
{
	int v = (in_range(c, 'A', 'Z') & (c - 'A' + 1)) | (in_range(c, 'a', 'z') & (c - 'a' + 27)) |
		(in_range(c, '0', '9') & (c - '0' + 53)) | (in_range(c, '+', '+') & 63) |
		(in_range(c, '/', '/') & 64);

	return v - 1;
}

/* The value of a hex digit, or -1. */
static int hex_value(int c)
{
	int v = (in_range(c, '0', '9') & (c - '0' + 1)) | (in_range(c, 'a', 'f') & (c - 'a' + 11)) |
		(in_range(c, 'A', 'F') & (c - 'A' + 11));

	return v - 1;
}

void key_to_base64(const uint8_t key[static KEY_LEN], char ret_text[static KEY_BASE64_LEN + 1])
{
	char *out = ret_text;

	for (size_t i = 0; i < KEY_LEN; i += 3) {
		unsigned left = (unsigned)(KEY_LEN - i);
		unsigned b = (unsigned)key[i] << 16;

		if (left > 1)
			b |= (unsigned)key[i + 1] << 8;
		if (left > 2)
			b |= key[i + 2];
		*out++ = base64_char(b >> 18);
		*out++ = base64_char((b >> 12) & 63);
		*out++ = left > 1 ? base64_char((b >> 6) & 63) : '=';
		*out++ = left > 2 ? base64_char(b & 63) : '=';
	}
	*out = '\0';
}

void key_to_hex(const uint8_t key[static KEY_LEN], char ret_text[static KEY_HEX_LEN + 1])
{
	for (size_t i = 0; i < KEY_LEN; i++) {
		int hi = key[i] >> 4;
		int lo = key[i] & 15;

		ret_text[2 * i] = (char)(hi + '0' + (in_range(hi, 10, 15) & ('a' - '0' - 10)));
		ret_text[2 * i + 1] = (char)(lo + '0' + (in_range(lo, 10, 15) & ('a' - '0' - 10)));
	}
	ret_text[KEY_HEX_LEN] = '\0';
}

int key_from_base64(const char *text, size_t len, uint8_t ret_key[static KEY_LEN])
{
	uint8_t key[KEY_LEN + 1];
	int bad = 0;
	size_t n = 0;

	if (len != KEY_BASE64_LEN || text[KEY_BASE64_LEN - 1] != '=')
		return -EINVAL;
	for (size_t i = 0; i < KEY_BASE64_LEN; i += 4) {
		int last = i + 4 == KEY_BASE64_LEN;
		int a = base64_value(text[i]);
		int b = base64_value(text[i + 1]);
		int c = base64_value(text[i + 2]);
		int d = last ? 0 : base64_value(text[i + 3]);
		unsigned v = ((unsigned)a << 18) | ((unsigned)b << 12) | ((unsigned)c << 6) |
			     (unsigned)d;

		bad |= a | b | c | d;
		key[n++] = (uint8_t)(v >> 16);
		key[n++] = (uint8_t)(v >> 8);
		key[n++] = (uint8_t)v;
	}
	if (bad < 0 || key[KEY_LEN] != 0) {
		secret_wipe(key, sizeof(key));
		return -EINVAL;
	}
	memcpy(ret_key, key, KEY_LEN);
	secret_wipe(key, sizeof(key));
	return 0;
}

int key_from_hex(const char *text, size_t len, uint8_t ret_key[static KEY_LEN])
{
	uint8_t key[KEY_LEN];
	int bad = 0;

	if (len != KEY_HEX_LEN)
		return -EINVAL;
	for (size_t i = 0; i < KEY_LEN; i++) {
		int hi = hex_value(text[2 * i]);
		int lo = hex_value(text[2 * i + 1]);

		bad |= hi | lo;
		key[i] = (uint8_t)(((unsigned)hi << 4) | ((unsigned)lo & 15));
	}
	if (bad >= 0)
		memcpy(ret_key, key, KEY_LEN);
	secret_wipe(key, sizeof(key));
	return bad < 0 ? -EINVAL : 0;
}
