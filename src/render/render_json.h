/* SPDX-License-Identifier: MIT */
/* Renders the status report as JSON. */
#pragma once

#include <stdio.h>

#include "ctlproto/status.h"

/** Write one site's report as a JSON object. Return: 0 or -ENOMEM. */
int render_json(FILE *out, const struct status_report *r);

/** Write all sites' reports as {"sites":[…]}. Return: 0 or -ENOMEM. */
int render_json_sites(FILE *out, const struct status_report *reports, size_t len);
