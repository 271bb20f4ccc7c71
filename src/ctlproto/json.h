/* SPDX-License-Identifier: MIT */
/* What all code that writes or reads JSON shares: adding a value, printing, parsing one line. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

#include "base/must_check.h"

/** Add `value` to `object` under a key that it does not have and that outlives it. Consumes
 * `value`. NULL for one of the two means out of memory. Return: 0 or -ENOMEM. */
int json_put(struct json_object *object, const char *key, struct json_object *value);

/** Add a copy of a text likewise. Return: 0 or -ENOMEM. */
int json_put_text(struct json_object *object, const char *key, const char *text);

/** Append `value` to `array`. Consumes `value`. NULL for one of the two means out of memory.
 * Return: 0 or -ENOMEM. */
int json_append(struct json_object *array, struct json_object *value);

/** Print an object over several lines, for people and programs. Return: 0 or -ENOMEM. */
int json_print(FILE *out, struct json_object *object);

/** Parse `len` bytes that contain one JSON value, nested at most `depth` levels; `flags` are
 * JSON_TOKENER_….
 * Return: 0 and the value, which the caller releases; -EBADMSG; or -ENOMEM. */
MUST_CHECK int json_parse(
	const char *text, size_t len, int depth, int flags, struct json_object **ret);
