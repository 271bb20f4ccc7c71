/* SPDX-License-Identifier: MIT */
/* Converting structs to JSON and back by tables: one row per member, used in both directions. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"

struct json_object;

/** The type of a member, and its type in JSON. */
enum field_kind {
	FIELD_BOOL,	/* bool; true or false */
	FIELD_NUMBER,	/* uint8_t to uint64_t; a number; null: STATUS_ABSENT */
	FIELD_COUNTER,	/* the same, of something that happens: it only rises */
	FIELD_TEXT,	/* char[]; a string, "" if empty */
	FIELD_KEY,	/* uint8_t[32]; a string in base64 */
	FIELD_ADDR,	/* struct ip_addr; a string, null for none */
	FIELD_ENDPOINT, /* struct endpoint; a string, null for none */
	FIELD_PREFIXES, /* struct status_prefixes; an array of strings */
	FIELD_WALL,	/* struct wall; seconds since 1970, null for never */
	FIELD_CHOICE,	/* an enum; a string, one of `count` names */
	FIELD_OBJECT,	/* a struct; an object; null: all of its numbers are STATUS_ABSENT */
	FIELD_OPTIONAL, /* a struct that starts with its name; an object; null: the name is empty */
	FIELD_KNOWN,	/* a struct that starts with a bool; an object; null: it is false */
	FIELD_ARRAY,   /* pointer to allocated structs of `count` bytes each; an array of objects */
	FIELD_DROPS,   /* struct drop_counters; an object with one number per reason, but not those
		      * that are STATUS_ABSENT; null: all are */
	FIELD_OPTIONS, /* struct l2tp_options; several keys, see ctlproto/options_json.h */
};

/** One member of a struct. A table ends with a row whose name is NULL. */
struct field {
	const char *name; /* the key in JSON */
	enum field_kind kind;
	size_t offset;		  /* of the member in the struct */
	size_t size;		  /* of the member */
	const struct field *sub;  /* FIELD_OBJECT, _OPTIONAL, _KNOWN, _ARRAY: the nested table */
	const char *const *names; /* FIELD_CHOICE */
	size_t count;		  /* FIELD_CHOICE: number of names; FIELD_ARRAY: element size */
	size_t len_offset;	  /* FIELD_ARRAY: of the size_t with the number of elements */
};

/* Rows of a table for `struct type`: any scalar, an enum with names, a nested struct, an array
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

/** Make a JSON object of the struct at `base`. Return: 0 and the object, which the caller releases,
 * or -ENOMEM. */
int fields_to_json(const struct field *table, const void *base, struct json_object **ret_json);

/**
 * Fill the zeroed struct at `base` from `json`. A missing key leaves its member zero, and so does
 * null unless it means STATUS_ABSENT; a key that is not in the table is ignored: older and newer
 * versions of wirespan are compatible. Return: 0; -EBADMSG if a value does not fit its member;
 * -ENOMEM. After a failure the struct is partly filled and must be released like a complete one.
 */
MUST_CHECK int fields_from_json(const struct field *table, struct json_object *json, void *base);
