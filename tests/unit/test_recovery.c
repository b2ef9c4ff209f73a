#include "orderd_steps.h"

/* Ends and beginnings at every step of the Saga, on the same store; and a store that is damaged. */

/* --- a restart at each step ----------------------------------------------------------------- */

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

/* --- damage --------------------------------------------------------------------------------- */

/* Flips a bit wherever the store's file holds those bytes, as a bad disk would. */
static void damage_bytes(struct shop *shop, const void *wanted, size_t wanted_size, size_t at_byte)
{
	char path[96];
	size_t size, found = 0;
	char *bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/orderd/data.mdb", shop->f->dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, size, file), size);
	for (char *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), wanted, wanted_size));
		at++, found++) {
		fseek(file, at - bytes + (long)at_byte, SEEK_SET);
		fputc(at[at_byte] ^ 1, file);
	}
	assert_true(found > 0);
	assert_int_equal(fclose(file), 0);
	free(bytes);
}

static void damage(struct shop *shop, const char *text)
{
	damage_bytes(shop, text, strlen(text), 0);
}

/* The same for one value, or for the last byte of its key, which stands before it. */
static void damage_record(struct shop *shop, unsigned table, struct key key, bool in_key)
{
	struct db_spec spec = {
		.tables = orderd_program.tables,
		.size_max_bytes = STORE_MAX_BYTES,
	};
	struct slice value;
	struct txn *txn;
	struct db *db;
	uint8_t bytes[640];
	char path[80];

	snprintf(path, sizeof(path), "%s/orderd", shop->f->dir);
	assert_int_equal(db_open(&db, path, &spec, DB_WATCH), 0);
	assert_int_equal(txn_begin(db, false, &txn), 0);
	assert_true(txn_get(txn, table, &key, &value));
	assert_in_range(value.size, 1, 512);
	memcpy(bytes, key.bytes, key.size);
	memcpy(bytes + key.size, value.at, value.size);
	txn_abort(txn);
	db_close(db);
	damage_bytes(shop, bytes, key.size + value.size, in_key ? key.size - 1 : key.size);
}

static void damage_value(struct shop *shop, unsigned table, struct key key)
{
	damage_record(shop, table, key, false);
}

/* An order that has "damage me" for its key, and one that has not. */
static void make_two(struct shop *shop)
{
	assert_int_equal(make_order(shop, 1, "damage me").order_id, 1);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 2);
	shop_settle(shop);
}

static void a_damaged_order_is_never_served_and_the_others_are(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page = 1, .page_size = 20 };

	make_two(shop);
	damage(shop, "damage me");
	ask_about(shop, 'a', "order.get", 1);
	ask_about(shop, 'b', "order.get", 2);
	ask_status(shop, 'c', 1, ORDERD_PAID);
	ask_status(shop, 'd', 2, ORDERD_PAID);
	shop_ask(shop, 'e', "order.list", &order_query_record, &query);
	shop_tick(shop);
	assert_refused(shop, 'a', "corrupt_record");
	assert_int_equal(order_to(shop, 'b').order_id, 2);
	assert_refused(shop, 'c', "corrupt_record");
	assert_refused(shop, 'e', "corrupt_record");
	assert_move(shop, 2, 2, GOAL_SOLD);
}

static void one_damaged_order_asked_for_a_thousand_times_stops_nobody(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("order.get", 1);
	const struct value *results;

	make_two(shop);
	damage(shop, "damage me");
	pack_str(&frame, "orders");
	pack_array(&frame, 1000);
	for (int i = 0; i < 1000; i++) {
		pack_map(&frame, 1);
		pack_number(&frame, "order_id", 1);
	}
	shop_queue_request(shop, 'a', geteuid(), &frame);
	shop_tick(shop);
	results = list_of(answer_to(shop, 'a'), "results", 1000);
	assert_error(&results[0], "corrupt_record");
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_not_equal(number_of(&results[i], "code"), 0);
	assert_int_equal(get_order(shop, 2).order_id, 2);
}

static void a_damaged_saga_does_not_stop_the_others(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order(shop, 1, NULL).order_id;

	ask_status(shop, 'a', order_id, ORDERD_PAID);
	shop_tick(shop);
	damage_value(shop, TABLE_SAGAS, order_key(order_id));
	make_intent(shop, 'b', "key");
	ask_create(shop, 'c', 1, NULL);
	shop_tick(shop);
	for (int i = 0; i < 100; i++) {
		shop_wait(shop, 100);
		if (answers_to(shop, 'b') > 0)
			assert_refused(shop, 'b', "stock_timeout");
		if (answers_to(shop, 'c') > 0)
			assert_refused(shop, 'c', "catalog_timeout");
	}
	assert_int_equal(shop_parked(shop), 1);
	assert_true(shop->wait_ms > 0);
}

static struct key counts_key(uint64_t user_id)
{
	struct key key = { 0 };

	key_add_u64(&key, user_id);
	key_add_u64(&key, 0);
	return key;
}

/* A crowd of orders of a user whose list is damaged, and one of somebody else. */
static uint64_t crowd_of_damaged_list(struct shop *shop, int count)
{
	make_order(shop, 1, NULL);
	shop_settle(shop);
	damage_value(shop, TABLE_USERS, counts_key(1));
	for (int i = 0; i < count; i++)
		ask_create(shop, (char)(128 + i), 1, NULL);
	ask_create(shop, 'b', 2, "key");
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	return order_to(shop, 'b').order_id;
}

/* What goes by time goes on. */
static void assert_clock_goes(struct shop *shop)
{
	ask_create(shop, 't', 2, NULL);
	for (int i = 0; i < 100 && answers_to(shop, 't') == 0; i++)
		shop_wait(shop, 100);
	assert_refused(shop, 't', "catalog_timeout");
}

static void records_that_cannot_be_written_do_not_stop_those_of_others(void **state)
{
	struct shop *shop = *state;
	uint64_t last = crowd_of_damaged_list(shop, 10);

	for (int i = 0; i < 10; i++) {
		ask_about(shop, 'c', "order.get", last);
		shop_tick(shop);
		if (number_of(answer_to(shop, 'c'), "code") == 0)
			break;
	}
	assert_int_equal(order_to(shop, 'c').order_id, last);
	ask_about(shop, 'd', "order.get", last - 1);
	shop_tick(shop);
	assert_refused(shop, 'd', "corrupt_record");
	assert_true(shop->wait_ms > 0);
	assert_clock_goes(shop);
}

/* Their entries are gathered, more than are written in a slice, and given up. */
static void a_damaged_list_does_not_stop_the_lists_of_others(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page = 1, .page_size = 20 };
	uint64_t last = crowd_of_damaged_list(shop, 100);

	assert_int_equal(get_order(shop, last - 1).user_id, 1);
	for (int i = 0; i < 10; i++)
		shop_wait(shop, 100);
	assert_clock_goes(shop);
	shop_ask(shop, 'l', "order.list", &order_query_record, &query);
	shop_tick(shop);
	assert_refused(shop, 'l', "corrupt_record");
	query.user_id = 2;
	shop_ask(shop, 'm', "order.list", &order_query_record, &query);
	shop_tick(shop);
	assert_int_equal(number_of(answer_to(shop, 'm'), "total"), 1);
}

static void an_order_whose_key_is_damaged_is_not_made_again(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_order(shop, 1, "key").order_id;

	shop_settle(shop);
	move_order(shop, order_id, ORDERD_PAID);
	shop_settle(shop);
	damage_record(shop, TABLE_ORDERS, order_key(order_id), true);
	shop_restart(shop);
	shop_fence(shop);
	ask_create(shop, 'a', 1, "key");
	shop_tick(shop);
	assert_refused(shop, 'a', "corrupt_record");
}

static void an_event_whose_key_is_damaged_is_not_left_out(void **state)
{
	struct shop *shop = *state;
	struct range range = { .after = 0, .limit = 10 };
	struct order_ref ref = { .order_id = make_order(shop, 1, NULL).order_id };
	struct key key = { 0 };

	make_order(shop, 1, NULL);
	make_order(shop, 1, NULL);
	shop_settle(shop);
	key_add_u64(&key, 1);
	damage_record(shop, TABLE_EVENTS, key, true);
	shop_restart(shop);
	shop_ask(shop, 'h', "order.history", &order_ref_record, &ref);
	shop_ask(shop, 'e', "event.list", &range_record, &range);
	shop_tick(shop);
	assert_refused(shop, 'h', "corrupt_record");
	assert_refused(shop, 'e', "corrupt_record");
}

static void a_list_shows_no_order_of_somebody_else(void **state)
{
	struct shop *shop = *state;
	struct order_query query = { .user_id = 1, .page = 1, .page_size = 20 };
	struct key key = counts_key(1);

	make_order(shop, 1, NULL);
	make_order(shop, 1, NULL);
	assert_int_equal(make_order(shop, 2, NULL).order_id, 3);
	shop_settle(shop);
	key.size = 8;
	key_add_u64(&key, ~(uint64_t)2);
	damage_record(shop, TABLE_USERS, key, true); /* it says 3 then */
	shop_restart(shop);
	shop_ask(shop, 'l', "order.list", &order_query_record, &query);
	shop_tick(shop);
	assert_refused(shop, 'l', "corrupt_record");
}

static void a_damaged_order_does_not_stop_a_start(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, NULL);
	shop_settle(shop);
	damage_value(shop, TABLE_ORDERS, order_key(1));
	shop_restart(shop);
	assert_int_equal(make_order(shop, 2, NULL).order_id, 2);
}

/* Nothing but the damaged ones is held up when keys are forgotten. */
static void a_damaged_order_or_key_does_not_stop_the_clock_of_the_others(void **state)
{
	struct shop *shop = *state;

	make_two(shop);
	make_order(shop, 1, "an other key");
	shop_settle(shop);
	damage(shop, "damage me");
	shop->now_ms += shop->settings.key_retention_ms;
	ask_create(shop, 'c', 1, NULL);
	shop_tick(shop);
	shop_wait(shop, 10);
	shop_wait(shop, shop->settings.catalog_timeout_ms);
	if (answers_to(shop, 'c') == 0)
		shop_wait(shop, 10);
	assert_refused(shop, 'c', "catalog_timeout");
	assert_true(shop->wait_ms > 10);
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
		SHOP_TEST(a_damaged_order_is_never_served_and_the_others_are),
		SHOP_TEST(one_damaged_order_asked_for_a_thousand_times_stops_nobody),
		SHOP_TEST(a_damaged_saga_does_not_stop_the_others),
		SHOP_TEST(records_that_cannot_be_written_do_not_stop_those_of_others),
		SHOP_TEST(a_damaged_list_does_not_stop_the_lists_of_others),
		SHOP_TEST(an_order_whose_key_is_damaged_is_not_made_again),
		SHOP_TEST(an_event_whose_key_is_damaged_is_not_left_out),
		SHOP_TEST(a_list_shows_no_order_of_somebody_else),
		SHOP_TEST(a_damaged_order_does_not_stop_a_start),
		SHOP_TEST(a_damaged_order_or_key_does_not_stop_the_clock_of_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
