/* SPDX-License-Identifier: MIT */
/* Renders the status report as Prometheus or OpenMetrics text, for monitoring. */
#pragma once

#include <stdio.h>

#include "ctlproto/status.h"

/** The format of metrics. The samples are the same in both, only their metadata differ. */
enum metrics_format {
	METRICS_PROMETHEUS,  /* the classic text format, 0.0.4, which every collector reads */
	METRICS_OPENMETRICS, /* OpenMetrics 1.0, with units, and # EOF at the end */
};

/** The Content-Type of a format in HTTP: a constant. */
const char *metrics_content_type(enum metrics_format format);

/** Write a label's value, quoted and escaped. */
void metrics_put_value(FILE *out, const char *text);

/** Write the metrics of all sites. Source: Prometheus' exposition formats; OpenMetrics 1.0. */
void render_metrics(
	FILE *out, enum metrics_format format, const struct status_report *reports, size_t len);
