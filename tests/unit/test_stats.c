#include "toy_bench.h"

/* What a service counts and times about itself. */

static const struct value *stats_of_service(void)
{
	struct buffer frame = request_begin("stats", 0);

	queue_frame('s', &frame);
	bench_tick();
	assert_good(reply_to('s'));
	return reply_to('s');
}

/* The element of that list whose `key` is `name`. */
static const struct value *row_of(const struct value *map, const char *list, const char *key,
	const char *name)
{
	const struct value *rows = value_find(map, list);

	assert_non_null(rows);
	for (uint32_t i = 0; i < rows->list.count; i++) {
		const struct value *text = value_find(&rows->list.at[i], key);

		if (text->str.size == strlen(name) &&
			memcmp(text->str.at, name, text->str.size) == 0)
			return &rows->list.at[i];
	}
	fail_msg("%s has no %s", list, name);
	return NULL;
}

static void assert_operation(const struct value *map, const char *name, int64_t handled,
	int64_t refused, int64_t answers)
{
	const struct value *row = row_of(map, "operations", "operation", name);

	assert_int_equal(number_of(row, "handled"), handled);
	assert_int_equal(number_of(row, "refused"), refused);
	assert_int_equal(number_of(value_find(row, "latency_us"), "count"), answers);
}

static void ticks_commits_and_batches_are_counted(void **state)
{
	const struct value *map;

	(void)state;
	queue_toy('a', "toy.put", 1, "x");
	queue_toy('b', "toy.put", 2, "y");
	queue_toy('c', "toy.get", 1, NULL);
	bench_tick();
	ask_toy("toy.get", 1, NULL);
	bench_tick();
	map = stats_of_service();
	assert_text(map, "name", "toyd");
	assert_int_equal(number_of(map, "ticks"), 4);
	assert_int_equal(number_of(map, "requests"), 5);
	assert_int_equal(number_of(map, "events"), 5);
	assert_int_equal(number_of(map, "commits"), 1);
	assert_int_equal(number_of(map, "syncs"), 2);
	assert_int_equal(number_of(value_find(map, "batch"), "count"), 3);
	assert_int_equal(number_of(value_find(map, "batch"), "max"), 3);
	assert_int_equal(number_of(value_find(map, "commit_us"), "count"), 1);
	assert_true(number_of(value_find(map, "commit_us"), "max") > 0);
}

static void operations_are_counted_by_their_outcome(void **state)
{
	const struct value *map;

	(void)state;
	ask_toy("toy.put", 1, "x");
	ask_toy("toy.get", 1, NULL);
	ask_toy("toy.get", 2, NULL);
	ask_toy("toy.unheard_of", 2, NULL);
	map = stats_of_service();
	assert_operation(map, "toy.put", 1, 0, 1);
	assert_operation(map, "toy.get", 2, 1, 2);
	assert_operation(map, "toy.delete", 0, 0, 0);
	assert_operation(map, "stats", 0, 0, 0);
	assert_int_equal(number_of(map, "refused"), 2);
	assert_operation(stats_of_service(), "stats", 1, 0, 1);
}

static void elements_of_the_many_form_count_each_and_their_answer_once(void **state)
{
	struct buffer frame = many_begin("toy.get", 3);
	const struct value *map;

	(void)state;
	ask_toy("toy.put", 2, "x");
	for (uint64_t number = 1; number <= 3; number++)
		pack_toy(&frame, number, number);
	queue_frame('m', &frame);
	bench_tick();
	map = stats_of_service();
	assert_operation(map, "toy.get", 3, 2, 1);
	assert_int_equal(number_of(map, "refused"), 2);
}

static void a_parked_call_is_timed_until_it_is_answered(void **state)
{
	const struct value *row;

	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	assert_operation(stats_of_service(), "toy.wait", 0, 0, 0);
	usleep(3000);
	ask_toy("toy.wake", 0, NULL);
	row = row_of(stats_of_service(), "operations", "operation", "toy.wait");
	assert_int_equal(number_of(row, "handled"), 1);
	assert_true(number_of(value_find(row, "latency_us"), "max") >= 3000);
}

static void parts_that_wait_are_one_answer(void **state)
{
	struct buffer frame = many_begin("toy.wait", 2);

	(void)state;
	pack_toy(&frame, 1, 0);
	pack_toy(&frame, 2, 5);
	queue_frame('m', &frame);
	bench_tick();
	assert_operation(stats_of_service(), "toy.wait", 1, 0, 0);
	ask_toy("toy.wake", 0, NULL);
	assert_operation(stats_of_service(), "toy.wait", 2, 0, 1);
	ask_toy("toy.wake", 0, NULL);
	assert_operation(stats_of_service(), "toy.wait", 2, 0, 1);
}

static void what_was_undone_is_not_counted(void **state)
{
	const struct value *map;

	(void)state;
	queue_toy('a', "toy.put", 1, "x");
	queue_toy('b', "toy.spoil", 2, "y");
	bench_tick();
	map = stats_of_service();
	assert_operation(map, "toy.put", 1, 0, 1);
	assert_operation(map, "toy.spoil", 1, 1, 1);
	assert_int_equal(number_of(map, "requests"), 3);
	assert_int_equal(number_of(map, "commits"), 1);
}

enum { TOY_NOTHING, TOY_LONG, TOY_SHORT };
static const char *const toy_durations[] = { "", "long", "short", NULL };

static int64_t long_on_time(struct tick *tick)
{
	tick_duration(tick, TOY_LONG, tick->began_us - 1000000);
	return -1;
}

static void a_program_times_what_it_names(void **state)
{
	struct program program = toy_program;
	const struct value *row;

	(void)state;
	bench_close();
	program.durations = toy_durations;
	assert_int_equal(bench_try_open(&program), 0);
	bench->on_time = long_on_time;
	bench_tick();
	bench->on_time = NULL;
	row = row_of(stats_of_service(), "steps", "step", "long");
	assert_int_equal(number_of(value_find(row, "time_us"), "count"), 1);
	assert_int_equal(number_of(value_find(row, "time_us"), "mean"), 1000000);
	row = row_of(stats_of_service(), "steps", "step", "short");
	assert_int_equal(number_of(value_find(row, "time_us"), "count"), 0);
	bench_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(ticks_commits_and_batches_are_counted),
		BENCH_TEST(operations_are_counted_by_their_outcome),
		BENCH_TEST(elements_of_the_many_form_count_each_and_their_answer_once),
		BENCH_TEST(a_parked_call_is_timed_until_it_is_answered),
		BENCH_TEST(parts_that_wait_are_one_answer),
		BENCH_TEST(what_was_undone_is_not_counted),
		BENCH_TEST(a_program_times_what_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
