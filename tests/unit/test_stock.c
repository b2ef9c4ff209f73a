#include <errno.h>

#include "record.h"
#include "stock_fixture.h"

/* Moves of reservations, step by step and over damage. */

/* --- moves ---------------------------------------------------------------------------------- */

static void a_reserve_takes_every_line_and_journals_it(void **state)
{
	struct stock *stock = *state;
	struct movement_list lines;

	set(stock, 1, 10);
	set(stock, 2, 10);
	assert_int_equal(moved_17(stock, 1, GOAL_HELD), GOAL_HELD);
	assert_level(stock, 1, 8, 2, 0);
	assert_level(stock, 2, 7, 3, 0);
	lines = journal(stock, (struct journal_query){ .order_id = 17 });
	assert_int_equal(lines.count, 2);
	assert_int_equal(lines.movements[1].seq, 4);
	assert_int_equal(lines.movements[1].kind, MOVEMENT_RESERVE);
	assert_int_equal(lines.movements[1].book_id, 2);
	assert_int_equal(lines.movements[1].quantity, 3);
	assert_int_equal(lines.movements[1].available, 7);
	assert_int_equal(lines.movements[1].reserved, 3);
	assert_string_equal(lines.movements[1].actor, "orderd");
	assert_int_equal(lines.movements[1].at, NOW_MS);
}

static void a_reserve_that_is_short_of_one_line_takes_none(void **state)
{
	struct stock *stock = *state;
	struct reservation refused;
	struct move_reply reply;

	set(stock, 1, 10);
	set(stock, 2, 2);
	assert_int_equal(move_17(stock, 1, GOAL_HELD, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_REFUSED);
	assert_int_equal(reply.book_id, 2);
	assert_int_equal(reply.available, 2);
	assert_level(stock, 1, 10, 0, 0);
	assert_int_equal(journal(stock, (struct journal_query){ .order_id = 17 }).count, 0);
	assert_int_equal(stock_reservation(stock, &(struct reservation_ref){ 17 }, &refused), 0);
	assert_int_equal(refused.item_count, 0);
}

static void a_refusal_stays_a_refusal_after_a_delivery(void **state)
{
	struct stock *stock = *state;
	struct move_reply first, second;
	uint64_t writes;

	set(stock, 1, 10);
	assert_int_equal(move_17(stock, 1, GOAL_HELD, &first), OUTCOME_OK);
	assert_int_equal(first.book_id, 2);
	assert_int_equal(first.available, 0);
	set(stock, 2, 10);
	writes = txn_writes(stock->txn);
	assert_int_equal(move_17(stock, 1, GOAL_HELD, &second), OUTCOME_OK);
	assert_int_equal(second.state, GOAL_REFUSED);
	assert_int_equal(second.book_id, 2);
	assert_int_equal(second.available, 0);
	assert_int_equal(txn_writes(stock->txn), writes);
}

static void lines_of_one_book_are_summed_before_the_check(void **state)
{
	struct stock *stock = *state;
	struct stock_line items[] = { { 1, 3 }, { 2, 1 }, { 1, 3 } };
	struct move_reply reply;
	struct reservation held;

	set(stock, 1, 5);
	set(stock, 2, 5);
	assert_int_equal(apply(stock, 1, 1, GOAL_HELD, items, 3, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_REFUSED);
	set(stock, 1, 6);
	assert_int_equal(apply(stock, 2, 1, GOAL_HELD, items, 3, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_HELD);
	assert_level(stock, 1, 0, 6, 0);
	assert_int_equal(stock_reservation(stock, &(struct reservation_ref){ 2 }, &held), 0);
	assert_int_equal(held.item_count, 2);
	assert_int_equal(held.items[0].book_id, 1);
	assert_int_equal(held.items[0].quantity, 6);
}

struct expected {
	enum goal from, goal;
	int outcome;
	enum goal to;
	int available, reserved, sold; /* of book 1, which has 10 in all */
	enum movement_kind kind;
};

static void assert_step(struct stock *stock, const struct expected *expected)
{
	uint64_t seq, writes;
	struct move_reply reply;
	struct movement_list lines;

	bring_17(stock, expected->from);
	seq = txn_count(stock->txn, TABLE_JOURNAL);
	writes = txn_writes(stock->txn);
	assert_int_equal(move_17(stock, 6, expected->goal, &reply), expected->outcome);
	lines = journal(stock, (struct journal_query){ .after = seq });
	if (expected->outcome != OUTCOME_OK)
		assert_int_equal(txn_writes(stock->txn), writes);
	if (expected->outcome == OUTCOME_OK) {
		assert_int_equal(reply.state, expected->to);
		assert_int_equal(reply.version, 6);
	}
	assert_int_equal(lines.count, expected->kind ? 2 : 0);
	if (expected->kind)
		assert_int_equal(lines.movements[0].kind, expected->kind);
	assert_level(stock, 1, expected->available, expected->reserved, expected->sold);
}

static void every_state_and_goal_goes_where_the_table_says(void **state)
{
	static const struct expected table[] = {
		{ GOAL_NONE, GOAL_HELD, 0, GOAL_HELD, 8, 2, 0, MOVEMENT_RESERVE },
		{ GOAL_NONE, GOAL_SOLD, OUTCOME_RESERVATION_NOT_FOUND, 0, 10, 0, 0, 0 },
		{ GOAL_NONE, GOAL_RETURNED, 0, GOAL_RETURNED, 10, 0, 0, 0 },
		{ GOAL_HELD, GOAL_HELD, 0, GOAL_HELD, 8, 2, 0, 0 },
		{ GOAL_HELD, GOAL_SOLD, 0, GOAL_SOLD, 8, 0, 2, MOVEMENT_COMMIT },
		{ GOAL_HELD, GOAL_RETURNED, 0, GOAL_RETURNED, 10, 0, 0, MOVEMENT_RELEASE },
		{ GOAL_SOLD, GOAL_HELD, OUTCOME_INVALID_TRANSITION, 0, 8, 0, 2, 0 },
		{ GOAL_SOLD, GOAL_SOLD, 0, GOAL_SOLD, 8, 0, 2, 0 },
		{ GOAL_SOLD, GOAL_RETURNED, 0, GOAL_RETURNED, 10, 0, 0, MOVEMENT_RETURN },
		{ GOAL_RETURNED, GOAL_HELD, OUTCOME_INVALID_TRANSITION, 0, 10, 0, 0, 0 },
		{ GOAL_RETURNED, GOAL_SOLD, OUTCOME_INVALID_TRANSITION, 0, 10, 0, 0, 0 },
		{ GOAL_RETURNED, GOAL_RETURNED, 0, GOAL_RETURNED, 10, 0, 0, 0 },
		{ GOAL_REFUSED, GOAL_HELD, OUTCOME_INVALID_TRANSITION, 0, 0, 0, 0, 0 },
		{ GOAL_REFUSED, GOAL_SOLD, OUTCOME_INVALID_TRANSITION, 0, 0, 0, 0, 0 },
		{ GOAL_REFUSED, GOAL_RETURNED, 0, GOAL_RETURNED, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (i > 0) {
			end(state);
			begin(state);
		}
		assert_step(*state, &table[i]);
	}
}

static void a_release_that_overtakes_its_reserve_leaves_a_tombstone(void **state)
{
	struct stock *stock = *state;
	struct move_reply reply;

	set(stock, 1, 10);
	set(stock, 2, 10);
	assert_int_equal(moved_17(stock, 2, GOAL_RETURNED), GOAL_RETURNED);
	assert_int_equal(move_17(stock, 1, GOAL_HELD, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_RETURNED);
	assert_int_equal(reply.version, 2);
	assert_level(stock, 1, 10, 0, 0);
}

static void a_move_that_comes_twice_moves_once(void **state)
{
	struct stock *stock = *state;
	uint64_t writes;

	set(stock, 1, 10);
	set(stock, 2, 10);
	for (uint64_t version = 1; version <= 3; version++) {
		moved_17(stock, version, (enum goal)version);
		writes = txn_writes(stock->txn);
		assert_int_equal(moved_17(stock, version, (enum goal)version), version);
		assert_int_equal(txn_writes(stock->txn), writes);
	}
	assert_level(stock, 1, 10, 0, 0);
}

static void another_goal_under_the_same_version_is_superseded(void **state)
{
	struct stock *stock = *state;
	struct move_reply reply;
	uint64_t writes;

	set(stock, 1, 10);
	set(stock, 2, 10);
	moved_17(stock, 1, GOAL_HELD);
	writes = txn_writes(stock->txn);
	assert_int_equal(move_17(stock, 1, GOAL_RETURNED, &reply), OUTCOME_SUPERSEDED);
	assert_says(stock->why, "17");
	assert_int_equal(txn_writes(stock->txn), writes);
}

static void a_late_move_learns_where_the_reservation_stands(void **state)
{
	struct stock *stock = *state;
	struct move_reply reply;
	uint64_t writes;

	set(stock, 1, 10);
	set(stock, 2, 10);
	moved_17(stock, 1, GOAL_HELD);
	moved_17(stock, 4, GOAL_SOLD);
	writes = txn_writes(stock->txn);
	for (uint64_t version = 1; version <= 3; version++) {
		assert_int_equal(move_17(stock, version, (enum goal)version, &reply), OUTCOME_OK);
		assert_int_equal(reply.version, 4);
		assert_int_equal(reply.state, GOAL_SOLD);
	}
	assert_int_equal(txn_writes(stock->txn), writes);
}

static void a_refused_reservation_that_is_returned_forgets_what_was_short(void **state)
{
	struct stock *stock = *state;
	struct move_reply reply;

	bring_17(stock, GOAL_REFUSED);
	assert_int_equal(move_17(stock, 2, GOAL_RETURNED, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_RETURNED);
	assert_int_equal(reply.book_id, 0);
}

static void a_move_that_makes_no_sense_is_a_bad_request(void **state)
{
	struct stock *stock = *state;
	struct stock_line items[] = { { 1, STOCK_MAX }, { 1, 1 } };
	struct move_reply reply;

	assert_int_equal(apply(stock, 1, 1, GOAL_HELD, NULL, 0, &reply), OUTCOME_BAD_REQUEST);
	assert_int_equal(apply(stock, 1, 1, GOAL_HELD, items, 2, &reply), OUTCOME_BAD_REQUEST);
	assert_int_equal(apply(stock, 1, 1, GOAL_REFUSED, items, 1, &reply), OUTCOME_BAD_REQUEST);
	assert_int_equal(txn_writes(stock->txn), 0);
}

/* --- no room -------------------------------------------------------------------------------- */

static void without_room_nothing_new_is_held_and_what_is_held_goes_on(void **state)
{
	struct stock *stock = *state;
	struct stock_line line = { 1, 1 };
	struct move_reply reply;
	uint64_t writes;

	bring_17(stock, GOAL_HELD);
	stock->full = true;
	writes = txn_writes(stock->txn);
	assert_int_equal(apply(stock, 18, 1, GOAL_HELD, &line, 1, &reply), OUTCOME_STORAGE_FULL);
	assert_int_equal(txn_writes(stock->txn), writes);
	assert_int_equal(moved_17(stock, 5, GOAL_HELD), GOAL_HELD); /* a repeat */
	assert_int_equal(moved_17(stock, 6, GOAL_SOLD), GOAL_SOLD);
	assert_int_equal(moved_17(stock, 7, GOAL_RETURNED), GOAL_RETURNED);
	assert_int_equal(apply(stock, 18, 2, GOAL_RETURNED, NULL, 0, &reply), OUTCOME_OK);
	stock->full = false;
	assert_int_equal(apply(stock, 18, 1, GOAL_HELD, &line, 1, &reply), OUTCOME_OK);
	assert_int_equal(reply.state, GOAL_RETURNED); /* it comes too late */
}

/* --- damage --------------------------------------------------------------------------------- */

static void level_plant(struct stock *stock, struct level level)
{
	struct key key = { 0 };

	key_add_u64(&key, level.book_id);
	record_put(stock->txn, TABLE_LEVELS, &key, &level_record, &level);
}

static void a_level_that_does_not_add_up_is_never_served_nor_moved(void **state)
{
	struct stock *stock = *state;
	struct level_set set = { .book_id = 1, .available = 3 };
	struct range range = { .limit = 10 };
	struct move_reply reply;
	struct level_list list;
	struct level level;
	uint64_t writes;

	level_plant(stock, (struct level){ .book_id = 1, .available = 10, .received = 11 });
	writes = txn_writes(stock->txn);
	assert_int_equal(stock_show(stock, &(struct level_ref){ 1 }, &level), -EUCLEAN);
	assert_int_equal(stock_list(stock, &range, &list), -EUCLEAN);
	assert_int_equal(stock_set(stock, &set, &level), -EUCLEAN);
	assert_int_equal(add(stock, 1, 1, NULL, &level), -EUCLEAN);
	assert_int_equal(move_17(stock, 1, GOAL_HELD, &reply), -EUCLEAN);
	assert_int_equal(txn_writes(stock->txn), writes);
}

static void a_step_that_would_break_a_level_is_not_taken(void **state)
{
	struct stock *stock = *state;
	struct move_reply reply;
	uint64_t writes;

	bring_17(stock, GOAL_HELD);
	level_plant(stock, (struct level){ .book_id = 2, .available = 10, .received = 10 });
	writes = txn_writes(stock->txn);
	assert_int_equal(move_17(stock, 6, GOAL_SOLD, &reply), -EUCLEAN);
	assert_int_equal(move_17(stock, 6, GOAL_RETURNED, &reply), -EUCLEAN);
	assert_int_equal(txn_writes(stock->txn), writes);
	assert_level(stock, 1, 8, 2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(a_reserve_takes_every_line_and_journals_it),
		RULE(a_reserve_that_is_short_of_one_line_takes_none),
		RULE(a_refusal_stays_a_refusal_after_a_delivery),
		RULE(lines_of_one_book_are_summed_before_the_check),
		RULE(every_state_and_goal_goes_where_the_table_says),
		RULE(a_release_that_overtakes_its_reserve_leaves_a_tombstone),
		RULE(a_move_that_comes_twice_moves_once),
		RULE(another_goal_under_the_same_version_is_superseded),
		RULE(a_late_move_learns_where_the_reservation_stands),
		RULE(a_refused_reservation_that_is_returned_forgets_what_was_short),
		RULE(a_move_that_makes_no_sense_is_a_bad_request),
		RULE(without_room_nothing_new_is_held_and_what_is_held_goes_on),
		RULE(a_level_that_does_not_add_up_is_never_served_nor_moved),
		RULE(a_step_that_would_break_a_level_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
