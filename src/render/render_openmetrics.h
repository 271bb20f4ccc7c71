/* SPDX-License-Identifier: MIT */
/* Renders the status report as OpenMetrics text, for monitoring. */
#pragma once

#include <stdio.h>

#include "ctlproto/status.h"

/** Write the metrics of all sites, from the first # TYPE to # EOF. Source: OpenMetrics 1.0. */
void render_openmetrics(FILE *out, const struct status_report *reports, size_t len);
