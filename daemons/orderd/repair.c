#include "repair.h"

#include <errno.h>
#include <stdlib.h>

#include "listing.h"
#include "number.h"
#include "operations.h"
#include "unlisted.h"

/* Derived of the orders: the lists of users, the deadlines, the seconds of numbers. A key of a
 * client cannot be, since the order does not say all that was asked for. */

struct findings { /* what the orders say */
	struct listed *orders;
	struct numbered *seconds;
	uint64_t *damaged; /* orders that say nothing */
	size_t order_count, second_count, damaged_count;
};

static bool is_damaged(const struct findings *findings, uint64_t order_id)
{
	for (size_t i = 0; i < findings->damaged_count; i++)
		if (findings->damaged[i] == order_id)
			return true;
	return false;
}

static void listed_add(struct repair *repair, struct findings *findings, struct listed listed)
{
	struct listed *orders =
		repair_grown(repair, findings->orders, findings->order_count, sizeof(listed));

	if (!orders)
		return;
	findings->orders = orders;
	orders[findings->order_count++] = listed;
}

static void second_add(struct repair *repair, struct findings *findings, struct numbered begun)
{
	size_t count = findings->second_count;
	struct numbered *seconds;

	if (count > 0 && findings->seconds[count - 1].second == begun.second)
		return;
	seconds = repair_grown(repair, findings->seconds, count, sizeof(begun));
	if (!seconds)
		return;
	findings->seconds = seconds;
	seconds[findings->second_count++] = begun;
}

static void damaged_add(struct repair *repair, struct findings *findings, uint64_t order_id)
{
	uint64_t *damaged =
		repair_grown(repair, findings->damaged, findings->damaged_count, sizeof(order_id));

	if (!damaged)
		return;
	findings->damaged = damaged;
	damaged[findings->damaged_count++] = order_id;
}

static void take_order(struct repair *repair, struct findings *findings, uint64_t order_id,
	const struct order *order)
{
	struct key due = order_due_key(order->due_at, order_id);

	if (order->due_at > 0)
		repair_expect(repair, &due, "", 0);
	listed_add(repair, findings,
		(struct listed){ order->wire.user_id, order_id, order->wire.status });
	second_add(repair, findings, (struct numbered){ order->number_second, order_id });
}

static void take_orders(struct repair *repair, struct findings *findings)
{
	struct scan scan = scan_from(repair->txn, TABLE_ORDERS, NULL);
	struct order order;

	while (repair_next(repair, TABLE_ORDERS, &scan)) {
		uint64_t order_id = key_read_u64(scan.key, 0);

		if (repair_read(repair, TABLE_ORDERS, &scan, &stored_order_record, &order))
			take_order(repair, findings, order_id, &order);
		else
			damaged_add(repair, findings, order_id);
	}
	scan_end(&scan);
}

/* Of a damaged order, what there is stays: it may be right. */
static void keep_deadlines(struct repair *repair, const struct findings *findings)
{
	struct scan scan = scan_from(repair->txn, TABLE_DEADLINES, NULL);

	while (findings->damaged_count > 0 && scan_next(&scan)) {
		struct key key = order_due_key((int64_t)key_read_u64(scan.key, 0),
			key_read_u64(scan.key, 8));

		if (is_damaged(findings, key_read_u64(scan.key, 8)) && scan.value.size == 0)
			repair_expect(repair, &key, "", 0);
	}
	scan_end(&scan);
}

static void keep_listed(struct repair *repair, struct findings *findings)
{
	struct scan scan = scan_from(repair->txn, TABLE_USERS, NULL);
	struct listed listed;

	while (findings->damaged_count > 0 && scan_next(&scan))
		if (listing_read(&scan, &listed) && is_damaged(findings, listed.order_id))
			listed_add(repair, findings, listed);
	scan_end(&scan);
}

static void repair_orders(struct repair *repair)
{
	static const enum table records[] = { TABLE_KEYS, TABLE_SAGAS, TABLE_EVENTS };
	struct findings findings = { 0 };

	repair_counters(repair, TABLE_META);
	take_orders(repair, &findings);
	keep_deadlines(repair, &findings);
	repair_table(repair, TABLE_DEADLINES);
	keep_listed(repair, &findings);
	listing_expect(repair, findings.orders, findings.order_count,
		counter_get(repair->txn, TABLE_META, UNLISTED_MARK));
	repair_table(repair, TABLE_USERS);
	for (size_t i = 0; i < findings.second_count; i++)
		number_expect(repair, &findings.seconds[i]);
	repair_table(repair, TABLE_SECONDS);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		repair_look(repair, records[i]);
	free(findings.orders);
	free(findings.seconds);
	free(findings.damaged);
}

const struct repair_plan orderd_repair = { "orderd", orderd_tables, repair_orders };
