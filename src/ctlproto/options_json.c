/* SPDX-License-Identifier: MIT */
/* The options of a session as keys of its JSON object and back, by l2tp_option_rows. */
#include "ctlproto/options_json.h"

#include <errno.h>
#include <string.h>

#include "ctlproto/json.h"

static struct json_object *encode(const struct l2tp_option *row, uint32_t value)
{
	const char *word = l2tp_option_word(row, value);

	if (row->off || row->flag)
		return json_object_new_boolean(value != row->off);
	return word ? json_object_new_string(word) : json_object_new_uint64(value);
}

int options_to_json(const struct l2tp_options *options, struct json_object *object)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];

		if (json_put(object, row->status, encode(row, l2tp_options_get(options, i))) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int decode(const struct l2tp_option *row, struct json_object *value, uint32_t *ret)
{
	int64_t number;

	if (row->off || row->flag) {
		if (!json_object_is_type(value, json_type_boolean))
			return -EBADMSG;
		*ret = !json_object_get_boolean(value) ? row->off : row->flag ? 1 : row->initial;
		return 0;
	}
	if (json_object_is_type(value, json_type_string)) {
		for (uint32_t i = 0; i < row->n_words; i++)
			if (strcmp(row->words[i], json_object_get_string(value)) == 0) {
				*ret = i;
				return 0;
			}
		return -EBADMSG;
	}
	number = json_object_get_int64(value);
	if (!json_object_is_type(value, json_type_int) || !row->max || number < row->min ||
		number > row->max)
		return -EBADMSG;
	*ret = (uint32_t)number;
	return 0;
}

int options_from_json(struct json_object *object, struct l2tp_options *ret)
{
	struct json_object *value;
	uint32_t number;

	l2tp_options_init(ret);
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		if (!json_object_object_get_ex(object, l2tp_option_rows[i].status, &value) ||
			!value)
			continue;
		if (decode(&l2tp_option_rows[i], value, &number) < 0)
			return -EBADMSG;
		l2tp_options_set(ret, i, number);
	}
	return 0;
}
