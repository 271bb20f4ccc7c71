/* SPDX-License-Identifier: MIT */
/* Remove the secrets of a site from texts: its own files, even wrong ones, and what programs print
 * about it. */
#include "conf/redact.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "conf/keys.h"

#define BLANKS	    " \t\r\v\f"
#define SECRET_MIN  6  /* shorter texts are no secrets, and stand everywhere */
#define WORD_MIN    8  /* the same for parts of a value */
#define PREFIX_MIN  12 /* of a secret, in a message that shows only its beginning */
#define WORD_MAX    32 /* longest name of a mistyped key that is shown */
#define SECTION_MAX 12 /* the same of a section */

static void remember(struct redaction *r, char ***list, size_t *n, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	char **slot = copy ? array_grow(list, n, sizeof(*slot)) : NULL;

	if (slot) {
		*slot = copy;
		return;
	}
	free(copy);
	r->out_of_memory = true;
}

/* Write bytes[len] as base64. */
static void to_base64(const uint8_t *bytes, size_t len, char *ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < len; at += 3) {
		size_t n = size_min(len - at, 3);
		uint32_t word = 0;

		for (size_t i = 0; i < 3; i++)
			word = word << 8 | (i < n ? bytes[at + i] : 0U);
		for (size_t i = 0; i < 4; i++)
			*ret++ = i <= n ? digits[word >> (18 - 6 * i) & 63] : '=';
	}
	*ret = '\0';
}

/* Remember a text; one that can be a cookie, in base64, too. */
static void remember_secret(struct redaction *r, const char *text, size_t len)
{
	char hex[2 * CONF_COOKIE_MAX + 1] = "";
	uint8_t bytes[CONF_COOKIE_MAX];
	int n;

	if (len < SECRET_MIN)
		return;
	remember(r, &r->secrets, &r->n_secrets, text, len);
	if (len >= sizeof(hex))
		return;
	memcpy(hex, text, len);
	n = conf_value_hex(hex, sizeof(bytes), bytes);
	if (n > 0) {
		to_base64(bytes, (size_t)n, hex);
		remember(r, &r->secrets, &r->n_secrets, hex, strcspn(hex, "="));
	}
	secret_wipe(hex, sizeof(hex));
	secret_wipe(bytes, sizeof(bytes));
}

void redact_add_key(struct redaction *r, const uint8_t key[static KEY_LEN])
{
	char text[KEY_HEX_LEN + 1];

	if (secret_is_zero(key, KEY_LEN))
		return;
	key_to_base64(key, text);
	remember_secret(r, text, KEY_BASE64_LEN - 1); /* the = may be missing */
	key_to_hex(key, text);
	remember_secret(r, text, KEY_HEX_LEN);
	secret_wipe(text, sizeof(text));
}

static void add_cookie(struct redaction *r, const uint8_t *cookie, size_t len)
{
	char text[2 * CONF_COOKIE_MAX + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", cookie[i]);
	remember_secret(r, text, 2 * len);
	secret_wipe(text, sizeof(text));
}

void redact_add_site(struct redaction *r, const struct conf_site *site)
{
	redact_add_key(r, site->interface.private_key);
	for (size_t i = 0; i < site->n_peers; i++)
		redact_add_key(r, site->peers[i].preshared_key);
	for (size_t i = 0; i < site->n_tunnels; i++)
		for (size_t k = 0; k < site->tunnels[i].n_sessions; k++) {
			const struct conf_session *s = &site->tunnels[i].sessions[k];

			add_cookie(r, s->cookie, s->cookie_len);
			add_cookie(r, s->peer_cookie, s->peer_cookie_len);
		}
}

void redact_add_public(struct redaction *r, const char *key)
{
	remember(r, &r->public_keys, &r->n_public_keys, key, strlen(key));
}

/* ---- a configuration file ---- */

/** A part of a text. */
struct span {
	const char *at;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len && strchr(BLANKS, s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && strchr(BLANKS, s.at[s.len - 1]))
		s.len--;
	return s;
}

static bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.len && !strncasecmp(s.at, word, s.len);
}

static bool ends_with(struct span s, const char *word)
{
	size_t len = strlen(word);

	return s.len >= len && !strncasecmp(s.at + s.len - len, word, len);
}

/* Whether a key of this name holds a secret: keys, cookies, and hooks, in which passwords stand. */
static bool is_secret_name(struct span name)
{
	return (ends_with(name, "Key") && !span_is(name, "PublicKey")) ||
	       ends_with(name, "Cookie") || ends_with(name, "Up") || ends_with(name, "Down");
}

/* Whether any section has this key. */
static bool is_known_name(struct span name)
{
	struct conf_key key;

	for (size_t i = 0; i < CONF_SECTIONS; i++)
		for (size_t k = 0; conf_section_key(&conf_sections[i], k, &key); k++)
			if (span_is(name, key.name))
				return true;
	return false;
}

/* Whether a mistyped name can be shown: letters only. */
static bool is_plain_word(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalpha((unsigned char)name.at[i]))
			return false;
	return name.len > 0 && name.len <= WORD_MAX;
}

/* Whether the line is a section whose name can be shown, known or not: letters and digits, too few
 * for a secret. */
static bool is_section(struct span line)
{
	struct span name;

	if (line.len < 2 || line.at[0] != '[' || line.at[line.len - 1] != ']')
		return false;
	name = trim((struct span){ line.at + 1, line.len - 2 });
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.at[i]))
			return false;
	return name.len > 0 && name.len <= SECTION_MAX && isalpha((unsigned char)*name.at);
}

/* Whether a text can be a list of addresses, which are no secrets. */
static bool is_address(struct span s)
{
	bool separated = false;

	for (size_t i = 0; i < s.len; i++) {
		if (!isxdigit((unsigned char)s.at[i]) && !strchr(".:/, []", s.at[i]))
			return false;
		separated |= s.at[i] == '.' || s.at[i] == ':';
	}
	return separated;
}

/* Whether a text is an ordinary word: masking it everywhere would hide what is no secret. */
static bool is_ordinary(struct span s)
{
	return is_plain_word(s) || is_address(s) || *s.at == '/';
}

/* Remember a text that is not to be shown, and each word of it. */
static void remember_words(struct redaction *r, struct span s)
{
	if (s.len && !is_address(s))
		remember_secret(r, s.at, s.len);
	while (s.len) {
		size_t n = 0;

		while (n < s.len && !strchr(BLANKS ",=\"'", s.at[n]))
			n++;
		if (n >= WORD_MIN && !is_ordinary((struct span){ s.at, n }))
			remember_secret(r, s.at, n);
		n = size_min(n + 1, s.len);
		s.at += n;
		s.len -= n;
	}
}

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/';
}

/* Whether a value has as many digits in a row as a key: it may have been put in the wrong place. */
static bool has_key(struct span value)
{
	size_t run = 0;

	for (size_t i = 0; i < value.len && run < KEY_BASE64_LEN - 1; i++)
		run = is_base64(value.at[i]) ? run + 1 : 0;
	return run >= KEY_BASE64_LEN - 1;
}

static void redact_key(struct redaction *r, struct span name, struct span value, struct text *ret)
{
	bool known = is_known_name(name);

	if (known && !is_secret_name(name) && (span_is(name, "PublicKey") || !has_key(value))) {
		if (span_is(name, "PublicKey"))
			remember(r, &r->public_keys, &r->n_public_keys, value.at, value.len);
		text_add(ret, "%.*s = %.*s\n", (int)name.len, name.at, (int)value.len, value.at);
		return;
	}
	remember_words(r, value);
	if (known || is_plain_word(name)) {
		text_add(ret, "%.*s = (removed)%s\n", (int)name.len, name.at,
			known ? "" : " # an unknown key");
		return;
	}
	remember_words(r, name);
	text_add(ret, "(an unknown key) = (removed)\n");
}

static void redact_line(struct redaction *r, struct span line, struct text *ret)
{
	const char *hash = memchr(line.at, '#', line.len);
	const char *equals;

	if (hash)
		line.len = (size_t)(hash - line.at);
	line = trim(line);
	if (!line.len || *line.at == ';') {
		text_add(ret, "%s\n", hash || line.len ? "# (a comment)" : "");
		return;
	}
	equals = memchr(line.at, '=', line.len);
	if (is_section(line)) {
		text_add(ret, "%.*s\n", (int)line.len, line.at);
	} else if (*line.at == '[' || !equals) {
		remember_words(r, line);
		text_add(ret, "(a line that is neither a section nor KEY = VALUE)\n");
	} else {
		size_t len = (size_t)(equals - line.at);

		redact_key(r, trim((struct span){ line.at, len }),
			trim((struct span){ equals + 1, line.len - len - 1 }), ret);
	}
}

void redact_conf(struct redaction *r, const char *text, size_t len, struct text *ret)
{
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len;

		redact_line(r, (struct span){ text, n }, ret);
		n = size_min(n + 1, len);
		text += n;
		len -= n;
	}
	r->out_of_memory |= ret->out_of_memory;
}

/* ---- any text ---- */

/* The bytes that text[len] and the secret have in common, in any case of letters; 0 unless it is
 * the whole secret, all but its last letter, or a long part of it. */
static size_t common(const char *text, size_t len, const char *secret)
{
	size_t n = 0;
	size_t whole;

	if (tolower((unsigned char)*text) != tolower((unsigned char)*secret))
		return 0; /* almost always */
	whole = strlen(secret);
	while (n < len && n < whole &&
		tolower((unsigned char)text[n]) == tolower((unsigned char)secret[n]))
		n++;
	return n == whole || n >= PREFIX_MIN || (n >= WORD_MIN && n + 1 == whole) ? n : 0;
}

static bool is_public(const struct redaction *r, const char *key)
{
	for (size_t i = 0; i < r->n_public_keys; i++)
		if (!strncmp(r->public_keys[i], key, KEY_BASE64_LEN - 1) &&
			strlen(r->public_keys[i]) == KEY_BASE64_LEN)
			return true;
	return false;
}

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* Overwrite what has the form of a key in a run of base64 digits that ends at text[len]; `padded`:
 * a = follows. */
static void redact_run(const struct redaction *r, char *text, size_t len, bool padded)
{
	const size_t digits = KEY_BASE64_LEN - 1;

	if ((padded ? len >= digits : len == digits) && !is_public(r, text + len - digits))
		memset(text + len - digits, 'x', digits);
	else if (len >= KEY_HEX_LEN && is_hex(text, len))
		memset(text, 'x', len);
}

static void redact_forms(const struct redaction *r, char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = 0;

		while (at + n < len && is_base64(text[at + n]))
			n++;
		redact_run(r, text + at, n, at + n < len && text[at + n] == '=');
		at += n + 1;
	}
}

/* Overwrite all that was remembered. Secrets may overlap, so `mask` has what is to be overwritten
 * until all were looked for. */
static void redact_secrets(const struct redaction *r, char *text, size_t len, char *mask)
{
	for (size_t at = 0; at < len; at++)
		for (size_t i = 0; i < r->n_secrets; i++)
			memset(mask + at, 1, common(text + at, len - at, r->secrets[i]));
	for (size_t at = 0; at < len; at++)
		if (mask[at])
			text[at] = 'x';
}

void redact_text(const struct redaction *r, char *text, size_t len)
{
	char *mask = r->out_of_memory ? NULL : calloc(1, len + 1);

	if (!mask) {
		memset(text, 'x', len); /* rather nothing than a secret */
		return;
	}
	redact_secrets(r, text, len, mask);
	redact_forms(r, text, len);
	free(mask);
}

static void free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		secret_wipe(list[i], strlen(list[i]));
		free(list[i]);
	}
	free(list);
}

void redact_fini(struct redaction *r)
{
	free_list(r->secrets, r->n_secrets);
	free_list(r->public_keys, r->n_public_keys);
	*r = (struct redaction){ 0 };
}
