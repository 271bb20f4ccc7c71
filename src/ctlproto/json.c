/* SPDX-License-Identifier: MIT */
/* What all code that writes or reads JSON shares: adding a value, printing, parsing one line. */
#include "ctlproto/json.h"

#include <errno.h>

int json_put(struct json_object *object, const char *key, struct json_object *value)
{
	if (object && value &&
		json_object_object_add_ex(object, key, value,
			JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_put_text(struct json_object *object, const char *key, const char *text)
{
	return json_put(object, key, json_object_new_string(text));
}

int json_append(struct json_object *array, struct json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_print(FILE *out, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}

int json_parse(const char *text, size_t len, int depth, int flags, struct json_object **ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth);

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, flags);
	*ret = json_tokener_parse_ex(tokener, text, (int)len);
	json_tokener_free(tokener);
	return *ret ? 0 : -EBADMSG;
}
