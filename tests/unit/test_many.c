#include "toy_bench.h"

/* The many-form: a result for each element, in order, whenever each of them comes; and answers that
 * come later at all. */

/* --- later ---------------------------------------------------------------------------------- */

static void a_parked_call_is_answered_when_its_time_comes(void **state)
{
	const struct value *reply;

	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	assert_int_equal(bench->told_count, 0);
	assert_int_equal(parked(), 1);
	assert_good(ask_toy("toy.wake", 0, NULL));
	reply = reply_to('a');
	assert_good(reply);
	assert_int_equal(number_of(reply, "id"), 5);
	assert_int_equal(number_of(reply, "v"), 1);
	assert_int_equal(parked(), 0);
}

static void a_parked_call_may_be_refused_in_other_words(void **state)
{
	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	ask_toy("toy.wake", 0, "too late");
	assert_error(reply_to('a'), "not_due");
	assert_text(reply_to('a'), "message", "too late");
}

static void a_call_is_answered_once_whoever_tries_again(void **state)
{
	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	queue_toy('b', "toy.wake", 0, NULL);
	queue_toy('c', "toy.wake", 0, "again");
	bench_tick();
	assert_good(reply_to('a'));
	queue_toy('d', "toy.wait", 1, NULL);
	bench_tick();
	assert_good(ask_toy("toy.wake", 0, NULL));
	assert_int_equal(told_to('a') + told_to('d'), 0);
}

static void a_call_may_be_answered_in_the_tick_that_parked_it(void **state)
{
	(void)state;
	queue_toy('a', "toy.answer_itself", 9, "me");
	bench_tick();
	assert_good(reply_to('a'));
	assert_int_equal(number_of(reply_to('a'), "number"), 9);
	assert_int_equal(parked(), 0);
}

/* --- many ----------------------------------------------------------------------------------- */

static void results_come_in_the_order_of_the_elements(void **state)
{
	struct buffer frame = many_begin("toy.put", 50);
	const struct value *results;

	(void)state;
	for (uint64_t i = 0; i < 50; i++)
		pack_toy(&frame, 1000 - i, i);
	queue_frame('a', &frame);
	bench_tick();
	assert_int_equal(number_of(reply_to('a'), "code"), 0);
	assert_int_equal(number_of(reply_to('a'), "id"), 5);
	results = list_of(reply_to('a'), "results", 50);
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(number_of(&results[i], "code"), 0);
		assert_int_equal(number_of(&results[i], "ref"), 1000 - i);
		assert_int_equal(number_of(&results[i], "number"), i);
		assert_null(value_find(&results[i], "id"));
	}
}

/* Elements with number 0 are answered at once, the others wait. */
static void queue_mixture(const uint64_t *numbers, uint32_t count)
{
	struct buffer frame = many_begin("toy.wait", count);

	for (uint32_t i = 0; i < count; i++)
		pack_toy(&frame, 10 + i, numbers[i]);
	queue_frame('a', &frame);
	bench_tick();
}

static void assert_results(uint32_t count)
{
	const struct value *results = list_of(reply_to('a'), "results", count);

	for (uint32_t i = 0; i < count; i++) {
		assert_good(&results[i]);
		assert_int_equal(number_of(&results[i], "ref"), 10 + i);
	}
	assert_int_equal(parked(), 0);
}

static void parked_and_immediate_elements_are_answered_together(void **state)
{
	static const uint64_t mixtures[][4] = { { 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 0, 1, 0, 0 },
		{ 0, 0, 0, 1 }, { 1, 0, 1, 0 }, { 0, 1, 0, 1 }, { 1, 1, 0, 0 }, { 1, 1, 1, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(mixtures) / sizeof(mixtures[0]); i++) {
		size_t before = bench->state->count;

		queue_mixture(mixtures[i], 4);
		for (size_t j = before; j < bench->state->count; j++) {
			assert_int_equal(told_to('a'), 0);
			assert_int_equal(parked(), 4);
			assert_good(ask_toy("toy.wake", j, NULL));
		}
		assert_results(4);
	}
}

static void parked_elements_may_be_answered_in_any_order(void **state)
{
	static const uint64_t numbers[] = { 1, 1, 0, 1 };
	const struct value *results;

	(void)state;
	queue_mixture(numbers, 4);
	ask_toy("toy.wake", 2, "third");
	ask_toy("toy.wake", 2, NULL);
	ask_toy("toy.wake", 0, NULL);
	assert_int_equal(told_to('a'), 0);
	ask_toy("toy.wake", 1, NULL);
	results = list_of(reply_to('a'), "results", 4);
	assert_int_equal(number_of(&results[0], "number"), 0);
	assert_int_equal(number_of(&results[1], "number"), 1);
	assert_good(&results[2]);
	assert_text(&results[3], "message", "third");
}

static void elements_that_answer_themselves_are_answered_at_once(void **state)
{
	struct buffer frame = many_begin("toy.answer_itself", 3);

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		pack_toy(&frame, 10 + i, i);
	queue_frame('a', &frame);
	bench_tick();
	assert_results(3);
}

static void a_bad_element_spoils_no_other(void **state)
{
	struct buffer frame = many_begin("toy.put", 6);
	const struct value *results;

	(void)state;
	pack_toy(&frame, 1, 1);
	pack_u64(&frame, 7);
	pack_map(&frame, 1);
	pack_number(&frame, "number", -1);
	pack_map(&frame, 2);
	pack_text(&frame, "ref", "two");
	pack_number(&frame, "number", 2);
	pack_map(&frame, 3);
	pack_number(&frame, "ref", 3);
	pack_number(&frame, "ref", 4);
	pack_number(&frame, "number", 2);
	pack_toy(&frame, 6, 6);
	queue_frame('a', &frame);
	bench_tick();
	results = list_of(reply_to('a'), "results", 6);
	assert_good(&results[0]);
	for (int i = 1; i < 5; i++)
		assert_error(&results[i], "bad_request");
	assert_good(&results[5]);
	assert_error(ask_toy("toy.get", 2, NULL), "book_not_found");
	assert_good(ask_toy("toy.get", 6, NULL));
}

static void a_list_that_is_none_is_refused_as_a_whole(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct buffer frame = request_begin("toy.put", form == 3 ? 2 : 1);

		pack_str(&frame, "toys");
		if (form == 0)
			pack_array(&frame, 0);
		else if (form == 1)
			pack_map(&frame, 0);
		else
			pack_array(&frame, form == 2 ? MANY_MAX + 1 : 1);
		for (int i = 0; form == 2 && i <= MANY_MAX; i++)
			pack_map(&frame, 0);
		if (form == 3) {
			pack_map(&frame, 0);
			pack_str(&frame, "toys");
			pack_array(&frame, 1);
			pack_map(&frame, 0);
		}
		queue_frame('a', &frame);
		bench_tick();
		assert_error(reply_to('a'), "bad_request");
		assert_null(value_find(reply_to('a'), "results"));
	}
}

static void as_many_elements_as_there_may_be_are_answered(void **state)
{
	struct buffer frame = many_begin("toy.get", MANY_MAX);
	const struct value *results;

	(void)state;
	ask_toy("toy.put", 0, "x");
	for (int i = 0; i < MANY_MAX; i++)
		pack_map(&frame, 0);
	queue_frame('a', &frame);
	bench_tick();
	results = list_of(reply_to('a'), "results", MANY_MAX);
	assert_good(&results[MANY_MAX - 1]);
}

/* --- large replies -------------------------------------------------------------------------- */

#define LARGE_BYTES 30000

static void put_large(void)
{
	char *text = calloc(1, LARGE_BYTES + 1);

	assert_non_null(text);
	memset(text, 'x', LARGE_BYTES);
	assert_good(ask_toy("toy.put", 1, text));
	free(text);
}

static void a_reply_that_is_full_puts_the_rest_off(void **state)
{
	struct buffer frame = many_begin("toy.get", 2000);
	const struct value *results;
	size_t good = 0, busy = 0;

	(void)state;
	put_large();
	for (uint64_t i = 0; i < 2000; i++)
		pack_toy(&frame, i, 1);
	queue_frame('a', &frame);
	bench_tick();
	assert_true(reply_to('a')->raw_size <= REPLY_MAX_BYTES);
	results = list_of(reply_to('a'), "results", 2000);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t code = number_of(&results[i], "code");

		good += code == 0;
		busy += code == 42900;
		assert_int_equal(number_of(&results[i], "ref"), i);
	}
	assert_int_equal(good + busy, 2000);
	assert_true(good > 10);
}

static void readers_of_very_much_wait_for_the_next_tick(void **state)
{
	size_t bytes = 0;

	(void)state;
	put_large();
	for (int i = 0; i < 60; i++) {
		struct buffer frame = many_begin("toy.get", 40);

		for (uint64_t j = 0; j < 40; j++)
			pack_toy(&frame, j, 1);
		queue_frame('a', &frame);
	}
	queue_toy('b', "toy.settle", 2, "x");
	bench_tick();
	assert_int_equal(told_to('a'), 60);
	for (size_t i = 0; i < bench->told_count; i++)
		bytes += bench->told[i].map->raw_size;
	assert_true(bytes < 40u << 20);
	assert_error(bench->told[59].map, "busy");
	assert_good(reply_to('b'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_parked_call_is_answered_when_its_time_comes),
		BENCH_TEST(a_parked_call_may_be_refused_in_other_words),
		BENCH_TEST(a_call_is_answered_once_whoever_tries_again),
		BENCH_TEST(a_call_may_be_answered_in_the_tick_that_parked_it),
		BENCH_TEST(results_come_in_the_order_of_the_elements),
		BENCH_TEST(parked_and_immediate_elements_are_answered_together),
		BENCH_TEST(parked_elements_may_be_answered_in_any_order),
		BENCH_TEST(elements_that_answer_themselves_are_answered_at_once),
		BENCH_TEST(a_bad_element_spoils_no_other),
		BENCH_TEST(a_list_that_is_none_is_refused_as_a_whole),
		BENCH_TEST(as_many_elements_as_there_may_be_are_answered),
		BENCH_TEST(a_reply_that_is_full_puts_the_rest_off),
		BENCH_TEST(readers_of_very_much_wait_for_the_next_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
