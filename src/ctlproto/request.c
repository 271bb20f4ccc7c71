/* SPDX-License-Identifier: MIT */
/* A control request: one line of JSON that names a verb, {"verb":"status"}; {"verb":"capture"} may
 * have a "snap", {"verb":"upgrade"} must have a "program". */
#include "ctlproto/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ctlproto/json.h"

#define REQUEST_DEPTH 4 /* maximum nesting of a request */

static const char *const verb_names[] = {
	[CTL_STATUS] = "status",
	[CTL_DOWN] = "down",
	[CTL_RELOAD] = "reload",
	[CTL_CAPTURE] = "capture",
	[CTL_UPGRADE] = "upgrade",
};

_Static_assert(ARRAY_LEN(verb_names) == CTL_VERB_COUNT, "every verb has a name");

/* The program of an upgrade, an absolute path. */
static int parse_program(struct json_object *object, struct ctl_request *ret)
{
	struct json_object *program;
	const char *path;
	size_t len;

	if (json_object_object_length(object) != 2 ||
		!json_object_object_get_ex(object, "program", &program) ||
		!json_object_is_type(program, json_type_string))
		return -EINVAL;
	path = json_object_get_string(program);
	len = (size_t)json_object_get_string_len(program);
	if (*path != '/' || len >= sizeof(ret->program) || strlen(path) != len)
		return -EINVAL;
	memcpy(ret->program, path, len + 1);
	return 0;
}

/* The options of a verb: a capture and an upgrade have one. */
static int parse_options(struct json_object *object, struct ctl_request *ret)
{
	struct json_object *snap;
	int64_t value;

	ret->snap = CTL_SNAP_MAX;
	ret->stream = -1;
	ret->program[0] = '\0';
	if (ret->verb == CTL_UPGRADE)
		return parse_program(object, ret);
	if (json_object_object_length(object) == 1)
		return 0;
	if (ret->verb != CTL_CAPTURE || json_object_object_length(object) != 2 ||
		!json_object_object_get_ex(object, "snap", &snap) ||
		!json_object_is_type(snap, json_type_int))
		return -EINVAL;
	value = json_object_get_int64(snap);
	if (value < 1 || value > CTL_SNAP_MAX)
		return -EINVAL;
	ret->snap = (uint32_t)value;
	return 0;
}

static int parse_request(struct json_object *object, struct ctl_request *ret)
{
	struct ctl_request request;
	struct json_object *verb;
	int err;
	const char *name;

	if (!json_object_is_type(object, json_type_object) ||
		!json_object_object_get_ex(object, "verb", &verb) ||
		!json_object_is_type(verb, json_type_string))
		return -EBADMSG;
	name = json_object_get_string(verb);
	for (int v = 0; v < CTL_VERB_COUNT; v++) {
		if (strcmp(name, verb_names[v]) == 0 &&
			strlen(name) == (size_t)json_object_get_string_len(verb)) {
			request.verb = (enum ctl_verb)v;
			err = parse_options(object, &request);
			if (!err)
				*ret = request;
			return err;
		}
	}
	return json_object_object_length(object) == 1 ? -EOPNOTSUPP : -EINVAL;
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
	err = parse_request(object, ret);
	json_object_put(object);
	return err;
}

/* Whether a path needs no escapes in JSON. */
static bool is_plain(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == '"' || *path == '\\')
			return false;
	return true;
}

static int print_upgrade(const struct ctl_request *request, char *buf, size_t size)
{
	int len = snprintf(
		buf, size, "{\"verb\":\"upgrade\",\"program\":\"%s\"}\n", request->program);

	if (!is_plain(request->program))
		return -EINVAL;
	return (size_t)len < size ? len : -ENOSPC;
}

int ctl_request_print(const struct ctl_request *request, char *buf, size_t size)
{
	const char *verb = verb_names[request->verb];
	int len;

	if (request->verb == CTL_UPGRADE)
		return print_upgrade(request, buf, size);
	len = request->verb == CTL_CAPTURE && request->snap
		      ? snprintf(buf, size, "{\"verb\":\"%s\",\"snap\":%" PRIu32 "}\n", verb,
				request->snap)
		      : snprintf(buf, size, "{\"verb\":\"%s\"}\n", verb);

	return (size_t)len < size ? len : -ENOSPC;
}
