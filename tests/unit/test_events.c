#include "orderd_steps.h"

/* The event log: every change of state, once, numbered without a gap. */

static struct event_list list_events(struct shop *shop, uint64_t after, int64_t limit)
{
	struct range range = { after, limit };
	struct event_list list;

	shop_ask(shop, 'e', "event.list", &range_record, &range);
	shop_tick(shop);
	answer_read(shop, 'e', &event_list_record, &list);
	return list;
}

static struct event_list history(struct shop *shop, struct order_ref ref)
{
	struct event_list list;

	shop_ask(shop, 'h', "order.history", &order_ref_record, &ref);
	shop_tick(shop);
	answer_read(shop, 'h', &event_list_record, &list);
	return list;
}

static void assert_event(const struct orderd_event *event, uint64_t seq, uint64_t order_id,
	enum orderd_status from, enum orderd_status to)
{
	assert_int_equal(event->seq, seq);
	assert_int_equal(event->order_id, order_id);
	assert_string_equal(status_names[event->from], status_names[from]);
	assert_string_equal(status_names[event->to], status_names[to]);
	assert_int_equal(event->user_id, 1);
	assert_int_equal(event->total, 25700);
}

/* --- the log -------------------------------------------------------------------------------- */

static void an_empty_log_has_no_events(void **state)
{
	struct event_list list = list_events(*state, 0, 10);

	assert_int_equal(list.count, 0);
	assert_int_equal(list.next, 0);
	assert_int_equal(list.last, 0);
}

static void the_life_of_an_order_is_four_events(void **state)
{
	struct shop *shop = *state;
	struct event_list list;

	make_order_in(shop, ORDERD_COMPLETED);
	list = list_events(shop, 0, 10);
	assert_int_equal(list.count, 4);
	assert_event(&list.events[0], 1, 1, ORDERD_ANY, ORDERD_PENDING);
	assert_event(&list.events[1], 2, 1, ORDERD_PENDING, ORDERD_PAID);
	assert_event(&list.events[2], 3, 1, ORDERD_PAID, ORDERD_SHIPPED);
	assert_event(&list.events[3], 4, 1, ORDERD_SHIPPED, ORDERD_COMPLETED);
	assert_int_equal(list.events[0].at, NOW_MS);
	assert_int_equal(list.last, 4);
	assert_int_equal(list.next, 0);
}

static void what_is_refused_is_no_event(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_REFUSED);
	shop_tick(shop);
	make_order(shop, 1, NULL);
	shop_settle(shop);
	ask_status(shop, 'a', order_id + 1, ORDERD_COMPLETED);
	ask_about(shop, 'b', "order.expire", order_id + 1);
	shop_tick(shop);
	assert_int_equal(shop->published_count, 0);
	move_order(shop, order_id + 1, ORDERD_PAID);
	assert_int_equal(list_events(shop, 0, 10).count, 2);
	assert_event(&list_events(shop, 1, 10).events[0], 2, order_id + 1, ORDERD_PENDING,
		ORDERD_PAID);
}

static void the_log_is_read_from_any_number_on_in_pages(void **state)
{
	struct shop *shop = *state;
	struct event_list list;

	for (int i = 0; i < 10; i++)
		make_order(shop, 1, NULL);
	list = list_events(shop, 3, 4);
	assert_int_equal(list.count, 4);
	assert_int_equal(list.events[0].seq, 4);
	assert_int_equal(list.events[3].seq, 7);
	assert_int_equal(list.next, 7);
	assert_int_equal(list.last, 10);
	list = list_events(shop, list.next, 3);
	assert_int_equal(list.events[2].seq, 10);
	assert_int_equal(list.next, 0);
	list = list_events(shop, 10, 3);
	assert_int_equal(list.count, 0);
	list = list_events(shop, INT64_MAX, 3);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.last, 10);
}

static void numbers_have_no_gap_and_go_on_after_a_restart(void **state)
{
	struct shop *shop = *state;
	struct event_list list;

	for (uint64_t i = 1; i <= 20; i++) {
		make_order(shop, 1, NULL);
		if (i % 3 == 0)
			move_order(shop, i, ORDERD_CANCELLED);
		if (i % 7 == 0)
			shop_restart(shop);
	}
	list = list_events(shop, 0, LIST_LIMIT_MAX);
	assert_int_equal(list.count, 26);
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(list.events[i].seq, i + 1);
}

static void the_log_replays_to_the_stored_states(void **state)
{
	struct shop *shop = *state;
	enum orderd_status states[6] = { 0 };
	struct event_list list;

	for (int i = ORDERD_PENDING; i <= ORDERD_CANCELLED; i++)
		assert_int_equal(make_order_in(shop, (enum orderd_status)i), i);
	list = list_events(shop, 0, LIST_LIMIT_MAX);
	for (size_t i = 0; i < list.count; i++) {
		const struct orderd_event *event = &list.events[i];

		assert_int_equal(states[event->order_id], event->from);
		states[event->order_id] = event->to;
	}
	for (uint64_t i = 1; i <= 5; i++)
		assert_int_equal(get_order(shop, i).status, states[i]);
}

/* --- live ----------------------------------------------------------------------------------- */

static void what_is_published_is_what_the_log_keeps(void **state)
{
	struct shop *shop = *state;
	struct orderd_event live;
	struct event_list list;

	make_order(shop, 1, NULL);
	shop_settle(shop);
	assert_int_equal(shop->published_count, 1);
	live = shop->published[0];
	list = list_events(shop, 0, 10);
	assert_event(&live, 1, 1, ORDERD_ANY, ORDERD_PENDING);
	assert_int_equal(live.at, list.events[0].at);
	assert_string_equal(live.actor, list.events[0].actor);
}

static void changes_of_one_tick_are_published_in_their_order(void **state)
{
	struct shop *shop = *state;
	uint64_t first = make_order(shop, 1, NULL).order_id;
	uint64_t second = make_order(shop, 1, NULL).order_id;

	ask_status(shop, 'a', first, ORDERD_PAID);
	ask_status(shop, 'a', first, ORDERD_SHIPPED);
	ask_cancel(shop, 'b', second);
	shop_tick(shop);
	assert_int_equal(shop->published_count, 5);
	assert_event(&shop->published[0], 1, first, ORDERD_ANY, ORDERD_PENDING);
	assert_event(&shop->published[1], 2, second, ORDERD_ANY, ORDERD_PENDING);
	assert_event(&shop->published[2], 3, first, ORDERD_PENDING, ORDERD_PAID);
	assert_event(&shop->published[3], 4, first, ORDERD_PAID, ORDERD_SHIPPED);
	assert_event(&shop->published[4], 5, second, ORDERD_PENDING, ORDERD_CANCELLED);
}

/* --- history -------------------------------------------------------------------------------- */

static void a_history_is_one_orders_events_from_the_oldest_on(void **state)
{
	struct shop *shop = *state;
	struct orderd_order one = make_order(shop, 1, NULL);
	struct event_list list;

	make_order(shop, 1, NULL);
	move_order(shop, one.order_id, ORDERD_PAID);
	make_order(shop, 1, NULL);
	move_order(shop, one.order_id, ORDERD_CANCELLED);
	list = history(shop, (struct order_ref){ .order_no = one.order_no });
	assert_int_equal(list.count, 3);
	assert_event(&list.events[0], 1, 1, ORDERD_ANY, ORDERD_PENDING);
	assert_event(&list.events[1], 3, 1, ORDERD_PENDING, ORDERD_PAID);
	assert_event(&list.events[2], 5, 1, ORDERD_PAID, ORDERD_CANCELLED);
	assert_int_equal(list.next, 0);
}

static void what_does_not_exist_has_no_history(void **state)
{
	struct shop *shop = *state;

	make_intent(shop, 'a', NULL);
	ask_about(shop, 'h', "order.history", 1);
	shop_tick(shop);
	assert_refused(shop, 'h', "order_not_found");
}

/* --- who and why ---------------------------------------------------------------------------- */

static void an_event_tells_who_changed_the_order_and_why(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order(shop, 1, NULL).order_id;
	struct order_change change = {
		.order_id = order_id,
		.status = ORDERD_PAID,
		.actor = "cashier",
		.reason = "card 4711",
	};
	struct event_list list;

	shop_ask(shop, 'a', "order.set_status", &order_set_status_record, &change);
	shop_tick(shop);
	assert_string_equal(shop->published[1].actor, "cashier");
	ask_cancel(shop, 'a', order_id);
	shop_tick(shop);
	list = history(shop, (struct order_ref){ .order_id = order_id });
	assert_string_equal(list.events[0].actor, "user:1");
	assert_null(list.events[0].reason);
	assert_string_equal(list.events[1].actor, "cashier");
	assert_string_equal(list.events[1].reason, "card 4711");
	assert_memory_equal(list.events[2].actor, "uid:", 4);
	assert_int_equal(atol(list.events[2].actor + 4), geteuid());
	assert_null(list.events[2].reason);
}

static void deadlines_act_in_the_name_of_reaperd(void **state)
{
	struct shop *shop = *state;
	uint64_t late = make_order_in(shop, ORDERD_PENDING);
	uint64_t shipped = make_order_in(shop, ORDERD_SHIPPED);
	struct event_list list;

	shop->now_ms += shop->settings.complete_after_ms;
	ask_about(shop, 'a', "order.expire", late);
	ask_about(shop, 'a', "order.expire", shipped);
	shop_tick(shop);
	list = history(shop, (struct order_ref){ .order_id = late });
	assert_string_equal(list.events[1].actor, "reaperd");
	assert_string_equal(list.events[1].reason, "payment timeout");
	assert_int_equal(list.events[1].at, shop->now_ms);
	list = history(shop, (struct order_ref){ .order_id = shipped });
	assert_string_equal(list.events[3].actor, "reaperd");
	assert_string_equal(list.events[3].reason, "no objection");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(an_empty_log_has_no_events),
		SHOP_TEST(the_life_of_an_order_is_four_events),
		SHOP_TEST(what_is_refused_is_no_event),
		SHOP_TEST(the_log_is_read_from_any_number_on_in_pages),
		SHOP_TEST(numbers_have_no_gap_and_go_on_after_a_restart),
		SHOP_TEST(the_log_replays_to_the_stored_states),
		SHOP_TEST(what_is_published_is_what_the_log_keeps),
		SHOP_TEST(changes_of_one_tick_are_published_in_their_order),
		SHOP_TEST(a_history_is_one_orders_events_from_the_oldest_on),
		SHOP_TEST(what_does_not_exist_has_no_history),
		SHOP_TEST(an_event_tells_who_changed_the_order_and_why),
		SHOP_TEST(deadlines_act_in_the_name_of_reaperd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
