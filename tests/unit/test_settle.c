#include "orderd_steps.h"

/* Payments and cancellations: the order's state is durable first, the stock follows. */

static void assert_status_told(struct shop *shop, char client, enum orderd_status status,
	bool stock_to_follow)
{
	struct orderd_order order = order_to(shop, client);

	assert_string_equal(status_names[order.status], status_names[status]);
	assert_int_equal(order.stock_to_follow, stock_to_follow);
}

static struct saga_info show_saga(struct shop *shop, uint64_t order_id)
{
	struct saga_info info;

	ask_about(shop, 'q', "saga.show", order_id);
	shop_tick(shop);
	answer_read(shop, 'q', &saga_info_record, &info);
	return info;
}

/* Time passes until stockd is told again. */
static void wait_for_repeat(struct shop *shop)
{
	for (int i = 0; i < 200; i++) {
		shop_wait(shop, 50);
		if (shop->sent_count[STOCKD] > 0)
			return;
	}
	fail_msg("nothing was repeated in 10 s");
}

/* --- without stockd ------------------------------------------------------------------------- */

static void a_payment_without_stockd_is_told_that_stock_is_to_follow(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	shop->down[STOCKD] = true;
	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_true(shop->wait_ms <= 250);
	shop_wait(shop, 249);
	assert_int_equal(shop->answer_count, 0);
	shop_wait(shop, 1);
	assert_status_told(shop, 'a', ORDERD_PAID, true);
	assert_true(shop->wait_ms > 0);
	assert_int_equal(shop_parked(shop), 0);
	assert_int_equal(get_order(shop, order_id).status, ORDERD_PAID);
	assert_false(get_order(shop, order_id).stock_to_follow);
}

static void the_stock_follows_when_stockd_is_back(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PAID);

	shop->down[STOCKD] = true;
	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	shop_wait(shop, 250);
	assert_status_told(shop, 'a', ORDERD_CANCELLED, true);
	shop_wait(shop, 60 * 1000);
	shop->down[STOCKD] = false;
	wait_for_repeat(shop);
	assert_move(shop, order_id, 3, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_at_rest(shop);
}

static void with_no_settle_wait_the_answer_comes_with_the_next_tick(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	shop->monotonic_ms = 1000;
	shop->settings.settle_wait_ms = 0;
	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	assert_int_equal(shop->wait_ms, 0);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_CANCELLED, true);
}

static void a_confirmation_in_the_tick_of_giving_up_waiting_is_told_as_such(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	stock_obeys(shop);
	shop_wait(shop, 250);
	assert_status_told(shop, 'a', ORDERD_PAID, false);
	assert_at_rest(shop);
}

static void an_expiry_waits_for_nobody(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);
	struct order_due_reply reply;

	shop->down[STOCKD] = true;
	shop->now_ms += shop->settings.payment_timeout_ms;
	ask_about(shop, 'a', "order.expire", order_id);
	shop_tick(shop);
	answer_read(shop, 'a', &order_due_reply_record, &reply);
	assert_int_equal(reply.status, ORDERD_CANCELLED);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	wait_for_repeat(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_at_rest(shop);
}

/* --- doubled, late, wrong ------------------------------------------------------------------- */

static void confirmations_may_come_twice(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_PAID, false);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count + shop->published_count, 0);
	assert_at_rest(shop);
}

static void what_stockd_cannot_do_now_is_tried_again(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);
	struct saga_info info;

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	peer_says(shop, STOCKD, order_id, OUTCOME_STORAGE_FULL, NULL, NULL);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	info = show_saga(shop, order_id);
	assert_int_equal(info.step, SAGA_COMMITTING);
	assert_int_equal(info.version, 2);
	assert_int_equal(info.attempts, 2);
	assert_string_equal(info.last_error, "storage_full");
	assert_true(info.next_try_at > shop->now_ms);
	assert_true(info.next_try_at <= shop->now_ms + 5000);
	wait_for_repeat(shop);
	assert_move(shop, order_id, 2, GOAL_SOLD);
}

static void a_state_stockd_should_not_be_in_is_shown_and_tried_again(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	stock_says(shop, order_id, 2, GOAL_HELD);
	shop_tick(shop);
	assert_string_equal(show_saga(shop, order_id).last_error, "superseded");
	wait_for_repeat(shop);
	assert_move(shop, order_id, 2, GOAL_SOLD);
}

/* As after a restore of orderd's store from an older copy. */
static void a_goal_is_stated_above_the_version_that_stockd_has(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_says(shop, order_id, 5, GOAL_SOLD);
	stock_says(shop, order_id, 5, GOAL_SOLD);
	shop_tick(shop);
	assert_move(shop, order_id, 6, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_CANCELLED, false);
	assert_at_rest(shop);
}

/* --- overtaken ------------------------------------------------------------------------------ */

static void a_cancellation_overtakes_a_payment_that_stockd_has_not_confirmed(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	ask_cancel(shop, 'b', order_id);
	shop_tick(shop);
	assert_move(shop, order_id, 3, GOAL_RETURNED);
	assert_true(order_to(shop, 'a').stock_to_follow);
	assert_int_equal(answers_to(shop, 'b'), 0);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(show_saga(shop, order_id).attempts, 1);
	stock_says(shop, order_id, 3, GOAL_RETURNED);
	shop_tick(shop);
	assert_status_told(shop, 'b', ORDERD_CANCELLED, false);
	assert_int_equal(answers_to(shop, 'a'), 0);
	assert_at_rest(shop);
}

static void payment_and_cancellation_in_one_tick_are_both_answered(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	shop_settle(shop);
	ask_status(shop, 'a', order_id, ORDERD_PAID);
	ask_cancel(shop, 'b', order_id);
	shop_tick(shop);
	assert_true(order_to(shop, 'a').stock_to_follow);
	assert_int_equal(shop->published_count, 2);
	stock_says(shop, order_id, 3, GOAL_RETURNED);
	shop_tick(shop);
	assert_status_told(shop, 'b', ORDERD_CANCELLED, false);
	assert_at_rest(shop);
}

static void a_cancellation_in_the_tick_of_giving_up_on_the_payment_is_answered(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	ask_cancel(shop, 'b', order_id);
	shop_wait(shop, 250);
	assert_int_equal(answers_to(shop, 'a'), 1);
	if (answers_to(shop, 'b') == 0)
		shop_wait(shop, 250);
	assert_status_told(shop, 'b', ORDERD_CANCELLED, true);
	assert_int_equal(shop_parked(shop), 0);
}

static void a_cancellation_in_the_tick_of_the_payments_confirmation_is_answered(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	ask_cancel(shop, 'b', order_id);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_PAID, false);
	assert_move(shop, order_id, 3, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_status_told(shop, 'b', ORDERD_CANCELLED, false);
	assert_at_rest(shop);
}

static void of_two_cancellations_in_one_tick_one_wins(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_cancel(shop, 'a', order_id);
	ask_cancel(shop, 'b', order_id);
	shop_tick(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	assert_refused(shop, 'b', "invalid_transition");
	stock_obeys(shop);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_CANCELLED, false);
	assert_at_rest(shop);
}

static void shipping_does_not_wait_for_the_sale_to_be_confirmed(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	ask_status(shop, 'b', order_id, ORDERD_SHIPPED);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').status, ORDERD_SHIPPED);
	stock_says(shop, order_id, 2, GOAL_SOLD);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'a'), 1);
	assert_int_equal(get_order(shop, order_id).status, ORDERD_SHIPPED);
	assert_at_rest(shop);
}

/* --- many ----------------------------------------------------------------------------------- */

static void many_cancellations_are_answered_together_when_the_last_is_settled(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.cancel", 1);
	uint64_t first = make_order_in(shop, ORDERD_PENDING);
	uint64_t second = make_order_in(shop, ORDERD_PAID);
	const struct value *results;

	pack_str(&frame, "orders");
	pack_array(&frame, 3);
	for (uint64_t i = 0; i < 3; i++) {
		pack_map(&frame, 2);
		pack_number(&frame, "ref", (int64_t)(40 + i));
		pack_number(&frame, "order_id", (int64_t)(first + i));
	}
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	stock_says(shop, second, 3, GOAL_RETURNED);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	shop_wait(shop, 250);
	results = list_of(answer_to(shop, 'a'), "results", 3);
	assert_true(value_find(&results[0], "stock_to_follow")->boolean);
	assert_null(value_find(&results[1], "stock_to_follow"));
	assert_error(&results[2], "order_not_found");
	assert_int_equal(number_of(&results[2], "ref"), 42);
	stock_says(shop, first, 2, GOAL_RETURNED);
	shop_tick(shop);
	assert_at_rest(shop);
}

/* --- what an operator sees and does --------------------------------------------------------- */

static void open_sagas_are_listed_in_pages(void **state)
{
	struct shop *shop = *state;
	struct range range = { .limit = 2 };
	struct saga_list list;
	uint64_t ids[3];

	for (int i = 0; i < 3; i++)
		ids[i] = make_order_in(shop, ORDERD_PENDING);
	for (int i = 0; i < 3; i++)
		ask_cancel(shop, 'a', ids[i]);
	shop_tick(shop);
	shop_ask(shop, 'q', "saga.list", &range_record, &range);
	shop_tick(shop);
	answer_read(shop, 'q', &saga_list_record, &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.sagas[1].order_id, ids[1]);
	assert_int_equal(list.sagas[1].step, SAGA_RETURNING);
	assert_int_equal(list.sagas[1].created_at, shop->now_ms);
	range.after = list.next;
	shop_ask(shop, 'q', "saga.list", &range_record, &range);
	shop_tick(shop);
	answer_read(shop, 'q', &saga_list_record, &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.sagas[0].order_id, ids[2]);
	assert_int_equal(list.next, 0);
}

static void a_retry_asked_for_is_made_at_once(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);

	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	ask_about(shop, 'q', "saga.retry", order_id);
	shop_tick(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	assert_int_equal(number_of(answer_to(shop, 'q'), "code"), 0);
	stock_obeys(shop);
	shop_tick(shop);
	assert_status_told(shop, 'a', ORDERD_CANCELLED, false);
	ask_about(shop, 'q', "saga.retry", order_id);
	ask_about(shop, 'r', "saga.show", order_id);
	shop_tick(shop);
	assert_refused(shop, 'q', "saga_not_found");
	assert_refused(shop, 'r', "saga_not_found");
}

static void health_counts_open_sagas(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);
	struct health health;

	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	shop->now_ms += 1000;
	shop_ask(shop, 'h', "health", &empty_record, "");
	shop_tick(shop);
	answer_read(shop, 'h', &health_record, &health);
	assert_int_equal(health.open_sagas, 1);
	assert_int_equal(health.oldest_saga_at, NOW_MS);
	assert_int_equal(health.backlog, 1);
	assert_string_equal(health.name, "orderd");
	assert_true(health.ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_payment_without_stockd_is_told_that_stock_is_to_follow),
		SHOP_TEST(the_stock_follows_when_stockd_is_back),
		SHOP_TEST(with_no_settle_wait_the_answer_comes_with_the_next_tick),
		SHOP_TEST(a_confirmation_in_the_tick_of_giving_up_waiting_is_told_as_such),
		SHOP_TEST(an_expiry_waits_for_nobody),
		SHOP_TEST(confirmations_may_come_twice),
		SHOP_TEST(what_stockd_cannot_do_now_is_tried_again),
		SHOP_TEST(a_state_stockd_should_not_be_in_is_shown_and_tried_again),
		SHOP_TEST(a_goal_is_stated_above_the_version_that_stockd_has),
		SHOP_TEST(a_cancellation_overtakes_a_payment_that_stockd_has_not_confirmed),
		SHOP_TEST(payment_and_cancellation_in_one_tick_are_both_answered),
		SHOP_TEST(a_cancellation_in_the_tick_of_giving_up_on_the_payment_is_answered),
		SHOP_TEST(a_cancellation_in_the_tick_of_the_payments_confirmation_is_answered),
		SHOP_TEST(of_two_cancellations_in_one_tick_one_wins),
		SHOP_TEST(shipping_does_not_wait_for_the_sale_to_be_confirmed),
		SHOP_TEST(many_cancellations_are_answered_together_when_the_last_is_settled),
		SHOP_TEST(open_sagas_are_listed_in_pages),
		SHOP_TEST(a_retry_asked_for_is_made_at_once),
		SHOP_TEST(health_counts_open_sagas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
