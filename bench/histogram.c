#include "histogram.h"

/* Below HISTOGRAM_STEPS every value has a bucket of its own; above, a bucket is named by the
 * position of the leading bit and the bits that follow it. */
static unsigned bucket_of(uint64_t us)
{
	unsigned shift = 0;

	while (us >> shift >= 2 * HISTOGRAM_STEPS && shift < HISTOGRAM_DOUBLINGS - 2)
		shift++;
	us >>= shift;
	if (us >= 2 * HISTOGRAM_STEPS)
		us = 2 * HISTOGRAM_STEPS - 1;
	return us < HISTOGRAM_STEPS ? (unsigned)us : (unsigned)(shift * HISTOGRAM_STEPS + us);
}

static uint64_t value_of(unsigned bucket)
{
	unsigned shift = bucket / HISTOGRAM_STEPS;

	if (shift < 2)
		return bucket;
	return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << (shift - 1);
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
	histogram->count++;
	histogram->buckets[bucket_of(us)]++;
	if (us > histogram->max_us)
		histogram->max_us = us;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)histogram->count);
	uint64_t seen = 0;

	for (unsigned i = 0; i < sizeof(histogram->buckets) / sizeof(histogram->buckets[0]); i++) {
		seen += histogram->buckets[i];
		if (seen > wanted)
			return value_of(i);
	}
	return histogram->max_us;
}
