#include "orderd_steps.h"

/* The making of an order, step by step, with neighbours that refuse, fall silent or say it twice. */

/* Lets that much time pass in small steps; how often that peer was told something. */
static size_t pass(struct shop *shop, int64_t ms, unsigned peer)
{
	size_t told = 0;

	for (int64_t passed = 0; passed < ms; passed += 50) {
		shop_wait(shop, ms - passed < 50 ? ms - passed : 50);
		told += shop->sent_count[peer];
		if (shop->answer_count > 0)
			fail_msg("an answer %" PRId64 " ms early", ms - passed);
	}
	return told;
}

static void assert_no_order(struct shop *shop, uint64_t order_id)
{
	struct event_list events;
	struct range all = { .limit = LIST_LIMIT_MAX };

	ask_about(shop, 'n', "order.get", order_id);
	shop_ask(shop, 'e', "event.list", &range_record, &all);
	shop_tick(shop);
	assert_refused(shop, 'n', "order_not_found");
	answer_read(shop, 'e', &event_list_record, &events);
	for (size_t i = 0; i < events.count; i++)
		assert_int_not_equal(events.events[i].order_id, order_id);
}

/* --- the catalog ---------------------------------------------------------------------------- */

/* Client 'a' has asked; the reference of the question to catalogd. */
static uint64_t ask_and_be_priced(struct shop *shop, int64_t timeout_ms)
{
	struct orderd_create create = example_create(1, NULL);

	shop_ask_within(shop, 'a', "order.create", &create_record, &create, timeout_ms);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[CATALOGD], 1);
	return number_of(shop->sent[CATALOGD][0], "ref");
}

static void what_the_catalog_refuses_is_refused_in_its_words(void **state)
{
	struct shop *shop = *state;
	static const int outcomes[] = { OUTCOME_BOOK_NOT_FOUND, OUTCOME_BOOK_INACTIVE };

	for (size_t i = 0; i < 2; i++) {
		uint64_t ref = ask_and_be_priced(shop, 0);

		peer_says(shop, CATALOGD, ref, outcomes[i], NULL, NULL);
		shop_tick(shop);
		assert_refused(shop, 'a', outcome_name(outcomes[i]));
		assert_text(answer_to(shop, 'a'), "message", outcome_text(outcomes[i]));
		assert_int_equal(shop->sent_count[STOCKD], 0);
	}
	assert_at_rest(shop);
	assert_no_order(shop, 1);
}

static void a_silent_catalog_is_asked_again_and_given_up_on_time(void **state)
{
	struct shop *shop = *state;

	ask_and_be_priced(shop, 0);
	assert_true(shop->wait_ms > 0 && shop->wait_ms <= 200);
	assert_in_range(pass(shop, 2999, CATALOGD), 3, 20);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "catalog_timeout");
	assert_int_equal(number_of(answer_to(shop, 'a'), "code"), 50400);
	assert_at_rest(shop);
}

static void a_catalog_that_is_away_is_named_as_such(void **state)
{
	struct shop *shop = *state;

	shop->down[CATALOGD] = true;
	ask_and_be_priced(shop, 0);
	pass(shop, 2999, CATALOGD);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "catalog_unavailable");
	assert_int_equal(number_of(answer_to(shop, 'a'), "code"), 50300);
}

static void a_catalog_that_comes_back_in_time_is_good_enough(void **state)
{
	struct shop *shop = *state;

	shop->down[CATALOGD] = true;
	ask_and_be_priced(shop, 0);
	pass(shop, 1000, CATALOGD);
	shop->down[CATALOGD] = false;
	while (shop->sent_count[CATALOGD] == 0)
		shop_wait(shop, 50);
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
}

static void prices_that_come_too_late_or_for_nobody_do_nothing(void **state)
{
	struct shop *shop = *state;
	const struct value *question;

	ask_and_be_priced(shop, 0);
	question = shop->sent[CATALOGD][0];
	pass(shop, 2999, CATALOGD);
	shop_wait(shop, 1);
	catalog_prices(shop, question);
	peer_says(shop, CATALOGD, 12345, OUTCOME_BOOK_NOT_FOUND, NULL, NULL);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(shop->sent_count[STOCKD], 0);
	assert_at_rest(shop);
}

static void doubled_prices_make_one_intent(void **state)
{
	struct shop *shop = *state;
	const struct value *question;

	ask_and_be_priced(shop, 0);
	question = shop->sent[CATALOGD][0];
	catalog_prices(shop, question);
	catalog_prices(shop, question);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	catalog_prices(shop, question);
	shop_tick(shop);
	assert_int_equal(shop->sent_count[STOCKD], 0);
	stock_says(shop, 1, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, 1);
	assert_at_rest(shop);
}

static void prices_in_the_tick_of_giving_up_still_count(void **state)
{
	struct shop *shop = *state;
	const struct value *question;

	ask_and_be_priced(shop, 0);
	question = shop->sent[CATALOGD][0];
	pass(shop, 2999, CATALOGD);
	catalog_prices(shop, question);
	shop_wait(shop, 1);
	assert_move(shop, 1, 1, GOAL_HELD);
	assert_int_equal(shop->answer_count, 0);
}

/* --- the stock ------------------------------------------------------------------------------ */

static void too_little_stock_leaves_nothing_behind(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', "key");

	stock_says(shop, order_id, 1, GOAL_REFUSED);
	shop_tick(shop);
	assert_refused(shop, 'a', "insufficient_stock");
	assert_text(answer_to(shop, 'a'), "message", "book 2: only 0 available; order fewer");
	assert_int_equal(shop->published_count, 0);
	assert_int_equal(shop->sent_count[STOCKD], 0);
	assert_no_order(shop, order_id);
	assert_at_rest(shop);
}

static void a_silent_stockd_is_asked_again_under_the_same_version(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	for (int i = 0; i < 3; i++) {
		do {
			shop_wait(shop, 50);
		} while (shop->sent_count[STOCKD] == 0);
		assert_move(shop, order_id, 1, GOAL_HELD);
		assert_int_equal(move_sent(shop).item_count, 2);
	}
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	assert_at_rest(shop);
}

/* The tick in which stockd's time is up: client 'a' hears, stockd is asked for the lines. */
static uint64_t give_up_on_stock(struct shop *shop, const char *key)
{
	uint64_t order_id = make_intent(shop, 'a', key);

	pass(shop, 4999, STOCKD);
	shop_wait(shop, 1);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	return order_id;
}

static void a_stockd_silent_for_too_long_is_asked_to_return_the_lines(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = give_up_on_stock(shop, NULL);

	assert_refused(shop, 'a', "stock_timeout");
	assert_int_equal(shop_parked(shop), 0);
	stock_says(shop, order_id, 2, GOAL_RETURNED);
	shop_tick(shop);
	assert_no_order(shop, order_id);
	assert_at_rest(shop);
}

static void a_stockd_that_is_away_is_named_as_such(void **state)
{
	struct shop *shop = *state;

	shop->down[STOCKD] = true;
	give_up_on_stock(shop, NULL);
	assert_refused(shop, 'a', "stock_unavailable");
}

static void the_return_is_repeated_ever_more_rarely_until_confirmed(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = give_up_on_stock(shop, NULL);

	assert_in_range(pass(shop, 10000, STOCKD), 4, 8);
	assert_in_range(pass(shop, 60000, STOCKD), 11, 13);
	do {
		shop_wait(shop, 50);
	} while (shop->sent_count[STOCKD] == 0);
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(pass(shop, 20000, STOCKD), 0);
	assert_at_rest(shop);
}

static void a_hold_that_comes_after_giving_up_makes_no_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = give_up_on_stock(shop, NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_no_order(shop, order_id);
	stock_says(shop, order_id, 2, GOAL_RETURNED);
	stock_says(shop, order_id, 2, GOAL_RETURNED);
	shop_tick(shop);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_no_order(shop, order_id);
	assert_at_rest(shop);
}

static void a_hold_in_the_tick_of_giving_up_still_counts(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	pass(shop, 4999, STOCKD);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_wait(shop, 1);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	assert_int_equal(shop->sent_count[STOCKD], 0);
	assert_at_rest(shop);
}

static void a_doubled_hold_makes_one_order(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_settle(shop);
	assert_int_equal(shop->answer_count, 0);
	assert_int_equal(shop->published_count, 1);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_settle(shop);
	assert_int_equal(shop->answer_count + shop->published_count, 0);
	assert_at_rest(shop);
}

static void an_answer_that_does_not_fit_the_step_is_no_answer(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_SOLD);
	stock_says(shop, order_id, 1, GOAL_RETURNED);
	stock_says(shop, order_id + 1, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(shop->answer_count + shop->published_count, 0);
	stock_says(shop, order_id, 1, GOAL_HELD);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
}

/* As after a restore of orderd's store from an older copy. */
static void an_order_that_stockd_knows_as_another_is_refused_and_its_stock_left_alone(void **state)
{
	struct shop *shop = *state;

	for (int form = 0; form < 2; form++) {
		uint64_t order_id = make_intent(shop, 'a', "key");

		if (form == 0)
			stock_says(shop, order_id, 3, GOAL_SOLD);
		else
			peer_says(shop, STOCKD, order_id, OUTCOME_SUPERSEDED, NULL, NULL);
		shop_tick(shop);
		assert_refused(shop, 'a', "internal");
		assert_int_equal(shop->sent_count[STOCKD], 0);
		assert_no_order(shop, order_id);
		assert_at_rest(shop);
	}
	assert_int_equal(make_order(shop, 1, "key").order_id, 3);
}

/* --- the client's own deadline -------------------------------------------------------------- */

static void a_client_that_waits_shortly_is_told_in_its_time(void **state)
{
	struct shop *shop = *state;

	ask_and_be_priced(shop, 500);
	pass(shop, 499, CATALOGD);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "deadline_passed");
	assert_at_rest(shop);
}

static void a_client_that_waits_shortly_for_the_stock_leaves_nothing_held(void **state)
{
	struct shop *shop = *state;

	ask_and_be_priced(shop, 500);
	shop->monotonic_ms += 300;
	catalog_prices_all(shop);
	shop_tick(shop);
	assert_move(shop, 1, 1, GOAL_HELD);
	shop_wait(shop, 199);
	assert_int_equal(shop->answer_count, 0);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "deadline_passed");
	assert_move(shop, 1, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_no_order(shop, 1);
	assert_at_rest(shop);
}

static void a_patient_client_does_not_lengthen_the_time_outs(void **state)
{
	struct shop *shop = *state;

	ask_and_be_priced(shop, 3600 * 1000);
	pass(shop, 2999, CATALOGD);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "catalog_timeout");
}

static void the_wall_clock_has_no_say_in_time_outs(void **state)
{
	struct shop *shop = *state;

	ask_and_be_priced(shop, 0);
	shop->now_ms += INT64_C(3600) * 1000;
	shop_tick(shop);
	assert_int_equal(shop->answer_count, 0);
	shop->now_ms -= INT64_C(7200) * 1000;
	shop->monotonic_ms += 3000;
	shop_tick(shop);
	assert_refused(shop, 'a', "catalog_timeout");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(what_the_catalog_refuses_is_refused_in_its_words),
		SHOP_TEST(a_silent_catalog_is_asked_again_and_given_up_on_time),
		SHOP_TEST(a_catalog_that_is_away_is_named_as_such),
		SHOP_TEST(a_catalog_that_comes_back_in_time_is_good_enough),
		SHOP_TEST(prices_that_come_too_late_or_for_nobody_do_nothing),
		SHOP_TEST(doubled_prices_make_one_intent),
		SHOP_TEST(prices_in_the_tick_of_giving_up_still_count),
		SHOP_TEST(too_little_stock_leaves_nothing_behind),
		SHOP_TEST(a_silent_stockd_is_asked_again_under_the_same_version),
		SHOP_TEST(a_stockd_silent_for_too_long_is_asked_to_return_the_lines),
		SHOP_TEST(a_stockd_that_is_away_is_named_as_such),
		SHOP_TEST(the_return_is_repeated_ever_more_rarely_until_confirmed),
		SHOP_TEST(a_hold_that_comes_after_giving_up_makes_no_order),
		SHOP_TEST(a_hold_in_the_tick_of_giving_up_still_counts),
		SHOP_TEST(a_doubled_hold_makes_one_order),
		SHOP_TEST(an_answer_that_does_not_fit_the_step_is_no_answer),
		SHOP_TEST(
			an_order_that_stockd_knows_as_another_is_refused_and_its_stock_left_alone),
		SHOP_TEST(a_client_that_waits_shortly_is_told_in_its_time),
		SHOP_TEST(a_client_that_waits_shortly_for_the_stock_leaves_nothing_held),
		SHOP_TEST(a_patient_client_does_not_lengthen_the_time_outs),
		SHOP_TEST(the_wall_clock_has_no_say_in_time_outs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
