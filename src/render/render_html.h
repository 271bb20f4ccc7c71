/* SPDX-License-Identifier: MIT */
/* Renders the findings of checks as one HTML page that needs no other file. */
#pragma once

#include <stdio.h>

#include "judge/finding.h"
#include "judge/observations.h"

/** Write text with the characters that have a meaning in HTML, also inside attributes, as
 * references; control characters become question marks. */
void render_html_text(FILE *out, const char *text);

/** Write the start of the page. `when`: the time of the check, as text. */
void render_html_begin(FILE *out, const char *when);

/** Write a site's part: findings, round trips, and the MTU of each session. */
void render_html_site(FILE *out, const struct observations *facts, const struct findings *findings);

/** Write the end of the page. */
void render_html_end(FILE *out);
