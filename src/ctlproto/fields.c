/* SPDX-License-Identifier: MIT */
/* Converting structs to JSON and back by tables: one row per member, used in both directions. */
#include "ctlproto/fields.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/keytext.h"
#include "base/mono.h"
#include "base/sentence.h"
#include "base/array.h"
#include "ctlproto/json.h"
#include "ctlproto/options_json.h"
#include "ctlproto/status.h"
#include "pkt/drop.h"

static int add_null(struct json_object *object, const char *key)
{
	return json_object_object_add_ex(object, key, NULL,
		       JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0
		       ? 0
		       : -ENOMEM;
}

static int encode_prefixes(const struct status_prefixes *list, struct json_object **ret)
{
	struct json_object *array = json_object_new_array_ext((int)(list->len ? list->len : 1));
	char text[IP_PREFIX_TEXT_LEN];

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < list->len; i++) {
		ip_prefix_text(&list->v[i], text);
		if (json_append(array, json_object_new_string(text)) < 0) {
			json_object_put(array);
			return -ENOMEM;
		}
	}
	*ret = array;
	return 0;
}

static int encode_array(const struct field *f, const char *base, struct json_object **ret)
{
	struct json_object *array = json_object_new_array();
	struct json_object *element;
	const char *elements;
	size_t len;

	if (!array)
		return -ENOMEM;
	memcpy(&elements, base + f->offset, sizeof(elements));
	memcpy(&len, base + f->len_offset, sizeof(len));
	for (size_t i = 0; i < len; i++) {
		if (fields_to_json(f->sub, elements + i * f->count, &element) < 0 ||
			json_append(array, element) < 0) {
			json_object_put(array);
			return -ENOMEM;
		}
	}
	*ret = array;
	return 0;
}

static int encode_drops(const struct drop_counters *drops, struct json_object **ret)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return -ENOMEM;
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		if (drops->n[d] == STATUS_ABSENT)
			continue;
		if (json_put(object, drop_name((enum drop)d), json_object_new_uint64(drops->n[d])) <
			0) {
			json_object_put(object);
			return -ENOMEM;
		}
	}
	*ret = object;
	return 0;
}

/* The JSON value of a scalar member: NULL if out of memory. */
static struct json_object *encode_scalar(const struct field *f, const void *p)
{
	char text[ENDPOINT_TEXT_LEN + KEY_BASE64_LEN];
	uint64_t number;

	switch (f->kind) {
	case FIELD_BOOL:
		return json_object_new_boolean(*(const bool *)p);
	case FIELD_NUMBER:
	case FIELD_COUNTER:
		return json_object_new_uint64(load_host(p, f->size));
	case FIELD_TEXT:
		return json_object_new_string_len(p, (int)strnlen(p, f->size));
	case FIELD_KEY:
		key_to_base64(p, text);
		return json_object_new_string(text);
	case FIELD_ADDR:
		return json_object_new_string(ip_addr_text(p, text));
	case FIELD_ENDPOINT:
		return json_object_new_string(endpoint_text(p, text));
	case FIELD_WALL:
		return json_object_new_uint64(((const struct wall *)p)->sec);
	case FIELD_CHOICE:
		number = load_host(p, f->size);
		return json_object_new_string(number < f->count ? f->names[number] : "");
	case FIELD_PREFIXES:
	case FIELD_OBJECT:
	case FIELD_OPTIONAL:
	case FIELD_KNOWN:
	case FIELD_ARRAY:
	case FIELD_DROPS:
	case FIELD_OPTIONS:
		break;
	}
	return NULL;
}

/* Whether the member is a number that the back end may not have. */
static bool may_be_absent(const struct field *f)
{
	return (f->kind == FIELD_NUMBER || f->kind == FIELD_COUNTER) && f->size == sizeof(uint64_t);
}

static bool is_absent(const struct field *f, const char *p)
{
	return may_be_absent(f) && load_host(p, f->size) == STATUS_ABSENT;
}

static bool all_absent(const struct field *table, const char *base)
{
	for (; table->name; table++)
		if (!is_absent(table, base + table->offset))
			return false;
	return true;
}

static bool no_drops(const struct drop_counters *drops)
{
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++)
		if (drops->n[d] != STATUS_ABSENT)
			return false;
	return true;
}

/* Null has come for a member: mark what it stands for as absent. */
static void set_absent(const struct field *f, char *p)
{
	if (may_be_absent(f) || f->kind == FIELD_DROPS)
		memset(p, 0xff, f->size);
	for (const struct field *sub = f->sub; f->kind == FIELD_OBJECT && sub->name; sub++)
		set_absent(sub, p + sub->offset);
}

/* Whether the member is encoded as null. */
static bool is_null(const struct field *f, const void *p)
{
	if (f->kind == FIELD_ADDR)
		return !((const struct ip_addr *)p)->family;
	if (f->kind == FIELD_ENDPOINT)
		return !((const struct endpoint *)p)->addr.family;
	if (f->kind == FIELD_WALL)
		return !((const struct wall *)p)->sec;
	if (f->kind == FIELD_OBJECT)
		return all_absent(f->sub, p);
	if (f->kind == FIELD_DROPS)
		return no_drops(p);
	return is_absent(f, p) ||
	       ((f->kind == FIELD_OPTIONAL || f->kind == FIELD_KNOWN) && *(const char *)p == '\0');
}

static int encode_field(const struct field *f, const char *base, struct json_object *object)
{
	const char *p = base + f->offset;
	struct json_object *value = NULL;
	int err = 0;

	if (f->kind == FIELD_OPTIONS)
		return options_to_json((const void *)p, object);
	if (is_null(f, p))
		return add_null(object, f->name);
	if (f->kind == FIELD_PREFIXES)
		err = encode_prefixes((const void *)p, &value);
	else if (f->kind == FIELD_OBJECT || f->kind == FIELD_OPTIONAL || f->kind == FIELD_KNOWN)
		err = fields_to_json(f->sub, p, &value);
	else if (f->kind == FIELD_ARRAY)
		err = encode_array(f, base, &value);
	else if (f->kind == FIELD_DROPS)
		err = encode_drops((const void *)p, &value);
	else
		value = encode_scalar(f, p);
	return err ? err : json_put(object, f->name, value);
}

int fields_to_json(const struct field *table, const void *base, struct json_object **ret_json)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return -ENOMEM;
	for (const struct field *f = table; f->name; f++) {
		if (encode_field(f, base, object) < 0) {
			json_object_put(object);
			return -ENOMEM;
		}
	}
	*ret_json = object;
	return 0;
}

/* Decode an unsigned number of at most `max`. */
static int decode_number(struct json_object *value, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return -EBADMSG;
	v = json_object_get_uint64(value);
	if (v > max)
		return -EBADMSG;
	*ret = v;
	return 0;
}

/* Store a number at `p`, in the member's width. */
static int decode_unsigned(const struct field *f, struct json_object *value, void *p)
{
	uint64_t v;

	if (decode_number(value, UINT64_MAX >> (64 - 8 * f->size), &v) < 0)
		return -EBADMSG;
	store_host(p, v, f->size);
	return 0;
}

/* Take out what a terminal could interpret, except ends of lines: a report may come from a process
 * that is not trusted. */
static void clean_lines(char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		sentence_clean(text, len);
		text += len + (text[len] == '\n');
	}
}

static int decode_text(const struct field *f, const char *text, size_t len, char *p)
{
	if (len >= f->size || memchr(text, '\0', len))
		return -EBADMSG;
	memcpy(p, text, len);
	p[len] = '\0';
	clean_lines(p);
	return 0;
}

static int decode_choice(const struct field *f, const char *text, void *p)
{
	for (uint64_t i = 0; i < f->count; i++) {
		if (strcmp(f->names[i], text) == 0) {
			store_host(p, i, f->size);
			return 0;
		}
	}
	return -EBADMSG;
}

/* Decode a member that is a string in JSON. */
static int decode_string(const struct field *f, struct json_object *value, void *p)
{
	const char *text = json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value);

	if (!json_object_is_type(value, json_type_string))
		return -EBADMSG;
	if (f->kind == FIELD_TEXT)
		return decode_text(f, text, len, p);
	if (f->kind == FIELD_KEY)
		return key_from_base64(text, len, p) < 0 ? -EBADMSG : 0;
	if (f->kind == FIELD_ADDR)
		return ip_addr_parse(text, p) < 0 ? -EBADMSG : 0;
	if (f->kind == FIELD_ENDPOINT)
		return endpoint_parse(text, p) < 0 ? -EBADMSG : 0;
	return decode_choice(f, text, p);
}

static int decode_prefixes(struct json_object *value, struct status_prefixes *list)
{
	struct json_object *element;
	struct ip_prefix prefix;

	if (!json_object_is_type(value, json_type_array))
		return -EBADMSG;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		element = json_object_array_get_idx(value, i);
		if (!json_object_is_type(element, json_type_string) ||
			ip_prefix_parse(json_object_get_string(element), &prefix) < 0)
			return -EBADMSG;
		if (status_add_prefix(list, &prefix) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int decode_array(const struct field *f, struct json_object *value, char *base)
{
	void *elements = NULL;
	size_t len = 0;
	void *element;
	int err = 0;

	if (!json_object_is_type(value, json_type_array))
		return -EBADMSG;
	for (size_t i = 0; !err && i < json_object_array_length(value); i++) {
		element = array_grow(&elements, &len, f->count);
		err = element ? fields_from_json(
					f->sub, json_object_array_get_idx(value, i), element)
			      : -ENOMEM;
	}
	memcpy(base + f->offset, &elements, sizeof(elements));
	memcpy(base + f->len_offset, &len, sizeof(len));
	return err;
}

static int decode_drops(struct json_object *value, struct drop_counters *drops)
{
	struct json_object *number;

	if (!json_object_is_type(value, json_type_object))
		return -EBADMSG;
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		drops->n[d] = STATUS_ABSENT;
		if (!json_object_object_get_ex(value, drop_name((enum drop)d), &number))
			continue;
		if (decode_number(number, UINT64_MAX, &drops->n[d]) < 0)
			return -EBADMSG;
	}
	return 0;
}

static int decode_field(const struct field *f, struct json_object *value, char *base)
{
	void *p = base + f->offset;

	switch (f->kind) {
	case FIELD_BOOL:
		if (!json_object_is_type(value, json_type_boolean))
			return -EBADMSG;
		*(bool *)p = json_object_get_boolean(value);
		return 0;
	case FIELD_NUMBER:
	case FIELD_COUNTER:
		return decode_unsigned(f, value, p);
	case FIELD_TEXT:
	case FIELD_KEY:
	case FIELD_ADDR:
	case FIELD_ENDPOINT:
	case FIELD_CHOICE:
		return decode_string(f, value, p);
	case FIELD_PREFIXES:
		return decode_prefixes(value, p);
	case FIELD_WALL:
		return decode_number(value, UINT64_MAX, &((struct wall *)p)->sec);
	case FIELD_KNOWN:
		*(bool *)p = true;
		return fields_from_json(f->sub, value, p);
	case FIELD_OBJECT:
	case FIELD_OPTIONAL:
		return fields_from_json(f->sub, value, p);
	case FIELD_ARRAY:
		return decode_array(f, value, base);
	case FIELD_DROPS:
		return decode_drops(value, p);
	case FIELD_OPTIONS: /* has no key of its own */
		break;
	}
	return -EBADMSG;
}

int fields_from_json(const struct field *table, struct json_object *json, void *base)
{
	struct json_object *value;
	int err = 0;

	if (!json_object_is_type(json, json_type_object))
		return -EBADMSG;
	for (const struct field *f = table; f->name; f++) {
		if (f->kind == FIELD_OPTIONS)
			err = options_from_json(json, (void *)((char *)base + f->offset));
		else if (!json_object_object_get_ex(json, f->name, &value))
			continue;
		else if (value)
			err = decode_field(f, value, base);
		else
			set_absent(f, (char *)base + f->offset);
		if (err)
			return err;
	}
	return 0;
}
