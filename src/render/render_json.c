/* SPDX-License-Identifier: MIT */
/* Renders the status report as JSON. */
#include "render/render_json.h"

#include <errno.h>

#include <json-c/json.h>

#include "ctlproto/status_json.h"

#define JSON_STYLE                                                                                 \
	(JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

static int print(FILE *out, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_STYLE);

	if (text)
		fprintf(out, "%s\n", text);
	return text ? 0 : -ENOMEM;
}

int render_json(FILE *out, const struct status_report *r)
{
	struct json_object *object;
	int err = status_to_json(r, &object);

	if (err)
		return err;
	err = print(out, object);
	json_object_put(object);
	return err;
}

int render_json_sites(FILE *out, const struct status_report *reports, size_t len)
{
	struct json_object *all = json_object_new_object();
	struct json_object *sites = json_object_new_array();
	struct json_object *site;
	int err = all && sites && json_object_object_add(all, "sites", sites) == 0 ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < len; i++) {
		err = status_to_json(&reports[i], &site);
		if (!err && json_object_array_add(sites, site) < 0) {
			json_object_put(site);
			err = -ENOMEM;
		}
	}
	if (!err)
		err = print(out, all);
	json_object_put(all);
	return err;
}
