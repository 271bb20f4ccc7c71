/* SPDX-License-Identifier: MIT */
/* A control request: one line of JSON that names a verb, {"verb":"status"}. */
#include "ctlproto/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ctlproto/json.h"

#define REQUEST_DEPTH 4 /* maximum nesting of a request */

static const char *const verb_names[] = {
	[CTL_STATUS] = "status",
	[CTL_DOWN] = "down",
	[CTL_RELOAD] = "reload",
};

_Static_assert(ARRAY_LEN(verb_names) == CTL_VERB_COUNT, "every verb has a name");

static int parse_verb(struct json_object *object, struct ctl_request *ret)
{
	struct json_object *verb;
	const char *name;

	if (!json_object_is_type(object, json_type_object) ||
		!json_object_object_get_ex(object, "verb", &verb) ||
		!json_object_is_type(verb, json_type_string))
		return -EBADMSG;
	if (json_object_object_length(object) != 1)
		return -EINVAL;
	name = json_object_get_string(verb);
	for (int v = 0; v < CTL_VERB_COUNT; v++) {
		if (strcmp(name, verb_names[v]) == 0 &&
			strlen(name) == (size_t)json_object_get_string_len(verb)) {
			ret->verb = (enum ctl_verb)v;
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

int ctl_request_parse(const char *line, size_t len, struct ctl_request *ret)
{
	struct json_object *object;
	int err;

	if (len > CTL_REQUEST_MAX)
		return -EBADMSG;
	err = json_parse(line, len, REQUEST_DEPTH, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8,
		&object);
	if (err)
		return err;
	err = parse_verb(object, ret);
	json_object_put(object);
	return err;
}

int ctl_request_print(const struct ctl_request *request, char *buf, size_t size)
{
	int len = snprintf(buf, size, "{\"verb\":\"%s\"}\n", verb_names[request->verb]);

	return (size_t)len < size ? len : -ENOSPC;
}
