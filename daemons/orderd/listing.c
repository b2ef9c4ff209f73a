#include "listing.h"

#include <errno.h>
#include <stdlib.h>

#include "coordinator.h"
#include "fence.h"
#include "memory.h"
#include "repair.h"
#include "unlisted.h"

/* Lines of all orders on a page: keeps a reply far below its limit, whatever lines_max says. */
#define PAGE_LINES_MAX 3000

/* Orders that a page number may skip: to go on from there is what `after` is for. */
#define SKIP_MAX 10000

struct counts {
	uint64_t pending, paid, shipped, completed, cancelled;
};

static const struct field counts_fields[] = {
	{ "pending", FIELD_U64, 0, AT(counts, pending) },
	{ "paid", FIELD_U64, 0, AT(counts, paid) },
	{ "shipped", FIELD_U64, 0, AT(counts, shipped) },
	{ "completed", FIELD_U64, 0, AT(counts, completed) },
	{ "cancelled", FIELD_U64, 0, AT(counts, cancelled) },
};
static const struct record counts_record = RECORD(counts, counts_fields);

/* Ids are turned round, so that a user's newest order comes first; 0 is for the counts. */
static struct key user_key(uint64_t user_id, uint64_t turned_id)
{
	struct key key = { 0 };

	key_add_u64(&key, user_id);
	key_add_u64(&key, turned_id);
	return key;
}

static uint64_t *count_of(struct counts *counts, enum orderd_status status)
{
	switch (status) {
	case ORDERD_PENDING:
		return &counts->pending;
	case ORDERD_PAID:
		return &counts->paid;
	case ORDERD_SHIPPED:
		return &counts->shipped;
	case ORDERD_COMPLETED:
		return &counts->completed;
	case ORDERD_CANCELLED:
		return &counts->cancelled;
	default:
		return NULL;
	}
}

static struct key entry_key(uint64_t user_id, uint64_t order_id)
{
	return user_key(user_id, ~order_id);
}

static void entry_put(struct tick *tick, uint64_t user_id, uint64_t order_id,
	enum orderd_status before, enum orderd_status now)
{
	struct key counts_key = user_key(user_id, 0);
	struct key key = entry_key(user_id, order_id);
	uint8_t status = (uint8_t)now;
	struct counts counts = { 0 };
	uint64_t *count;

	record_get(tick->txn, tick->arena, TABLE_USERS, &counts_key, &counts_record, &counts);
	count = count_of(&counts, before);
	if (count)
		--*count;
	++*count_of(&counts, now);
	record_put(tick->txn, TABLE_USERS, &counts_key, &counts_record, &counts);
	txn_put(tick->txn, TABLE_USERS, &key, &status, sizeof(status));
}

/* ORDERD_ANY: there is none. */
static enum orderd_status entry_get(struct tick *tick, uint64_t user_id, uint64_t order_id)
{
	struct key key = entry_key(user_id, order_id);
	struct slice value;

	if (!txn_get(tick->txn, TABLE_USERS, &key, &value))
		return ORDERD_ANY;
	return *(const uint8_t *)value.at;
}

/* Also one whose status is damaged: it is counted, and whoever lists it finds it out. */
bool listing_has(struct tick *tick, uint64_t user_id, uint64_t order_id)
{
	struct key key = entry_key(user_id, order_id);
	struct slice value;

	return txn_get(tick->txn, TABLE_USERS, &key, &value);
}

void listing_put(struct tick *tick, const struct order *order)
{
	const struct orderd_order *wire = &order->wire;

	entry_put(tick, wire->user_id, wire->order_id,
		entry_get(tick, wire->user_id, wire->order_id), wire->status);
}

void listing_add(struct tick *tick, const struct unlisted_order *order)
{
	if (!listing_has(tick, order->user_id, order->order_id))
		entry_put(tick, order->user_id, order->order_id, ORDERD_ANY, ORDERD_PENDING);
}

/* --- for a repair ---------------------------------------------------------------------------- */

bool listing_read(const struct scan *scan, struct listed *ret)
{
	const uint8_t *status = scan->value.at;

	if (scan->key.size != 16 || scan->value.size != 1 || key_read_u64(scan->key, 8) == 0 ||
		!count_of(&(struct counts){ 0 }, *status))
		return false;
	*ret = (struct listed){ key_read_u64(scan->key, 0), ~key_read_u64(scan->key, 8), *status };
	return true;
}

static int listed_compare(const void *one, const void *other)
{
	const struct listed *a = one, *b = other;

	return (a->user_id > b->user_id) - (a->user_id < b->user_id);
}

void listing_expect(struct repair *repair, struct listed *orders, size_t count, uint64_t mark)
{
	struct counts counts = { 0 };
	struct slice value;
	size_t counted = 0;

	if (count > 0)
		qsort(orders, count, sizeof(*orders), listed_compare);
	for (size_t i = 0; i < count; i++) {
		const struct listed *order = &orders[i];
		struct key key = entry_key(order->user_id, order->order_id);
		struct key counts_key = user_key(order->user_id, 0);
		uint8_t status = (uint8_t)order->status;

		if (order->order_id <= mark || order->status != ORDERD_PENDING ||
			txn_get(repair->txn, TABLE_USERS, &key, &value)) {
			++*count_of(&counts, order->status);
			repair_expect(repair, &key, &status, sizeof(status));
			counted++;
		}
		if (i + 1 < count && orders[i + 1].user_id == order->user_id)
			continue;
		if (counted > 0)
			repair_expect_record(repair, &counts_key, &counts_record, &counts);
		counts = (struct counts){ 0 };
		counted = 0;
	}
}

/* --- pages ------------------------------------------------------------------------------------ */

static uint64_t total_of(struct tick *tick, const struct order_query *query)
{
	struct key key = user_key(query->user_id, 0);
	struct counts counts = { 0 };
	uint64_t *one = count_of(&counts, query->status);

	record_get(tick->txn, tick->arena, TABLE_USERS, &key, &counts_record, &counts);
	if (one)
		return *one;
	return counts.pending + counts.paid + counts.shipped + counts.completed + counts.cancelled;
}

/* The ids of a page, newest first, and one more where another page follows. */
static size_t page_ids(struct tick *tick, const struct order_query *query, uint64_t *ret_ids)
{
	uint64_t skip =
		query->after > 0 ? 0 : (uint64_t)(query->page - 1) * (uint64_t)query->page_size;
	struct key from = user_key(query->user_id, query->after > 0 ? ~query->after + 1 : 1);
	struct scan scan = scan_from(tick->txn, TABLE_USERS, &from);
	size_t count = 0;

	while (count <= (size_t)query->page_size && scan_next(&scan) &&
		key_read_u64(scan.key, 0) == query->user_id) {
		const uint8_t *status = scan.value.at;

		if (query->status != ORDERD_ANY && *status != query->status)
			continue;
		if (skip > 0)
			skip--;
		else
			ret_ids[count++] = ~key_read_u64(scan.key, sizeof(uint64_t));
	}
	scan_end(&scan);
	return count;
}

int handle_order_get(struct tick *tick, const void *request, void *reply)
{
	const struct order_ref *ref = request;
	struct orderd_order *wire = reply;
	struct order order;
	int outcome = order_find(tick, ref->order_id, ref->order_no, &order);

	if (outcome == OUTCOME_OK)
		*wire = order.wire;
	return outcome;
}

static int differs(struct tick *tick, uint64_t user_id, uint64_t order_id)
{
	struct key key = order_id > 0 ? entry_key(user_id, order_id) : user_key(user_id, 0);

	record_damaged(tick->txn, TABLE_USERS, (struct slice){ key.bytes, key.size },
		"differs from the orders");
	return -EUCLEAN;
}

/* Whether the last page leaves out none of those that are counted: the status of an entry has no
 * checksum of its own. */
static bool page_ends(const struct order_query *query, const struct order_list *list)
{
	uint64_t skip = (uint64_t)(query->page - 1) * (uint64_t)query->page_size;

	return query->after > 0 || (list->count == 0 && skip > 0) ||
		skip + list->count == list->total;
}

/* Orders that were answered and whose record the store does not take. */
static bool records_lack(const struct tick *tick)
{
	return !tick_may_settle(tick) && coordinator_held_count(memory_of(tick)->coordinator) > 0;
}

int handle_order_list(struct tick *tick, const void *request, void *reply)
{
	const struct order_query *query = request;
	struct order_list *list = reply;
	uint64_t ids[PAGE_SIZE_MAX + 1];
	size_t found, lines = 0;

	if (query->page > SKIP_MAX / query->page_size + 1)
		return tick_refuse(tick, OUTCOME_BAD_REQUEST,
			"page: reaches past %d orders; go on with after", SKIP_MAX);
	list->page = query->page;
	list->page_size = query->page_size;
	list->incomplete = !fence_is_done(tick);
	if (!unlisted_write_user(tick, query->user_id) || records_lack(tick))
		return tick_refuse(tick, OUTCOME_STORAGE_FULL,
			"the latest orders are made, but there is no room for them in the list");
	list->total = total_of(tick, query);
	list->orders = arena_take(tick->arena, PAGE_SIZE_MAX * sizeof(*list->orders));
	if (!list->orders)
		return -ENOMEM;
	found = page_ids(tick, query, ids);
	while (list->count < found && list->count < (size_t)query->page_size &&
		lines <= PAGE_LINES_MAX) {
		struct order order;

		if (!order_get(tick, ids[list->count], &order) ||
			order.wire.user_id != query->user_id ||
			(query->status != ORDERD_ANY && query->status != order.wire.status))
			return differs(tick, query->user_id, ids[list->count]);
		lines += order.wire.item_count;
		list->orders[list->count++] = order.wire;
	}
	if (list->count < found)
		list->next = ids[list->count - 1];
	else if (!page_ends(query, list))
		return differs(tick, query->user_id, 0);
	return OUTCOME_OK;
}

int handle_order_scan(struct tick *tick, const void *request, void *reply)
{
	const struct range *range = request;
	struct order_list *list = reply;
	struct key from = order_key(range->after + 1);
	struct scan scan = scan_from(tick->txn, TABLE_ORDERS, &from);
	size_t lines = 0;

	list->incomplete = !fence_is_done(tick);
	list->orders = arena_take(tick->arena, (size_t)range->limit * sizeof(*list->orders));
	while (list->orders && scan_next(&scan)) {
		struct order order;

		if (list->count == (size_t)range->limit || lines > PAGE_LINES_MAX) {
			list->next = list->orders[list->count - 1].order_id;
			break;
		}
		if (!record_read(tick->txn, tick->arena, TABLE_ORDERS, scan.key, scan.value,
			    &stored_order_record, &order) ||
			!order_complete(tick, key_read_u64(scan.key, 0), &order))
			break;
		lines += order.wire.item_count;
		list->orders[list->count++] = order.wire;
	}
	scan_end(&scan);
	return list->orders ? OUTCOME_OK : -ENOMEM;
}
