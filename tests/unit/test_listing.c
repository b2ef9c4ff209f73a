#include "orderd_steps.h"

/* A user's orders in pages: by number of the page, and by a cursor that new orders do not move. */

/* So many pending orders of that user, in three ticks. */
static void make_orders(struct shop *shop, uint64_t user_id, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ask_create(shop, 'm', user_id, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), count);
}

static struct order_list list_page(struct shop *shop, struct order_query query)
{
	struct order_list list;

	shop_ask(shop, 'l', "order.list", &order_query_record, &query);
	shop_tick(shop);
	answer_read(shop, 'l', &order_list_record, &list);
	assert_true(answer_to(shop, 'l')->raw_size <= REPLY_MAX_BYTES);
	return list;
}

static void assert_ids(const struct order_list *list, uint64_t first, uint64_t last)
{
	assert_int_equal(list->count, first - last + 1);
	for (size_t i = 0; i < list->count; i++)
		assert_int_equal(list->orders[i].order_id, first - i);
}

/* --- pages ---------------------------------------------------------------------------------- */

static void a_user_without_orders_has_an_empty_page(void **state)
{
	struct order_list list = list_page(*state, (struct order_query){ .user_id = 9 });

	assert_int_equal(list.count, 0);
	assert_int_equal(list.total, 0);
	assert_int_equal(list.next, 0);
}

static void pages_begin_with_the_newest_and_hold_twenty_by_default(void **state)
{
	struct shop *shop = *state;
	struct order_list list;

	make_orders(shop, 1, 45);
	list = list_page(shop, (struct order_query){ .user_id = 1 });
	assert_ids(&list, 45, 26);
	assert_int_equal(list.total, 45);
	assert_int_equal(list.page, 1);
	assert_int_equal(list.page_size, 20);
	assert_int_equal(list.next, 26);
	list = list_page(shop, (struct order_query){ .user_id = 1, .page = 3 });
	assert_ids(&list, 5, 1);
	assert_int_equal(list.next, 0);
	list = list_page(shop, (struct order_query){ .user_id = 1, .page = 4 });
	assert_int_equal(list.count, 0);
	assert_int_equal(list.total, 45);
}

static void a_page_that_is_just_full_is_the_last_one(void **state)
{
	struct shop *shop = *state;
	struct order_list list;

	make_orders(shop, 1, 6);
	list = list_page(shop, (struct order_query){ .user_id = 1, .page_size = 3, .page = 2 });
	assert_ids(&list, 3, 1);
	assert_int_equal(list.next, 0);
	list = list_page(shop, (struct order_query){ .user_id = 1, .page_size = 6 });
	assert_ids(&list, 6, 1);
	assert_int_equal(list.next, 0);
	list = list_page(shop, (struct order_query){ .user_id = 1, .page_size = 5 });
	assert_int_equal(list.next, 2);
}

static void a_listed_order_is_whole(void **state)
{
	struct shop *shop = *state;
	struct orderd_order made = make_order(shop, 1, NULL);
	struct order_list list = list_page(shop, (struct order_query){ .user_id = 1 });

	assert_string_equal(list.orders[0].order_no, made.order_no);
	assert_int_equal(list.orders[0].total, 25700);
	assert_int_equal(list.orders[0].expires_at, made.expires_at);
	assert_int_equal(list.orders[0].item_count, 2);
	assert_string_equal(list.orders[0].items[0].book_title, "Go语言编程");
}

static void users_see_their_own_orders_only(void **state)
{
	struct shop *shop = *state;
	static const uint64_t users[] = { 1, 2, 256, INT64_MAX };

	for (size_t i = 0; i < 4; i++)
		make_orders(shop, users[i], i + 1);
	for (size_t i = 0; i < 4; i++) {
		struct order_list list =
			list_page(shop, (struct order_query){ .user_id = users[i] });

		assert_int_equal(list.total, i + 1);
		assert_int_equal(list.count, i + 1);
		for (size_t j = 0; j < list.count; j++)
			assert_int_equal(list.orders[j].user_id, users[i]);
	}
}

static void what_is_no_page_is_refused(void **state)
{
	struct shop *shop = *state;
	static const struct {
		const char *name;
		int64_t value;
	} fields[] = { { "page", 0 }, { "page", -1 }, { "page", 1000000001 }, { "page_size", 0 },
		{ "page_size", 101 }, { "after", -1 }, { "user_id", 0 }, { "status", 1 } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		bool user = strcmp(fields[i].name, "user_id") == 0;
		struct buffer frame = request_begin("order.list", user ? 1 : 2);

		if (!user)
			pack_number(&frame, "user_id", 1);
		pack_number(&frame, fields[i].name, fields[i].value);
		shop_queue_request(shop, 'l', geteuid(), &frame);
		shop_tick(shop);
		assert_refused(shop, 'l', "bad_request");
	}
}

static void a_page_far_away_is_reached_by_the_cursor_only(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page_size = 100, .page = 101 };

	assert_int_equal(list_page(shop, query).count, 0);
	query.page = 102;
	shop_ask(shop, 'l', "order.list", &order_query_record, &query);
	shop_tick(shop);
	assert_refused(shop, 'l', "bad_request");
	assert_says(value_find(answer_to(shop, 'l'), "message")->str.at, "after");
}

/* --- the cursor ----------------------------------------------------------------------------- */

static void the_cursor_passes_every_order_once_while_new_ones_arrive(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page_size = 4 };
	uint64_t expected = 30;

	make_orders(shop, 1, 30);
	do {
		struct order_list list = list_page(shop, query);

		for (size_t i = 0; i < list.count; i++)
			assert_int_equal(list.orders[i].order_id, expected--);
		query.after = list.next;
		make_orders(shop, 1, 3);
	} while (query.after > 0);
	assert_int_equal(expected, 0);
}

static void pages_by_number_do_move_when_orders_arrive(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page_size = 4, .page = 2 };
	struct order_list list;

	make_orders(shop, 1, 8);
	list = list_page(shop, query);
	assert_ids(&list, 4, 1);
	make_orders(shop, 1, 2);
	list = list_page(shop, query);
	assert_ids(&list, 6, 3);
}

static void a_cursor_before_the_first_or_after_the_last_order_is_fine(void **state)
{
	struct shop *shop = *state;
	struct order_list list;

	make_orders(shop, 1, 3);
	list = list_page(shop, (struct order_query){ .user_id = 1, .after = 1 });
	assert_int_equal(list.count, 0);
	list = list_page(shop, (struct order_query){ .user_id = 1, .after = INT64_MAX });
	assert_ids(&list, 3, 1);
}

/* --- by status ------------------------------------------------------------------------------ */

static void assert_total(struct shop *shop, enum orderd_status status, uint64_t total)
{
	struct order_query query = { .user_id = 1, .status = status };
	struct order_list list = list_page(shop, query);

	assert_int_equal(list.total, total);
	assert_int_equal(list.count, total);
	for (size_t i = 0; status != ORDERD_ANY && i < list.count; i++)
		assert_int_equal(list.orders[i].status, status);
}

static void totals_follow_every_change_of_state(void **state)
{
	struct shop *shop = *state;

	make_order_in(shop, ORDERD_COMPLETED);
	make_order_in(shop, ORDERD_SHIPPED);
	make_order_in(shop, ORDERD_PAID);
	make_order_in(shop, ORDERD_CANCELLED);
	make_orders(shop, 1, 5);
	make_orders(shop, 2, 1);
	assert_total(shop, ORDERD_PENDING, 5);
	assert_total(shop, ORDERD_PAID, 1);
	assert_total(shop, ORDERD_SHIPPED, 1);
	assert_total(shop, ORDERD_COMPLETED, 1);
	assert_total(shop, ORDERD_CANCELLED, 1);
	assert_total(shop, ORDERD_ANY, 9);
	move_order(shop, 5, ORDERD_CANCELLED);
	assert_total(shop, ORDERD_PENDING, 4);
	assert_total(shop, ORDERD_CANCELLED, 2);
	shop_restart(shop);
	assert_total(shop, ORDERD_PENDING, 4);
	assert_total(shop, ORDERD_ANY, 9);
}

static void a_filtered_list_has_pages_and_a_cursor_too(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .status = ORDERD_CANCELLED, .page_size = 2 };
	struct order_list list;

	make_orders(shop, 1, 10);
	for (uint64_t id = 1; id <= 9; id += 2)
		move_order(shop, id, ORDERD_CANCELLED);
	list = list_page(shop, query);
	assert_int_equal(list.total, 5);
	assert_int_equal(list.orders[0].order_id, 9);
	assert_int_equal(list.orders[1].order_id, 7);
	query.page = 2;
	assert_int_equal(list_page(shop, query).orders[0].order_id, 5);
	query.page = 0;
	query.after = list.next;
	assert_int_equal(list_page(shop, query).orders[0].order_id, 5);
	query.page = 3;
	query.after = 0;
	list = list_page(shop, query);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.next, 0);
}

/* --- bounds --------------------------------------------------------------------------------- */

/* Orders of as many lines as there may be, each as long as it may be. */
static void make_large_orders(struct shop *shop, size_t count)
{
	struct orderd_line lines[LINES_MAX];
	struct orderd_item items[LINES_MAX];
	struct orderd_create create = { .user_id = 1, .items = lines, .item_count = LINES_MAX };
	struct price_reply reply = { .items = items, .item_count = LINES_MAX };
	char title[TITLE_MAX_BYTES + 1] = "", sku[65] = "";

	memset(title, 't', TITLE_MAX_BYTES);
	memset(sku, 'S', 64);
	for (size_t i = 0; i < LINES_MAX; i++) {
		lines[i] = (struct orderd_line){ .book_id = INT64_MAX, .quantity = 99 };
		items[i] = (struct orderd_item){ INT64_MAX, sku, title, 99, 1000000 };
	}
	for (size_t i = 0; i < count; i++)
		shop_ask(shop, 'm', "order.create", &create_record, &create);
	shop_tick(shop);
	for (size_t i = 0; i < shop->sent_count[CATALOGD]; i++)
		peer_says(shop, CATALOGD, number_of(shop->sent[CATALOGD][i], "ref"), OUTCOME_OK,
			&price_reply_record, &reply);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), count);
}

static void a_page_of_large_orders_ends_early_and_the_cursor_goes_on(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page_size = PAGE_SIZE_MAX };
	uint64_t expected = 60;

	shop->settings.lines_max = LINES_MAX;
	make_large_orders(shop, 60);
	do {
		struct order_list list = list_page(shop, query);

		assert_int_equal(list.total, 60);
		for (size_t i = 0; i < list.count; i++)
			assert_int_equal(list.orders[i].order_id, expected--);
		query.after = list.next;
	} while (query.after > 0);
	assert_int_equal(expected, 0);
}

/* --- order.scan ----------------------------------------------------------------------------- */

static void a_scan_passes_all_users_orders_from_the_oldest_on(void **state)
{
	struct shop *shop = *state;
	struct range range = { .limit = 3 };
	uint64_t expected = 1;

	make_orders(shop, 1, 4);
	make_orders(shop, 2, 4);
	do {
		struct order_list list;

		shop_ask(shop, 's', "order.scan", &range_record, &range);
		shop_tick(shop);
		answer_read(shop, 's', &order_list_record, &list);
		for (size_t i = 0; i < list.count; i++)
			assert_int_equal(list.orders[i].order_id, expected++);
		range.after = list.next;
	} while (range.after > 0);
	assert_int_equal(expected, 9);
}

static void a_scan_of_large_orders_stays_within_a_replys_bounds(void **state)
{
	struct shop *shop = *state;
	struct range range = { .limit = LIST_LIMIT_MAX };
	uint64_t expected = 1;

	shop->settings.lines_max = LINES_MAX;
	make_large_orders(shop, 60);
	do {
		struct order_list list;

		shop_ask(shop, 's', "order.scan", &range_record, &range);
		shop_tick(shop);
		answer_read(shop, 's', &order_list_record, &list);
		assert_true(answer_to(shop, 's')->raw_size <= REPLY_MAX_BYTES);
		for (size_t i = 0; i < list.count; i++)
			assert_int_equal(list.orders[i].order_id, expected++);
		range.after = list.next;
	} while (range.after > 0);
	assert_int_equal(expected, 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_user_without_orders_has_an_empty_page),
		SHOP_TEST(pages_begin_with_the_newest_and_hold_twenty_by_default),
		SHOP_TEST(a_page_that_is_just_full_is_the_last_one),
		SHOP_TEST(a_listed_order_is_whole),
		SHOP_TEST(users_see_their_own_orders_only),
		SHOP_TEST(what_is_no_page_is_refused),
		SHOP_TEST(a_page_far_away_is_reached_by_the_cursor_only),
		SHOP_TEST(the_cursor_passes_every_order_once_while_new_ones_arrive),
		SHOP_TEST(pages_by_number_do_move_when_orders_arrive),
		SHOP_TEST(a_cursor_before_the_first_or_after_the_last_order_is_fine),
		SHOP_TEST(totals_follow_every_change_of_state),
		SHOP_TEST(a_filtered_list_has_pages_and_a_cursor_too),
		SHOP_TEST(a_page_of_large_orders_ends_early_and_the_cursor_goes_on),
		SHOP_TEST(a_scan_passes_all_users_orders_from_the_oldest_on),
		SHOP_TEST(a_scan_of_large_orders_stays_within_a_replys_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
