/* SPDX-License-Identifier: MIT */
/* Facts that later lines of the same file replace, as they do where that file is used today. */
#include "import/replaced.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "conf/keys.h"

#define SEPARATORS ", \t"

/* A fact, and what it is about: the peers of one link that have the same public key are one. */
struct entry {
	const struct import_fact *fact;
	const char *link;  /* of a peer; else "" */
	const char *owner; /* a peer's public key, or its name; else the object's name */
	size_t i;	   /* of the fact */
};

/* A prefix of AllowedIPs. */
struct claim {
	const struct entry *entry;
	const char *word; /* in the fact's value */
	size_t len;
	struct ip_prefix prefix; /* without host bits; no family: it is none */
	const struct claim *later;
};

/* All of them, in the order of the files. */
struct replaced {
	struct import *im;
	struct entry *entries;
	size_t n_entries;
	struct claim *claims;
	size_t n_claims;
};

/* Whether a key of the site's file has one value. Keys of one name are alike in all sections. */
static bool is_single_key(const char *name)
{
	struct conf_key key;

	for (size_t i = 0; i < CONF_SECTIONS; i++)
		for (size_t k = 0; conf_section_key(&conf_sections[i], k, &key); k++)
			if (!strcmp(key.name, name))
				return !key.repeats;
	return !strcmp(name, FACT_HOST) || !strcmp(name, FACT_PORT);
}

static int compare_owners(const struct entry *x, const struct entry *y)
{
	int order = (x->fact->at.file > y->fact->at.file) - (x->fact->at.file < y->fact->at.file);

	if (!order)
		order = (x->fact->object > y->fact->object) - (x->fact->object < y->fact->object);
	if (!order)
		order = strcmp(x->link, y->link);
	return order ? order : strcmp(x->owner, y->owner);
}

/* By object and key; then by position in the files. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;
	int order = compare_owners(x, y);

	if (!order)
		order = strcmp(x->fact->key, y->fact->key);
	return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* By file, link and prefix; then by position in the file. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = *(const struct claim *const *)a;
	const struct claim *y = *(const struct claim *const *)b;
	uint32_t f = x->entry->fact->at.file;
	uint32_t g = y->entry->fact->at.file;
	int order = (f > g) - (f < g);

	if (!order)
		order = strcmp(x->entry->link, y->entry->link);
	if (!order)
		order = (x->prefix.addr.family > y->prefix.addr.family) -
			(x->prefix.addr.family < y->prefix.addr.family);
	if (!order)
		order = x->prefix.len - y->prefix.len;
	if (!order)
		order = memcmp(
			x->prefix.addr.bytes, y->prefix.addr.bytes, sizeof(x->prefix.addr.bytes));
	return order ? order : (x > y) - (x < y); /* in one array */
}

static bool is_same_range(const struct claim *x, const struct claim *y)
{
	return x->prefix.addr.family && x->entry->fact->at.file == y->entry->fact->at.file &&
	       !strcmp(x->entry->link, y->entry->link) && ip_prefix_equal(&x->prefix, &y->prefix);
}

static bool is_disabled(const struct import *im, const struct import_fact *fact)
{
	return fact->object == IMPORT_PEER &&
	       import_find(im, IMPORT_PEER, fact->name, FACT_DISABLED);
}

/* What a fact is about. A peer that is not used replaces nothing. `before`: the entry made before,
 * which is most often of the same peer, or NULL. Return: whether it counts. */
static bool make_entry(
	const struct import *im, size_t i, const struct entry *before, struct entry *ret)
{
	const struct import_fact *fact = &im->facts[i];
	const struct import_fact *key = NULL;
	const struct import_fact *of = NULL;

	if (before && before->fact->object == fact->object &&
		!strcmp(before->fact->name, fact->name)) {
		*ret = (struct entry){ fact, before->link, before->owner, i };
		return true;
	}
	if (is_disabled(im, fact))
		return false;
	if (fact->object == IMPORT_PEER) {
		key = import_find(im, IMPORT_PEER, fact->name, "PublicKey");
		of = import_find(im, IMPORT_PEER, fact->name, FACT_OF);
	}
	*ret = (struct entry){ .fact = fact,
		.link = of ? of->value : "",
		.owner = key ? key->value : fact->name,
		.i = i };
	return true;
}

/* The prefixes of an entry, in the order of its list. */
static void collect_claims(struct replaced *r, const struct entry *entry)
{
	const char *word = entry->fact->value;
	char text[IP_PREFIX_TEXT_LEN];

	for (size_t len; *(word += strspn(word, SEPARATORS)); word += len) {
		struct claim *claim = array_grow(&r->claims, &r->n_claims, sizeof(*claim));

		len = strcspn(word, SEPARATORS);
		if (!claim) {
			r->im->out_of_memory = true;
			return;
		}
		*claim = (struct claim){ .entry = entry, .word = word, .len = len };
		if (len < sizeof(text)) {
			memcpy(text, word, len);
			text[len] = '\0';
			if (!ip_prefix_parse(text, &claim->prefix))
				claim->prefix = ip_prefix_masked(&claim->prefix);
		}
	}
}

/* Return: whether there was memory. */
static bool collect(struct replaced *r)
{
	struct import *im = r->im;
	struct entry *entries = calloc(im->n_facts + 1, sizeof(*entries));

	r->entries = entries;
	if (!entries) {
		im->out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < im->n_facts; i++) {
		struct entry *entry = &entries[r->n_entries];

		if (make_entry(im, i, r->n_entries ? entry - 1 : NULL, entry))
			r->n_entries++;
	}
	for (size_t i = 0; i < r->n_entries && !im->out_of_memory; i++)
		if (entries[i].fact->object == IMPORT_PEER &&
			!strcmp(entries[i].fact->key, "AllowedIPs"))
			collect_claims(r, &entries[i]);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the caller frees r->entries */
	return !im->out_of_memory; /* the caller frees them */
}

static void replace(struct replaced *r, const struct entry *entry, struct conf_at by)
{
	r->im->facts[entry->i].gone = true;
	import_note_at(r->im, entry->fact->at, IMPORT_DROPPED, "%s: line %u replaces it",
		entry->fact->key, by.line);
}

/* Of `n` entries with the same object and key, only the last counts, or those of the last
 * section. */
static void judge_key(struct replaced *r, const struct entry *const *v, size_t n,
	const struct import_fact *last_section)
{
	const struct import_fact *last = v[n - 1]->fact;
	bool single = is_single_key(last->key);

	for (size_t i = 0; i < n; i++) {
		const struct import_fact *fact = v[i]->fact;
		bool of_section = !strcmp(fact->key, "PublicKey"); /* each has one */

		if (single && fact != last &&
			(!of_section || !strcmp(fact->name, v[i + 1]->fact->name)))
			replace(r, v[i], last->at);
		else if (last_section && !strcmp(fact->key, "AllowedIPs") &&
			 strcmp(fact->name, last_section->name) != 0)
			replace(r, v[i], last_section->at);
	}
}

/* Judge the keys of each object. */
static void judge_keys(struct replaced *r, const struct entry **sorted)
{
	for (size_t i = 0, end; i < r->n_entries; i = end) {
		const struct import_fact *section = NULL;

		for (end = i; end < r->n_entries && !compare_owners(sorted[i], sorted[end]); end++)
			if (!strcmp(sorted[end]->fact->key, FACT_OF))
				section = sorted[end]->fact;
		for (size_t k = i, next; k < end; k = next) {
			for (next = k + 1; next < end &&
					   !strcmp(sorted[k]->fact->key, sorted[next]->fact->key);
				next++)
				;
			judge_key(r, &sorted[k], next - k, section);
		}
	}
}

/* A prefix belongs to the peer that lists it last, even if that drops it later. */
static void judge_claims(struct replaced *r, struct claim **sorted)
{
	for (size_t i = 0, end; i < r->n_claims; i = end) {
		const struct claim *last;

		for (end = i + 1; end < r->n_claims && is_same_range(sorted[i], sorted[end]); end++)
			;
		last = sorted[end - 1];
		for (size_t k = i; k < end; k++)
			if (compare_owners(sorted[k]->entry, last->entry) != 0)
				sorted[k]->later = last;
	}
}

/* Remove the prefixes of one fact, `n` claims, that other peers have. */
static void shorten_list(struct replaced *r, const struct claim *claims, size_t n)
{
	const struct entry *entry = claims[0].entry;
	char *list = entry->fact->value;
	char text[IP_PREFIX_TEXT_LEN];
	size_t left = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		left += !claims[i].later;
	if (left == n || entry->fact->gone)
		return;
	for (size_t i = 0; i < n; i++) {
		if (claims[i].later) {
			import_note_at(r->im, entry->fact->at, IMPORT_DROPPED,
				"AllowedIPs: line %u gives %s to another peer",
				claims[i].later->entry->fact->at.line,
				ip_prefix_text(&claims[i].prefix, text));
			continue;
		}
		if (len)
			list[len++] = ',';
		memmove(list + len, claims[i].word, claims[i].len);
		len += claims[i].len;
	}
	list[len] = '\0';
	r->im->facts[entry->i].gone = !left;
}

static void judge(struct replaced *r, const struct entry **entries, struct claim **claims)
{
	for (size_t i = 0; i < r->n_entries; i++)
		entries[i] = &r->entries[i];
	for (size_t i = 0; i < r->n_claims; i++)
		claims[i] = &r->claims[i];
	qsort(entries, r->n_entries, sizeof(const void *), compare_entries);
	qsort(claims, r->n_claims, sizeof(const void *), compare_claims);
	judge_keys(r, entries);
	judge_claims(r, claims);
	for (size_t i = 0, end; i < r->n_claims; i = end) {
		for (end = i + 1; end < r->n_claims && r->claims[end].entry == r->claims[i].entry;
			end++)
			;
		shorten_list(r, &r->claims[i], end - i);
	}
	import_sweep(r->im);
}

void import_drop_replaced(struct import *im)
{
	struct replaced r = { .im = im };

	if (collect(&r)) {
		const struct entry **entries = calloc(r.n_entries + 1, sizeof(const void *));
		struct claim **claims = calloc(r.n_claims + 1, sizeof(void *));

		im->out_of_memory |= !entries || !claims;
		if (entries && claims)
			judge(&r, entries, claims);
		free(entries);
		free(claims);
	}
	free(r.entries);
	free(r.claims);
}
