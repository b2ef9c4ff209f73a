#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemons/orderd/alarm.h"

/* Alarms against a plain array that knows the truth. */

#define MANY 600

static struct alarms alarms;
static struct alarm some[MANY];

static int begin(void **state)
{
	(void)state;
	memset(&alarms, 0, sizeof(alarms));
	memset(some, 0, sizeof(some));
	return 0;
}

static int end(void **state)
{
	(void)state;
	alarms_done(&alarms);
	return 0;
}

static void set(size_t i, int64_t at_ms)
{
	assert_int_equal(alarms_reserve(&alarms), 0);
	alarm_set(&alarms, &some[i], at_ms);
}

static bool is_among(struct alarm **due, size_t count, const struct alarm *alarm)
{
	for (size_t i = 0; i < count; i++)
		if (due[i] == alarm)
			return true;
	return false;
}

/* What is due is what is set at or before now; places are where the heap says. */
static void assert_true_at(int64_t now_ms)
{
	struct alarm *due[MANY];
	size_t count = alarms_due(&alarms, now_ms, due, MANY);
	size_t expected = 0;

	for (size_t i = 0; i < MANY; i++) {
		bool is_due = some[i].place > 0 && some[i].at_ms <= now_ms;

		expected += is_due;
		assert_int_equal(is_among(due, count, &some[i]), is_due);
		if (some[i].place > 0)
			assert_ptr_equal(alarms.heap[some[i].place], &some[i]);
	}
	assert_int_equal(count, expected);
}

static void without_alarms_nothing_is_due(void **state)
{
	struct alarm *due[1];

	(void)state;
	assert_int_equal(alarms_due(&alarms, INT64_MAX, due, 1), 0);
	alarm_clear(&alarms, &some[0]);
	assert_int_equal(alarms.count, 0);
}

static void an_alarm_is_due_from_its_time_on(void **state)
{
	struct alarm *due[1];

	(void)state;
	set(0, 100);
	assert_int_equal(alarms_due(&alarms, 99, due, 1), 0);
	assert_int_equal(alarms_due(&alarms, 100, due, 1), 1);
	assert_ptr_equal(due[0], &some[0]);
	assert_int_equal(alarms_due(&alarms, 101, due, 1), 1);
}

static void the_earliest_is_on_top_whatever_the_order_of_setting(void **state)
{
	(void)state;
	srandom(1);
	for (size_t i = 0; i < MANY; i++)
		set(i, random() % 1000);
	for (size_t left = MANY; left > 0; left--) {
		struct alarm *top = alarms.heap[1];

		for (size_t i = 0; i < MANY; i++)
			if (some[i].place > 0)
				assert_true(top->at_ms <= some[i].at_ms);
		alarm_clear(&alarms, top);
		assert_int_equal(alarms.count, left - 1);
	}
}

static void an_alarm_moves_both_ways(void **state)
{
	struct alarm *due[MANY];

	(void)state;
	for (size_t i = 0; i < 10; i++)
		set(i, 100 + (int64_t)i);
	set(9, 50);
	assert_ptr_equal(alarms.heap[1], &some[9]);
	set(9, 500);
	assert_int_equal(alarms.count, 10);
	assert_int_equal(alarms_due(&alarms, 499, due, MANY), 9);
	assert_false(is_among(due, 9, &some[9]));
}

static void only_so_many_are_given_and_all_of_them_are_due(void **state)
{
	struct alarm *due[10];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		set(i, (int64_t)(MANY - i));
	assert_int_equal(alarms_due(&alarms, MANY / 2, due, 10), 10);
	for (size_t i = 0; i < 10; i++)
		assert_true(due[i]->at_ms <= MANY / 2);
	assert_int_equal(alarms.count, MANY);
}

static void a_cleared_alarm_may_be_cleared_again_and_set_again(void **state)
{
	(void)state;
	set(0, 5);
	set(1, 6);
	alarm_clear(&alarms, &some[0]);
	alarm_clear(&alarms, &some[0]);
	assert_int_equal(alarms.count, 1);
	assert_int_equal(some[0].place, 0);
	set(0, 4);
	assert_ptr_equal(alarms.heap[1], &some[0]);
}

static void any_mixture_of_changes_keeps_the_order(void **state)
{
	(void)state;
	srandom(2);
	for (int round = 0; round < 3000; round++) {
		size_t i = (size_t)(random() % MANY);

		if (random() % 3 == 0)
			alarm_clear(&alarms, &some[i]);
		else
			set(i, random() % 200);
		if (round % 50 == 0)
			assert_true_at(random() % 220);
	}
	assert_true_at(INT64_MAX);
}

#define ALARM_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALARM_TEST(without_alarms_nothing_is_due),
		ALARM_TEST(an_alarm_is_due_from_its_time_on),
		ALARM_TEST(the_earliest_is_on_top_whatever_the_order_of_setting),
		ALARM_TEST(an_alarm_moves_both_ways),
		ALARM_TEST(only_so_many_are_given_and_all_of_them_are_due),
		ALARM_TEST(a_cleared_alarm_may_be_cleared_again_and_set_again),
		ALARM_TEST(any_mixture_of_changes_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
