#include "histogram.h"

#include <stddef.h>

#define SHIFT_MAX (HISTOGRAM_DOUBLINGS - 2)

/* Below 2 * HISTOGRAM_STEPS every value has a bucket of its own; above, a bucket is named by the
 * position of the leading bit and the bits that follow it. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift = 0;

	if (value >= 2 * HISTOGRAM_STEPS)
		shift = (unsigned)(__builtin_clzll(HISTOGRAM_STEPS) - __builtin_clzll(value));
	if (shift > SHIFT_MAX)
		return HISTOGRAM_BUCKETS - 1;
	return shift * HISTOGRAM_STEPS + (unsigned)(value >> shift);
}

/* The least value of a bucket. */
static uint64_t value_of(unsigned bucket)
{
	unsigned shift = bucket / HISTOGRAM_STEPS;

	if (shift < 2)
		return bucket;
	return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << (shift - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->sum += value;
	histogram->buckets[bucket_of(value)]++;
	if (value > histogram->max)
		histogram->max = value;
}

struct spread histogram_spread(const struct histogram *histogram)
{
	struct spread spread = { .count = histogram->count, .max = histogram->max };
	struct {
		uint64_t *at;
		double share; /* of the values that lie below */
	} wanted[] = {
		{ &spread.p50, 0.5 },
		{ &spread.p90, 0.9 },
		{ &spread.p99, 0.99 },
		{ &spread.p999, 0.999 },
	};
	uint64_t seen = 0;
	size_t next = 0;

	if (histogram->count == 0)
		return spread;
	spread.mean = (histogram->sum + histogram->count / 2) / histogram->count;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && seen < histogram->count; i++) {
		seen += histogram->buckets[i];
		while (next < sizeof(wanted) / sizeof(wanted[0]) &&
			seen > (uint64_t)(wanted[next].share * (double)histogram->count))
			*wanted[next++].at = value_of(i);
	}
	return spread;
}
