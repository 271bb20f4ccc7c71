/* SPDX-License-Identifier: MIT */
/* Structs to JSON and back by tables: one row a member, the same row for both ways. */
#ifndef CTLPROTO_FIELDS_H
#define CTLPROTO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/** How a member is stored, and what it is in JSON. */
enum field_kind {
	FIELD_BOOL,	/* bool; true or false */
	FIELD_NUMBER,	/* uint8_t, uint16_t, uint32_t or uint64_t; a number */
	FIELD_TEXT,	/* char[]; a string, "" if empty */
	FIELD_KEY,	/* uint8_t[32]; a string in base64 */
	FIELD_ADDR,	/* struct ip_addr; a string, null for none */
	FIELD_ENDPOINT, /* struct endpoint; a string, null for none */
	FIELD_PREFIXES, /* struct status_prefixes; an array of strings */
	FIELD_WALL,	/* struct wall; seconds since 1970, null for never */
	FIELD_CHOICE,	/* an enum; a string, one of `count` names */
	FIELD_OBJECT,	/* a struct; an object */
	FIELD_OPTIONAL, /* a struct that starts with its name; an object; null: the name is empty */
	FIELD_ARRAY, /* pointer to allocated structs of `count` bytes each; an array of objects */
	FIELD_DROPS, /* struct drop_counters; an object with a number for each reason */
};

/** One member of a struct. A table ends with a row whose name is NULL. */
struct field {
	const char *name; /* the key in JSON */
	enum field_kind kind;
	size_t offset;		  /* of the member in the struct */
	size_t size;		  /* of the member */
	const struct field *sub;  /* FIELD_OBJECT, FIELD_OPTIONAL, FIELD_ARRAY: the inner table */
	const char *const *names; /* FIELD_CHOICE */
	size_t count;		  /* FIELD_CHOICE: of names; FIELD_ARRAY: bytes of one element */
	size_t len_offset;	  /* FIELD_ARRAY: of the size_t that counts the elements */
};

/* Rows of a table for `struct type`: any scalar, a choice among names, a struct within, an array
 * whose length is in MEMBER_len. */
#define FIELD_ROW(type, key, kind_, member)                                                        \
	.name = key, .kind = kind_, .offset = offsetof(struct type, member),                       \
	.size = sizeof(((struct type *)0)->member)
#define FIELD_ROW_CHOICE(type, key, member, names_)                                                \
	FIELD_ROW(type, key, FIELD_CHOICE, member), .names = names_, .count = ARRAY_LEN(names_)
#define FIELD_ROW_ARRAY(type, key, member, table)                                                  \
	FIELD_ROW(type, key, FIELD_ARRAY, member),                                                 \
		.sub = table, .count = sizeof(*((struct type *)0)->member),                        \
		.len_offset = offsetof(struct type, member##_len)

/** Make an object of the struct at `base`. Return: 0 and the object, which the caller releases, or
 * -ENOMEM. */
int fields_to_json(const struct field *table, const void *base, struct json_object **ret_json);

/**
 * Fill the zeroed struct at `base` from `json`. A key that is missing or null leaves its member
 * zero, a key that the table does not name is ignored: an older and a newer wirespan understand
 * each other. Return: 0; -EBADMSG if a value does not fit its member; -ENOMEM. On failure the
 * struct is half filled and to be released as if full.
 */
int fields_from_json(const struct field *table, struct json_object *json, void *base);

#endif
