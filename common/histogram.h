#pragma once

#include <stdint.h>

/* A log-linear histogram of whole numbers, most often times in us: 128 steps to every doubling, so
 * a percentile is right to under 1 %, from 1 to over 10^11, in fixed memory of which only what is
 * used is touched. */

#define HISTOGRAM_STEPS 128
#define HISTOGRAM_DOUBLINGS 32
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS)

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* What a histogram comes to; all 0 for an empty one. */
struct spread {
	uint64_t count;
	uint64_t mean; /* rounded */
	uint64_t p50, p90, p99, p999;
	uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t value);
struct spread histogram_spread(const struct histogram *histogram);
