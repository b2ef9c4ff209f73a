#include <errno.h>

#include "daemon_fixture.h"
#include "daemons/orderd/memory.h"
#include "daemons/orderd/operations.h"

/* Order numbers: never twice, whatever the clock does, and found again without an index. */

#define SECOND (NOW_MS / 1000) /* 2023-11-14 22:13:20 UTC */
#define SUFFIXES UINT64_C(1000000)

static struct fixture *fixture;
static struct tick tick;
static struct memory memory;

static int begin(void **state)
{
	fixture = fixture_with_store(orderd_program.tables);
	tick = (struct tick){
		.txn = fixture->txn,
		.arena = fixture->arena,
		.now_ms = NOW_MS,
		.state = &memory,
	};
	memory = (struct memory){ 0 };
	*state = fixture;
	return 0;
}

/* The second of the number that the order of that id gets now. */
static uint64_t take_second(uint64_t order_id)
{
	uint64_t second;

	number_raise(&tick, order_id - 1);
	assert_int_equal(number_take(&tick, &second), order_id);
	return second;
}

/* Ids from 501 on are of that second. */
static void begin_second(uint64_t second)
{
	memory.numbering = (struct numbering){ 500, second, 501 };
	number_note(&tick, second, 501);
}

/* An order as it is made: with that id, now. Its number. */
static const char *make(uint64_t order_id)
{
	struct order order = { .wire = { .order_id = order_id, .user_id = 1 } };

	order.number_second = take_second(order_id);
	number_note(&tick, order.number_second, order_id);
	order_put(&tick, &order);
	assert_true(order_complete(&tick, order_id, &order));
	assert_int_equal(txn_error(tick.txn), 0);
	return order.wire.order_no;
}

/* --- making --------------------------------------------------------------------------------- */

static void a_number_is_the_second_in_utc_and_six_digits_more(void **state)
{
	char number[ORDER_NO_DIGITS + 1];

	(void)state;
	number_print(number, SECOND, 1);
	assert_int_equal(strlen(number), 20);
	assert_memory_equal(number, "20231114221320", 14);
	assert_int_equal(strspn(number, "0123456789"), 20);
}

static void what_is_printed_can_be_parsed(void **state)
{
	char number[ORDER_NO_DIGITS + 1];
	uint64_t second, suffix;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t at = SECOND + i * 86399;

		number_print(number, at, i * 7919);
		assert_true(number_parse(number, &second, &suffix));
		assert_int_equal(second, at);
		assert_true(suffix < SUFFIXES);
	}
}

static void a_million_ids_in_a_row_have_a_million_suffixes(void **state)
{
	char *seen = calloc(1, SUFFIXES);
	char number[ORDER_NO_DIGITS + 1];

	(void)state;
	assert_non_null(seen);
	for (uint64_t id = 77; id < 77 + SUFFIXES; id++) {
		number_print(number, SECOND, id);
		long suffix = strtol(number + 14, NULL, 10);
		if (seen[suffix]++)
			fail_msg("suffix %ld comes twice", suffix);
	}
	free(seen);
}

static void neighbours_do_not_look_like_neighbours(void **state)
{
	char one[ORDER_NO_DIGITS + 1], other[ORDER_NO_DIGITS + 1];

	(void)state;
	number_print(one, SECOND, 1000);
	number_print(other, SECOND, 1001);
	assert_true(labs(atol(one + 14) - atol(other + 14)) > 1000);
}

static void what_is_no_number_is_not_parsed(void **state)
{
	static const char *const bad[] = { "", "2023111422132", "2023111422132012345",
		"202311142213201234567", "2023111422132012345x", " 2023111422132012345",
		"+2023111422132012345", "-0231114221320123456", "00000000000000000000",
		"19691231235959000000" };
	uint64_t second = 5, suffix = 6;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (number_parse(bad[i], &second, &suffix))
			fail_msg("\"%s\" was taken for a number", bad[i]);
	assert_int_equal(second, 5);
	assert_int_equal(suffix, 6);
}

/* --- the clock ------------------------------------------------------------------------------ */

static void the_second_follows_the_clock(void **state)
{
	(void)state;
	assert_int_equal(take_second(1), SECOND);
	tick.now_ms += 999;
	assert_int_equal(take_second(2), SECOND);
	tick.now_ms += 1;
	assert_int_equal(take_second(3), SECOND + 1);
	tick.now_ms += 3600 * 1000;
	assert_int_equal(take_second(4), SECOND + 3601);
}

static void the_second_waits_while_the_clock_stands_back(void **state)
{
	(void)state;
	assert_int_equal(take_second(1), SECOND);
	tick.now_ms -= 3600 * 1000;
	assert_int_equal(take_second(2), SECOND);
	assert_int_equal(take_second(3), SECOND);
	tick.now_ms = NOW_MS + 1000;
	assert_int_equal(take_second(4), SECOND + 1);
}

static void a_millionth_order_is_the_last_of_its_second(void **state)
{
	(void)state;
	begin_second(SECOND);
	assert_int_equal(take_second(500 + SUFFIXES), SECOND);
	assert_int_equal(take_second(501 + SUFFIXES), SECOND + 1);
	assert_int_equal(take_second(502 + SUFFIXES), SECOND + 1);
}

static void a_borrowed_second_is_shared_with_the_clock_when_it_gets_there(void **state)
{
	uint64_t first = 501 + SUFFIXES;

	(void)state;
	begin_second(SECOND);
	assert_int_equal(take_second(first), SECOND + 1);
	tick.now_ms += 1000;
	assert_int_equal(take_second(first + 1), SECOND + 1);
	assert_int_equal(take_second(first + SUFFIXES - 1), SECOND + 1);
	assert_int_equal(take_second(first + SUFFIXES), SECOND + 2);
}

static void no_number_comes_twice_while_the_clock_jumps(void **state)
{
	static const int64_t jumps[] = { 0, 1000, -5000, 4000, 0, 1, -1, 3600000, -3600000, 1000 };
	const char *numbers[100];

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		tick.now_ms += jumps[i % 10];
		numbers[i] = make(1 + i);
		for (uint64_t j = 0; j < i; j++)
			assert_string_not_equal(numbers[j], numbers[i]);
	}
}

/* --- finding -------------------------------------------------------------------------------- */

static void in_an_empty_store_nothing_is_found(void **state)
{
	(void)state;
	assert_int_equal(number_find(&tick, "20231114221320387421"), 0);
}

static void every_order_is_found_among_gaps(void **state)
{
	const char *numbers[300];
	uint64_t ids[300], id = 0;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		id += 1 + (i * i) % 17 + (i % 50 == 0) * 900000;
		tick.now_ms += i % 7 == 0 ? 1000 : 0;
		ids[i] = id;
		numbers[i] = make(id);
	}
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(number_find(&tick, numbers[i]), ids[i]);
}

static void an_order_is_found_after_a_million_refused_ones(void **state)
{
	const char *numbers[3];

	(void)state;
	make(100);
	tick.now_ms += 1000 * 1000;
	numbers[0] = make(100 + SUFFIXES + 50);
	numbers[1] = make(100 + SUFFIXES + 51);
	tick.now_ms += 1000 * 1000;
	numbers[2] = make(100 + 5 * SUFFIXES);
	assert_int_equal(number_find(&tick, numbers[0]), 100 + SUFFIXES + 50);
	assert_int_equal(number_find(&tick, numbers[1]), 100 + SUFFIXES + 51);
	assert_int_equal(number_find(&tick, numbers[2]), 100 + 5 * SUFFIXES);
}

static void orders_of_a_crowded_second_are_found(void **state)
{
	const char *numbers[4];

	(void)state;
	begin_second(SECOND);
	numbers[0] = make(501);
	numbers[1] = make(500 + SUFFIXES);
	numbers[2] = make(501 + SUFFIXES);
	numbers[3] = make(500 + 2 * SUFFIXES);
	assert_memory_equal(numbers[0], numbers[1], 14);
	assert_memory_equal(numbers[2], numbers[3], 14);
	assert_memory_equal(numbers[0] + 14, numbers[2] + 14, 6);
	assert_int_equal(number_find(&tick, numbers[0]), 501);
	assert_int_equal(number_find(&tick, numbers[1]), 500 + SUFFIXES);
	assert_int_equal(number_find(&tick, numbers[2]), 501 + SUFFIXES);
	assert_int_equal(number_find(&tick, numbers[3]), 500 + 2 * SUFFIXES);
}

static void a_number_nobody_was_given_is_not_found(void **state)
{
	char other[ORDER_NO_DIGITS + 1];
	const char *number;

	(void)state;
	make(1);
	tick.now_ms += 10000;
	number = make(2);
	tick.now_ms += 10000;
	make(4);
	number_print(other, SECOND + 20, 3);
	assert_int_equal(number_find(&tick, other), 0);
	number_print(other, SECOND + 9, 2);
	assert_int_equal(number_find(&tick, other), 0);
	number_print(other, SECOND + 21, 4);
	assert_int_equal(number_find(&tick, other), 0);
	number_print(other, SECOND - 1, 1);
	assert_int_equal(number_find(&tick, other), 0);
	strcpy(other, number);
	other[19] = other[19] == '9' ? '0' : other[19] + 1;
	assert_int_equal(number_find(&tick, other), 0);
}

/* 32 November is 2 December to the calendar, but no number says so. */
static void a_number_with_an_impossible_date_is_not_found(void **state)
{
	char other[ORDER_NO_DIGITS + 1];
	const char *number;

	(void)state;
	tick.now_ms = NOW_MS + INT64_C(18) * 24 * 3600 * 1000;
	number = make(1);
	assert_memory_equal(number, "20231202", 8);
	strcpy(other, number);
	memcpy(other, "20231132", 8);
	assert_int_equal(number_find(&tick, other), 0);
	assert_int_equal(number_find(&tick, number), 1);
}

static void damage(unsigned table, uint64_t number)
{
	struct key key = { 0 };

	key_add_u64(&key, number);
	txn_put(tick.txn, table, &key, "garbage", 7);
}

static void damage_on_the_way_is_an_error_and_not_an_absence(void **state)
{
	static const struct {
		unsigned table;
		uint64_t number;
	} records[] = { { TABLE_ORDERS, 2 }, { TABLE_SECONDS, SECOND } };

	for (size_t i = 0; i < 2; i++) {
		const char *number;

		make(1);
		number = make(2);
		damage(records[i].table, records[i].number);
		assert_int_equal(number_find(&tick, number), 0);
		assert_int_equal(txn_error(tick.txn), -EUCLEAN);
		assert_int_equal(txn_commit(tick.txn), -EUCLEAN);
		assert_int_equal(txn_begin(fixture->db, true, &tick.txn), 0);
		fixture->txn = tick.txn;
		memory = (struct memory){ 0 };
	}
	*state = fixture;
}

#define NUMBER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_the_second_in_utc_and_six_digits_more),
		cmocka_unit_test(what_is_printed_can_be_parsed),
		cmocka_unit_test(a_million_ids_in_a_row_have_a_million_suffixes),
		cmocka_unit_test(neighbours_do_not_look_like_neighbours),
		cmocka_unit_test(what_is_no_number_is_not_parsed),
		NUMBER_TEST(the_second_follows_the_clock),
		NUMBER_TEST(the_second_waits_while_the_clock_stands_back),
		NUMBER_TEST(a_millionth_order_is_the_last_of_its_second),
		NUMBER_TEST(a_borrowed_second_is_shared_with_the_clock_when_it_gets_there),
		NUMBER_TEST(no_number_comes_twice_while_the_clock_jumps),
		NUMBER_TEST(in_an_empty_store_nothing_is_found),
		NUMBER_TEST(every_order_is_found_among_gaps),
		NUMBER_TEST(an_order_is_found_after_a_million_refused_ones),
		NUMBER_TEST(orders_of_a_crowded_second_are_found),
		NUMBER_TEST(a_number_nobody_was_given_is_not_found),
		NUMBER_TEST(a_number_with_an_impossible_date_is_not_found),
		NUMBER_TEST(damage_on_the_way_is_an_error_and_not_an_absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
