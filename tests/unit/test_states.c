#include "orderd_steps.h"

#include "daemons/orderd/states.h"

/* Every state against every target: what the table does not allow is refused and changes
 * nothing. */

static const enum orderd_status all[] = { ORDERD_PENDING, ORDERD_PAID, ORDERD_SHIPPED,
	ORDERD_COMPLETED, ORDERD_CANCELLED };
#define ALL (sizeof(all) / sizeof(all[0]))

/* The document's words once more, as a matrix: row from, column to. */
static const bool legal[ALL][ALL] = {
	/*               PENDING PAID   SHIPPED COMPLETED CANCELLED */
	/* PENDING   */ { false, true, false, false, true },
	/* PAID      */ { false, false, true, false, true },
	/* SHIPPED   */ { false, false, false, true, false },
	/* COMPLETED */ { false, false, false, false, false },
	/* CANCELLED */ { false, false, false, false, false },
};

static void the_table_allows_what_the_document_says_and_no_more(void **state)
{
	(void)state;
	for (size_t from = 0; from < ALL; from++)
		for (size_t to = 0; to < ALL; to++)
			assert_int_equal(step_find(all[from], all[to]) != NULL, legal[from][to]);
	for (size_t i = 0; i < ALL; i++) {
		assert_null(step_find(ORDERD_ANY, all[i]));
		assert_null(step_find(all[i], ORDERD_ANY));
	}
}

static void payment_sells_and_cancellation_returns_the_stock(void **state)
{
	(void)state;
	assert_int_equal(step_find(ORDERD_PENDING, ORDERD_PAID)->goal, GOAL_SOLD);
	assert_int_equal(step_find(ORDERD_PENDING, ORDERD_CANCELLED)->goal, GOAL_RETURNED);
	assert_int_equal(step_find(ORDERD_PAID, ORDERD_CANCELLED)->goal, GOAL_RETURNED);
	assert_int_equal(step_find(ORDERD_PAID, ORDERD_SHIPPED)->goal, GOAL_NONE);
	assert_int_equal(step_find(ORDERD_SHIPPED, ORDERD_COMPLETED)->goal, GOAL_NONE);
}

static struct event_list history_of(struct shop *shop, uint64_t order_id)
{
	struct event_list list;

	ask_about(shop, 'h', "order.history", order_id);
	shop_tick(shop);
	answer_read(shop, 'h', &event_list_record, &list);
	return list;
}

static void assert_allowed(struct shop *shop, uint64_t order_id, size_t from, size_t to)
{
	const struct step *step = step_find(all[from], all[to]);
	struct event_list history;

	if (step->goal != GOAL_NONE) {
		assert_int_equal(move_sent(shop).goal, step->goal);
		stock_obeys(shop);
		shop_tick(shop);
	}
	assert_int_equal(order_to(shop, 'a').status, all[to]);
	assert_int_equal(get_order(shop, order_id).status, all[to]);
	history = history_of(shop, order_id);
	assert_int_equal(history.events[history.count - 1].from, all[from]);
	assert_int_equal(history.events[history.count - 1].to, all[to]);
}

static void assert_forbidden(struct shop *shop, uint64_t order_id, size_t from, size_t events)
{
	assert_refused(shop, 'a', "invalid_transition");
	assert_int_equal(shop->sent_count[STOCKD], 0);
	assert_int_equal(shop->published_count, 0);
	assert_int_equal(get_order(shop, order_id).status, all[from]);
	assert_int_equal(history_of(shop, order_id).count, events);
}

static void every_state_meets_every_target(void **state)
{
	struct shop *shop = *state;

	for (size_t from = 0; from < ALL; from++) {
		for (size_t to = 0; to < ALL; to++) {
			uint64_t order_id = make_order_in(shop, all[from]);
			size_t events = history_of(shop, order_id).count;

			shop->now_ms++;
			ask_status(shop, 'a', order_id, all[to]);
			shop_tick(shop);
			if (legal[from][to])
				assert_allowed(shop, order_id, from, to);
			else
				assert_forbidden(shop, order_id, from, events);
		}
	}
	assert_at_rest(shop);
}

static void cancelling_is_the_same_as_the_status_cancelled(void **state)
{
	struct shop *shop = *state;

	for (size_t from = 0; from < ALL; from++) {
		uint64_t order_id = make_order_in(shop, all[from]);
		size_t events = history_of(shop, order_id).count;

		ask_cancel(shop, 'a', order_id);
		shop_tick(shop);
		if (legal[from][ALL - 1])
			assert_allowed(shop, order_id, from, ALL - 1);
		else
			assert_forbidden(shop, order_id, from, events);
	}
}

/* A deadline expires what is pending and completes what is shipped; it means nothing else. */
static void every_state_meets_its_deadline(void **state)
{
	struct shop *shop = *state;
	static const enum orderd_status after[ALL] = { ORDERD_CANCELLED, ORDERD_PAID,
		ORDERD_COMPLETED, ORDERD_COMPLETED, ORDERD_CANCELLED };

	for (size_t from = 0; from < ALL; from++) {
		uint64_t order_id = make_order_in(shop, all[from]);
		struct order_due_reply reply;

		shop->now_ms += shop->settings.complete_after_ms;
		ask_about(shop, 'a', "order.expire", order_id);
		shop_tick(shop);
		answer_read(shop, 'a', &order_due_reply_record, &reply);
		assert_int_equal(reply.order_id, order_id);
		assert_int_equal(reply.status, after[from]);
		stock_obeys(shop);
		shop_tick(shop);
		assert_int_equal(get_order(shop, order_id).status, after[from]);
	}
	assert_at_rest(shop);
}

static void a_change_may_insist_on_the_state_it_starts_from(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PAID);
	struct order_change change = {
		.order_id = order_id,
		.status = ORDERD_CANCELLED,
		.from = ORDERD_PENDING,
	};

	shop_ask(shop, 'a', "order.set_status", &order_set_status_record, &change);
	shop_ask(shop, 'b', "order.cancel", &order_cancel_record, &change);
	shop_tick(shop);
	assert_refused(shop, 'a', "invalid_transition");
	assert_refused(shop, 'b', "invalid_transition");
	change.from = ORDERD_PAID;
	shop_ask(shop, 'a', "order.cancel", &order_cancel_record, &change);
	shop_tick(shop);
	assert_move(shop, order_id, 3, GOAL_RETURNED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_allows_what_the_document_says_and_no_more),
		cmocka_unit_test(payment_sells_and_cancellation_returns_the_stock),
		SHOP_TEST(every_state_meets_every_target),
		SHOP_TEST(cancelling_is_the_same_as_the_status_cancelled),
		SHOP_TEST(every_state_meets_its_deadline),
		SHOP_TEST(a_change_may_insist_on_the_state_it_starts_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
