#include "saga.h"

#include <errno.h>
#include <inttypes.h>

#include "coordinator.h"

static const struct field saga_fields[] = {
	{ "step", FIELD_ENUM, 0, AT(saga, step), .names = saga_names },
	{ "version", FIELD_U64, 0, AT(saga, version) },
	{ "created_at", FIELD_TIME_MS, 0, AT(saga, created_at) },
	{ "order", FIELD_RECORD, 0, AT(saga, order), .of = &stored_order_record },
};
static const struct record saga_record = RECORD(saga, saga_fields);

static bool saga_complete(struct tick *tick, uint64_t order_id, struct saga *saga)
{
	saga->order_id = order_id;
	return order_complete(tick, order_id, &saga->order);
}

bool saga_get(struct tick *tick, uint64_t order_id, struct saga *ret)
{
	struct key key = order_key(order_id);

	return record_get(tick->txn, tick->arena, TABLE_SAGAS, &key, &saga_record, ret) &&
		saga_complete(tick, order_id, ret);
}

void saga_put(struct tick *tick, const struct saga *saga)
{
	struct key key = order_key(saga->order_id);

	record_put(tick->txn, TABLE_SAGAS, &key, &saga_record, saga);
	tick_note(tick, MESSAGE_SAGA_STEP,
		&(struct log_about){ .order_id = saga->order_id,
			.user_id = saga->order.wire.user_id,
			.saga_step = saga_names[saga->step] },
		"the saga is open, version %" PRIu64, saga->version);
}

void saga_delete(struct tick *tick, uint64_t order_id)
{
	struct key key = order_key(order_id);

	if (txn_delete(tick->txn, TABLE_SAGAS, &key))
		tick_note(tick, MESSAGE_SAGA_STEP,
			&(struct log_about){ .order_id = order_id, .saga_step = "CLOSED" },
			"the saga is closed");
}

bool saga_next(struct tick *tick, uint64_t after, struct saga *ret)
{
	struct key from = order_key(after + 1);
	struct scan scan = scan_from(tick->txn, TABLE_SAGAS, &from);
	bool found = scan_next(&scan) &&
		record_read(tick->txn, tick->arena, TABLE_SAGAS, scan.key, scan.value, &saga_record,
			ret) &&
		saga_complete(tick, key_read_u64(scan.key, 0), ret);

	scan_end(&scan);
	return found;
}

static enum goal goal_of(enum saga_step step)
{
	switch (step) {
	case SAGA_RESERVING:
		return GOAL_HELD;
	case SAGA_COMMITTING:
		return GOAL_SOLD;
	case SAGA_COMPENSATING:
	case SAGA_RETURNING:
		return GOAL_RETURNED;
	default:
		return GOAL_NONE;
	}
}

static struct stock_line *lines_of(struct tick *tick, const struct orderd_order *order)
{
	struct stock_line *lines = arena_take(tick->arena, order->item_count * sizeof(*lines));

	for (size_t i = 0; lines && i < order->item_count; i++) {
		lines[i].book_id = order->items[i].book_id;
		lines[i].quantity = order->items[i].quantity;
	}
	return lines;
}

void saga_send(struct tick *tick, const struct saga *saga)
{
	struct move move = {
		.order_id = saga->order_id,
		.version = saga->version,
		.goal = goal_of(saga->step),
		.actor = "orderd",
	};

	if (saga->step == SAGA_RESERVING) {
		move.items = lines_of(tick, &saga->order.wire);
		move.item_count = move.items ? saga->order.wire.item_count : 0;
	}
	tick_send(tick, PEER_STOCKD, saga->order_id, &move);
}

/* --- what an operator sees ------------------------------------------------------------------ */

static struct saga_info info_of(struct tick *tick, const struct saga *saga)
{
	const struct open_saga *open = coordinator_find(tick, saga->order_id);
	struct saga_info info = {
		.order_id = saga->order_id,
		.step = saga->step,
		.version = saga->version,
		.created_at = saga->created_at,
	};

	if (!open)
		return info;
	info.attempts = open->attempts;
	info.next_try_at = tick->now_ms + open->try_at_ms - tick->monotonic_ms;
	if (open->last_outcome != OUTCOME_OK)
		info.last_error = outcome_name(open->last_outcome);
	return info;
}

int handle_saga_list(struct tick *tick, const void *request, void *reply)
{
	const struct range *range = request;
	struct saga_list *list = reply;
	uint64_t after = range->after;
	struct saga saga;

	list->sagas = arena_take(tick->arena, (size_t)range->limit * sizeof(*list->sagas));
	if (!list->sagas)
		return -ENOMEM;
	while (list->count < (size_t)range->limit && saga_next(tick, after, &saga)) {
		after = saga.order_id;
		list->sagas[list->count++] = info_of(tick, &saga);
	}
	if (list->count > 0 && saga_next(tick, after, &saga))
		list->next = after;
	return OUTCOME_OK;
}

int handle_saga_show(struct tick *tick, const void *request, void *reply)
{
	const struct order_due *due = request;
	struct saga_info *info = reply;
	struct saga saga;

	if (!saga_get(tick, due->order_id, &saga))
		return OUTCOME_SAGA_NOT_FOUND;
	*info = info_of(tick, &saga);
	return OUTCOME_OK;
}

int handle_saga_retry(struct tick *tick, const void *request, void *reply)
{
	const struct order_due *due = request;
	struct saga_info *info = reply;
	struct saga saga;

	if (!saga_get(tick, due->order_id, &saga))
		return OUTCOME_SAGA_NOT_FOUND;
	saga_send(tick, &saga);
	coordinator_retried(tick, saga.order_id, OUTCOME_OK);
	*info = info_of(tick, &saga);
	return OUTCOME_OK;
}
