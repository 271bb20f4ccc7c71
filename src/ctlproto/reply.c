/* SPDX-License-Identifier: MIT */
/* The reply to a control request: one line of JSON with "ok" true or false. */
#include "ctlproto/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctlproto/json.h"
#include "ctlproto/status_json.h"

#define REPLY_DEPTH 16 /* maximum nesting of a reply */

void ctl_reply_fail(struct ctl_reply *reply, const char *format, ...)
{
	va_list ap;

	reply->ok = false;
	va_start(ap, format);
	(void)vsnprintf(reply->text, sizeof(reply->text), format, ap);
	va_end(ap);
}

static int fill_object(const struct ctl_reply *reply, struct json_object *object)
{
	struct json_object *status;
	int err;

	err = json_put(object, "ok", json_object_new_boolean(reply->ok));
	if (!err && (reply->text[0] || !reply->ok))
		err = json_put_text(object, reply->ok ? "text" : "error", reply->text);
	if (err || !reply->ok || !reply->has_status)
		return err;
	err = status_to_json(&reply->status, &status);
	return err ? err : json_put(object, "status", status);
}

int ctl_reply_print(const struct ctl_reply *reply, char **ret_line, size_t *ret_len)
{
	struct json_object *object = json_object_new_object();
	const char *text = NULL;
	char *line = NULL;
	size_t len = 0;

	if (object && fill_object(reply, object) == 0)
		text = json_object_to_json_string_length(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text)
		line = malloc(len + 1);
	if (line) {
		memcpy(line, text, len);
		line[len] = '\n';
		*ret_line = line;
		*ret_len = len + 1;
	}
	json_object_put(object);
	return line ? 0 : -ENOMEM;
}

/* Copy the string under `key` if present, truncated to fit. */
static int read_text(struct json_object *object, const char *key, char ret[CTL_REPLY_TEXT_LEN])
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return -EBADMSG;
	snprintf(ret, CTL_REPLY_TEXT_LEN, "%s", json_object_get_string(value));
	return 0;
}

static int read_object(struct json_object *object, struct ctl_reply *reply)
{
	struct json_object *value;
	int err;

	if (!json_object_is_type(object, json_type_object) ||
		!json_object_object_get_ex(object, "ok", &value) ||
		!json_object_is_type(value, json_type_boolean))
		return -EBADMSG;
	reply->ok = json_object_get_boolean(value);
	err = read_text(object, reply->ok ? "text" : "error", reply->text);
	if (err || !json_object_object_get_ex(object, "status", &value))
		return err;
	err = status_from_json(value, &reply->status);
	reply->has_status = !err;
	return err;
}

int ctl_reply_parse(const char *line, size_t len, struct ctl_reply *ret)
{
	struct json_object *object;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (len > CTL_REPLY_MAX)
		return -EBADMSG;
	err = json_parse(line, len, REPLY_DEPTH, JSON_TOKENER_STRICT, &object);
	if (err)
		return err;
	err = read_object(object, ret);
	json_object_put(object);
	return err;
}

void ctl_reply_fini(struct ctl_reply *reply)
{
	status_report_fini(&reply->status);
	memset(reply, 0, sizeof(*reply));
}
