#pragma once

#include <stdio.h>

#include "orderctl.h"

/* What the daemons say of themselves, as text for Prometheus. */

enum metrics_format {
	METRICS_OPENMETRICS, /* OpenMetrics 1.0 */
	METRICS_PROMETHEUS,  /* text format 0.0.4, which node_exporter's textfile collector reads */
};

/* Asks every daemon and writes all of it. */
void metrics_write(struct ctl *ctl, enum metrics_format format, FILE *out);

/* One HTTP request on standard input, its answer on standard output: for a socket unit with
 * Accept=yes. Returns the status to end with. */
int metrics_serve(struct ctl *ctl);
