/* SPDX-License-Identifier: MIT */
/* A site in the making, for the files that make it of the facts of an import. */
#include "import/build_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "conf/value.h"

const char *build_value_of(
	const struct import *im, enum import_object object, const char *name, const char *key)
{
	const struct import_fact *fact = import_find(im, object, name, key);

	return fact ? fact->value : NULL;
}

/* Return: the index of an object that was created; `none` if there is none. */
static size_t index_of(
	const struct build *b, enum import_object object, const char *name, size_t none)
{
	const size_t *i = lookup_find(&b->created, &(struct lookup_key){ object, "", name });

	return i ? *i : none;
}

size_t build_tunnel_index(const struct build *b, const char *name)
{
	return index_of(b, IMPORT_TUNNEL, name, b->site->n_tunnels);
}

void build_set_index(struct build *b, enum import_object object, const char *name, size_t i)
{
	if (!lookup_add(&b->created, &(struct lookup_key){ object, "", name }, i))
		b->im->out_of_memory = true;
}

bool build_has_peer(const struct build *b, const char *name)
{
	const char *of = build_value_of(b->im, IMPORT_PEER, name, FACT_OF);

	return of && b->wireguard && !strcmp(of, b->wireguard) &&
	       !import_find(b->im, IMPORT_PEER, name, FACT_DISABLED);
}

/* The number of a peer: files that have the same public key for it are about the same peer. */
size_t build_peer_index(const struct build *b, const char *name)
{
	const char *key = build_value_of(b->im, IMPORT_PEER, name, "PublicKey");

	return build_has_peer(b, name)
		       ? index_of(b, IMPORT_PEER, key ? key : name, b->site->n_peers)
		       : b->site->n_peers;
}

/* Keys, cookies, and hooks, which may hold passwords. */
static bool is_secret(const char *key)
{
	static const char *const keys[] = { "PrivateKey", "PresharedKey", "Cookie", "PeerCookie",
		"PreUp", "PostUp", "PreDown", "PostDown" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

/* Why a file of ours cannot contain the value, or NULL. */
static const char *value_problem(const char *value)
{
	if (!*value)
		return "it has no value";
	for (; *value; value++)
		if (*value == '#' || *value == '\n' || *value == '\r')
			return "the value has a # or a line break, which the site's file cannot "
			       "contain";
	return NULL;
}

/* Whether an object has a secret already, by its key, or by the one that names a file instead. */
static bool has_secret(
	const struct conf_section_keys *keys, const struct conf_key *key, const void *object)
{
	const struct conf_at *positions =
		(const struct conf_at *)(const void *)((const char *)object + keys->at_offset);
	size_t len = strlen(key->name);
	struct conf_key other;

	if (len > 4 && !strcmp(key->name + len - 4, "File"))
		len -= 4;
	for (size_t i = 0; conf_section_key(keys, i, &other); i++)
		if (!strncmp(other.name, key->name, len) &&
			(!other.name[len] || !strcmp(other.name + len, "File")) &&
			positions[other.index].line)
			return true;
	return false;
}

/* Whether a key is a secret that an object has once, or names its file. */
static bool is_single_secret(const struct conf_key *key)
{
	return !key->repeats && (is_secret(key->name) || !strcmp(key->name, "PrivateKeyFile") ||
					!strcmp(key->name, "PresharedKeyFile"));
}

/* Set a key of an object by the parser of conf/: its reader, and the position. Return: NULL, or a
 * string to free() with the problem. */
static char *read_value(struct build *b, struct conf_key *key, const struct conf_section_keys *keys,
	void *object, struct conf_at at, char *value)
{
	struct conf_report report = { 0 };
	struct conf_reader reader = {
		.report = &report, .folder = "/", .at = at, .key = key, .object = object
	};
	struct conf_at *position =
		(struct conf_at *)(void *)((char *)object + keys->at_offset) + key->index;
	const char *problem = value_problem(value);
	char *result = NULL;

	if (is_single_secret(key) && has_secret(keys, key, object))
		problem = "it is set twice: the first one counts";

	if (problem) {
		if (asprintf(&result, "%s: %s", key->name, problem) >= 0)
			return result;
		b->im->out_of_memory = true;
		return NULL;
	}
	key->read(&reader, value);
	b->im->out_of_memory |= reader.out_of_memory || report.out_of_memory;
	for (size_t i = 0; i < report.n && !result; i++)
		if (report.v[i].severity == CONF_ERROR) {
			result = report.v[i].text;
			report.v[i].text = NULL;
		}
	if (!result)
		*position = at;
	conf_report_fini(&report);
	return result;
}

/* Set a key of an object, and note the result. */
void build_set_value(struct build *b, enum conf_section section, void *object,
	const struct import_fact *fact, const char *name, const char *value)
{
	const struct conf_section_keys *keys = &conf_sections[section];
	struct conf_key key;
	size_t i = 0;
	char *copy;
	char *problem;

	while (conf_section_key(keys, i, &key) && strcmp(key.name, name) != 0)
		i++;
	if (!conf_section_key(keys, i, &key)) {
		import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s has no counterpart in [%s]",
			name, keys->name);
		return;
	}
	copy = strdup(value);
	if (!copy) {
		b->im->out_of_memory = true;
		return;
	}
	problem = read_value(b, &key, keys, object, fact->at, import_trim(copy));
	if (problem)
		import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s", problem);
	else
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "[%s] %s = %s", keys->name, name,
			is_secret(name) ? "(hidden)" : value);
	free(problem);
	secret_wipe(copy, strlen(value));
	free(copy);
}

void build_drop(struct build *b, const struct import_fact *fact, const char *reason)
{
	char shown[CONF_SHOWN_LEN];

	import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s of %s: %s", fact->key,
		conf_shown(fact->name, shown), reason);
}
