#include "orderd_steps.h"

/* The five operations, with neighbours that answer at once. */

/* --- order.create --------------------------------------------------------------------------- */

static void the_documents_example_becomes_an_order(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);

	assert_int_equal(order.order_id, 1);
	assert_int_equal(strlen(order.order_no), 20);
	assert_int_equal(strspn(order.order_no, "0123456789"), 20);
	assert_int_equal(order.user_id, 1);
	assert_int_equal(order.total, 25700);
	assert_int_equal(order.status, ORDERD_PENDING);
	assert_int_equal(order.created_at, NOW_MS);
	assert_int_equal(order.updated_at, NOW_MS);
	assert_int_equal(order.expires_at, NOW_MS + 15 * 60 * 1000);
	assert_int_equal(order.item_count, 2);
	assert_string_equal(order.items[0].book_title, "Go语言编程");
	assert_string_equal(order.items[1].book_title, "深入理解计算机系统");
	assert_int_equal(order.items[0].price, 5900);
	assert_int_equal(order.items[0].quantity, 2);
	assert_false(order.stock_to_follow);
	assert_at_rest(shop);
}

static void an_order_is_not_there_before_stockd_holds_its_lines(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);
	struct move move = move_sent(shop);

	assert_int_equal(move.version, 1);
	assert_int_equal(move.goal, GOAL_HELD);
	assert_int_equal(move.item_count, 2);
	assert_int_equal(move.items[0].book_id, 1);
	assert_int_equal(move.items[0].quantity, 2);
	assert_int_equal(move.items[1].book_id, 2);
	assert_int_equal(answers_to(shop, 'a'), 0);
	ask_about(shop, 'b', "order.get", order_id);
	shop_tick(shop);
	assert_refused(shop, 'b', "order_not_found");
}

static void the_clients_prices_are_not_asked_for(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.create", 3);

	pack_number(&frame, "user_id", 1);
	pack_number(&frame, "total", 1);
	pack_str(&frame, "items");
	pack_array(&frame, 1);
	pack_map(&frame, 3);
	pack_number(&frame, "book_id", 1);
	pack_number(&frame, "quantity", 1);
	pack_number(&frame, "price", 1);
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').total, PRICE_1);
}

static void a_line_by_sku_is_held_and_kept_under_its_book(void **state)
{
	struct shop *shop = *state;
	struct orderd_line line = { .sku = "85123A", .quantity = 3 };
	struct orderd_create create = { .user_id = 1, .items = &line, .item_count = 1 };
	struct orderd_order order;

	shop_ask(shop, 'a', "order.create", &create_record, &create);
	shop_tick(shop);
	assert_text(value_find(shop->sent[CATALOGD][0], "items")->list.at, "sku", "85123A");
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(move_sent(shop).items[0].book_id, 85123);
	stock_obeys(shop);
	shop_tick(shop);
	order = order_to(shop, 'a');
	assert_int_equal(order.items[0].book_id, 85123);
	assert_string_equal(order.items[0].sku, "85123A");
}

static void create_lines(struct shop *shop, size_t count, const struct orderd_line *line)
{
	struct orderd_line lines[LINES_MAX];
	struct orderd_create create = { .user_id = 1, .items = lines, .item_count = count };

	for (size_t i = 0; i < count; i++)
		lines[i] = *line;
	shop_ask(shop, 'a', "order.create", &create_record, &create);
	shop_tick(shop);
}

static void lines_and_quantities_have_the_configured_limits(void **state)
{
	struct shop *shop = *state;
	struct orderd_line line = { .book_id = 1, .quantity = 99 };

	create_lines(shop, 20, &line);
	assert_int_equal(shop->answer_count, 0);
	create_lines(shop, 21, &line);
	assert_text(answer_to(shop, 'a'), "message",
		"items: 21 lines, at most 20 are taken in one order");
	line.quantity = 100;
	create_lines(shop, 1, &line);
	assert_text(answer_to(shop, 'a'), "message",
		"items[0].quantity: 100, at most 99 are taken in one line");
	line = (struct orderd_line){ .book_id = 1, .sku = "A", .quantity = 1 };
	create_lines(shop, 1, &line);
	assert_text(answer_to(shop, 'a'), "message", "items[0]: give one of book_id and sku");
	line = (struct orderd_line){ .quantity = 1 };
	create_lines(shop, 1, &line);
	assert_refused(shop, 'a', "bad_request");
	assert_int_equal(shop->sent_count[CATALOGD], 0);
}

/* In the sum of the lines, and in one of them. */
static void a_total_past_the_largest_number_is_refused(void **state)
{
	struct shop *shop = *state;
	struct orderd_item items[2] = {
		{ .book_id = 1, .book_title = "A", .quantity = 9000, .price = PRICE_MAX },
		{ .book_id = 2, .book_title = "B", .quantity = 9000, .price = PRICE_MAX },
	};
	struct price_reply reply = { .items = items, .item_count = 2 };

	for (int i = 0; i < 2; i++) {
		ask_create(shop, 'a', 1, NULL);
		shop_tick(shop);
		peer_says(shop, CATALOGD, number_of(shop->sent[CATALOGD][0], "ref"), OUTCOME_OK,
			&price_reply_record, &reply);
		shop_tick(shop);
		assert_refused(shop, 'a', "amount_overflow");
		assert_int_equal(shop->sent_count[STOCKD], 0);
		items[0].quantity = QUANTITY_MAX;
		reply.item_count = 1;
	}
	assert_at_rest(shop);
}

static void an_order_may_bring_its_own_time_to_live(void **state)
{
	struct shop *shop = *state;
	struct orderd_create create = example_create(1, NULL);

	create.expires_in_ms = EXPIRES_IN_MIN_MS;
	shop_ask(shop, 'a', "order.create", &create_record, &create);
	create.expires_in_ms = EXPIRES_IN_MIN_MS - 1;
	shop_ask(shop, 'b', "order.create", &create_record, &create);
	create.expires_in_ms = EXPIRES_IN_MAX_MS + 1;
	shop_ask(shop, 'c', "order.create", &create_record, &create);
	shop_tick(shop);
	assert_refused(shop, 'b', "bad_request");
	assert_refused(shop, 'c', "bad_request");
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').expires_at, NOW_MS + EXPIRES_IN_MIN_MS);
}

static void bad_fields_of_a_create_are_refused_before_anybody_is_asked(void **state)
{
	struct shop *shop = *state;
	struct orderd_create creates[] = { example_create(0, NULL), example_create(1, ""),
		example_create(1, "\xff"), example_create(1, NULL), example_create(1, NULL) };
	struct orderd_line zero = { .book_id = 1 };
	char key[KEY_MAX_BYTES + 2];

	memset(key, 'k', sizeof(key));
	key[KEY_MAX_BYTES + 1] = '\0';
	creates[3].idempotency_key = key;
	creates[4].items = &zero;
	creates[4].item_count = 1;
	for (size_t i = 0; i < sizeof(creates) / sizeof(creates[0]); i++) {
		shop_ask(shop, 'a', "order.create", &create_record, &creates[i]);
		shop_tick(shop);
		assert_refused(shop, 'a', "bad_request");
		assert_int_equal(shop->sent_count[CATALOGD], 0);
	}
	assert_int_equal(shop_parked(shop), 0);
}

/* --- many at once --------------------------------------------------------------------------- */

static void pack_create(struct buffer *frame, int64_t ref, int64_t user_id, int64_t quantity)
{
	pack_map(frame, 3);
	pack_number(frame, "ref", ref);
	pack_number(frame, "user_id", user_id);
	pack_str(frame, "items");
	pack_array(frame, 1);
	pack_map(frame, 2);
	pack_number(frame, "book_id", 1);
	pack_number(frame, "quantity", quantity);
}

static void many_are_made_at_once_each_with_its_own_result(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.create", 1);
	const struct value *results;

	pack_str(&frame, "orders");
	pack_array(&frame, 4);
	pack_create(&frame, 71, 1, 1);
	pack_create(&frame, 72, 1, 1000);
	pack_create(&frame, 73, 1, 2);
	pack_create(&frame, 74, 1, 3);
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[CATALOGD], 3);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 3);
	stock_says(shop, 3, 1, GOAL_HELD);
	stock_says(shop, 2, 1, GOAL_REFUSED);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'a'), 0);
	stock_says(shop, 1, 1, GOAL_HELD);
	shop_tick(shop);
	results = list_of(answer_to(shop, 'a'), "results", 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(number_of(&results[i], "ref"), 71 + i);
	assert_int_equal(number_of(&results[0], "total"), PRICE_1);
	assert_error(&results[1], "bad_request");
	assert_error(&results[2], "insufficient_stock");
	assert_int_equal(number_of(&results[3], "order_id"), 3);
	assert_at_rest(shop);
}

static void many_are_read_at_once(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.get", 1);
	struct orderd_order order = make_order(shop, 1, NULL);
	const struct value *results;

	pack_str(&frame, "orders");
	pack_array(&frame, 3);
	pack_map(&frame, 1);
	pack_number(&frame, "order_id", (int64_t)order.order_id);
	pack_map(&frame, 1);
	pack_number(&frame, "order_id", 77);
	pack_map(&frame, 1);
	pack_text(&frame, "order_no", order.order_no);
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	results = list_of(answer_to(shop, 'a'), "results", 3);
	assert_int_equal(number_of(&results[0], "total"), 25700);
	assert_error(&results[1], "order_not_found");
	assert_int_equal(number_of(&results[2], "order_id"), order.order_id);
}

/* --- order.get ------------------------------------------------------------------------------ */

static void an_order_is_read_by_id_or_by_number_without_asking_anybody(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);
	struct order_ref ref = { .order_no = order.order_no };

	assert_string_equal(get_order(shop, order.order_id).order_no, order.order_no);
	shop_ask(shop, 'a', "order.get", &order_ref_record, &ref);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order.order_id);
	assert_int_equal(order_to(shop, 'a').item_count, 2);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->sent_count[STOCKD], 0);
}

static void an_order_is_read_by_exactly_one_of_the_two(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);
	struct order_ref refs[] = {
		{ .order_id = order.order_id, .order_no = order.order_no },
		{ 0 },
		{ .order_no = "2023" },
		{ .order_no = "2023111422132012345x" },
		{ .order_id = 2 },
	};
	static const char *const errors[] = { "bad_request", "bad_request", "bad_request",
		"order_not_found", "order_not_found" };

	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		shop_ask(shop, 'a', "order.get", &order_ref_record, &refs[i]);
		shop_tick(shop);
		assert_refused(shop, 'a', errors[i]);
	}
}

/* --- order.set_status and order.cancel ------------------------------------------------------ */

static void a_payment_is_told_when_stockd_has_sold(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);
	struct orderd_order order;

	shop->now_ms += 5;
	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_move(shop, order_id, 2, GOAL_SOLD);
	stock_obeys(shop);
	shop_tick(shop);
	order = order_to(shop, 'a');
	assert_int_equal(order.status, ORDERD_PAID);
	assert_int_equal(order.updated_at, NOW_MS + 5);
	assert_int_equal(order.created_at, NOW_MS);
	assert_int_equal(order.total, 25700);
	assert_false(order.stock_to_follow);
	assert_at_rest(shop);
}

static void shipping_needs_nobody_and_is_answered_at_once(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PAID);

	ask_status(shop, 'a', order_id, ORDERD_SHIPPED);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').status, ORDERD_SHIPPED);
	assert_int_equal(shop->sent_count[STOCKD], 0);
}

static void an_order_is_changed_by_its_number_too(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order = make_order(shop, 1, NULL);
	struct order_change change = { .order_no = order.order_no, .status = ORDERD_PAID };

	shop_ask(shop, 'a', "order.set_status", &order_set_status_record, &change);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order.order_id);
	shop_ask(shop, 'a', "order.cancel", &order_cancel_record, &change);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').status, ORDERD_CANCELLED);
}

static void what_does_not_exist_is_not_changed(void **state)
{
	struct shop *shop = *state;

	ask_status(shop, 'a', 99, ORDERD_PAID);
	ask_cancel(shop, 'b', 99);
	ask_about(shop, 'c', "order.expire", 99);
	shop_tick(shop);
	assert_refused(shop, 'a', "order_not_found");
	assert_refused(shop, 'b', "order_not_found");
	assert_refused(shop, 'c', "order_not_found");
	assert_int_equal(shop_parked(shop), 0);
}

static void a_refusal_says_the_state_the_order_is_in(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_CANCELLED);

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	assert_int_equal(number_of(answer_to(shop, 'a'), "code"), 40900);
	assert_text(answer_to(shop, 'a'), "message",
		"the order is CANCELLED; it cannot become PAID");
}

/* --- who may --------------------------------------------------------------------------------- */

static void strangers_expire_scan_and_retry_nothing(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order_in(shop, ORDERD_PENDING);
	static const char *const names[] = { "order.expire", "order.scan", "saga.retry" };

	shop->now_ms += shop->settings.payment_timeout_ms;
	for (size_t i = 0; i < 3; i++) {
		struct buffer frame = request_begin(names[i], 1);

		pack_number(&frame, "order_id", (int64_t)order_id);
		shop_queue_request(shop, 'a', geteuid() + 1, &frame);
		shop_tick(shop);
		assert_refused(shop, 'a', "denied");
	}
	assert_int_equal(get_order(shop, order_id).status, ORDERD_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(the_documents_example_becomes_an_order),
		SHOP_TEST(an_order_is_not_there_before_stockd_holds_its_lines),
		SHOP_TEST(the_clients_prices_are_not_asked_for),
		SHOP_TEST(a_line_by_sku_is_held_and_kept_under_its_book),
		SHOP_TEST(lines_and_quantities_have_the_configured_limits),
		SHOP_TEST(a_total_past_the_largest_number_is_refused),
		SHOP_TEST(an_order_may_bring_its_own_time_to_live),
		SHOP_TEST(bad_fields_of_a_create_are_refused_before_anybody_is_asked),
		SHOP_TEST(many_are_made_at_once_each_with_its_own_result),
		SHOP_TEST(many_are_read_at_once),
		SHOP_TEST(an_order_is_read_by_id_or_by_number_without_asking_anybody),
		SHOP_TEST(an_order_is_read_by_exactly_one_of_the_two),
		SHOP_TEST(a_payment_is_told_when_stockd_has_sold),
		SHOP_TEST(shipping_needs_nobody_and_is_answered_at_once),
		SHOP_TEST(an_order_is_changed_by_its_number_too),
		SHOP_TEST(what_does_not_exist_is_not_changed),
		SHOP_TEST(a_refusal_says_the_state_the_order_is_in),
		SHOP_TEST(strangers_expire_scan_and_retry_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
