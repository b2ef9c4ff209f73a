#pragma once

#include <stdint.h>

/* A log-linear histogram of times: 128 steps to every doubling, so a percentile is right to
 * under 1 %, from 1 us to over an hour, in fixed memory. */

#define HISTOGRAM_STEPS 128
#define HISTOGRAM_DOUBLINGS 32

struct histogram {
	uint64_t count;
	uint64_t max_us;
	uint64_t buckets[HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS];
};

void histogram_add(struct histogram *histogram, uint64_t us);

/* The time below which `share` (0 to 1) of the values lie, in us; 0 for an empty one. */
uint64_t histogram_at(const struct histogram *histogram, double share);
