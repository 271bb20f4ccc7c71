/* SPDX-License-Identifier: MIT */
/* Renders the status report as JSON. */
#include "render/render_json.h"

#include "ctlproto/json.h"
#include "ctlproto/status_json.h"

int render_json(FILE *out, const struct status_report *r)
{
	struct json_object *object;
	int err = status_to_json(r, &object);

	if (err)
		return err;
	err = json_print(out, object);
	json_object_put(object);
	return err;
}

int render_json_sites(FILE *out, const struct status_report *reports, size_t len)
{
	struct json_object *all = json_object_new_object();
	struct json_object *sites = json_object_new_array();
	struct json_object *site;
	int err = json_put(all, "sites", sites);

	for (size_t i = 0; !err && i < len; i++) {
		err = status_to_json(&reports[i], &site);
		if (!err)
			err = json_append(sites, site);
	}
	if (!err)
		err = json_print(out, all);
	json_object_put(all);
	return err;
}
