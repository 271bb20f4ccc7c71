/* SPDX-License-Identifier: MIT */
/* Reads wg(8) and resolvconf(8) in shell scripts. */
#include "import/shell_wg.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "conf/value.h"
#include "import/shell_arguments.h"

/* The literal KEY of `<(echo KEY)`, in `copy`. Return: NULL if it is another command. */
static const char *echoed_key(const char *file, char *copy, size_t size)
{
	const char *program;
	char *rest = copy;

	snprintf(copy, size, "%s", file + 2);
	copy[strcspn(copy, ")")] = '\0';
	program = import_word(&rest);
	return program && !strcmp(program, "echo") ? import_word(&rest) : NULL;
}

/* The key that is the input of `wg set`: a file, or a literal, which replaces that of the first
 * `n` facts. */
static void add_key(struct script *s, size_t n, enum import_object object, const char *name,
	const char *file, const char *key, const char *key_file)
{
	const struct shell_command *before = s->before;
	char copy[128] = "";
	uint8_t bytes[KEY_LEN];
	const char *literal = NULL;
	uint32_t line;
	bool input = !strcmp(file, "/dev/stdin");

	if (!strncmp(file, "<(", 2))
		literal = echoed_key(file, copy, sizeof(copy));
	else if (input && s->command->input_file)
		file = s->command->input_file;
	else if (input && s->command->input)
		literal = s->command->input;
	else if (input && before->n > 1 &&
		 (!strcmp(before->words[0], "echo") || !strcmp(before->words[0], "printf")))
		literal = before->words[before->n - 1];
	else if (input && before->n == 2 && !strcmp(before->words[0], "cat"))
		file = before->words[1];
	else if (input && before->n == 3 && !strcmp(before->words[0], "key_in_line") &&
		 s->im->key_line && !conf_value_u32(before->words[1], 1, UINT32_MAX, &line) &&
		 !s->im->key_line(before->words[2], line, copy, sizeof(copy)))
		literal = copy;
	if (literal ? key_from_base64(literal, strlen(literal), bytes) < 0
		    : file[0] != '/' || !strcmp(file, "/dev/stdin") || !shell_is_known(file)) {
		import_drop(s->im,
			"%s: the script has neither the key nor the absolute path of its file: add "
			"%s",
			key, key_file);
	} else {
		import_replace(s->im, n, object, name, key, NULL);
		import_replace(s->im, n, object, name, key_file, NULL);
		if (!strcmp(file, "/dev/null"))
			import_drop(s->im, "%s: an empty file removes it", key);
		else
			import_add(s->im, object, name, literal ? key : key_file,
				literal ? literal : file);
	}
	secret_wipe(copy, sizeof(copy));
	secret_wipe(bytes, sizeof(bytes));
}

/* A peer of `wg set`: its name in `ret`. One that was removed before is another peer. */
static void enter_peer(struct script *s, const char *link, const char *key, char *ret, size_t size)
{
	size_t len;

	snprintf(ret, size, "%s %s", link, key);
	len = strlen(ret);
	for (; len + 1 < size && import_find(s->im, IMPORT_PEER, ret, FACT_DISABLED); len++)
		memcpy(ret + len, "+", 2);
	if (!import_find(s->im, IMPORT_PEER, ret, FACT_OF)) {
		import_add(s->im, IMPORT_PEER, ret, FACT_OF, link);
		shell_add_argument(s, IMPORT_PEER, ret, "PublicKey", key);
	}
}

/* Whether the present command is in a part of the script that takes the network down. */
static bool is_stopping(const struct script *s)
{
	static const char *const names[] = { "stop", "down", "post-down", "pre-down" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(s->function, names[i]) || !strcmp(s->label, names[i]))
			return true;
	return false;
}

/* Whether two texts are the same prefix. */
static bool is_same_prefix(const char *a, const char *b)
{
	struct ip_prefix x;
	struct ip_prefix y;

	return ip_prefix_parse(a, &x) == 0 && ip_prefix_parse(b, &y) == 0 &&
	       ip_prefix_equal(&x, &y);
}

/* Remove a prefix from a list in a fact, with a note. */
static void remove_from_list(struct import *im, struct import_fact *fact, const char *prefix)
{
	char *out = fact->value;

	for (char *at = fact->value, *end; *at; at = end) {
		size_t len = strcspn(at, ",");
		bool last = !at[len];
		char *word;

		end = at + len + !last;
		at[len] = '\0';
		word = import_trim(at);
		len = strlen(word);
		if (is_same_prefix(word, prefix)) {
			import_note_at(im, fact->at, IMPORT_DROPPED, "%s: line %u removes %s",
				fact->key, im->at.line, prefix);
			continue;
		}
		memmove(out, word, len);
		out += len;
		if (!last)
			*out++ = ',';
	}
	if (out > fact->value && out[-1] == ',')
		out--;
	*out = '\0';
}

/* One of allowed-ips with a sign: it is added to the peer's, or removed. */
static void change_allowed_ip(struct script *s, size_t n, const char *peer, const char *word)
{
	struct import_fact *fact = import_find(s->im, IMPORT_PEER, peer, "AllowedIPs");

	if (*word != '-') {
		shell_add_argument(s, IMPORT_PEER, peer, "AllowedIPs", word + (*word == '+'));
		return;
	}
	while (fact && fact->at.file == s->im->at.file) {
		if (!fact->gone && fact < s->im->facts + n)
			remove_from_list(s->im, fact, word + 1);
		fact = fact->older == IMPORT_NONE ? NULL : &s->im->facts[fact->older];
	}
	import_replace(s->im, n, IMPORT_PEER, peer, "AllowedIPs", "");
	import_drop(s->im, "AllowedIPs: it removes a prefix");
}

/* The argument of allowed-ips: a list that replaces that of the first `n` facts, unless one of its
 * prefixes has a sign. */
static void set_allowed_ips(struct script *s, size_t n, const char *peer, char *list)
{
	char *rest = NULL;

	if (!shell_is_known(list) || !strpbrk(list, "+-")) {
		if (shell_is_known(list))
			import_replace(s->im, n, IMPORT_PEER, peer, "AllowedIPs", NULL);
		if (*list)
			shell_add_argument(s, IMPORT_PEER, peer, "AllowedIPs", list);
		else
			import_drop(s->im, "AllowedIPs: an empty list removes them");
		return;
	}
	for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		change_allowed_ip(s, n, peer, import_trim(word));
}

/* One argument of the interface, or of a peer if `peer` is not "". It replaces that of the first
 * `n` facts. */
static void set_argument(struct script *s, size_t n, const char *link, const char *peer,
	const struct import_row *row, char *value)
{
	enum import_object object = *peer ? IMPORT_PEER : IMPORT_LINK;
	const char *name = *peer ? peer : link;

	if (!strcmp(row->key, "AllowedIPs")) {
		set_allowed_ips(s, n, peer, value);
		return;
	}
	if (shell_is_known(value))
		import_replace(s->im, n, object, name, row->key, NULL);
	shell_add_argument(s, object, name, row->key, value);
}

/* `wg set NAME …`. */
void shell_wg_set(struct script *s)
{
	struct shell_command *c = s->command;
	const char *link = c->n > 2 ? c->words[2] : "";
	size_t n = s->im->n_facts; /* those of earlier commands */
	bool removes = false;
	char peer[128] = ""; /* of this interface: another one may have a peer with the same key */

	for (size_t i = 3; i < c->n; i++)
		removes |= !strcmp(c->words[i], "remove");
	if (removes && is_stopping(s)) {
		import_drop(s->im, REASON_REMOVAL);
		return;
	}
	for (size_t i = 3; i < c->n; i++) {
		const char *word = c->words[i];
		char *value = i + 1 < c->n ? c->words[i + 1] : NULL;
		const struct import_row *row = shell_row(*peer ? "peer" : "wg", word);

		if (*peer && !strcmp(word, "remove")) {
			import_add(s->im, IMPORT_PEER, peer, FACT_DISABLED, "yes");
			continue;
		}
		if (*peer && !strcmp(word, "update-only"))
			continue;
		i++;
		if (!value) {
			import_drop(s->im, "an argument of wg set has no value");
		} else if (!strcmp(word, "peer")) {
			enter_peer(s, link, value, peer, sizeof(peer));
		} else if (!strcmp(word, "private-key")) {
			add_key(s, n, IMPORT_LINK, link, value, "PrivateKey", "PrivateKeyFile");
		} else if (!strcmp(word, "preshared-key") && *peer) {
			add_key(s, n, IMPORT_PEER, peer, value, "PresharedKey", "PresharedKeyFile");
		} else if (row) {
			set_argument(s, n, link, peer, row, value);
		} else {
			import_drop(s->im, "an argument of wg set that is not known");
			return;
		}
	}
}

/* `wg setconf NAME FILE` and the like: all that earlier commands have set is replaced by what is in
 * the file, except by addconf. */
void shell_wg_file(struct script *s)
{
	static const char *const keys[] = { "ListenPort", "FwMark", "PrivateKey",
		"PrivateKeyFile" };
	const struct shell_command *c = s->command;
	const char *link = c->n > 2 ? c->words[2] : "";
	size_t n = s->im->n_facts;

	if (!strcmp(c->words[1], "addconf") || is_stopping(s))
		n = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		import_replace(s->im, n, IMPORT_LINK, link, keys[i], NULL);
	for (size_t i = 0; i < n; i++) {
		const struct import_fact *fact = &s->im->facts[i];

		if (fact->object == IMPORT_PEER && fact->at.file == s->im->at.file &&
			!strcmp(fact->key, FACT_OF) && !strcmp(fact->value, link) &&
			!import_find(s->im, IMPORT_PEER, fact->name, FACT_DISABLED))
			import_add(s->im, IMPORT_PEER, fact->name, FACT_DISABLED, "yes");
	}
	import_drop(s->im, "name the file that it reads as well");
}

/* Name servers and domains in a part of the text that resolvconf(8) reads. `*adds`: the words
 * that follow are some. */
static void read_name_servers(struct script *s, const char *link, char *text, bool *adds)
{
	char shown[CONF_SHOWN_LEN];
	const char *word;

	for (char *c = text; (c = strstr(c, "\\n")); c += 2)
		c[0] = c[1] = ' '; /* of printf */
	for (char *c = text; (c = strchr(c, '\n')); c++)
		*c = ' ';
	while ((word = import_word(&text))) {
		if (*word == '%')
			continue;
		if (!strcmp(word, "nameserver") || !strcmp(word, "search") ||
			!strcmp(word, "domain")) {
			*adds = true;
			continue;
		}
		*adds &= strcmp(word, "options") != 0 && strcmp(word, "sortlist") != 0;
		if (*adds)
			shell_add_argument(s, IMPORT_LINK, link, "DNS", word);
		else
			import_drop(
				s->im, "%s has no counterpart in a site", conf_shown(word, shown));
	}
}

/* Name servers by resolvconf(8), from the text that is piped to it, or its here-document. */
void shell_resolvconf(struct script *s)
{
	struct shell_command *c = s->command;
	const struct shell_command *before = s->before;
	size_t n = s->im->n_facts + s->im->n_notes;
	const char *link = shell_value_after(c, 1, "-a");
	const char *line = c->input;
	bool adds = false;

	if (!link) {
		import_drop(s->im, REASON_REMOVAL);
		return;
	}
	for (size_t i = 0; i < c->n_input; i++, line += strlen(line) + 1) {
		char copy[256];

		adds = false;
		snprintf(copy, sizeof(copy), "%s", line);
		if (strpbrk(line, "$`") || strlen(line) >= sizeof(copy))
			import_drop(
				s->im, "a name server that is known only while the script runs");
		else if (*line != '#' && *line != ';')
			read_name_servers(s, link, copy, &adds);
	}
	for (size_t i = 1; !line && i < before->n; i++)
		if (before->words[i][0] != '-' &&
			(!strcmp(before->words[0], "echo") || !strcmp(before->words[0], "printf")))
			read_name_servers(s, link, before->words[i], &adds);
	if (s->im->n_facts + s->im->n_notes == n)
		import_drop(s->im, "the script does not contain the name servers: add DNS");
}
