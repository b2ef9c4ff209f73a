#include "orderd_steps.h"

/* A store that is damaged: nothing wrong is served, and what is sound goes on. */

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

	make_two(shop);
	damage(shop, "damage me");
	ask_about(shop, 'a', "order.get", 1);
	ask_about(shop, 'b', "order.get", 2);
	ask_status(shop, 'c', 1, ORDERD_PAID);
	ask_status(shop, 'd', 2, ORDERD_PAID);
	ask_list(shop, 'e', 1);
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
	uint64_t last = crowd_of_damaged_list(shop, 100);

	assert_int_equal(get_order(shop, last - 1).user_id, 1);
	for (int i = 0; i < 10; i++)
		shop_wait(shop, 100);
	assert_clock_goes(shop);
	ask_list(shop, 'l', 1);
	shop_tick(shop);
	assert_refused(shop, 'l', "corrupt_record");
	assert_int_equal(orders_of(shop, 2).total, 1);
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
	struct key key = counts_key(1);

	make_order(shop, 1, NULL);
	make_order(shop, 1, NULL);
	assert_int_equal(make_order(shop, 2, NULL).order_id, 3);
	shop_settle(shop);
	key.size = 8;
	key_add_u64(&key, ~(uint64_t)2);
	damage_record(shop, TABLE_USERS, key, true); /* it says 3 then */
	shop_restart(shop);
	ask_list(shop, 'l', 1);
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
