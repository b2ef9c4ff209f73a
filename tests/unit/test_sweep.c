#include "sweep_fixture.h"

/* When reaperd proposes what, and what it says of itself. */

static void an_order_is_proposed_at_its_deadline_and_no_earlier(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 300, 17);
	tick_at(bench, 0);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, 300);
	tick_at(bench, 299);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, 1);
	tick_at(bench, 300);
	assert_proposed(bench, 17);
}

static void it_sleeps_half_a_second_when_nothing_is_near(void **state)
{
	struct bench *bench = *state;

	tick_at(bench, 0);
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	deadline_put(bench, 60000, 17);
	tick_at(bench, 10);
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	assert_int_equal(bench->frames, 0);
}

static void what_is_in_flight_is_not_proposed_again(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 0, 17);
	tick_at(bench, 0);
	assert_proposed(bench, 17);
	tick_at(bench, 5);
	assert_int_equal(bench->count, 0);
	tick_at(bench, 500);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, SWEEP_AGAIN_MS - 500);
}

static void what_is_not_answered_is_proposed_again(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 0, 17);
	tick_at(bench, 0);
	tick_at(bench, SWEEP_AGAIN_MS - 1);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, 1);
	tick_at(bench, SWEEP_AGAIN_MS);
	assert_proposed(bench, 17);
	tick_at(bench, SWEEP_AGAIN_MS + 1);
	assert_int_equal(bench->count, 0);
}

static void a_settled_order_is_done(void **state)
{
	struct bench *bench = *state;
	uint64_t order_id = 17;

	deadline_put(bench, 0, order_id);
	tick_at(bench, 0);
	deadline_delete(bench, 0, order_id);
	tick_with_answers(bench, 2, &order_id, 1, 0, NULL);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	tick_at(bench, 5000);
	assert_int_equal(bench->count, 0);
}

static void an_order_that_orderd_will_not_settle_yet_is_left_alone_for_a_second(void **state)
{
	struct bench *bench = *state;
	uint64_t order_id = 17;

	deadline_put(bench, 0, order_id);
	tick_at(bench, 0);
	tick_with_answers(bench, 600, &order_id, 1, 40900, "not_due");
	tick_at(bench, 601);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	tick_at(bench, 600 + SWEEP_AGAIN_MS - 1);
	assert_int_equal(bench->count, 0);
	tick_at(bench, 600 + SWEEP_AGAIN_MS);
	assert_proposed(bench, 17);
}

static void a_deadline_without_an_order_makes_no_hot_loop(void **state)
{
	struct bench *bench = *state;
	uint64_t order_id = 17;

	deadline_put(bench, 0, order_id);
	tick_at(bench, 0);
	tick_with_answers(bench, 1, &order_id, 1, 0, NULL);
	for (int64_t now_ms = 2; now_ms < SWEEP_AGAIN_MS; now_ms += 50) {
		tick_at(bench, now_ms);
		assert_int_equal(bench->count, 0);
	}
}

static void orders_that_are_due_together_go_in_one_frame(void **state)
{
	struct bench *bench = *state;

	deadlines_change(bench, true, 100, 1, 300);
	tick_at(bench, 100);
	assert_int_equal(bench->count, 300);
	assert_int_equal(bench->frames, 1);
	for (uint64_t i = 0; i < bench->count; i++)
		assert_int_equal(bench->proposed[i], i + 1);
}

static void a_backlog_is_worked_off_in_batches_within_the_window(void **state)
{
	struct bench *bench = *state;
	uint64_t first[SWEEP_BATCH];

	deadlines_change(bench, true, -5, 1, SWEEP_WINDOW + 500);
	for (int64_t now_ms = 0; now_ms < SWEEP_WINDOW / SWEEP_BATCH; now_ms++) {
		tick_at(bench, now_ms);
		assert_int_equal(bench->count, SWEEP_BATCH);
		assert_int_equal(bench->proposed[0], 1 + now_ms * SWEEP_BATCH);
		if (now_ms < SWEEP_WINDOW / SWEEP_BATCH - 1)
			assert_int_equal(bench->wait_ms, 1);
	}
	assert_int_equal(bench->wait_ms, SWEEP_FULL_MS);
	tick_at(bench, 20);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, SWEEP_FULL_MS);

	for (uint64_t i = 0; i < SWEEP_BATCH; i++)
		first[i] = i + 1;
	deadlines_change(bench, false, -5, 1, SWEEP_BATCH);
	tick_with_answers(bench, 21, first, SWEEP_BATCH, 0, NULL);
	assert_int_equal(bench->count, 500);
	assert_int_equal(bench->proposed[0], SWEEP_WINDOW + 1);
}

static void orderd_being_away_is_survived(void **state)
{
	struct bench *bench = *state;

	deadlines_change(bench, true, 0, 1, 50);
	bench->absent = true;
	tick_at(bench, 0);
	assert_int_equal(bench->count, 50);
	for (int64_t now_ms = 10; now_ms < 5000; now_ms += SWEEP_ABSENT_MS) {
		tick_at(bench, now_ms);
		assert_proposed(bench, 1);
		assert_int_equal(bench->wait_ms, SWEEP_ABSENT_MS);
	}
	bench->absent = false;
	tick_at(bench, 5010);
	assert_proposed(bench, 1);
	tick_at(bench, 5020);
	assert_int_equal(bench->count, 49);
	assert_int_equal(bench->proposed[0], 2);
}

static void a_store_that_is_not_there_is_waited_for(void **state)
{
	struct bench *bench = *state;
	const struct value *health = health_at(bench, 0);

	assert_false(value_find(health, "ready")->boolean);
	assert_text(health, "reason", "orderd's store is not there yet; is orderd started?");
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	store_make(bench);
	deadline_put(bench, 0, 17);
	tick_at(bench, 500);
	assert_proposed(bench, 17);
	assert_true(value_find(health_at(bench, 501), "ready")->boolean);
}

static void a_clock_set_back_makes_it_wait(void **state)
{
	struct bench *bench = *state;
	uint64_t order_id = 17;

	deadline_put(bench, 100, order_id);
	tick_at(bench, 99);
	bench->moved_ms = -3600000;
	tick_at(bench, 100);
	assert_int_equal(bench->count, 0);
	assert_int_equal(bench->wait_ms, SWEEP_IDLE_MS);
	tick_at(bench, 3600099);
	assert_int_equal(bench->count, 0);
	tick_at(bench, 3600100);
	assert_proposed(bench, order_id);
}

static void a_clock_set_forward_forgets_what_is_in_flight(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 0, 17);
	deadline_put(bench, 86400000, 18);
	tick_at(bench, 0);
	assert_proposed(bench, 17);
	bench->moved_ms = 2 * 86400000;
	tick_at(bench, 1);
	assert_int_equal(bench->count, 2);
	tick_at(bench, 2);
	assert_int_equal(bench->count, 0);
}

static void a_clock_that_is_slewed_is_no_jump(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 0, 17);
	tick_at(bench, 0);
	assert_proposed(bench, 17);
	for (int64_t now_ms = 100; now_ms < SWEEP_AGAIN_MS; now_ms += 100) {
		bench->moved_ms += SWEEP_CLOCK_MS;
		tick_at(bench, now_ms);
		assert_int_equal(bench->count, 0);
	}
}

static void health_tells_the_next_deadline(void **state)
{
	struct bench *bench = *state;
	const struct value *health = health_at(bench, 0);

	assert_true(value_find(health, "ready")->boolean);
	assert_null(value_find(health, "next_deadline_at"));
	assert_null(value_find(health, "reason"));
	deadline_put(bench, 5000, 17);
	deadline_put(bench, 4000, 18);
	assert_int_equal(number_of(health_at(bench, 1), "next_deadline_at"), NOW_MS + 4000);
}

static void health_tells_that_orderd_does_not_answer(void **state)
{
	struct bench *bench = *state;
	uint64_t order_id = 17;

	deadline_put(bench, 0, order_id);
	tick_at(bench, 0);
	assert_null(value_find(health_at(bench, 900), "reason"));
	for (int64_t now_ms = 1000; now_ms < 7000; now_ms += 500)
		tick_at(bench, now_ms);
	assert_text(health_at(bench, 7000), "reason", "orderd has not answered for 7 s");
	deadline_delete(bench, 0, order_id);
	tick_with_answers(bench, 7001, &order_id, 1, 0, NULL);
	assert_null(value_find(health_at(bench, 9000), "reason"));
}

static void silence_about_what_is_no_longer_due_is_no_trouble(void **state)
{
	struct bench *bench = *state;

	deadline_put(bench, 0, 17);
	tick_at(bench, 0);
	deadline_delete(bench, 0, 17);
	tick_at(bench, 500);
	assert_null(value_find(health_at(bench, 9000), "reason"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_order_is_proposed_at_its_deadline_and_no_earlier),
		TEST(it_sleeps_half_a_second_when_nothing_is_near),
		TEST(what_is_in_flight_is_not_proposed_again),
		TEST(what_is_not_answered_is_proposed_again),
		TEST(a_settled_order_is_done),
		TEST(an_order_that_orderd_will_not_settle_yet_is_left_alone_for_a_second),
		TEST(a_deadline_without_an_order_makes_no_hot_loop),
		TEST(orders_that_are_due_together_go_in_one_frame),
		TEST(a_backlog_is_worked_off_in_batches_within_the_window),
		TEST(orderd_being_away_is_survived),
		cmocka_unit_test_setup_teardown(a_store_that_is_not_there_is_waited_for,
			begin_without_store, end),
		TEST(a_clock_set_back_makes_it_wait),
		TEST(a_clock_set_forward_forgets_what_is_in_flight),
		TEST(a_clock_that_is_slewed_is_no_jump),
		TEST(health_tells_the_next_deadline),
		TEST(health_tells_that_orderd_does_not_answer),
		TEST(silence_about_what_is_no_longer_due_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
