/* SPDX-License-Identifier: MIT */
/* 32-byte keys as text: base64 as in wg(8), hex as in the WireGuard UAPI. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

#define KEY_LEN	       32
#define KEY_BASE64_LEN 44 /* without the final NUL */
#define KEY_HEX_LEN    64 /* without the final NUL */

/** Write `key` as 44 base64 characters and a NUL, in constant time. */
void key_to_base64(const uint8_t key[static KEY_LEN], char ret_text[static KEY_BASE64_LEN + 1]);

/** Write `key` as 64 lower-case hex digits and a NUL, in constant time. */
void key_to_hex(const uint8_t key[static KEY_LEN], char ret_text[static KEY_HEX_LEN + 1]);

/**
 * Parse a base64 key of exactly 44 characters, the last one '='; `len` is the text's length.
 * Return: 0, or -EINVAL (wrong length, invalid character, unused bits of the last one set), with
 * `ret_key` untouched.
 */
MUST_CHECK int key_from_base64(const char *text, size_t len, uint8_t ret_key[static KEY_LEN]);

/** Parse a key of exactly 64 hex digits, either case. Return: 0 or -EINVAL, with `ret_key`
 * untouched. */
MUST_CHECK int key_from_hex(const char *text, size_t len, uint8_t ret_key[static KEY_LEN]);
