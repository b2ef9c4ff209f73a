#include "stock_fixture.h"

/* Levels by hand, idempotency keys, lists and the journal. */

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* --- set and add ---------------------------------------------------------------------------- */

static void setting_makes_the_level_and_journals_the_difference(void **state)
{
	struct stock *stock = *state;
	struct movement_list lines;

	set(stock, 1, 10);
	set(stock, 1, 4);
	set(stock, 2, 0);
	lines = journal(stock, (struct journal_query){ 0 });
	assert_int_equal(lines.count, 3);
	assert_int_equal(lines.movements[0].kind, MOVEMENT_SET);
	assert_int_equal(lines.movements[0].quantity, 10);
	assert_int_equal(lines.movements[1].quantity, -6);
	assert_int_equal(lines.movements[1].available, 4);
	assert_level(stock, 1, 4, 0, 0);
	assert_level(stock, 2, 0, 0, 0);
}

static void setting_leaves_reserved_and_sold_alone(void **state)
{
	struct stock *stock = *state;

	bring_17(stock, GOAL_SOLD);
	set(stock, 1, 100);
	assert_level(stock, 1, 100, 0, 2);
	assert_int_equal(show(stock, 1).received, 102);
}

static void setting_what_is_there_writes_nothing(void **state)
{
	struct stock *stock = *state;
	uint64_t writes;

	set(stock, 1, 10);
	writes = txn_writes(stock->txn);
	stock->now_ms++;
	set(stock, 1, 10);
	assert_int_equal(txn_writes(stock->txn), writes);
	assert_int_equal(show(stock, 1).updated_at, NOW_MS);
}

static void adding_counts_as_received_and_never_goes_below_0(void **state)
{
	struct stock *stock = *state;
	struct level level;
	uint64_t writes;

	assert_int_equal(add(stock, 1, -1, NULL, &level), OUTCOME_INSUFFICIENT_STOCK);
	assert_int_equal(add(stock, 1, 5, NULL, &level), OUTCOME_OK);
	assert_int_equal(add(stock, 1, -2, NULL, &level), OUTCOME_OK);
	assert_level(stock, 1, 3, 0, 0);
	writes = txn_writes(stock->txn);
	assert_int_equal(add(stock, 1, -4, NULL, &level), OUTCOME_INSUFFICIENT_STOCK);
	assert_says(stock->why, "3 available");
	assert_int_equal(add(stock, 1, 0, NULL, &level), OUTCOME_BAD_REQUEST);
	assert_int_equal(txn_writes(stock->txn), writes);
}

static void a_level_has_an_end(void **state)
{
	struct stock *stock = *state;
	struct level level;

	assert_int_equal(add(stock, 1, LEVEL_MAX, NULL, &level), OUTCOME_OK);
	assert_int_equal(add(stock, 1, 1, NULL, &level), OUTCOME_BAD_REQUEST);
	assert_int_equal(add(stock, 2, INT64_MAX, NULL, &level), OUTCOME_BAD_REQUEST);
	assert_level(stock, 1, LEVEL_MAX, 0, 0);
}

static void an_addition_under_a_key_happens_once(void **state)
{
	struct stock *stock = *state;
	struct level first, second;

	assert_int_equal(add(stock, 1, 5, "k", &first), OUTCOME_OK);
	assert_int_equal(add(stock, 1, 1, NULL, &second), OUTCOME_OK);
	stock->now_ms += DAY_MS - 1;
	assert_int_equal(add(stock, 1, 5, "k", &second), OUTCOME_OK);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_level(stock, 1, 6, 0, 0);
	assert_int_equal(add(stock, 1, 6, "k", &second), OUTCOME_IDEMPOTENCY_MISMATCH);
	assert_int_equal(add(stock, 2, 5, "k", &second), OUTCOME_IDEMPOTENCY_MISMATCH);
}

static void a_key_is_forgotten_after_a_day(void **state)
{
	struct stock *stock = *state;
	struct level level;

	assert_int_equal(add(stock, 1, 5, "k", &level), OUTCOME_OK);
	stock->now_ms += DAY_MS;
	assert_int_equal(add(stock, 1, 5, "k", &level), OUTCOME_OK);
	assert_level(stock, 1, 10, 0, 0);
	stock->now_ms += 1;
	assert_int_equal(add(stock, 1, 5, "k", &level), OUTCOME_OK);
	assert_level(stock, 1, 10, 0, 0);
	assert_int_equal(txn_count(stock->txn, TABLE_KEYS), 1);
	assert_int_equal(txn_count(stock->txn, TABLE_KEY_AGES), 1);
}

static void a_key_used_anew_outlives_its_old_age(void **state)
{
	struct stock *stock = *state;
	struct level level;
	char key[] = "a0";

	for (; key[1] < '0' + 20; key[1]++)
		assert_int_equal(add(stock, 1, 1, key, &level), OUTCOME_OK);
	assert_int_equal(add(stock, 1, 1, "z", &level), OUTCOME_OK);
	stock->now_ms += DAY_MS;
	assert_int_equal(add(stock, 1, 1, "z", &level), OUTCOME_OK);
	assert_int_equal(txn_count(stock->txn, TABLE_KEY_AGES), 21 - 16 + 1);
	assert_int_equal(add(stock, 1, 1, "y", &level), OUTCOME_OK);
	assert_int_equal(txn_count(stock->txn, TABLE_KEY_AGES), 2);
	assert_int_equal(txn_count(stock->txn, TABLE_KEYS), 2);
	assert_int_equal(add(stock, 1, 2, "z", &level), OUTCOME_IDEMPOTENCY_MISMATCH);
}

/* --- reading -------------------------------------------------------------------------------- */

static void an_age_that_is_none_is_passed_over(void **state)
{
	struct stock *stock = *state;
	struct key age = { 0 };
	struct level level;

	assert_int_equal(add(stock, 1, 5, "k", &level), OUTCOME_OK);
	key_add_bytes(&age, "\0\0\0", 3);
	txn_put(stock->txn, TABLE_KEY_AGES, &age, "", 0);
	assert_int_equal(add(stock, 1, 5, "l", &level), OUTCOME_OK);
	assert_int_equal(txn_error(stock->txn), 0);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct stock *stock = *state;
	struct reservation reservation;
	struct level level;

	assert_int_equal(stock_show(stock, &(struct level_ref){ 5 }, &level),
		OUTCOME_BOOK_NOT_FOUND);
	assert_says(stock->why, "book 5");
	assert_int_equal(stock_reservation(stock, &(struct reservation_ref){ 6 }, &reservation),
		OUTCOME_RESERVATION_NOT_FOUND);
	assert_says(stock->why, "order 6");
}

static void lists_go_on_where_the_page_before_ended(void **state)
{
	struct stock *stock = *state;
	struct range range = { .limit = 2 };
	struct level_list list;

	for (uint64_t book_id = 1; book_id <= 3; book_id++)
		set(stock, book_id, 1);
	assert_int_equal(stock_list(stock, &range, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.next, 2);
	range.after = 2;
	assert_int_equal(stock_list(stock, &range, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.levels[0].book_id, 3);
	assert_int_equal(list.next, 0);
}

static void a_page_of_reservations_ends_before_it_grows_too_large(void **state)
{
	struct stock *stock = *state;
	struct range range = { .limit = LIST_LIMIT_MAX };
	struct stock_line items[LINES_MAX];
	struct reservation_list list;
	struct move_reply reply;

	for (uint64_t i = 0; i < LINES_MAX; i++) {
		items[i] = (struct stock_line){ .book_id = i + 1, .quantity = 1 };
		set(stock, i + 1, 200);
	}
	for (uint64_t order_id = 1; order_id <= 101; order_id++)
		assert_int_equal(apply(stock, order_id, 1, GOAL_HELD, items, LINES_MAX, &reply), 0);
	assert_int_equal(stock_reservations(stock, &range, &list), 0);
	assert_int_equal(list.count, 100);
	assert_int_equal(list.next, 100);
	range.after = list.next;
	assert_int_equal(stock_reservations(stock, &range, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.reservations[0].item_count, LINES_MAX);
	assert_int_equal(list.next, 0);
}

static void the_journal_is_read_by_book_by_order_and_by_page(void **state)
{
	struct stock *stock = *state;
	struct movement_list list;

	bring_17(stock, GOAL_SOLD);
	list = journal(stock, (struct journal_query){ .limit = 4 });
	assert_int_equal(list.count, 4);
	assert_int_equal(list.next, 4);
	list = journal(stock, (struct journal_query){ .after = 4, .limit = 4 });
	assert_int_equal(list.count, 2);
	assert_int_equal(list.movements[0].seq, 5);
	assert_int_equal(list.next, 0);
	list = journal(stock, (struct journal_query){ .book_id = 2 });
	assert_int_equal(list.count, 3);
	list = journal(stock, (struct journal_query){ .book_id = 2, .order_id = 17 });
	assert_int_equal(list.count, 2);
	assert_int_equal(list.movements[1].kind, MOVEMENT_COMMIT);
}

static void a_search_of_the_journal_goes_on_after_10000_lines(void **state)
{
	struct stock *stock = *state;
	struct movement_list list;
	struct level level;

	for (int i = 0; i < 10000; i++)
		assert_int_equal(add(stock, 1, 1, NULL, &level), OUTCOME_OK);
	set(stock, 2, 1);
	list = journal(stock, (struct journal_query){ .book_id = 2 });
	assert_int_equal(list.count, 0);
	assert_int_equal(list.next, 10000);
	list = journal(stock, (struct journal_query){ .book_id = 2, .after = list.next });
	assert_int_equal(list.count, 1);
	assert_int_equal(list.next, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(setting_makes_the_level_and_journals_the_difference),
		RULE(setting_leaves_reserved_and_sold_alone),
		RULE(setting_what_is_there_writes_nothing),
		RULE(adding_counts_as_received_and_never_goes_below_0),
		RULE(a_level_has_an_end),
		RULE(an_addition_under_a_key_happens_once),
		RULE(a_key_is_forgotten_after_a_day),
		RULE(a_key_used_anew_outlives_its_old_age),
		RULE(an_age_that_is_none_is_passed_over),
		RULE(what_is_not_there_is_not_found),
		RULE(lists_go_on_where_the_page_before_ended),
		RULE(a_page_of_reservations_ends_before_it_grows_too_large),
		RULE(the_journal_is_read_by_book_by_order_and_by_page),
		RULE(a_search_of_the_journal_goes_on_after_10000_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
