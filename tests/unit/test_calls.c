#include "toy_bench.h"

#include "calls.h"

/* The table of requests in hand, by itself. */

static struct calls *calls;

static int begin(void **state)
{
	(void)state;
	calls = calls_new();
	return calls ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	calls_free(calls);
	return 0;
}

static struct call call_from(char client, uint32_t count)
{
	static struct call_part parts[MANY_MAX];
	struct call call = {
		.route = { .identity_size = 1 },
		.id = { 0x07 },
		.id_size = 1,
		.many = count > 1,
		.count = count,
		.left = count,
		.parts = count > 1 ? parts : NULL,
	};

	call.route.identity[0] = (uint8_t)client;
	return call;
}

static struct call *keep(char client, uint32_t count)
{
	struct call call = call_from(client, count);

	return calls_keep(calls, &call);
}

static bool room_for(char client, uint32_t count, enum access access)
{
	struct call call = call_from(client, count);

	return calls_have_room(calls, &call.route, count, access);
}

/* --- the table ------------------------------------------------------------------------------ */

static void a_call_that_is_kept_is_found_under_its_number(void **state)
{
	struct call *one = keep('a', 1), *other = keep('a', 1);

	(void)state;
	assert_non_null(one);
	assert_non_null(other);
	assert_int_not_equal(one->number, 0);
	assert_int_not_equal(one->number, other->number);
	assert_ptr_equal(calls_find(calls, one->number), one);
	assert_ptr_equal(calls_find(calls, other->number), other);
	assert_null(calls_find(calls, 0));
	assert_null(calls_find(calls, one->number + CALLS_MAX));
}

static void a_call_that_is_gone_is_not_found_even_when_its_place_is_taken(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * CALLS_MAX; i++) {
		struct call *call = keep('a', 1);
		uint64_t number = call->number;

		calls_drop(calls, call);
		assert_null(calls_find(calls, number));
		call = keep('a', 1);
		assert_int_not_equal(call->number, number);
		assert_null(calls_find(calls, number));
		calls_drop(calls, call);
	}
	assert_int_equal(calls_in_hand(calls), 0);
}

static void a_kept_call_has_parts_of_its_own(void **state)
{
	struct call call = call_from('a', 2);
	struct call_part parts[2] = { { .ref = 5, .has_ref = true } };
	struct call *kept;

	(void)state;
	call.parts = parts;
	kept = calls_keep(calls, &call);
	parts[0].ref = 6;
	assert_int_equal(kept->parts[0].ref, 5);
	assert_int_equal(calls_in_hand(calls), 2);
	kept->parts[1].at = malloc(10);
	calls_drop(calls, kept);
	assert_int_equal(calls_in_hand(calls), 0);
}

static void a_full_table_keeps_no_more(void **state)
{
	struct call *last = NULL;

	(void)state;
	for (int i = 0; i < CALLS_MAX; i++) {
		last = keep((char)(i % 100), 1);
		assert_non_null(last);
	}
	assert_null(keep('a', 1));
	assert_false(room_for('z', 1, ACCESS_SETTLE));
	calls_drop(calls, last);
	assert_non_null(keep('a', 1));
}

/* --- room ----------------------------------------------------------------------------------- */

static void a_connection_has_room_for_256_parts(void **state)
{
	struct call *kept;

	(void)state;
	assert_true(room_for('a', 256, ACCESS_SETTLE));
	assert_false(room_for('a', 257, ACCESS_SETTLE));
	kept = keep('a', 200);
	assert_true(room_for('a', 56, ACCESS_GROW));
	assert_false(room_for('a', 57, ACCESS_GROW));
	assert_true(room_for('b', 256, ACCESS_GROW));
	calls_drop(calls, kept);
	assert_true(room_for('a', 256, ACCESS_GROW));
}

static void a_quarter_of_the_room_is_kept_for_what_settles(void **state)
{
	(void)state;
	for (int i = 0; i < CALLS_MAX_GROW / 256; i++)
		keep((char)i, 256);
	assert_int_equal(calls_in_hand(calls), CALLS_MAX_GROW);
	assert_int_equal(CALLS_MAX_GROW, CALLS_MAX * 3 / 4);
	assert_false(room_for('z', 1, ACCESS_GROW));
	assert_true(room_for('z', 256, ACCESS_SETTLE));
	for (int i = CALLS_MAX_GROW / 256; i < CALLS_MAX / 256; i++)
		keep((char)i, 256);
	assert_false(room_for('z', 1, ACCESS_SETTLE));
}

/* --- room, over the wire -------------------------------------------------------------------- */

/* Parks so many calls of that client. */
static void park(char client, const char *op, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		queue_toy(client, op, 1, NULL);
	bench_tick();
}

static void a_connection_past_its_room_is_busy_and_the_others_are_not(void **state)
{
	const struct value *reply;

	(void)state;
	park('a', "toy.wait", 256);
	assert_int_equal(bench->told_count, 0);
	park('a', "toy.wait_settling", 1);
	reply = reply_to('a');
	assert_error(reply, "busy");
	assert_int_equal(number_of(reply, "code"), 42900);
	assert_true(number_of(reply, "retry_after_ms") > 0);
	park('b', "toy.wait", 1);
	assert_int_equal(bench->told_count, 0);
	assert_int_equal(parked(), 257);
	queue_toy('a', "toy.get", 1, NULL);
	bench_tick();
	assert_error(reply_to('a'), "book_not_found");
	assert_good(ask_toy("toy.wake", 0, NULL));
	park('a', "toy.wait", 1);
	assert_int_equal(told_to('a'), 0);
}

static void new_work_is_busy_first_and_then_everything(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++)
		park((char)('A' + i), "toy.wait", 256);
	assert_int_equal(parked(), CALLS_MAX_GROW);
	park('z', "toy.wait", 1);
	assert_error(reply_to('z'), "busy");
	for (int i = 12; i < 16; i++)
		park((char)('A' + i), "toy.wait_settling", 256);
	assert_int_equal(parked(), CALLS_MAX);
	park('z', "toy.wait_settling", 1);
	assert_error(reply_to('z'), "busy");
	assert_good(ask_toy("toy.put", 1, "x"));
	for (uint64_t i = 0; i < CALLS_MAX; i++) {
		queue_toy('q', "toy.wake", i, NULL);
		if (bench->queued == EVENTS_MAX / 2)
			bench_tick();
	}
	assert_int_equal(parked(), 0);
}

static void many_parts_are_taken_whole_or_not_at_all(void **state)
{
	struct buffer frame = many_begin("toy.wait", 100);

	(void)state;
	park('a', "toy.wait", 157);
	for (uint64_t i = 0; i < 100; i++)
		pack_toy(&frame, i, 1);
	queue_frame('a', &frame);
	bench_tick();
	assert_error(reply_to('a'), "busy");
	assert_null(value_find(reply_to('a'), "results"));
	assert_int_equal(parked(), 157);
	assert_int_equal(bench->state->count, 157);
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(a_call_that_is_kept_is_found_under_its_number),
		TABLE_TEST(a_call_that_is_gone_is_not_found_even_when_its_place_is_taken),
		TABLE_TEST(a_kept_call_has_parts_of_its_own),
		TABLE_TEST(a_full_table_keeps_no_more),
		TABLE_TEST(a_connection_has_room_for_256_parts),
		TABLE_TEST(a_quarter_of_the_room_is_kept_for_what_settles),
		BENCH_TEST(a_connection_past_its_room_is_busy_and_the_others_are_not),
		BENCH_TEST(new_work_is_busy_first_and_then_everything),
		BENCH_TEST(many_parts_are_taken_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
