/* SPDX-License-Identifier: MIT */
/* A site in the making, for the files that make it of the facts of an import. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/keys.h"
#include "conf/model.h"
#include "import/fact.h"

/** A site, and the names of what was created, in the order of the site's arrays. */
struct build {
	struct import *im;
	struct conf_site *site;
	const char *wireguard; /* NULL: there is none */
	const char **peers;    /* their public keys, or names if they have none */
	size_t n_peers;
	const char **tunnels;
	size_t n_tunnels;
	bool has_tunnels; /* the files have any */
};

/** Return: the value of an object's last fact with that key, or NULL. */
const char *build_value_of(
	const struct import *im, enum import_object object, const char *name, const char *key);

/** Return: the index of a name among `n`; `n` if it is not there. */
size_t build_index_of(const char *const *names, size_t n, const char *name);

/** Whether a peer of the files is one of the site. */
bool build_has_peer(const struct build *b, const char *name);

/** Return: the index of the peer with that name in the site; `n_peers` if there is none. */
size_t build_peer_index(const struct build *b, const char *name);

/** Set a key of an object to a fact's value, with a note; a value that the key cannot have is
 * dropped with its reason. `object`: of the type that `section` has. */
void build_set_value(struct build *b, enum conf_section section, void *object,
	const struct import_fact *fact, const char *key, const char *value);

/** Note that nothing is made of a fact, and why. */
void build_drop(struct build *b, const struct import_fact *fact, const char *reason);
