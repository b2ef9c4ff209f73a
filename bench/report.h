#pragma once

#include "load.h"
#include "meter.h"

/* What a load came to, for people and for programs. */

/* `"done":..., ..., "max_ms":...`: the members of an object without its braces. */
void report_load_json(const struct load_result *result);

struct report {
	const char *mode;
	uint64_t connections, depth;
	const struct load_result *result;
	const struct meter *before, *after;
};

void report_json(const struct report *report);
void report_text(const struct report *report);
