#pragma once

#include "daemon_fixture.h"
#include "daemons/stockd/journal.h"
#include "daemons/stockd/stock.h"

/* For tests of the stock's rules: short ways to ask for them. */

static struct fixture *fixture;
static struct stock stock_at_work;

static inline int begin(void **state)
{
	fixture = fixture_with_store(stock_tables);
	stock_at_work = (struct stock){
		.txn = fixture->txn,
		.arena = fixture->arena,
		.now_ms = NOW_MS,
	};
	*state = &stock_at_work;
	return 0;
}

static inline int end(void **state)
{
	*state = fixture;
	return fixture_free(state);
}

static inline void set(struct stock *stock, uint64_t book_id, int64_t available)
{
	struct level_set set = { .book_id = book_id, .available = available, .actor = "test" };
	struct level level;

	assert_int_equal(stock_set(stock, &set, &level), OUTCOME_OK);
	assert_int_equal(level.available, available);
}

static inline int add(struct stock *stock, uint64_t book_id, int64_t quantity, const char *key,
	struct level *ret)
{
	struct level_add add = {
		.book_id = book_id,
		.quantity = quantity,
		.actor = "test",
		.reason = "delivery",
		.idempotency_key = key,
	};

	return stock_add(stock, &add, ret);
}

static inline int apply(struct stock *stock, uint64_t order_id, uint64_t version, enum goal goal,
	struct stock_line *items, size_t count, struct move_reply *ret)
{
	struct move move = {
		.order_id = order_id,
		.version = version,
		.goal = goal,
		.items = items,
		.item_count = count,
		.actor = "orderd",
	};

	return stock_apply(stock, &move, ret);
}

/* A move of order 17, which wants 2 of book 1 and 3 of book 2. */
static inline int move_17(struct stock *stock, uint64_t version, enum goal goal,
	struct move_reply *ret)
{
	struct stock_line items[] = { { 1, 2 }, { 2, 3 } };

	return apply(stock, 17, version, goal, items, 2, ret);
}

static inline enum goal moved_17(struct stock *stock, uint64_t version, enum goal goal)
{
	struct move_reply reply = { 0 };

	assert_int_equal(move_17(stock, version, goal, &reply), OUTCOME_OK);
	assert_int_equal(reply.order_id, 17);
	assert_int_equal(reply.version, version);
	return reply.state;
}

static inline struct level show(struct stock *stock, uint64_t book_id)
{
	struct level level = { 0 };

	assert_int_equal(stock_show(stock, &(struct level_ref){ book_id }, &level), OUTCOME_OK);
	return level;
}

static inline void assert_level(struct stock *stock, uint64_t book_id, int64_t available,
	int64_t reserved, int64_t sold)
{
	struct level level = show(stock, book_id);

	assert_int_equal(level.available, available);
	assert_int_equal(level.reserved, reserved);
	assert_int_equal(level.sold, sold);
	assert_int_equal(level.received, available + reserved + sold);
}

static inline struct movement_list journal(struct stock *stock, struct journal_query query)
{
	struct movement_list list;

	if (query.limit == 0)
		query.limit = LIST_LIMIT_MAX;
	assert_int_equal(journal_list(stock, &query, &list), 0);
	return list;
}

/* Brings order 17 into a state by version 5. */
static inline void bring_17(struct stock *stock, enum goal goal)
{
	set(stock, 1, goal == GOAL_REFUSED ? 0 : 10);
	set(stock, 2, 10);
	if (goal == GOAL_NONE)
		return;
	moved_17(stock, 1, goal == GOAL_RETURNED ? GOAL_RETURNED : GOAL_HELD);
	if (goal != GOAL_RETURNED && goal != GOAL_REFUSED)
		moved_17(stock, 5, goal);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, begin, end)
