/* SPDX-License-Identifier: MIT */
/* Tests of redaction: files that are right and wrong, and texts that quote them. */
#include "conf/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define SECRET "YE3aGpC8kPvQzXs1mZ7Jd0WbNfLtRiUoHgSqVxA5cE8="
#define PUBLIC "plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo="

static char *conf_of(struct redaction *r, const char *text)
{
	struct text out = { 0 };
	char *bytes;

	redact_conf(r, text, strlen(text), &out);
	bytes = text_finish(&out);
	assert_non_null(bytes);
	assert_false(r->out_of_memory);
	redact_text(r, bytes, strlen(bytes));
	return bytes;
}

/* Whether the text shows the first 12 letters of the secret, or more of it. */
static void assert_hidden(const char *text, const char *secret)
{
	for (size_t at = 0; at + 12 <= strlen(secret); at += 12) {
		char part[13] = "";

		memcpy(part, secret + at, 12);
		if (strcasestr(text, part))
			fail_msg("\"%s\" is shown in: %s", part, text);
	}
}

/* Each line has the secret at %, however it is mistyped; it is hidden in the file, in a message
 * that quotes the line, and in one that quotes its first 40 letters. */
static void lines_with_secrets(void **state)
{
	static const char *const before[] = {
		"PrivateKey = ",
		"privatekey=",
		"PresharedKey =   ",
		"PrivatKey = ",
		"PrivateKey ",
		"Private Key = ",
		"",
		"[",
		"Cookie = ",
		"PostUp = curl -H Token:",
		"PeerDown = notify --token ",
		"# the old key: ",
		"ListenPort = ",
		"ListenPort = 1 # ",
		"; ",
		"Wrong = 10.0.0.1, ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		struct redaction r = { 0 };
		char line[200], quote[300];
		char *text;

		snprintf(line, sizeof(line), "[Interface]\n%s" SECRET "\n", before[i]);
		text = conf_of(&r, line);
		assert_hidden(text, SECRET);
		assert_true(strncmp(text, "[Interface]\n", 12) == 0);
		if (*before[i] != '#' && *before[i] != ';' && !strchr(before[i], '#')) {
			snprintf(quote, sizeof(quote), "line 2: \"%.40s\" and " SECRET " end",
				line + 12);
			redact_text(&r, quote, strlen(quote));
			assert_hidden(quote, SECRET);
			assert_non_null(strstr(quote, " end"));
		}
		free(text);
		redact_fini(&r);
	}
}

static void harmless_lines_stay(void **state)
{
	static const char text[] = "[Interface]\n"
				   "listenport = 8172\n"
				   "Address = 10.0.1.11/24\n"
				   "\n"
				   "[Peer]\n"
				   "PublicKey = " PUBLIC "\n"
				   "[L2TPSession]\n"
				   "Cookie = (removed)\n";
	static const char before[] = "[Interface] # mine\n"
				     " listenport=8172\n"
				     "Address = 10.0.1.11/24\n"
				     "\n"
				     "[Peer]\n"
				     "PublicKey = " PUBLIC "\n"
				     "[L2TPSession]\n"
				     "Cookie = 1122334455667788";
	struct redaction r = { 0 };
	char *shown = conf_of(&r, before);
	char quote[] = "peer " PUBLIC " at 10.0.1.11, cookie 1122334455667788, true";

	(void)state;
	assert_string_equal(shown, text);
	redact_text(&r, quote, strlen(quote));
	assert_string_equal(quote, "peer " PUBLIC " at 10.0.1.11, cookie xxxxxxxxxxxxxxxx, true");
	free(shown);
	redact_fini(&r);
}

static void keys_in_any_form(void **state)
{
	uint8_t key[KEY_LEN];
	char hex[KEY_HEX_LEN + 1];
	struct redaction r = { 0 };
	char text[400];

	(void)state;
	assert_int_equal(key_from_base64(SECRET, KEY_BASE64_LEN, key), 0);
	key_to_hex(key, hex);
	redact_add_key(&r, key);
	snprintf(text, sizeof(text), "%s, %.43s, %.20s…, key/%s", hex, SECRET, hex, SECRET);
	redact_text(&r, text, strlen(text));
	assert_hidden(text, SECRET);
	assert_hidden(text, hex);
	redact_fini(&r);
	/* keys that no file has */
	snprintf(text, sizeof(text), "other=" SECRET " %s key/" SECRET " " PUBLIC, hex);
	redact_add_public(&r, PUBLIC);
	redact_text(&r, text, strlen(text));
	assert_hidden(text, SECRET);
	assert_hidden(text, hex);
	assert_non_null(strstr(text, PUBLIC));
	redact_fini(&r);
}

/* A private key in the place of a public one is hidden. */
static void private_as_public(void **state)
{
	struct redaction r = { 0 };
	char *text = conf_of(&r, "[Peer]\nPublicKey = " SECRET "\nPresharedKey = " SECRET "\n");

	(void)state;
	assert_hidden(text, SECRET);
	free(text);
	redact_fini(&r);
}

static void secrets_that_overlap(void **state)
{
	struct redaction r = { 0 };
	char *text = conf_of(&r, "PostUp = password-one two-password-1\n");
	char quote[] = "password-one two-password-1 stays";

	(void)state;
	redact_text(&r, quote, strlen(quote));
	assert_string_equal(quote, "xxxxxxxxxxxxxxxxxxxxxxxxxxx stays");
	free(text);
	redact_fini(&r);
}

/* Without memory nothing is shown. */
static void nothing_without_memory(void **state)
{
	struct redaction r = { .out_of_memory = true };
	char text[] = "anything";

	(void)state;
	redact_text(&r, text, strlen(text));
	assert_string_equal(text, "xxxxxxxx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_with_secrets),
		cmocka_unit_test(harmless_lines_stay),
		cmocka_unit_test(keys_in_any_form),
		cmocka_unit_test(private_as_public),
		cmocka_unit_test(secrets_that_overlap),
		cmocka_unit_test(nothing_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
