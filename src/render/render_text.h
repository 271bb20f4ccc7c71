/* SPDX-License-Identifier: MIT */
/* Renders the status report as text for people. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "ctlproto/status.h"

/** Style of the output. */
struct render_style {
	bool colour; /* escape sequences for bold and colours */
	bool utf8;   /* arrows; else "->" */
};

/** Write the report, one block for each part, as wg(8) and networkctl(1) do. Drops are shown only
 * if there are any. */
void render_text(FILE *out, const struct status_report *r, const struct render_style *style);
