/* SPDX-License-Identifier: MIT */
/* Renders the findings of a check, as text for people and as JSON for programs. */
#pragma once

#include <stdio.h>

#include "judge/finding.h"
#include "judge/observations.h"
#include "render/render_text.h"

struct json_object;

/** Write the findings of a site: one line each, its hint below, and the totals. */
void render_check_text(FILE *out, const char *site, const struct findings *findings,
	const struct render_style *style);

/** Add a site's findings and measurements to `all`, a JSON array; keys as in wirespan(8). Return: 0
 * or -ENOMEM. */
int render_check_json(
	struct json_object *all, const struct observations *facts, const struct findings *findings);

/** Write the list, or with `single` the only site in it, and release it. */
void render_check_json_end(FILE *out, struct json_object *all, bool single);
