#include "operations.h"

#include <inttypes.h>

#include "journal.h"
#include "repair.h"
#include "stock.h"

static struct stock stock_of(const struct tick *tick)
{
	return (struct stock){
		.txn = tick->txn,
		.arena = tick->arena,
		.now_ms = tick->now_ms,
		.full = !tick_may_grow(tick),
	};
}

/* Hands a rule's result on, a refusal with its reason. */
static int told(struct tick *tick, const struct stock *stock, int result)
{
	return result > 0 && stock->why ? tick_refuse(tick, result, "%s", stock->why) : result;
}

static int handle_apply(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);
	struct move move = *(const struct move *)request;
	const struct move_reply *moved = reply;
	int result;

	move.actor = tick_actor(tick, move.actor);
	result = stock_apply(&stock, &move, reply);
	if (result == OUTCOME_OK)
		tick_note(tick, MESSAGE_STOCK_MOVED,
			&(struct log_about){
				.order_id = move.order_id, .operation = "stock.apply" },
			"asked for %s, version %" PRIu64 ": the stock is %s, version %" PRIu64,
			goal_names[move.goal], move.version, goal_names[moved->state],
			moved->version);
	return told(tick, &stock, result);
}

static int handle_fence(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);
	int result = stock_fence(&stock, request, reply);

	if (stock.damage)
		tick_damage(tick, stock.damage);
	return told(tick, &stock, result);
}

static int handle_set(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);
	struct level_set set = *(const struct level_set *)request;

	set.actor = tick_actor(tick, set.actor);
	return told(tick, &stock, stock_set(&stock, &set, reply));
}

static int handle_add(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);
	struct level_add add = *(const struct level_add *)request;

	add.actor = tick_actor(tick, add.actor);
	return told(tick, &stock, stock_add(&stock, &add, reply));
}

static int handle_show(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);

	return told(tick, &stock, stock_show(&stock, request, reply));
}

static int handle_list(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);

	return told(tick, &stock, stock_list(&stock, request, reply));
}

static int handle_journal(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);

	return told(tick, &stock, journal_list(&stock, request, reply));
}

static int handle_reservation(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);

	return told(tick, &stock, stock_reservation(&stock, request, reply));
}

static int handle_reservations(struct tick *tick, const void *request, void *reply)
{
	struct stock stock = stock_of(tick);

	return told(tick, &stock, stock_reservations(&stock, request, reply));
}

static const struct operation operations[] = {
	{ .name = "stock.apply",
		.access = ACCESS_SETTLE,
		.who = WHO_ADMIN,
		.many = "moves",
		.request = &move_record,
		.reply = &move_reply_record,
		.handle = handle_apply },
	{ .name = "stock.fence",
		.access = ACCESS_SETTLE,
		.who = WHO_ADMIN,
		.many = "fences",
		.request = &fence_record,
		.reply = &fence_reply_record,
		.handle = handle_fence },
	{ .name = "stock.set",
		.access = ACCESS_GROW,
		.who = WHO_ADMIN,
		.many = "levels",
		.request = &level_set_record,
		.reply = &level_record,
		.handle = handle_set },
	{ .name = "stock.add",
		.access = ACCESS_GROW,
		.who = WHO_ADMIN,
		.many = "levels",
		.request = &level_add_record,
		.reply = &level_record,
		.handle = handle_add },
	{ .name = "stock.show",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.many = "books",
		.request = &level_ref_record,
		.reply = &level_record,
		.handle = handle_show },
	{ .name = "stock.list",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.request = &range_record,
		.reply = &level_list_record,
		.handle = handle_list },
	{ .name = "stock.journal",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.request = &journal_query_record,
		.reply = &movement_list_record,
		.handle = handle_journal },
	{ .name = "stock.reservation",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.many = "orders",
		.request = &reservation_ref_record,
		.reply = &reservation_record,
		.handle = handle_reservation },
	{ .name = "stock.reservations",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.request = &range_record,
		.reply = &reservation_list_record,
		.handle = handle_reservations },
	{ .name = NULL },
};

const struct program stockd_program = {
	.name = "stockd",
	.summary = "keeps the stock of every book for the order service",
	.socket = SOCKET_STOCKD,
	.options = &stockd_options,
	.settings_size = sizeof(struct suite_settings),
	.store = "stockd",
	.tables = stock_tables,
	.operations = operations,
	.repair = &stockd_repair,
};
