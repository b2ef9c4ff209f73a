#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"

static struct histogram histogram;

static int histogram_empty(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	return 0;
}

/* A bucket is named by its least value: never above what was added, and under 1 % below. */
static void assert_near(uint64_t found, uint64_t value)
{
	if (found > value || (value - found) * 128 > value)
		fail_msg("%llu stands for %llu", (unsigned long long)found,
			(unsigned long long)value);
}

static void an_empty_one_is_all_zero(void **state)
{
	const struct spread nothing = { 0 };
	struct spread spread = histogram_spread(&histogram);

	(void)state;
	assert_memory_equal(&spread, &nothing, sizeof(spread));
}

static void every_value_is_found_again_to_under_one_percent(void **state)
{
	for (uint64_t value = 0; value < UINT64_C(200000000000); value += 1 + value / 50) {
		histogram_empty(state);
		histogram_add(&histogram, value);
		assert_near(histogram_spread(&histogram).p50, value);
		assert_near(histogram_spread(&histogram).p999, value);
		assert_int_equal(histogram_spread(&histogram).max, value);
		assert_int_equal(histogram_spread(&histogram).mean, value);
	}
}

static void small_values_are_exact(void **state)
{
	for (uint64_t value = 0; value < 256; value++) {
		histogram_empty(state);
		histogram_add(&histogram, value);
		assert_int_equal(histogram_spread(&histogram).p99, value);
	}
}

static void a_value_beyond_all_buckets_counts_in_the_last(void **state)
{
	(void)state;
	histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram_spread(&histogram).max, UINT64_MAX);
	assert_true(histogram_spread(&histogram).p50 > UINT64_C(200000000000));
}

static void percentiles_are_those_of_the_values(void **state)
{
	struct spread spread;

	(void)state;
	for (uint64_t value = 1; value <= 10000; value++)
		histogram_add(&histogram, value);
	spread = histogram_spread(&histogram);
	assert_int_equal(spread.count, 10000);
	assert_int_equal(spread.mean, 5001); /* 5000.5, rounded */
	assert_near(spread.p50, 5001);
	assert_near(spread.p90, 9001);
	assert_near(spread.p99, 9901);
	assert_near(spread.p999, 9991);
	assert_int_equal(spread.max, 10000);
}

#define TEST(name) cmocka_unit_test_setup(name, histogram_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_one_is_all_zero),
		TEST(every_value_is_found_again_to_under_one_percent),
		TEST(small_values_are_exact),
		TEST(a_value_beyond_all_buckets_counts_in_the_last),
		TEST(percentiles_are_those_of_the_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
