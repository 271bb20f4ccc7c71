/* SPDX-License-Identifier: MIT */
/* The reply to a control request: one line of JSON with "ok" true or false. */
#include "ctlproto/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctlproto/fields.h"
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

int ctl_reply_print(const struct ctl_reply *reply, char **ret_line, size_t *ret_len)
{
	struct text t = { 0 };

	text_add(&t, "{\"ok\":%s", reply->ok ? "true" : "false");
	if (reply->text[0] || !reply->ok) {
		text_add(&t, ",\"%s\":", reply->ok ? "text" : "error");
		fields_print_string(&t, reply->text, strlen(reply->text));
	}
	if (reply->ok && reply->has_status) {
		text_add(&t, ",\"status\":");
		fields_print(status_fields(), &reply->status, &t);
	}
	text_add(&t, "}\n");
	return text_take(&t, ret_line, ret_len);
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
