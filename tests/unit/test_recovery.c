#include "orderd_steps.h"

/* Ends and beginnings at every step of the Saga, on the same store. */

static void a_request_that_was_being_priced_is_gone_without_a_trace(void **state)
{
	struct shop *shop = *state;

	ask_create(shop, 'a', 1, "key");
	shop_tick(shop);
	shop_restart(shop);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->sent_count[STOCKD], 0);
	assert_at_rest(shop);
	assert_int_equal(make_order(shop, 1, "key").order_id, 1);
}

static void prices_asked_for_before_a_restart_are_not_taken_for_others(void **state)
{
	struct shop *shop = *state;
	struct orderd_line line = { .book_id = 2, .quantity = 9 };
	struct orderd_create create = { .user_id = 1, .items = &line, .item_count = 1 };
	const struct value *question;

	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	question = shop->sent[CATALOGD][0];
	shop->now_ms += 1;
	shop_restart(shop);
	shop_ask(shop, 'b', "order.create", &create_record, &create);
	shop_tick(shop);
	catalog_prices(shop, question);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 0);
}

static void an_order_that_stockd_did_not_hear_of_is_gone_without_a_trace(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	shop_restart(shop);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->sent_count[STOCKD], 0);
	assert_at_rest(shop);
	ask_about(shop, 'g', "order.get", order_id);
	shop_tick(shop);
	assert_refused(shop, 'g', "order_not_found");
	assert_int_equal(make_order(shop, 1, "key").order_id, order_id);
}

static void what_stockd_holds_is_taken_up_and_becomes_the_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	stock_moves(shop, order_id, GOAL_HELD);
	shop_restart(shop);
	assert_int_equal(shop->sent_count[STOCKD], 0);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(shop->published_count, 1);
	assert_int_equal(get_order(shop, order_id).total, 25700);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').order_id, order_id);
	assert_at_rest(shop);
}

static void what_stockd_has_refused_before_a_restart_leaves_nothing(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	stock_moves(shop, order_id, GOAL_REFUSED);
	shop_restart(shop);
	assert_at_rest(shop);
	assert_int_equal(make_order(shop, 1, "key").order_id, order_id + 1);
}

static void an_order_answered_before_its_record_outlives_a_crash_as_it_was_told(void **state)
{
	struct shop *shop = *state;
	struct orderd_order told = make_order(shop, 1, "key");
	const struct value *answer = answer_to(shop, 'm'), *again;

	shop->now_ms += 60000;
	shop_restart(shop);
	ask_create(shop, 'm', 1, "key");
	shop_tick(shop);
	again = answer_to(shop, 'm');
	assert_int_equal(again->raw_size, answer->raw_size);
	assert_memory_equal(again->raw, answer->raw, answer->raw_size);
	assert_string_equal(get_order(shop, told.order_id).order_no, told.order_no);
	move_order(shop, told.order_id, ORDERD_PAID);
	assert_at_rest(shop);
}

static void a_held_order_given_up_before_a_restart_is_not_made_after_it(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	shop_wait(shop, shop->settings.stock_timeout_ms);
	assert_refused(shop, 'a', "stock_timeout");
	stock_moves(shop, order_id, GOAL_HELD);
	shop_restart(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(shop->published_count, 0);
	assert_at_rest(shop);
	assert_int_equal(make_order(shop, 1, "key").order_id, order_id + 1);
}

static void a_compensation_goes_on_after_a_restart(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	shop_wait(shop, shop->settings.stock_timeout_ms);
	assert_refused(shop, 'a', "stock_timeout");
	shop_restart(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	shop_wait(shop, 5000);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_at_rest(shop);
	shop_restart(shop);
	assert_int_equal(shop->sent_count[STOCKD], 0);
}

static void a_payment_is_settled_after_a_restart(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	shop_restart(shop);
	assert_move(shop, order_id, 2, GOAL_SOLD);
	assert_int_equal(get_order(shop, order_id).status, ORDERD_PAID);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_at_rest(shop);
}

static void a_cancellation_over_an_open_payment_is_settled_after_a_restart(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	shop_restart(shop);
	assert_move(shop, order_id, 3, GOAL_RETURNED);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	stock_says(shop, order_id, 3, GOAL_RETURNED);
	shop_tick(shop);
	assert_at_rest(shop);
}

static void at_rest_a_restart_says_nothing_and_loses_nothing(void **state)
{
	struct shop *shop = *state;
	struct orderd_order before = make_order(shop, 1, NULL), after;

	shop_restart(shop);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->sent_count[STOCKD], 0);
	after = make_order(shop, 1, NULL);
	assert_int_equal(after.order_id, before.order_id + 1);
	assert_string_not_equal(after.order_no, before.order_no);
	shop_settle(shop);
	assert_int_equal(shop->published[0].seq, 2);
	assert_string_equal(get_order(shop, before.order_id).order_no, before.order_no);
}

static void every_held_order_is_taken_up_page_after_page(void **state)
{
	struct shop *shop = *state;
	size_t asked, published;

	for (uint64_t i = 0; i < 200; i++)
		ask_create(shop, (char)(1 + i % 100), 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 200);
	for (uint64_t i = 1; i <= 200; i++)
		stock_moves(shop, i, GOAL_HELD);
	asked = shop->fence_count;
	shop_restart(shop);
	assert_int_equal(shop->fence_count - asked, 4);
	published = shop->published_count;
	shop_tick(shop);
	assert_int_equal(published + shop->published_count, 200);
	for (uint64_t i = 1; i <= 200; i++)
		assert_int_equal(get_order(shop, i).order_id, i);
	assert_at_rest(shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_request_that_was_being_priced_is_gone_without_a_trace),
		SHOP_TEST(prices_asked_for_before_a_restart_are_not_taken_for_others),
		SHOP_TEST(an_order_that_stockd_did_not_hear_of_is_gone_without_a_trace),
		SHOP_TEST(what_stockd_holds_is_taken_up_and_becomes_the_order),
		SHOP_TEST(what_stockd_has_refused_before_a_restart_leaves_nothing),
		SHOP_TEST(an_order_answered_before_its_record_outlives_a_crash_as_it_was_told),
		SHOP_TEST(a_held_order_given_up_before_a_restart_is_not_made_after_it),
		SHOP_TEST(a_compensation_goes_on_after_a_restart),
		SHOP_TEST(a_payment_is_settled_after_a_restart),
		SHOP_TEST(a_cancellation_over_an_open_payment_is_settled_after_a_restart),
		SHOP_TEST(at_rest_a_restart_says_nothing_and_loses_nothing),
		SHOP_TEST(every_held_order_is_taken_up_page_after_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
