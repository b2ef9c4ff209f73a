#pragma once

#include "suite.h"

/* Orders that fall due. Results: `times` says how late each was cancelled, `done` counts those,
 * `refused` those that were cancelled early, `lost` those that were not within a minute. 0 or
 * -errno. */

/* All of `load` at one moment: the rate counts from then until all stock is back. */
int due_storm(struct suite *suite, struct load load, struct load_result *ret);

/* One after the other, lifetime_ms after each was made, at the rate at which `load` makes them.
 * What fell due while others were made counts; the rate is that of the making. */
int due_steadily(struct suite *suite, struct load load, int64_t lifetime_ms,
	struct load_result *ret);
