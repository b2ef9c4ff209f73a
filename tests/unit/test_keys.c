#include "orderd_steps.h"

/* Idempotency keys of order.create: one key and body, one order and one answer. */

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void assert_same_answer(const struct value *one, const struct value *other)
{
	assert_int_equal(one->raw_size, other->raw_size);
	assert_memory_equal(one->raw, other->raw, one->raw_size);
}

/* The repeat of a request whose order is made: answered at once, and nobody is asked. */
static const struct value *repeat(struct shop *shop, const char *key)
{
	ask_create(shop, 'm', 1, key);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->sent_count[STOCKD], 0);
	return answer_to(shop, 'm');
}

static void a_repeat_is_answered_byte_for_byte_the_same(void **state)
{
	struct shop *shop = *state;
	const struct value *first;

	make_order(shop, 1, "key");
	first = answer_to(shop, 'm');
	shop->now_ms += 1000;
	assert_same_answer(repeat(shop, "key"), first);
	move_order(shop, 1, ORDERD_PAID);
	move_order(shop, 1, ORDERD_CANCELLED);
	assert_same_answer(repeat(shop, "key"), first);
	shop_restart(shop);
	assert_same_answer(repeat(shop, "key"), first);
}

static void another_body_under_the_key_is_a_mismatch(void **state)
{
	struct shop *shop = *state;
	struct orderd_line lines[] = { { .book_id = 1, .quantity = 2 },
		{ .book_id = 2, .quantity = 1 } };
	struct orderd_create create = example_create(1, "key");

	make_order(shop, 1, "key");
	create.items = lines;
	for (int change = 0; change < 4; change++) {
		lines[0].quantity = change == 0 ? 3 : 2;
		lines[0].book_id = change == 1 ? 3 : 1;
		create.item_count = change == 2 ? 1 : 2;
		create.expires_in_ms = change == 3 ? 60000 : 0;
		shop_ask(shop, 'a', "order.create", &create_record, &create);
		shop_tick(shop);
		assert_refused(shop, 'a', "idempotency_mismatch");
		assert_int_equal(number_of(answer_to(shop, 'a'), "code"), 40900);
	}
	assert_int_equal(shop_parked(shop), 0);
}

static void a_key_is_its_users_own(void **state)
{
	struct shop *shop = *state;

	assert_int_equal(make_order(shop, 1, "key").order_id, 1);
	assert_int_equal(make_order(shop, 2, "key").order_id, 2);
	assert_int_equal(make_order(shop, 2, "kez").order_id, 3);
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), 1);
}

static void without_a_key_every_request_is_an_order(void **state)
{
	struct shop *shop = *state;

	assert_int_equal(make_order(shop, 1, NULL).order_id, 1);
	assert_int_equal(make_order(shop, 1, NULL).order_id, 2);
}

/* --- while the first is running ------------------------------------------------------------- */

static void both_hear_the_order(struct shop *shop)
{
	assert_int_equal(answers_to(shop, 'a'), 1);
	assert_same_answer(answer_to(shop, 'a'), answer_to(shop, 'b'));
	assert_int_equal(order_to(shop, 'a').order_id, 1);
	assert_at_rest(shop);
}

static void the_same_key_twice_in_one_tick_makes_one_order(void **state)
{
	struct shop *shop = *state;

	ask_create(shop, 'a', 1, "key");
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	stock_obeys(shop);
	shop_tick(shop);
	both_hear_the_order(shop);
}

static void a_repeat_while_the_first_is_priced_waits_for_the_same_answer(void **state)
{
	struct shop *shop = *state;
	const struct value *first;

	ask_create(shop, 'a', 1, "key");
	shop_tick(shop);
	first = shop->sent[CATALOGD][0];
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(shop->sent_count[CATALOGD] + shop->answer_count, 0);
	catalog_prices(shop, first);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	stock_says(shop, 1, 1, GOAL_HELD);
	shop_tick(shop);
	both_hear_the_order(shop);
}

static void repeats_around_the_prices_in_one_tick_make_one_order(void **state)
{
	struct shop *shop = *state;
	const struct value *first;

	ask_create(shop, 'c', 1, "key");
	shop_tick(shop);
	first = shop->sent[CATALOGD][0];
	ask_create(shop, 'a', 1, "key");
	catalog_prices(shop, first);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	assert_int_equal(shop->answer_count + shop->sent_count[CATALOGD], 0);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'c').order_id, 1);
	both_hear_the_order(shop);
}

static void repeats_around_a_refusal_of_the_catalog_in_one_tick_are_two_requests(void **state)
{
	struct shop *shop = *state;
	uint64_t draft;

	ask_create(shop, 'c', 1, "key");
	shop_tick(shop);
	draft = number_of(shop->sent[CATALOGD][0], "ref");
	ask_create(shop, 'a', 1, "key");
	peer_says(shop, CATALOGD, draft, OUTCOME_BOOK_INACTIVE, NULL, NULL);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_refused(shop, 'c', "book_inactive");
	assert_refused(shop, 'a', "book_inactive");
	assert_int_equal(answers_to(shop, 'b'), 0);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').order_id, 1);
	assert_at_rest(shop);
}

static void another_body_under_the_key_is_a_mismatch_at_every_step(void **state)
{
	struct shop *shop = *state;
	struct orderd_create create = example_create(1, "key");

	create.item_count = 1;
	shop_ask(shop, 'a', "order.create", &create_record, &create);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_refused(shop, 'b', "idempotency_mismatch");
	catalog_prices_all(shop);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(move_sent(shop).item_count, 1);
	assert_refused(shop, 'b', "idempotency_mismatch");
	stock_obeys(shop);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').item_count, 1);
	assert_refused(shop, 'b', "idempotency_mismatch");
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_refused(shop, 'b', "idempotency_mismatch");
	assert_at_rest(shop);
}

static void a_repeat_while_stockd_is_asked_waits_for_the_same_answer(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(shop->answer_count + shop->sent_count[CATALOGD], 0);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	both_hear_the_order(shop);
}

static void a_repeat_in_the_tick_of_stockds_answer_hears_it(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	ask_create(shop, 'b', 1, "key");
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	both_hear_the_order(shop);
}

static void a_repeat_before_the_record_is_written_is_answered_the_same(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");
	const struct value *first;

	stock_says(shop, order_id, 1, GOAL_HELD);
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	first = answer_to(shop, 'a');
	assert_same_answer(answer_to(shop, 'b'), first);
	assert_int_equal(shop->published_count, 0);
	assert_same_answer(repeat(shop, "key"), first);
	assert_int_equal(shop->published_count, 0);
	shop_settle(shop);
	assert_int_equal(shop->published_count, 1);
	assert_same_answer(repeat(shop, "key"), first);
	assert_at_rest(shop);
}

static void a_repeat_in_the_tick_of_stockds_refusal_hears_it(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	ask_create(shop, 'b', 1, "key");
	stock_says(shop, order_id, 1, GOAL_REFUSED);
	shop_tick(shop);
	assert_refused(shop, 'a', "insufficient_stock");
	assert_refused(shop, 'b', "insufficient_stock");
	assert_at_rest(shop);
}

static void a_repeat_in_the_tick_of_giving_up_is_told_so(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	ask_create(shop, 'b', 1, "key");
	shop_wait(shop, shop->settings.stock_timeout_ms);
	assert_refused(shop, 'a', "stock_timeout");
	assert_refused(shop, 'b', "stock_timeout");
	stock_says(shop, order_id, 2, GOAL_RETURNED);
	shop_tick(shop);
	assert_at_rest(shop);
}

/* --- when the first came to nothing --------------------------------------------------------- */

static void a_key_whose_request_was_refused_is_free_again(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	stock_says(shop, order_id, 1, GOAL_REFUSED);
	shop_tick(shop);
	assert_int_equal(make_order(shop, 1, "key").order_id, order_id + 1);
}

static void a_key_whose_request_was_given_up_is_free_while_stock_is_returned(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	shop_wait(shop, shop->settings.stock_timeout_ms);
	assert_int_equal(make_order(shop, 1, "key").order_id, order_id + 1);
	stock_says(shop, order_id, 2, GOAL_RETURNED);
	shop_tick(shop);
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), order_id + 1);
	assert_at_rest(shop);
}

/* --- time ----------------------------------------------------------------------------------- */

static void a_key_lasts_as_long_as_configured(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, "key");
	shop_settle(shop);
	shop->now_ms += DAY_MS - 1 - GATHER_MS;
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), 1);
	shop->now_ms += 1;
	assert_int_equal(make_order(shop, 1, "key").order_id, 2);
	shop_settle(shop);
	shop->now_ms += DAY_MS - 1 - GATHER_MS;
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), 2);
}

static size_t keys_stored(struct shop *shop)
{
	struct db_spec spec = {
		.tables = orderd_program.tables,
		.size_max_bytes = STORE_MAX_BYTES,
	};
	struct txn *txn;
	struct db *db;
	char path[80];
	size_t count;

	snprintf(path, sizeof(path), "%s/orderd", shop->f->dir);
	assert_int_equal(db_open(&db, path, &spec, DB_WATCH), 0);
	assert_int_equal(txn_begin(db, false, &txn), 0);
	count = txn_count(txn, TABLE_KEYS);
	txn_abort(txn);
	db_close(db);
	return count;
}

static void keys_are_forgotten_after_their_time(void **state)
{
	struct shop *shop = *state;

	make_order(shop, 1, "one");
	make_order(shop, 1, NULL);
	shop->now_ms += DAY_MS / 2;
	shop->monotonic_ms += DAY_MS / 2;
	make_order(shop, 1, "two");
	shop_settle(shop);
	assert_int_equal(keys_stored(shop), 2);
	shop->now_ms += DAY_MS / 2;
	shop->monotonic_ms += DAY_MS / 2;
	shop_tick(shop);
	assert_int_equal(keys_stored(shop), 1);
	assert_int_equal(number_of(repeat(shop, "two"), "order_id"), 3);
	shop->now_ms += DAY_MS / 2;
	shop->monotonic_ms += DAY_MS / 2;
	shop_tick(shop);
	assert_int_equal(keys_stored(shop), 0);
}

static void forgetting_an_old_key_spares_the_order_that_took_it_over(void **state)
{
	struct shop *shop = *state;

	shop->settings.key_retention_ms = 1000;
	make_order(shop, 1, "key");
	shop_settle(shop);
	shop->now_ms += 1000;
	shop->monotonic_ms += 1000;
	make_order(shop, 1, "key");
	shop_settle(shop);
	assert_int_equal(keys_stored(shop), 1);
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), 2);
}

static void a_key_is_not_forgotten_while_its_order_is_being_made(void **state)
{
	struct shop *shop = *state;

	shop->settings.key_retention_ms = 1000;
	make_intent(shop, 'a', "key");
	shop->now_ms += 1000;
	ask_create(shop, 'b', 1, "key");
	shop_tick(shop);
	assert_int_equal(shop->answer_count + shop->sent_count[CATALOGD], 0);
	stock_says(shop, 1, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').order_id, 1);
}

static void a_late_return_spares_the_order_that_took_the_key_over(void **state)
{
	struct shop *shop = *state;

	make_intent(shop, 'a', "key");
	shop_wait(shop, shop->settings.stock_timeout_ms);
	assert_refused(shop, 'a', "stock_timeout");
	make_intent(shop, 'b', "key");
	stock_says(shop, 1, 2, GOAL_RETURNED);
	ask_create(shop, 'c', 1, "key");
	shop_tick(shop);
	assert_int_equal(shop->answer_count + shop->sent_count[CATALOGD], 0);
	stock_says(shop, 2, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'b').order_id, 2);
	assert_int_equal(order_to(shop, 'c').order_id, 2);
	assert_int_equal(number_of(repeat(shop, "key"), "order_id"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_repeat_is_answered_byte_for_byte_the_same),
		SHOP_TEST(another_body_under_the_key_is_a_mismatch),
		SHOP_TEST(a_key_is_its_users_own),
		SHOP_TEST(without_a_key_every_request_is_an_order),
		SHOP_TEST(the_same_key_twice_in_one_tick_makes_one_order),
		SHOP_TEST(a_repeat_while_the_first_is_priced_waits_for_the_same_answer),
		SHOP_TEST(repeats_around_the_prices_in_one_tick_make_one_order),
		SHOP_TEST(repeats_around_a_refusal_of_the_catalog_in_one_tick_are_two_requests),
		SHOP_TEST(another_body_under_the_key_is_a_mismatch_at_every_step),
		SHOP_TEST(a_repeat_before_the_record_is_written_is_answered_the_same),
		SHOP_TEST(a_repeat_while_stockd_is_asked_waits_for_the_same_answer),
		SHOP_TEST(a_repeat_in_the_tick_of_stockds_answer_hears_it),
		SHOP_TEST(a_repeat_in_the_tick_of_stockds_refusal_hears_it),
		SHOP_TEST(a_repeat_in_the_tick_of_giving_up_is_told_so),
		SHOP_TEST(a_key_whose_request_was_refused_is_free_again),
		SHOP_TEST(a_key_whose_request_was_given_up_is_free_while_stock_is_returned),
		SHOP_TEST(a_key_lasts_as_long_as_configured),
		SHOP_TEST(keys_are_forgotten_after_their_time),
		SHOP_TEST(forgetting_an_old_key_spares_the_order_that_took_it_over),
		SHOP_TEST(a_key_is_not_forgotten_while_its_order_is_being_made),
		SHOP_TEST(a_late_return_spares_the_order_that_took_the_key_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
