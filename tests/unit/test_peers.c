#include "toy_bench.h"

/* What goes to other daemons and comes back: one frame a tick, whole elements, results judged one
 * by one. */

/* --- to them -------------------------------------------------------------------------------- */

static void the_items_of_a_tick_go_out_in_one_frame(void **state)
{
	const struct value *jobs;

	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		queue_toy('a', "toy.tell", i, NULL);
	bench_tick();
	assert_int_equal(bench->frame_count, 1);
	assert_int_equal(number_of(bench->frames[0], "v"), 1);
	assert_text(bench->frames[0], "op", "other.do");
	jobs = list_of(bench->frames[0], "jobs", 300);
	for (uint64_t i = 0; i < 300; i++)
		assert_int_equal(number_of(&jobs[i], "ref"), i);
}

static void frames_have_ids_of_their_own(void **state)
{
	uint64_t first;

	(void)state;
	ask_toy("toy.tell", 1, NULL);
	first = number_of(bench->frames[0], "id");
	ask_toy("toy.tell", 1, NULL);
	assert_int_not_equal(number_of(bench->frames[0], "id"), first);
}

/* Tells the peer so many texts of that size in one tick; how many arrived. */
static size_t tell_texts(size_t count, size_t size)
{
	char *text = calloc(1, size + 1);
	size_t items = 0;

	assert_non_null(text);
	memset(text, 'x', size);
	for (uint64_t i = 0; i < count; i++)
		queue_toy('a', "toy.tell", i, text);
	bench_tick();
	free(text);
	for (size_t i = 0; i < bench->frame_count; i++) {
		const struct value *jobs = value_find(bench->frames[i], "jobs");

		for (uint32_t j = 0; j < jobs->list.count; j++)
			assert_int_equal(number_of(&jobs->list.at[j], "ref"), items++);
	}
	return items;
}

/* The bus checks that none is larger than 64 KiB. */
static void items_that_fill_more_than_a_frame_go_out_in_several(void **state)
{
	static const size_t sizes[] = { 100, 1000, 5000, 10000 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		size_t count = 400000 / sizes[i];

		assert_int_equal(tell_texts(count > 60 ? 60 : count, sizes[i]),
			count > 60 ? 60 : count);
	}
	assert_true(bench->frame_count > 5);
}

static void items_past_what_may_go_out_in_a_tick_are_left_for_a_repeat(void **state)
{
	size_t arrived = tell_texts(1000, 9000);

	(void)state;
	assert_in_range(arrived, 100, 999);
	assert_int_equal(bench->told_count, 1000);
	assert_int_equal(tell_texts(100, 9000), 100);
}

static void a_peer_is_up_until_a_message_finds_no_way_and_from_the_next_that_does(void **state)
{
	(void)state;
	assert_int_equal(number_of(ask_toy("toy.up", 0, NULL), "number"), 1);
	bench->peer_down = true;
	assert_int_equal(number_of(ask_toy("toy.up", 0, NULL), "number"), 1);
	ask_toy("toy.tell", 1, NULL);
	assert_int_equal(number_of(ask_toy("toy.up", 0, NULL), "number"), 0);
	bench->peer_down = false;
	assert_int_equal(number_of(ask_toy("toy.up", 0, NULL), "number"), 0);
	ask_toy("toy.tell", 1, NULL);
	assert_int_equal(number_of(ask_toy("toy.up", 0, NULL), "number"), 1);
}

/* --- from them ------------------------------------------------------------------------------ */

/* A frame of results; so many maps are to follow. */
static struct buffer results_begin(int64_t code, uint32_t count)
{
	struct buffer frame = { 0 };

	pack_map(&frame, 4);
	pack_number(&frame, "v", 1);
	pack_number(&frame, "id", 1);
	pack_number(&frame, "code", code);
	pack_str(&frame, "results");
	pack_array(&frame, count);
	return frame;
}

static void pack_result(struct buffer *frame, uint64_t ref, const char *text)
{
	pack_map(frame, 3);
	pack_number(frame, "code", 0);
	pack_number(frame, "ref", (int64_t)ref);
	pack_text(frame, "text", text);
}

static void pack_refusal(struct buffer *frame, uint64_t ref, const char *error)
{
	pack_map(frame, 4);
	pack_number(frame, "code", 40900);
	pack_number(frame, "ref", (int64_t)ref);
	pack_text(frame, "error", error);
	pack_text(frame, "message", error);
}

static void deliver(struct buffer *frame)
{
	struct event event = { .kind = EVENT_RESULT };

	queue_event(event, frame->at, frame->size);
	buffer_done(frame);
	bench_tick();
	assert_int_equal(bench->told_count, 0);
}

static void assert_kept(uint64_t ref, const char *text)
{
	const struct value *reply = ask_toy("toy.get", ref, NULL);

	if (!text)
		assert_error(reply, "book_not_found");
	else
		assert_text(reply, "text", text);
}

static void results_are_handled_in_the_order_they_came(void **state)
{
	struct buffer frame = results_begin(0, 4);

	(void)state;
	pack_result(&frame, 1, "first");
	pack_refusal(&frame, 2, "not_due");
	pack_result(&frame, 3, "x");
	pack_result(&frame, 3, "y");
	deliver(&frame);
	assert_kept(1, "first");
	assert_kept(2, "not_due");
	assert_kept(3, "y");
}

static void a_result_that_is_half_handled_is_undone_and_the_others_are_kept(void **state)
{
	struct buffer frame = results_begin(0, 3);

	(void)state;
	pack_result(&frame, 1, "one");
	pack_result(&frame, 2, "spoil");
	pack_result(&frame, 3, "three");
	deliver(&frame);
	assert_kept(1, "one");
	assert_kept(2, NULL);
	assert_kept(3, "three");
}

static void a_result_that_makes_no_sense_is_passed_over(void **state)
{
	struct buffer frame = results_begin(0, 6);

	(void)state;
	pack_result(&frame, 1, "one");
	pack_u64(&frame, 5);
	pack_map(&frame, 1);
	pack_number(&frame, "code", 0);
	pack_map(&frame, 2);
	pack_number(&frame, "code", 0);
	pack_number(&frame, "ref", -2);
	pack_map(&frame, 3);
	pack_number(&frame, "code", 0);
	pack_number(&frame, "ref", 5);
	pack_number(&frame, "text", 5);
	pack_result(&frame, 6, "six");
	deliver(&frame);
	assert_kept(1, "one");
	assert_kept(5, NULL);
	assert_kept(6, "six");
}

static void an_error_of_a_newer_peer_is_still_an_error(void **state)
{
	struct buffer frame = results_begin(0, 1);

	(void)state;
	pack_refusal(&frame, 1, "moon_in_the_wrong_house");
	deliver(&frame);
	assert_kept(1, "moon_in_the_wrong_house");
}

static void what_is_no_reply_counts_as_lost(void **state)
{
	struct buffer frames[] = { { 0 }, { 0 }, { 0 }, { 0 }, results_begin(40000, 1) };

	(void)state;
	buffer_append(&frames[0], "\xc1", 1);
	pack_u64(&frames[1], 5);
	pack_map(&frames[2], 1);
	pack_number(&frames[2], "v", 1);
	pack_map(&frames[3], 3);
	pack_number(&frames[3], "v", 1);
	pack_number(&frames[3], "code", 0);
	pack_text(&frames[3], "results", "none");
	pack_result(&frames[4], 1, "x");
	for (size_t i = 0; i < 5; i++)
		deliver(&frames[i]);
	assert_kept(1, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(the_items_of_a_tick_go_out_in_one_frame),
		BENCH_TEST(frames_have_ids_of_their_own),
		BENCH_TEST(items_that_fill_more_than_a_frame_go_out_in_several),
		BENCH_TEST(items_past_what_may_go_out_in_a_tick_are_left_for_a_repeat),
		BENCH_TEST(a_peer_is_up_until_a_message_finds_no_way_and_from_the_next_that_does),
		BENCH_TEST(results_are_handled_in_the_order_they_came),
		BENCH_TEST(a_result_that_is_half_handled_is_undone_and_the_others_are_kept),
		BENCH_TEST(a_result_that_makes_no_sense_is_passed_over),
		BENCH_TEST(an_error_of_a_newer_peer_is_still_an_error),
		BENCH_TEST(what_is_no_reply_counts_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
