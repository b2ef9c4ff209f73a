#include "orderd_steps.h"

#include "daemons/orderd/coordinator.h"

/* More open sagas than memory has room for, as after a long absence of stockd; and a store that
 * fills up. */

#define CROWD_FIRST 1000
#define CROWD_COUNT (SAGAS_IN_MEMORY + 300)

/* A pending order, number 1, and a crowd of cancellations that stockd has yet to confirm. */
static void crowd_make(struct shop *shop)
{
	struct db_spec spec = {
		.tables = orderd_program.tables,
		.size_max_bytes = STORE_MAX_BYTES,
	};
	struct tick tick = { .arena = shop->f->arena, .settings = &shop->settings };
	char path[80];
	struct db *db;

	assert_int_equal(make_order(shop, 1, NULL).order_id, 1);
	shop_settle(shop);
	service_close(shop->f->service);
	shop->f->service = NULL;
	snprintf(path, sizeof(path), "%s/orderd", shop->f->dir);
	assert_int_equal(db_open(&db, path, &spec, DB_OWN), 0);
	assert_int_equal(txn_begin(db, true, &tick.txn), 0);
	for (uint64_t i = 0; i < CROWD_COUNT; i++)
		saga_put(&tick,
			&(struct saga){
				.order_id = CROWD_FIRST + i,
				.step = SAGA_RETURNING,
				.version = 2,
				.created_at = NOW_MS,
			});
	assert_int_equal(txn_commit(tick.txn), 0);
	db_close(db);
	shop_open(shop);
}

static uint64_t open_sagas(struct shop *shop)
{
	struct health health;

	shop_ask(shop, 'h', "health", &empty_record, "");
	shop_tick(shop);
	answer_read(shop, 'h', &health_record, &health);
	return (uint64_t)health.open_sagas;
}

/* stockd confirms the first so many of the crowd. */
static void crowd_confirm(struct shop *shop, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		stock_says(shop, CROWD_FIRST + i, 2, GOAL_RETURNED);
		if (shop->queued == EVENTS_MAX - 1)
			shop_tick(shop);
	}
	shop_tick(shop);
}

static void new_orders_have_to_wait_for_room(void **state)
{
	struct shop *shop = *state;

	crowd_make(shop);
	assert_int_equal(open_sagas(shop), CROWD_COUNT);
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	assert_refused(shop, 'a', "busy");
	crowd_confirm(shop, 0, 1000);
	assert_int_equal(open_sagas(shop), CROWD_COUNT - 1000);
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(shop_parked(shop), 1);
}

static bool is_sent(const struct shop *shop, uint64_t order_id)
{
	for (size_t i = 0; i < shop->sent_count[STOCKD]; i++)
		if (number_of(shop->sent[STOCKD][i], "order_id") == order_id)
			return true;
	return false;
}

static void a_cancellation_is_answered_at_once_and_settled_when_there_is_room(void **state)
{
	struct shop *shop = *state;
	struct orderd_order order;

	crowd_make(shop);
	ask_cancel(shop, 'a', 1);
	shop_tick(shop);
	order = order_to(shop, 'a');
	assert_int_equal(order.status, ORDERD_CANCELLED);
	assert_true(order.stock_to_follow);
	assert_int_equal(shop_parked(shop), 0);
	crowd_confirm(shop, 0, CROWD_COUNT * 3 / 4);
	assert_int_equal(open_sagas(shop), CROWD_COUNT / 4 + 1);
	for (int i = 0; i < 400 && !is_sent(shop, 1); i++)
		shop_wait(shop, 50);
	assert_true(is_sent(shop, 1));
	stock_says(shop, 1, 2, GOAL_RETURNED);
	shop_tick(shop);
	assert_int_equal(open_sagas(shop), CROWD_COUNT / 4);
}

static void those_that_found_no_room_are_taken_up_when_there_is_some(void **state)
{
	struct shop *shop = *state;

	crowd_make(shop);
	crowd_confirm(shop, 0, SAGAS_IN_MEMORY);
	for (int i = 0; i < 200 && shop->sent_count[STOCKD] == 0; i++)
		shop_wait(shop, 50);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(open_sagas(shop), 0);
	assert_at_rest(shop);
}

/* --- a full store --------------------------------------------------------------------------- */

static int begin_small(void **state)
{
	struct shop *shop = shop_new();

	shop->settings.suite.store_size_max_bytes = INT64_C(3) << 20;
	shop_open(shop);
	*state = shop;
	return 0;
}

/* Makes orders until they are refused at once; the question `but` stays unanswered. */
static void fill(struct shop *shop, uint64_t but)
{
	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < 20; j++)
			ask_create(shop, 'f', 2, NULL);
		shop_wait(shop, 100);
		if (answers_to(shop, 'f') == 20)
			return;
		for (size_t j = 0; j < shop->sent_count[CATALOGD]; j++)
			if (number_of(shop->sent[CATALOGD][j], "ref") != but)
				catalog_prices(shop, shop->sent[CATALOGD][j]);
		shop_tick(shop);
		stock_obeys(shop);
		shop_tick(shop);
	}
	fail_msg("20,000 orders are in");
}

static void a_full_store_takes_no_orders_but_brings_old_ones_to_their_end(void **state)
{
	struct shop *shop = *state;
	uint64_t paid = make_order(shop, 1, NULL).order_id;
	uint64_t cancelled = make_order(shop, 1, NULL).order_id;

	fill(shop, 0);
	ask_create(shop, 'f', 2, NULL);
	shop_tick(shop);
	assert_refused(shop, 'f', "storage_full");
	assert_int_equal(shop->sent_count[CATALOGD], 0);
	move_order(shop, paid, ORDERD_PAID);
	move_order(shop, cancelled, ORDERD_CANCELLED);
	assert_int_equal(get_order(shop, paid).status, ORDERD_PAID);
	assert_at_rest(shop);
}

static void prices_that_find_the_store_full_are_told_so(void **state)
{
	struct shop *shop = *state;
	const struct value *question;

	shop->settings.catalog_timeout_ms = INT64_C(3600) * 1000;
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	question = shop->sent[CATALOGD][0];
	fill(shop, number_of(question, "ref"));
	catalog_prices(shop, question);
	shop_tick(shop);
	assert_refused(shop, 'a', "storage_full");
	assert_int_equal(shop->sent_count[STOCKD], 0);
	assert_at_rest(shop);
}

static void ask_change(struct shop *shop, const char *op, const struct record *record,
	uint64_t order_id, enum orderd_status status)
{
	static char reason[REASON_MAX_BYTES + 1];
	struct order_change change = { .order_id = order_id, .status = status, .reason = reason };

	memset(reason, 'r', REASON_MAX_BYTES);
	shop_ask(shop, 'x', op, record, &change);
}

/* Pays and cancels so many orders in one tick; whether there was room. stockd confirms nothing. */
static bool change(struct shop *shop, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < from + count; i++) {
		ask_change(shop, "order.set_status", &order_set_status_record, i, ORDERD_PAID);
		ask_change(shop, "order.cancel", &order_cancel_record, i, ORDERD_ANY);
	}
	shop_tick(shop);
	for (size_t i = 0; i < shop->answer_count; i++) {
		if (number_of(shop->answers[i].map, "code") == 50700)
			return false;
		assert_int_equal(number_of(shop->answers[i].map, "code"), 0);
	}
	shop_wait(shop, shop->settings.settle_wait_ms);
	return true;
}

/* Until not even what brings work to its end finds room. */
static void exhaust(struct shop *shop, uint64_t order_id)
{
	for (uint64_t count = 64; count > 0; count /= 2)
		while (change(shop, order_id, count))
			order_id += count;
}

static void assert_no_room_for(struct shop *shop, struct orderd_order told)
{
	struct order_ref ref = { .order_no = told.order_no };

	ask_about(shop, 'b', "order.get", told.order_id);
	shop_ask(shop, 'c', "order.get", &order_ref_record, &ref);
	ask_about(shop, 'd', "order.get", 1);
	shop_tick(shop);
	assert_refused(shop, 'b', "storage_full");
	assert_refused(shop, 'c', "storage_full");
	assert_int_equal(order_to(shop, 'd').order_id, 1);
	assert_true(shop->wait_ms > 0);
}

#define NO_ROOM_FOR 100 /* records in one transaction */

/* Orders that stockd is asked to hold while the store gets full. Returns the first of them. */
static uint64_t ask_before_it_is_full(struct shop *shop)
{
	uint64_t first = make_order(shop, 1, NULL).order_id + 1;

	shop->settings.stock_timeout_ms = INT64_C(3600) * 1000;
	for (int i = 0; i < NO_ROOM_FOR; i++)
		ask_create(shop, i == 0 ? 'a' : 'm', 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], NO_ROOM_FOR);
	fill(shop, 0);
	return first;
}

/* The lists of users, which are gathered, can wait. */
static void what_a_full_store_has_kept_is_not_spent_on_what_can_wait(void **state)
{
	struct shop *shop = *state;
	uint64_t first = ask_before_it_is_full(shop), commits;

	for (uint64_t i = 0; i < NO_ROOM_FOR; i++)
		stock_says(shop, first + i, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), NO_ROOM_FOR - 1);
	shop_settle(shop);
	commits = service_counts(shop->f->service).commits;
	for (int i = 0; i < 10; i++)
		shop_wait(shop, 100);
	assert_int_equal(service_counts(shop->f->service).commits, commits);
	assert_int_equal(get_order(shop, first).status, ORDERD_PENDING);
}

/* stockd has their intents: they are made, and nobody is told that they are not. */
static void orders_that_find_no_room_for_their_records_are_not_denied(void **state)
{
	struct shop *shop = *state;
	uint64_t first = ask_before_it_is_full(shop);
	struct orderd_order told;

	exhaust(shop, first + NO_ROOM_FOR);
	for (uint64_t i = 0; i < NO_ROOM_FOR; i++)
		stock_says(shop, first + i, 1, GOAL_HELD);
	shop->now_ms = NOW_MS;
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), NO_ROOM_FOR - 1);
	told = order_to(shop, 'a');
	assert_no_room_for(shop, told);
	shop->fence_silent = true;
	shop_restart(shop);
	ask_about(shop, 'b', "order.get", told.order_id);
	ask_about(shop, 'd', "order.get", 1);
	shop_tick(shop);
	assert_refused(shop, 'b', "stock_unavailable");
	assert_int_equal(order_to(shop, 'd').order_id, 1);
}

#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, begin_small, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(new_orders_have_to_wait_for_room),
		SHOP_TEST(a_cancellation_is_answered_at_once_and_settled_when_there_is_room),
		SHOP_TEST(those_that_found_no_room_are_taken_up_when_there_is_some),
		SMALL_TEST(a_full_store_takes_no_orders_but_brings_old_ones_to_their_end),
		SMALL_TEST(prices_that_find_the_store_full_are_told_so),
		SMALL_TEST(what_a_full_store_has_kept_is_not_spent_on_what_can_wait),
		SMALL_TEST(orders_that_find_no_room_for_their_records_are_not_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
