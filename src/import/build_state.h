/* SPDX-License-Identifier: MIT */
/* A site in the making, for the files that make it of the facts of an import. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/keys.h"
#include "conf/model.h"
#include "import/fact.h"

/** A site, and what was created. */
struct build {
	struct import *im;
	struct conf_site *site;
	const char *wireguard; /* NULL: there is none */
	/* the indexes of the site's peers, by public key, or by name if they have none; and of its
	 * tunnels, by name */
	struct lookup created;
	bool has_tunnels; /* the files have any */
};

/** Return: the value of an object's last fact with that key, or NULL. */
const char *build_value_of(
	const struct import *im, enum import_object object, const char *name, const char *key);

/** Return: the index of the tunnel with that name in the site; `n_tunnels` if there is none. */
size_t build_tunnel_index(const struct build *b, const char *name);

/** Let an object, whose index is known, be found by its name. */
void build_set_index(struct build *b, enum import_object object, const char *name, size_t i);

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
