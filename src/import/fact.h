/* SPDX-License-Identifier: MIT */
/* What files of other programs state about a site: facts, and a note on each line.
 *
 * Theory of operation. A reader of a format turns each line into facts ("link wg0: ListenPort is
 * 8172") by a table of the words that it recognises; build.c makes a site of the facts of all
 * files. So files can be given in any order, and several formats make one site. A fact's key is the
 * key of wirespan.conf(5) with the same meaning, or one of the lower-case keys below. Keys of the
 * site are set by the parser of conf/, which judges each value as if it stood in a file of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "import/lookup.h"

/** Facts and notes that one import may have: far above any gateway's files. */
#define IMPORT_FACTS_MAX (1 << 19)

/** What a fact is about. */
enum import_object {
	IMPORT_LINK,   /* a network interface, by its name */
	IMPORT_PEER,   /* a WireGuard peer, by a name that is unique among all files */
	IMPORT_TUNNEL, /* an L2TP tunnel, likewise */
};

/* Keys that are not keys of wirespan.conf(5). */
#define FACT_KIND     "kind"	 /* of a link: one of the following */
#define FACT_TUNNEL   "tunnel"	 /* of a session: the name of its tunnel */
#define FACT_MASTER   "master"	 /* of a link: the bridge that it is a port of */
#define FACT_MTU      "mtu"	 /* of a link: a value that its file had to state */
#define FACT_ISOLATED "isolated" /* of a link: whether its bridge port is isolated */
#define FACT_FORWARD  "forward"	 /* of a link: the group_fwd_mask of its bridge port */
#define FACT_ROUTE    "route"	 /* of a link: a prefix. Of a peer: its AllowedIPs have routes */
#define FACT_TABLE    "table"	 /* of a link: the table of its routes */
#define FACT_RULE     "rule"	 /* of a link: policy routing by mark, as wg-quick does it */
#define FACT_ROUTES   "routes"	 /* of a link: its file has each route, or none */
#define FACT_OF	      "of"	 /* of a peer: the name of its link */
#define FACT_HOST     "host"	 /* of a peer: the host of its Endpoint */
#define FACT_PORT     "port"	 /* of a peer: the port of its Endpoint; 51820 if it has none */
#define FACT_DISABLED "disabled" /* of a peer: its file does not use it; the value is no matter */

#define FACT_KIND_WIREGUARD "wireguard"
#define FACT_KIND_SESSION   "session"
#define FACT_KIND_BRIDGE    "bridge"
#define FACT_KIND_FOREIGN   "foreign" /* a bridge that another program owns */

/** One statement. */
struct import_fact {
	enum import_object object;
	char *name;	 /* of the object */
	const char *key; /* static */
	char *value;	 /* may be a key */
	struct conf_at at;
	bool gone;	 /* replaced: import_sweep() removes it */
	size_t older;	 /* the fact before it with this object, name and key; or IMPORT_NONE */
	size_t older_to; /* of a route: the one before it to this prefix; or IMPORT_NONE */
};

#define IMPORT_NONE SIZE_MAX

/** What became of a line. */
enum import_verdict {
	IMPORT_TAKEN,
	IMPORT_CHANGED,
	IMPORT_DROPPED,
};

/** A verdict on a line. It never contains a key. */
struct import_note {
	struct conf_at at;
	enum import_verdict verdict;
	char *text;
};

/** The key that stands in line `line` of the file `path`, as text. Return: 0 or -errno. */
typedef int (*import_key_line)(const char *path, unsigned line, char *ret, size_t size);

/** An import: the facts and notes of all files. Zero-initialise it; end it with import_fini(). */
struct import {
	char **files; /* their names */
	size_t n_files;
	struct import_fact *facts;
	size_t n_facts;
	struct lookup newest; /* the last fact by object, name and key; the last route by prefix */
	struct import_note *notes;
	size_t n_notes;
	struct conf_at at;	  /* of the line that is read */
	unsigned n_unnamed;	  /* peers and others without a name: the number of the next */
	unsigned n_sessions;	  /* of scripts without a name */
	import_key_line key_line; /* NULL: such keys are not read */
	bool out_of_memory;
	bool too_many; /* facts or notes were lost: do not use the site */
};

/** Add a fact, of the present line; strings are copied, except `key`. */
void import_add(struct import *im, enum import_object object, const char *name, const char *key,
	const char *value);

/** Mark as gone, with a note, the facts that this file has stated before about an object with that
 * key, because the present line replaces them; `value` NULL: all of them. Only the first `n` facts
 * are looked at. */
void import_replace(struct import *im, size_t n, enum import_object object, const char *name,
	const char *key, const char *value);

/** Mark as gone, likewise, the routes to a prefix by any link. */
void import_replace_routes(struct import *im, size_t n, const char *prefix);

/** Remove each fact that is gone. */
void import_sweep(struct import *im);

/** Note what became of line `at`. */
void import_note_at(struct import *im, struct conf_at at, enum import_verdict verdict,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Note that the present line is dropped, and why. */
void import_drop(struct import *im, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Sort the notes by file and line. */
void import_sort_notes(struct import *im);

/** Whether one of the first `n` notes, which are sorted, is on line `at`. */
bool import_is_noted(const struct import *im, size_t n, struct conf_at at);

/** An object's last fact with that key, or NULL. Those before it are found by `older`; some of them
 * may be gone. */
struct import_fact *import_find(
	const struct import *im, enum import_object object, const char *name, const char *key);

/** Free the facts, and wipe keys. */
void import_fini(struct import *im);

/** One word that a reader recognises. */
struct import_row {
	const char *where;  /* section, command or path that it belongs to */
	const char *word;   /* NULL ends a table; "*": any word */
	const char *key;    /* of the fact; NULL: the line is dropped; "*": the word itself */
	const char *reason; /* why it is dropped */
};

/** The row for `word` in `where`, or NULL. */
const struct import_row *import_row_find(
	const struct import_row *rows, const char *where, const char *word);

/** Cut the next word off a line, in place; single and double quotes are removed. Return: NULL at
 * the end. */
char *import_word(char **line);

/** The key of wirespan.conf(5) in [section], as a static string; NULL if there is none. */
const char *import_known_key(const char *section, const char *key);

/** Trim blanks at both ends, in place. */
char *import_trim(char *text);
