#include "orderd_steps.h"

/* The fence at a start: what an earlier run has reserved is learned before orders are made, whatever
 * is lost, doubled or restored from an older copy on the way. */

static int begin_silent(void **state)
{
	int result = shop_begin(state);

	((struct shop *)*state)->fence_silent = true;
	return result;
}

/* Orders of user 1 that are answered and have no record yet. */
static void make_held(struct shop *shop, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ask_create(shop, 'm', 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], count);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), count);
	assert_int_equal(shop->published_count, 0);
}

static void assert_all_there(struct shop *shop, size_t count)
{
	assert_int_equal(orders_of(shop, 1).total, count);
	assert_at_rest(shop);
}

/* --- until stockd is heard ------------------------------------------------------------------ */

static void a_start_without_stockd_takes_no_orders_and_moves_those_it_has(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	shop_settle(shop);
	shop_restart(shop);
	ask_create(shop, 'a', 1, NULL);
	ask_about(shop, 'b', "order.get", order_id + 1);
	ask_status(shop, 'c', order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'a'), 0);
	assert_refused(shop, 'b', "stock_unavailable");
	assert_move(shop, order_id, 2, GOAL_SOLD);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD] + shop->answer_count, 0);
	shop_wait(shop, shop->settings.catalog_timeout_ms);
	assert_refused(shop, 'a', "stock_timeout");
}

static void a_stockd_that_is_away_at_the_start_is_named_as_such(void **state)
{
	struct shop *shop = *state;

	shop->down[STOCKD] = true;
	shop_restart(shop);
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	shop_wait(shop, shop->settings.catalog_timeout_ms);
	assert_refused(shop, 'a', "stock_unavailable");
}

static void the_fence_is_stated_again_until_it_is_answered(void **state)
{
	struct shop *shop = *state;
	size_t before;
	uint64_t epoch;

	shop_restart(shop);
	epoch = shop->fence.epoch;
	shop_tick(shop);
	assert_in_range(shop->wait_ms, 1, 5);
	before = shop->fence_count;
	for (int i = 0; i < 100; i++)
		shop_wait(shop, 100);
	assert_in_range(shop->fence_count - before, 10, 25);
	assert_int_equal(shop->fence.epoch, epoch);
	before = shop->fence_count;
	shop_fence(shop);
	for (int i = 0; i < 100; i++)
		shop_wait(shop, 100);
	assert_int_equal(shop->fence_count, before);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 1);
}

static void orders_that_waited_for_the_fence_go_on_at_once(void **state)
{
	struct shop *shop = *state;

	shop_restart(shop);
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	shop_fence(shop);
	assert_int_equal(shop->wait_ms, 0);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	assert_int_equal(move_sent(shop).epoch, shop->stock_epoch);
}

/* --- page after page ------------------------------------------------------------------------ */

static void lost_and_doubled_pages_lose_and_double_nothing(void **state)
{
	struct shop *shop = *state;
	struct fence first;
	size_t before;

	make_held(shop, 150);
	shop_restart(shop);
	first = shop->fence;
	fence_says(shop);
	fence_says(shop);
	shop_tick(shop);
	assert_int_equal(shop->fence.after, FENCE_PAGE);
	before = shop->fence_count; /* this page is lost */
	shop_wait(shop, 5);
	assert_int_equal(shop->fence_count, before + 1);
	assert_int_equal(shop->fence.after, FENCE_PAGE);
	fence_says(shop);
	shop_tick(shop);
	assert_int_equal(shop->fence.after, 2 * FENCE_PAGE);
	shop->fence = first; /* late */
	fence_says(shop);
	shop_tick(shop);
	assert_int_equal(shop->fence.after, FENCE_PAGE);
	shop_fence(shop);
	shop->fence = first; /* and later */
	fence_says(shop);
	shop_tick(shop);
	assert_all_there(shop, 150);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 151);
}

static void a_crash_between_two_pages_loses_and_doubles_nothing(void **state)
{
	struct shop *shop = *state;

	make_held(shop, 150);
	for (int i = 0; i < 3; i++) {
		shop_restart(shop);
		fence_says(shop);
		shop_tick(shop);
		if (i > 0)
			shop_tick(shop); /* the records of the first page */
	}
	shop_fence(shop);
	assert_all_there(shop, 150);
}

static void what_has_its_record_is_not_listed_again(void **state)
{
	struct shop *shop = *state;

	make_held(shop, 100);
	shop_settle(shop);
	make_held(shop, 1);
	shop_settle(shop);
	shop_restart(shop);
	assert_int_equal(shop->fence.after, 100);
	shop_fence(shop);
	assert_all_there(shop, 101);
}

static void an_order_that_waits_for_its_record_keeps_the_mark_below_it(void **state)
{
	struct shop *shop = *state;
	uint64_t first = make_intent(shop, 'a', NULL);

	make_held(shop, 1);
	shop_settle(shop);
	stock_moves(shop, first, GOAL_HELD);
	shop_restart(shop);
	assert_true(shop->fence.after < first);
	shop_fence(shop);
	assert_all_there(shop, 2);
}

/* --- repeats under a key -------------------------------------------------------------------- */

static void a_repeat_that_comes_before_the_fence_gets_the_order_that_was_made(void **state)
{
	struct shop *shop = *state;
	struct orderd_order told = make_order(shop, 1, "key"), again;

	for (int priced = 0; priced < 2; priced++) {
		shop_restart(shop);
		ask_create(shop, 'a', 1, "key");
		ask_create(shop, 'b', 1, "key");
		shop_tick(shop);
		if (priced) {
			catalog_prices_all(shop);
			shop_tick(shop);
		}
		assert_int_equal(shop->answer_count, 0);
		if (priced == 0)
			continue; /* and orderd crashes once more */
		shop_fence(shop);
		shop_tick(shop);
		again = order_to(shop, 'a');
		assert_int_equal(again.order_id, told.order_id);
		assert_int_equal(again.expires_at, told.expires_at);
		assert_string_equal(again.order_no, told.order_no);
		assert_int_equal(order_to(shop, 'b').order_id, told.order_id);
	}
	shop_settle(shop);
	assert_int_equal(shop->sent_count[STOCKD] + shop->sent_count[CATALOGD], 0);
	assert_all_there(shop, 1);
}

static void a_list_says_until_the_fence_that_it_may_be_incomplete(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, NULL);
	shop_restart(shop); /* the record is not written yet */
	assert_int_equal(orders_of(shop, 1).count, 0);
	assert_true(orders_of(shop, 1).incomplete);
	shop_fence(shop);
	assert_int_equal(orders_of(shop, 1).count, 1);
	assert_false(orders_of(shop, 1).incomplete);
}

static void a_repeat_in_the_tick_of_the_fence_gets_the_order_that_was_made(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order(shop, 1, "key").order_id;

	shop_restart(shop);
	ask_create(shop, 'a', 1, "key");
	fence_says(shop);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	assert_int_equal(order_to(shop, 'b').order_id, order_id);
	assert_all_there(shop, 1);
}

static void ask_other_body(struct shop *shop, char client)
{
	struct orderd_create create = example_create(1, "key");

	create.item_count = 1;
	shop_ask(shop, client, "order.create", &create_record, &create);
}

static void another_body_in_the_tick_of_the_fence_is_a_mismatch(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, "key");
	shop_restart(shop);
	ask_other_body(shop, 'a');
	ask_other_body(shop, 'b');
	fence_says(shop);
	shop_tick(shop);
	assert_refused(shop, 'a', "idempotency_mismatch");
	assert_refused(shop, 'b', "idempotency_mismatch");
	assert_int_equal(shop_parked(shop), 0);
}

static void another_body_that_comes_before_the_fence_is_a_mismatch(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, "key");
	shop_restart(shop);
	ask_other_body(shop, 'a');
	shop_tick(shop);
	ask_other_body(shop, 'b');
	fence_says(shop);
	ask_other_body(shop, 'c');
	shop_tick(shop);
	assert_refused(shop, 'a', "idempotency_mismatch");
	assert_refused(shop, 'b', "idempotency_mismatch");
	assert_refused(shop, 'c', "idempotency_mismatch");
	shop_tick(shop);
	assert_all_there(shop, 1);
}

/* --- restored copies ------------------------------------------------------------------------ */

static void a_restored_orderd_states_an_epoch_above_the_one_that_stands(void **state)
{
	struct shop *shop = *state;

	make_held(shop, 3);
	shop->stock_epoch = shop->fence.epoch + 1000000;
	shop_restart(shop);
	fence_says(shop);
	shop_tick(shop);
	assert_int_equal(shop->fence.epoch, shop->stock_epoch + 1);
	shop_fence(shop);
	assert_all_there(shop, 3);
	make_intent(shop, 'a', NULL);
	assert_int_equal(move_sent(shop).epoch, shop->stock_epoch);
}

static void no_two_starts_state_the_same_epoch_whatever_the_clock_does(void **state)
{
	struct shop *shop = *state;
	uint64_t last = shop->stock_epoch;

	for (int i = 0; i < 4; i++) {
		shop->now_ms += i == 2 ? -INT64_C(86400000) : 0;
		shop_restart(shop);
		shop_fence(shop);
		assert_true(shop->stock_epoch > last);
		last = shop->stock_epoch;
	}
}

static void a_restored_stockd_is_fenced_anew_and_hears_what_it_lost(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");
	uint64_t epoch = shop->stock_epoch;

	shop->stock_epoch = 1;
	peer_says(shop, STOCKD, order_id, OUTCOME_FENCED, NULL, NULL);
	peer_says(shop, STOCKD, order_id, OUTCOME_FENCED, NULL, NULL);
	shop_tick(shop);
	assert_true(shop->fence.epoch > epoch);
	assert_int_equal(answers_to(shop, 'a'), 0);
	shop_fence(shop);
	do {
		shop_wait(shop, 50);
	} while (shop->sent_count[STOCKD] == 0);
	assert_int_equal(move_sent(shop).epoch, shop->stock_epoch);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	assert_all_there(shop, 1);
}

static void a_late_refusal_of_the_old_epoch_takes_nothing_from_a_held_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	peer_says(shop, STOCKD, order_id, OUTCOME_FENCED, NULL, NULL);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	peer_says(shop, STOCKD, order_id, OUTCOME_SUPERSEDED, NULL, NULL);
	stock_says(shop, order_id, 1, GOAL_REFUSED);
	shop_tick(shop);
	stock_moves(shop, order_id, GOAL_HELD);
	assert_int_equal(get_order(shop, order_id).order_id, order_id);
	assert_all_there(shop, 1);
}

/* The two answers come from sockets of their own and may overtake each other. */
static void what_is_given_back_is_not_taken_up_by_an_older_answer(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);
	struct move_reply returned = { order_id, 2, GOAL_RETURNED, 0, 0 };

	stock_moves(shop, order_id, GOAL_HELD); /* and its answer is lost */
	for (int i = 0; i < 200 && answers_to(shop, 'a') == 0; i++)
		shop_wait(shop, 50);
	assert_refused(shop, 'a', "stock_timeout");
	shop_restart(shop);
	peer_says(shop, STOCKD, order_id, OUTCOME_OK, &move_reply_record, &returned);
	shop_tick(shop);
	shop_fence(shop);
	stock_moves(shop, order_id, GOAL_RETURNED);
	for (int i = 0; i < 20; i++) {
		stock_obeys(shop);
		shop_wait(shop, 50);
	}
	ask_about(shop, 'g', "order.get", order_id);
	shop_tick(shop);
	assert_refused(shop, 'g', "order_not_found");
	assert_at_rest(shop);
}

static void ids_go_on_behind_the_highest_that_stockd_has_heard_of(void **state)
{
	struct shop *shop = *state;

	shop->last_heard = 4711;
	shop_restart(shop);
	shop_fence(shop);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 4712);
}

static void an_intent_that_cannot_be_read_stops_nobody(void **state)
{
	struct shop *shop = *state;

	make_held(shop, 3);
	shop->held[1].intent = "no intent";
	shop->held[1].intent_size = 9;
	shop_restart(shop);
	shop_fence(shop);
	assert_all_there(shop, 2);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 4);
}

#define SILENT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_silent, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SILENT_TEST(a_start_without_stockd_takes_no_orders_and_moves_those_it_has),
		SILENT_TEST(a_stockd_that_is_away_at_the_start_is_named_as_such),
		SILENT_TEST(the_fence_is_stated_again_until_it_is_answered),
		SILENT_TEST(orders_that_waited_for_the_fence_go_on_at_once),
		SILENT_TEST(lost_and_doubled_pages_lose_and_double_nothing),
		SILENT_TEST(a_crash_between_two_pages_loses_and_doubles_nothing),
		SILENT_TEST(what_has_its_record_is_not_listed_again),
		SILENT_TEST(an_order_that_waits_for_its_record_keeps_the_mark_below_it),
		SILENT_TEST(a_repeat_that_comes_before_the_fence_gets_the_order_that_was_made),
		SILENT_TEST(a_list_says_until_the_fence_that_it_may_be_incomplete),
		SILENT_TEST(a_repeat_in_the_tick_of_the_fence_gets_the_order_that_was_made),
		SILENT_TEST(another_body_in_the_tick_of_the_fence_is_a_mismatch),
		SILENT_TEST(another_body_that_comes_before_the_fence_is_a_mismatch),
		SILENT_TEST(a_restored_orderd_states_an_epoch_above_the_one_that_stands),
		SILENT_TEST(no_two_starts_state_the_same_epoch_whatever_the_clock_does),
		SILENT_TEST(a_restored_stockd_is_fenced_anew_and_hears_what_it_lost),
		SILENT_TEST(a_late_refusal_of_the_old_epoch_takes_nothing_from_a_held_order),
		SILENT_TEST(what_is_given_back_is_not_taken_up_by_an_older_answer),
		SILENT_TEST(ids_go_on_behind_the_highest_that_stockd_has_heard_of),
		SILENT_TEST(an_intent_that_cannot_be_read_stops_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
