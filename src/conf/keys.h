/* SPDX-License-Identifier: MIT */
/* The keys of every section: name, whether it may be repeated, and how its value is parsed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "conf/problem.h"

struct conf_key;

/** Context of parsing one value. */
struct conf_reader {
	struct conf_report *report;
	const char *folder; /* of the file: base of relative paths */
	struct conf_at at;
	const struct conf_key *key;
	void *object; /* of the section, where the key's value is stored */
	bool out_of_memory;
};

/** One key of a section. */
struct conf_key {
	const char *name;
	unsigned index; /* in the object's `at` */
	bool repeats;	/* may appear several times: a list */
	bool may_be_empty;
	size_t offset;	   /* of the member that `read` sets, in the object */
	const void *words; /* valid keywords, ending with a NULL word; or NULL */
	void (*read)(struct conf_reader *r, char *value); /* may write to `value` */
};

/** A keyword of a key's value and its meaning. */
struct conf_word {
	const char *word;
	unsigned value;
};

/** The sections, in the order of the canonical text. */
enum conf_section {
	CONF_SECTION_SITE = 0,
	CONF_SECTION_INTERFACE,
	CONF_SECTION_PEER,
	CONF_SECTION_L2TP,
	CONF_SECTION_SESSION,
	CONF_SECTION_BRIDGE,
	CONF_SECTIONS
};

/** A section's name and keys; see conf_section_key(). */
struct conf_section_keys {
	const char *name;
	const struct conf_key *keys;
	size_t n_keys;	  /* in `keys` */
	size_t at_offset; /* of the object's `at` */
	size_t n_options; /* keys from l2tp_option_rows that follow */
};

/** The sections, by enum conf_section. */
extern const struct conf_section_keys conf_sections[CONF_SECTIONS];

/** Get a section's key number `i`, from 0. Return: false if it has no more keys. */
MUST_CHECK bool conf_section_key(
	const struct conf_section_keys *section, size_t i, struct conf_key *ret);

/** Keywords of values: also used for the canonical text. */
extern const struct conf_word conf_backend_words[];
extern const struct conf_word conf_encap_words[];

#define CONF_FORWARD_TEXT_LEN 32

/** The words of a set of CONF_FORWARD_… bits, separated by commas; "" for none. Return: `ret`. */
const char *conf_forward_control_text(unsigned set, char ret[static CONF_FORWARD_TEXT_LEN]);

/** The keyword for `value` in a table of keywords. */
const char *conf_word(const struct conf_word *words, unsigned value);
