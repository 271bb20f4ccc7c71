/* SPDX-License-Identifier: MIT */
/* The status report for monitoring: OpenMetrics text. */
#ifndef RENDER_RENDER_OPENMETRICS_H
#define RENDER_RENDER_OPENMETRICS_H

#include <stdio.h>

#include "ctlproto/status.h"

/** Write the metrics of all sites, from the first # TYPE to # EOF. Source: OpenMetrics 1.0. */
void render_openmetrics(FILE *out, const struct status_report *reports, size_t len);

#endif
