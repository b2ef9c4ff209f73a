#include "toy_bench.h"

/* A store that fills up: new work is refused first, then what settles old work, never reading;
 * and when there is room again it goes on by itself. */

#define SMALL_BYTES (INT64_C(5) << 20)
#define TEXT_BYTES 3000
#define ENOUGH 2000 /* more than fit in */

static char text[TEXT_BYTES + 1];

static int begin(void **state)
{
	memset(text, 'x', TEXT_BYTES);
	bench_new(SMALL_BYTES);
	assert_int_equal(bench_try_open(&toy_program), 0);
	*state = bench;
	return 0;
}

static bool is_full(const struct value *reply)
{
	if (number_of(reply, "code") == 0)
		return false;
	assert_error(reply, "storage_full");
	assert_int_equal(number_of(reply, "code"), 50700);
	return true;
}

/* Puts one after the other until it is refused; how many were taken. */
static uint64_t fill(const char *op, uint64_t from)
{
	for (uint64_t i = from; i < from + ENOUGH; i++)
		if (is_full(ask_toy(op, i, text)))
			return i - from;
	fail_msg("%d pieces of %d bytes are in", ENOUGH, TEXT_BYTES);
	return 0;
}

static void new_work_is_refused_when_the_store_is_full_and_reading_is_not(void **state)
{
	uint64_t count = fill("toy.put", 0);

	(void)state;
	assert_in_range(count, 800, 1500);
	assert_error(ask_toy("toy.get", count, NULL), "book_not_found");
	for (uint64_t i = 0; i < count; i++)
		assert_text(ask_toy("toy.get", i, NULL), "text", text);
}

static void what_settles_old_work_has_room_that_new_work_has_not(void **state)
{
	uint64_t count;

	(void)state;
	bench->monotonic_ms = 1000;
	for (count = 0; !is_full(ask_toy("toy.put", count, text)); count++)
		bench->monotonic_ms += 100;
	queue_toy('a', "toy.put", 5000, text);
	queue_toy('b', "toy.settle", 5001, text);
	queue_toy('c', "toy.get", 0, NULL);
	bench_tick();
	assert_true(is_full(reply_to('a')));
	assert_good(reply_to('b'));
	assert_good(reply_to('c'));
	assert_in_range(fill("toy.settle", 6000), 100, 800);
}

static void the_others_of_a_tick_that_ran_out_of_room_are_settled_and_read(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 600; i++)
		assert_good(ask_toy("toy.put", i, text));
	for (uint64_t i = 0; i < 1000; i++)
		queue_toy('a', "toy.put", 5000 + i, text);
	queue_toy('b', "toy.delete", 599, NULL);
	queue_toy('c', "toy.get", 0, NULL);
	bench_tick();
	assert_int_equal(told_to('a'), 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_true(is_full(bench->told[i].map));
	assert_good(reply_to('b'));
	assert_good(reply_to('c'));
	assert_error(ask_toy("toy.get", 599, NULL), "book_not_found");
	assert_error(ask_toy("toy.get", 5000, NULL), "book_not_found");
}

static void when_even_settling_has_no_room_reading_goes_on(void **state)
{
	uint64_t count = fill("toy.put", 0);

	(void)state;
	fill("toy.settle", 5000);
	queue_toy('a', "toy.settle", 9000, text);
	queue_toy('b', "toy.get", count - 1, NULL);
	bench_tick();
	assert_true(is_full(reply_to('a')));
	assert_text(reply_to('b'), "text", text);
}

static int64_t write_on_time(struct tick *tick)
{
	struct toy toy = { 99999, text };

	toy_put(tick, &toy, &toy);
	return 60000;
}

static void without_room_the_programs_own_time_is_put_off_and_not_dropped(void **state)
{
	(void)state;
	fill("toy.put", 0);
	fill("toy.settle", 5000);
	bench->on_time = write_on_time;
	assert_good(ask_toy("toy.get", 0, NULL));
	assert_true(bench->wait_ms >= 0 && bench->wait_ms <= 1000);
}

static void results_that_find_no_room_count_as_lost(void **state)
{
	struct buffer frame = { 0 };
	struct event event = { .kind = EVENT_RESULT };

	(void)state;
	fill("toy.put", 0);
	fill("toy.settle", 5000);
	pack_map(&frame, 3);
	pack_number(&frame, "v", 1);
	pack_number(&frame, "code", 0);
	pack_str(&frame, "results");
	pack_array(&frame, 1);
	pack_map(&frame, 3);
	pack_number(&frame, "code", 0);
	pack_number(&frame, "ref", 77777);
	pack_text(&frame, "text", text);
	queue_event(event, frame.at, frame.size);
	buffer_done(&frame);
	queue_toy('a', "toy.get", 0, NULL);
	bench_tick();
	assert_good(reply_to('a'));
	assert_error(ask_toy("toy.get", 77777, NULL), "book_not_found");
}

/* Pages that were given back are used again by the transaction after the next one. */
static void when_there_is_room_again_new_work_is_taken_again(void **state)
{
	uint64_t count;
	bool taken = false;

	(void)state;
	bench->monotonic_ms = 1000;
	for (count = 0; !is_full(ask_toy("toy.put", count, text)); count++)
		bench->monotonic_ms += 100;
	for (uint64_t i = 0; i < count / 2; i++)
		assert_good(ask_toy("toy.delete", i, NULL));
	for (int i = 0; i < 10 && !taken; i++) {
		bench->monotonic_ms += 100;
		taken = !is_full(ask_toy("toy.put", 8000, text));
	}
	assert_true(taken);
}

#define FULL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, bench_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FULL_TEST(new_work_is_refused_when_the_store_is_full_and_reading_is_not),
		FULL_TEST(what_settles_old_work_has_room_that_new_work_has_not),
		FULL_TEST(the_others_of_a_tick_that_ran_out_of_room_are_settled_and_read),
		FULL_TEST(when_even_settling_has_no_room_reading_goes_on),
		FULL_TEST(without_room_the_programs_own_time_is_put_off_and_not_dropped),
		FULL_TEST(results_that_find_no_room_count_as_lost),
		FULL_TEST(when_there_is_room_again_new_work_is_taken_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
