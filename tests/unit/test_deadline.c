#include "orderd_steps.h"

/* Deadlines: exact to the millisecond, decided by orderd alone. */

static int64_t next_deadline(struct shop *shop)
{
	struct health health;

	shop_ask(shop, 'h', "health", &empty_record, "");
	shop_tick(shop);
	answer_read(shop, 'h', &health_record, &health);
	return health.next_deadline_at;
}

static void an_order_is_not_paid_at_its_deadline_but_just_before(void **state)
{
	struct shop *shop = *state;
	struct orderd_order late = make_order(shop, 1, NULL);
	struct orderd_order in_time = make_order(shop, 1, NULL);

	shop->now_ms = in_time.expires_at - 1;
	ask_status(shop, 'b', in_time.order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_move(shop, in_time.order_id, 2, GOAL_SOLD);
	shop->now_ms = late.expires_at;
	ask_status(shop, 'a', late.order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_refused(shop, 'a', "order_expired");
	assert_int_equal(get_order(shop, late.order_id).status, ORDERD_PENDING);
}

static void an_order_expires_at_its_deadline_and_not_before(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);
	struct order_due_reply reply;

	shop_settle(shop);
	assert_int_equal(next_deadline(shop), order.expires_at);
	shop->now_ms = order.expires_at - 1;
	ask_about(shop, 'a', "order.expire", order.order_id);
	shop_tick(shop);
	assert_refused(shop, 'a', "not_due");
	shop->now_ms = order.expires_at;
	ask_about(shop, 'a', "order.expire", order.order_id);
	shop_tick(shop);
	answer_read(shop, 'a', &order_due_reply_record, &reply);
	assert_int_equal(reply.status, ORDERD_CANCELLED);
	assert_move(shop, order.order_id, 2, GOAL_RETURNED);
	assert_int_equal(next_deadline(shop), 0);
}

/* However long its stock took. */
static void an_orders_time_runs_from_its_making(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");
	struct orderd_order order;

	shop->now_ms += INT64_C(3600) * 1000;
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(shop->published_count, 1);
	order = order_to(shop, 'a');
	assert_int_equal(order.expires_at, shop->now_ms + shop->settings.payment_timeout_ms);
	assert_int_equal(next_deadline(shop), order.expires_at);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').expires_at, order.expires_at);
	shop_restart(shop);
	assert_int_equal(get_order(shop, order_id).expires_at, order.expires_at);
}

/* What its client was told stands, whatever the clock did before orderd was there again. */
static void an_order_taken_up_after_a_restart_has_the_deadline_it_was_told_with(void **state)
{
	struct shop *shop = *state;
	struct orderd_order told = make_order(shop, 1, "key");

	shop->now_ms += INT64_C(3600) * 1000;
	shop_restart(shop);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').expires_at, told.expires_at);
	assert_int_equal(get_order(shop, told.order_id).expires_at, told.expires_at);
	assert_int_equal(next_deadline(shop), told.expires_at);
}

static void a_clock_set_back_while_stock_is_asked_for_takes_no_time_from_the_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	shop->now_ms -= INT64_C(3600) * 1000;
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').expires_at,
		shop->now_ms + shop->settings.payment_timeout_ms);
}

static void payment_and_expiry_in_one_tick_never_both_win(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);

	shop->now_ms = order.expires_at;
	ask_status(shop, 'a', order.order_id, ORDERD_PAID);
	ask_about(shop, 'b', "order.expire", order.order_id);
	shop_tick(shop);
	assert_refused(shop, 'a', "order_expired");
	assert_move(shop, order.order_id, 2, GOAL_RETURNED);
	assert_int_equal(get_order(shop, order.order_id).status, ORDERD_CANCELLED);
}

static void a_shipped_order_completes_after_the_configured_time(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_SHIPPED);
	int64_t due_at = shop->now_ms + shop->settings.complete_after_ms;

	assert_int_equal(next_deadline(shop), due_at);
	shop->now_ms = due_at - 1;
	ask_about(shop, 'a', "order.expire", order_id);
	shop_tick(shop);
	assert_refused(shop, 'a', "not_due");
	shop->now_ms = due_at;
	ask_about(shop, 'a', "order.expire", order_id);
	shop_tick(shop);
	assert_int_equal(get_order(shop, order_id).status, ORDERD_COMPLETED);
	assert_int_equal(next_deadline(shop), 0);
}

static void a_paid_order_has_no_deadline(void **state)
{
	struct shop *shop = *state;

	make_order_in(shop, ORDERD_PAID);
	assert_int_equal(next_deadline(shop), 0);
	make_order_in(shop, ORDERD_CANCELLED);
	assert_int_equal(next_deadline(shop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(an_order_is_not_paid_at_its_deadline_but_just_before),
		SHOP_TEST(an_order_expires_at_its_deadline_and_not_before),
		SHOP_TEST(an_orders_time_runs_from_its_making),
		SHOP_TEST(an_order_taken_up_after_a_restart_has_the_deadline_it_was_told_with),
		SHOP_TEST(a_clock_set_back_while_stock_is_asked_for_takes_no_time_from_the_order),
		SHOP_TEST(payment_and_expiry_in_one_tick_never_both_win),
		SHOP_TEST(a_shipped_order_completes_after_the_configured_time),
		SHOP_TEST(a_paid_order_has_no_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
