#include "order.h"

#include <errno.h>

#include "coordinator.h"
#include "memory.h"

static const struct field stored_order_fields[] = {
	{ "user_id", FIELD_U64, 0, AT(order, wire.user_id) },
	{ "total", FIELD_I64, 0, AT(order, wire.total) },
	{ "status", FIELD_ENUM, 0, AT(order, wire.status), .names = status_names },
	{ "created_at", FIELD_TIME_MS, 0, AT(order, wire.created_at) },
	{ "updated_at", FIELD_TIME_MS, 0, AT(order, wire.updated_at) },
	{ "expires_at", FIELD_TIME_MS, 0, AT(order, wire.expires_at) },
	{ "items", FIELD_LIST, 0, AT(order, wire.items), .min = 0, .max = LINES_MAX,
		.of = &item_record, COUNT_AT(order, wire.item_count) },
	{ "number_second", FIELD_U64, 0, AT(order, number_second) },
	{ "stock_version", FIELD_U64, 0, AT(order, stock_version) },
	{ "last_event", FIELD_U64, 0, AT(order, last_event) },
	{ "due_at", FIELD_TIME_MS, 0, AT(order, due_at) },
	{ "key", FIELD_TEXT, 0, AT(order, key), .max = KEY_MAX_BYTES },
};
const struct record stored_order_record = RECORD(order, stored_order_fields);

struct key order_key(uint64_t order_id)
{
	struct key key = { 0 };

	key_add_u64(&key, order_id);
	return key;
}

bool order_complete(struct tick *tick, uint64_t order_id, struct order *order)
{
	char number[ORDER_NO_DIGITS + 1];

	number_print(number, order->number_second, order_id);
	order->wire.order_id = order_id;
	order->wire.order_no = arena_text(tick->arena, number, ORDER_NO_DIGITS);
	if (!order->wire.order_no)
		txn_fail(tick->txn, -ENOMEM);
	return order->wire.order_no;
}

bool order_get(struct tick *tick, uint64_t order_id, struct order *ret)
{
	struct key key = order_key(order_id);

	return record_get(tick->txn, tick->arena, TABLE_ORDERS, &key, &stored_order_record, ret) &&
		order_complete(tick, order_id, ret);
}

void order_put(struct tick *tick, const struct order *order)
{
	struct key key = order_key(order->wire.order_id);

	record_put(tick->txn, TABLE_ORDERS, &key, &stored_order_record, order);
}

/* What it means that an order has no record. */
static int order_absent(struct tick *tick, uint64_t order_id)
{
	const struct open_saga *open = coordinator_find(tick, order_id);

	if (open && open->held && open->last_outcome == OUTCOME_CORRUPT_RECORD)
		return OUTCOME_CORRUPT_RECORD;
	if (open && open->held)
		return tick_refuse(tick, OUTCOME_STORAGE_FULL,
			"the order is made, but there is no room for its record");
	if (!fence_is_done(tick))
		return tick_refuse(tick, OUTCOME_STOCK_UNAVAILABLE,
			"stockd has not said yet which orders were made before the start");
	return OUTCOME_ORDER_NOT_FOUND;
}

int order_find(struct tick *tick, uint64_t order_id, const char *order_no, struct order *ret)
{
	if ((order_id > 0) == (order_no != NULL))
		return tick_refuse(tick, OUTCOME_BAD_REQUEST, "give one of order_id and order_no");
	if (order_no)
		order_id = number_find(tick, order_no);
	if (order_id == 0 && order_no)
		order_id = coordinator_numbered(tick, order_no);
	if (order_id > 0 && order_get(tick, order_id, ret))
		return OUTCOME_OK;
	return order_absent(tick, order_id);
}

struct key order_due_key(int64_t due_at, uint64_t order_id)
{
	struct key key = { 0 };

	key_add_u64(&key, (uint64_t)due_at);
	key_add_u64(&key, order_id);
	return key;
}

void order_set_due(struct tick *tick, struct order *order, int64_t due_at)
{
	struct key before = order_due_key(order->due_at, order->wire.order_id);
	struct key after = order_due_key(due_at, order->wire.order_id);

	if (order->due_at > 0)
		txn_delete(tick->txn, TABLE_DEADLINES, &before);
	if (due_at > 0)
		txn_put(tick->txn, TABLE_DEADLINES, &after, "", 0);
	order->due_at = due_at;
}
