#include "idempotency.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "memory.h"

#define PRUNE_ORDERS 256   /* looked at in one call */
#define PRUNE_WAIT_MS 1000 /* from one look for old orders to the next */

static const struct field key_record_fields[] = {
	{ "order_id", FIELD_U64, 0, AT(key_record, order_id) },
	{ "body", FIELD_U64, 0, AT(key_record, body) },
	{ "created_at", FIELD_TIME_MS, 0, AT(key_record, created_at) },
};
static const struct record key_record_record = RECORD(key_record, key_record_fields);

static struct key idempotency_key(uint64_t user_id, const char *text)
{
	struct key key = { 0 };

	key_add_u64(&key, user_id);
	key_add_bytes(&key, text, strlen(text));
	return key;
}

int create_body_hash(const struct orderd_create *create, uint64_t *ret)
{
	struct orderd_create body = *create;
	struct buffer bytes = { 0 };
	int error;

	body.idempotency_key = NULL;
	fields_to_array(&bytes, &create_record, &body);
	error = bytes.error;
	if (!error)
		*ret = XXH3_64bits(bytes.at, bytes.size) & INT64_MAX;
	buffer_done(&bytes);
	return error;
}

bool idempotency_get(struct tick *tick, uint64_t user_id, const char *text, struct key_record *ret)
{
	struct key key = idempotency_key(user_id, text);

	return record_get(tick->txn, tick->arena, TABLE_KEYS, &key, &key_record_record, ret) &&
		ret->created_at + settings_of(tick)->key_retention_ms > tick->now_ms;
}

void idempotency_put(struct tick *tick, uint64_t user_id, const char *text,
	const struct key_record *record)
{
	struct key key = idempotency_key(user_id, text);

	record_put(tick->txn, TABLE_KEYS, &key, &key_record_record, record);
}

void idempotency_delete(struct tick *tick, uint64_t user_id, const char *text, uint64_t order_id)
{
	struct key key = idempotency_key(user_id, text);
	struct key_record record;

	if (record_get(tick->txn, tick->arena, TABLE_KEYS, &key, &key_record_record, &record) &&
		record.order_id == order_id)
		txn_delete(tick->txn, TABLE_KEYS, &key);
}

/* The orders after `after` whose keys have outlived their time, in the order of their making. */
static size_t old_orders(struct tick *tick, uint64_t after, struct order *ret, uint64_t *ret_ids)
{
	int64_t before = tick->now_ms - settings_of(tick)->key_retention_ms;
	struct pruning *pruning = &memory_of(tick)->pruning;
	struct key from = order_key(after + 1);
	struct scan scan = scan_from(tick->txn, TABLE_ORDERS, &from);
	size_t count = 0;

	while (count < PRUNE_ORDERS && scan_next(&scan) &&
		record_read(tick->txn, tick->arena, TABLE_ORDERS, scan.key, scan.value,
			&stored_order_record, &ret[count]) &&
		ret[count].wire.created_at <= before)
		ret_ids[count++] = key_read_u64(scan.key, 0);
	if (txn_error(tick->txn) == -EUCLEAN)
		pruning->damaged_order = key_read_u64(scan.key, 0);
	scan_end(&scan);
	return count;
}

/* Walks the orders once, as they grow old. */
bool idempotency_prune(struct tick *tick)
{
	struct pruning *pruning = &memory_of(tick)->pruning;
	struct order *orders;
	uint64_t ids[PRUNE_ORDERS];
	uint64_t done;
	size_t count;

	if (tick->monotonic_ms < pruning->next_ms)
		return false;
	pruning->next_ms = tick->monotonic_ms + PRUNE_WAIT_MS;
	done = counter_get(tick->txn, TABLE_META, "keys_pruned");
	orders = arena_take(tick->arena, PRUNE_ORDERS * sizeof(*orders));
	if (!orders)
		return false;
	count = old_orders(tick, done > pruning->damaged_order ? done : pruning->damaged_order,
		orders, ids);
	for (size_t i = 0; i < count && txn_error(tick->txn) == 0; i++) {
		if (orders[i].key)
			idempotency_delete(tick, orders[i].wire.user_id, orders[i].key, ids[i]);
		if (txn_error(tick->txn) == -EUCLEAN)
			pruning->damaged_order = ids[i];
	}
	if (count == 0)
		return false;
	counter_put(tick->txn, TABLE_META, "keys_pruned", ids[count - 1]);
	if (count == PRUNE_ORDERS)
		pruning->next_ms = tick->monotonic_ms;
	return count == PRUNE_ORDERS;
}
