#include "orderd_steps.h"

/* Orders that are answered and have no record yet: nobody can tell. */

/* An order that stockd has held in the last tick, client 'a' answered. */
static struct orderd_order hold(struct shop *shop)
{
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(shop->published_count, 0);
	return order_to(shop, 'a');
}

static void an_order_is_answered_at_once_and_written_shortly_after(void **state)
{
	struct shop *shop = *state;
	uint64_t commits = service_counts(shop->f->service).commits;

	hold(shop);
	assert_int_equal(service_counts(shop->f->service).commits, commits);
	assert_int_equal(shop->wait_ms, GATHER_MS);
	shop_wait(shop, GATHER_MS - 1);
	assert_int_equal(shop->published_count, 0);
	assert_int_equal(shop->wait_ms, 1);
	shop_wait(shop, 1);
	assert_int_equal(shop->published_count, 1);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(service_counts(shop->f->service).commits, commits + 1);
}

static void many_orders_are_written_with_the_first_of_them(void **state)
{
	struct shop *shop = *state;
	uint64_t commits;

	for (int i = 0; i < 10; i++)
		ask_create(shop, 'm', 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	commits = service_counts(shop->f->service).commits;
	for (uint64_t i = 1; i <= 10; i++) {
		stock_says(shop, i, 1, GOAL_HELD);
		shop_wait(shop, i > 1);
		assert_int_equal(answers_to(shop, 'm'), 1);
	}
	assert_int_equal(shop->wait_ms, GATHER_MS - 9);
	shop_wait(shop, GATHER_MS - 9);
	assert_int_equal(shop->published_count, 10);
	assert_int_equal(service_counts(shop->f->service).commits, commits + 1);
}

static void a_client_that_goes_on_finds_its_order(void **state)
{
	struct shop *shop = *state;
	struct order_ref ref = { 0 };
	struct orderd_order told = hold(shop), found = get_order(shop, told.order_id);

	assert_string_equal(found.order_no, told.order_no);
	assert_int_equal(found.expires_at, told.expires_at);
	told = hold(shop);
	ref.order_no = told.order_no;
	shop_ask(shop, 'b', "order.get", &order_ref_record, &ref);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').order_id, told.order_id);
}

static void a_client_that_goes_on_pays_or_cancels_its_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = hold(shop).order_id;

	ask_status(shop, 'b', order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_move(shop, order_id, 2, GOAL_SOLD);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').status, ORDERD_PAID);
	order_id = hold(shop).order_id;
	ask_cancel(shop, 'b', order_id);
	shop_tick(shop);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').status, ORDERD_CANCELLED);
	assert_at_rest(shop);
}

static void every_list_shows_it(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = hold(shop).order_id;
	struct range all = { .limit = LIST_LIMIT_MAX };
	struct event_list events;
	struct order_list orders;

	ask_list(shop, 'l', 1);
	ask_about(shop, 'h', "order.history", order_id);
	shop_ask(shop, 'e', "event.list", &range_record, &all);
	shop_ask(shop, 's', "order.scan", &range_record, &all);
	shop_tick(shop);
	answer_read(shop, 'l', &order_list_record, &orders);
	assert_int_equal(orders.total, 1);
	assert_int_equal(orders.orders[0].order_id, order_id);
	answer_read(shop, 's', &order_list_record, &orders);
	assert_int_equal(orders.count, 1);
	answer_read(shop, 'h', &event_list_record, &events);
	assert_int_equal(events.count, 1);
	answer_read(shop, 'e', &event_list_record, &events);
	assert_int_equal(events.count, 1);
	assert_int_equal(events.last, 1);
	assert_at_rest(shop);
}

/* Nobody knows of it yet, but the tick may bring the question behind the answer. */
static void in_the_very_tick_of_the_hold_it_is_there(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	ask_about(shop, 'g', "order.get", order_id);
	ask_cancel(shop, 'c', order_id);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').status, ORDERD_PENDING);
	assert_int_equal(order_to(shop, 'g').status, ORDERD_PENDING);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'c').status, ORDERD_CANCELLED);
	assert_at_rest(shop);
}

static struct saga_list sagas(struct shop *shop)
{
	struct range all = { .limit = LIST_LIMIT_MAX };
	struct saga_list list;

	shop_ask(shop, 'z', "saga.list", &range_record, &all);
	shop_tick(shop);
	answer_read(shop, 'z', &saga_list_record, &list);
	return list;
}

static void orders_being_made_stand_among_the_sagas(void **state)
{
	struct shop *shop = *state;
	struct saga_list list;

	make_intent(shop, 'a', NULL);
	shop_wait(shop, shop->settings.stock_timeout_ms);
	make_intent(shop, 'b', NULL);
	make_intent(shop, 'c', NULL);
	list = sagas(shop);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.sagas[0].step, SAGA_COMPENSATING);
	assert_int_equal(list.sagas[1].step, SAGA_RESERVING);
	assert_int_equal(list.sagas[1].order_id, 2);
	assert_int_equal(list.sagas[1].created_at, shop->now_ms);
	assert_int_equal(list.sagas[2].order_id, 3);
	stock_says(shop, 2, 1, GOAL_HELD);
	shop_tick(shop);
	list = sagas(shop);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.sagas[1].order_id, 3);
	ask_about(shop, 's', "saga.show", 2);
	ask_about(shop, 't', "saga.retry", 3);
	shop_tick(shop);
	assert_refused(shop, 's', "saga_not_found");
	assert_move(shop, 3, 1, GOAL_HELD);
}

/* --- stockd took long ----------------------------------------------------------------------- */

static void a_slow_hold_is_answered_after_its_record(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");
	struct orderd_order told;

	shop_wait(shop, 101);
	stock_says(shop, order_id, 1, GOAL_HELD);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	told = order_to(shop, 'a');
	assert_int_equal(shop->published_count, 1);
	assert_int_equal(told.expires_at, shop->now_ms + shop->settings.payment_timeout_ms);
	assert_int_equal(order_to(shop, 'b').expires_at, told.expires_at);
	shop_restart(shop);
	assert_int_equal(get_order(shop, order_id).expires_at, told.expires_at);
}

/* --- many at once --------------------------------------------------------------------------- */

static void the_orders_of_a_many_form_are_answered_together(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.create", 1);
	const struct value *results;

	pack_str(&frame, "orders");
	pack_array(&frame, 3);
	for (int64_t i = 1; i <= 3; i++) {
		struct orderd_create create = example_create(1, i == 3 ? NULL : "key");
		size_t map = pack_open_map(&frame);

		pack_number(&frame, "ref", i);
		pack_close(&frame, map, 1 + fields_to_map(&frame, &create_record, &create));
	}
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 2);
	stock_says(shop, 1, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	stock_says(shop, 2, 1, GOAL_REFUSED);
	shop_tick(shop);
	results = list_of(answer_to(shop, 'a'), "results", 3);
	assert_int_equal(number_of(&results[0], "order_id"), 1);
	assert_int_equal(number_of(&results[1], "order_id"), 1);
	assert_int_equal(number_of(&results[1], "ref"), 2);
	assert_error(&results[2], "insufficient_stock");
	assert_at_rest(shop);
}

/* --- large orders --------------------------------------------------------------------------- */

static void catalog_prices_long(struct shop *shop, uint64_t ref, size_t count)
{
	struct orderd_item items[LINES_MAX];
	struct price_reply reply = { .items = items, .item_count = count };
	char title[TITLE_MAX_BYTES + 1];

	memset(title, 't', TITLE_MAX_BYTES);
	title[TITLE_MAX_BYTES] = '\0';
	for (size_t i = 0; i < count; i++)
		items[i] = (struct orderd_item){ .book_id = (uint64_t)INT64_MAX - i,
			.sku = "0000-0000-0000-0000-0000-0000-00",
			.book_title = title,
			.quantity = 99,
			.price = 1 };
	peer_says(shop, CATALOGD, ref, OUTCOME_OK, &price_reply_record, &reply);
}

/* Each frame is within its limit, which the fixture looks at, and the intents come back whole. */
static void orders_of_the_most_lines_and_longest_titles_reach_stockd(void **state)
{
	struct shop *shop = *state;
	struct orderd_line lines[LINES_MAX];
	struct orderd_create create = { .user_id = 1, .items = lines, .item_count = LINES_MAX };
	uint64_t refs[5];

	shop->settings.lines_max = LINES_MAX;
	for (uint64_t i = 0; i < LINES_MAX; i++)
		lines[i] =
			(struct orderd_line){ .book_id = (uint64_t)INT64_MAX - i, .quantity = 99 };
	for (int i = 0; i < 5; i++)
		shop_ask(shop, 'a', "order.create", &create_record, &create);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[CATALOGD], 5);
	for (int i = 0; i < 5; i++)
		refs[i] = number_of(shop->sent[CATALOGD][i], "ref");
	for (int i = 0; i < 5; i++)
		catalog_prices_long(shop, refs[i], LINES_MAX);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 5);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'a'), 5);
	shop_restart(shop);
	assert_int_equal(get_order(shop, 5).item_count, LINES_MAX);
	assert_int_equal(get_order(shop, 5).total, 9900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(an_order_is_answered_at_once_and_written_shortly_after),
		SHOP_TEST(many_orders_are_written_with_the_first_of_them),
		SHOP_TEST(a_client_that_goes_on_finds_its_order),
		SHOP_TEST(a_client_that_goes_on_pays_or_cancels_its_order),
		SHOP_TEST(every_list_shows_it),
		SHOP_TEST(in_the_very_tick_of_the_hold_it_is_there),
		SHOP_TEST(orders_being_made_stand_among_the_sagas),
		SHOP_TEST(a_slow_hold_is_answered_after_its_record),
		SHOP_TEST(the_orders_of_a_many_form_are_answered_together),
		SHOP_TEST(orders_of_the_most_lines_and_longest_titles_reach_stockd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
