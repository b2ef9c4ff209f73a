#include "daemons/orderd/order.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/orderd/number.h"
#include "sim.h"

/* orderd's store, read after each of its commits. The rules stand here once more, on purpose: a
 * table of legal steps that was wrong in orderd would be right in a check that used it. */

static const enum orderd_status legal[][2] = {
	{ ORDERD_ANY, ORDERD_PENDING },
	{ ORDERD_PENDING, ORDERD_PAID },
	{ ORDERD_PENDING, ORDERD_CANCELLED },
	{ ORDERD_PAID, ORDERD_SHIPPED },
	{ ORDERD_PAID, ORDERD_CANCELLED },
	{ ORDERD_SHIPPED, ORDERD_COMPLETED },
};

struct logged { /* as the log stores it */
	struct orderd_event wire;
	uint64_t previous;
};
static const struct field logged_fields[] = {
	{ "order_id", FIELD_U64, 0, AT(logged, wire.order_id) },
	{ "from", FIELD_ENUM, 0, AT(logged, wire.from), .names = status_names },
	{ "to", FIELD_ENUM, 0, AT(logged, wire.to), .names = status_names },
	{ "actor", FIELD_TEXT, 0, AT(logged, wire.actor) },
	{ "reason", FIELD_TEXT, 0, AT(logged, wire.reason) },
	{ "at", FIELD_TIME_MS, 0, AT(logged, wire.at) },
	{ "user_id", FIELD_U64, 0, AT(logged, wire.user_id) },
	{ "total", FIELD_I64, 0, AT(logged, wire.total) },
	{ "previous", FIELD_U64, 0, AT(logged, previous) },
};
static const struct record logged_record = RECORD(logged, logged_fields);

struct known_order *order_known(struct sim *sim, uint64_t order_id)
{
	struct known_order *order;

	HASH_FIND(hh, sim->orders, &order_id, sizeof(order_id), order);
	return order;
}

/* --- orders --------------------------------------------------------------------------------- */

static struct wish *wish_of(struct sim *sim, const struct order *order)
{
	const char *key = order->key;
	struct wish *wish;

	if (key && key[0] == 'w')
		return wish_find(sim, strtoull(key + 1, NULL, 10));
	wish = wish_find(sim, order->wire.user_id - 1000000);
	return wish && !wish->key[0] ? wish : NULL;
}

static void check_wanted(struct sim *sim, const struct order *order, struct wish *wish,
	uint64_t order_id)
{
	/* Under a key that was forgotten another body makes an order. */
	if (sim->keys_aged && wish && order->wire.items[0].quantity == OTHER_QUANTITY)
		return;
	if (!wish || wish->user_id != order->wire.user_id ||
		wish->line_count != order->wire.item_count)
		sim_fail(sim, "nobody asked for order %llu", (unsigned long long)order_id);
	if (wish->delivered <= wish->refused)
		sim_fail(sim, "order %llu is there and was refused", (unsigned long long)order_id);
	if (wish->order_id && !sim->keys_aged)
		sim_fail(sim, "wish %llu became two orders, %llu and %llu",
			(unsigned long long)wish->number, (unsigned long long)wish->order_id,
			(unsigned long long)order_id);
	if (wish->told_id && wish->told_id != order_id && !sim->keys_aged)
		sim_fail(sim, "wish %llu was told order %llu and became %llu",
			(unsigned long long)wish->number, (unsigned long long)wish->told_id,
			(unsigned long long)order_id);
	for (size_t i = 0; i < wish->line_count; i++)
		if (!price_was_good(sim, order->wire.items[i].book_id, order->wire.items[i].price,
			    wish->first_step))
			sim_fail(sim, "order %llu has a stale price", (unsigned long long)order_id);
}

static void order_take(struct known_order *known, const struct order *order)
{
	known->wire = order->wire;
	known->wire.items = known->items;
	for (size_t i = 0; i < order->wire.item_count && i < WISH_LINES_MAX; i++)
		known->items[i] = order->wire.items[i];
	known->due_at = order->due_at;
}

static struct known_order *order_appears(struct sim *sim, uint64_t order_id,
	const struct order *order)
{
	struct known_order *known = calloc(1, sizeof(*known));
	struct wish *wish = wish_of(sim, order);

	if (!known)
		abort();
	check_wanted(sim, order, wish, order_id);
	known->order_id = order_id;
	known->wish = wish;
	order_take(known, order);
	number_print(known->order_no, order->number_second, order_id);
	wish->order_id = order_id;
	sim->coverage->orders++;
	sim->coverage->compensations[BACK_RECOVER] += wish->delivered_run != sim->nodes[ORDERD].run;
	HASH_ADD(hh, sim->orders, order_id, sizeof(order_id), known);
	return known;
}

static void order_changes(struct sim *sim, struct known_order *known, const struct order *order)
{
	bool same = known->wire.user_id == order->wire.user_id &&
		known->wire.total == order->wire.total &&
		known->wire.created_at == order->wire.created_at &&
		known->wire.expires_at == order->wire.expires_at &&
		known->wire.item_count == order->wire.item_count;

	for (size_t i = 0; same && i < order->wire.item_count; i++)
		same = known->items[i].book_id == order->wire.items[i].book_id &&
			known->items[i].quantity == order->wire.items[i].quantity &&
			known->items[i].price == order->wire.items[i].price;
	if (!same)
		sim_fail(sim, "order %llu is not what it was", (unsigned long long)known->order_id);
	order_take(known, order);
}

static void orders_read(struct sim *sim, struct txn *txn)
{
	unsigned table = oracle_table(sim, ORDERD, "orders");
	struct scan scan = scan_from(txn, table, NULL);
	size_t count = 0;

	for (; scan_next(&scan); count++) {
		uint64_t order_id = key_read_u64(scan.key, 0);
		struct known_order *known = order_known(sim, order_id);
		struct order order;

		if (known && !seen_changed(&known->seen, scan.value))
			continue;
		if (!record_read(txn, sim->arena, table, scan.key, scan.value, &stored_order_record,
			    &order))
			sim_fail(sim, "order %llu is damaged", (unsigned long long)order_id);
		if (known)
			order_changes(sim, known, &order);
		else
			known = order_appears(sim, order_id, &order);
		seen_changed(&known->seen, scan.value);
	}
	scan_end(&scan);
	if (count != HASH_COUNT(sim->orders))
		sim_fail(sim, "there were %u orders and are %zu", HASH_COUNT(sim->orders), count);
}

/* --- the log -------------------------------------------------------------------------------- */

static void check_time(struct sim *sim, struct known_order *order, const struct orderd_event *event)
{
	bool reaper = event->actor && strcmp(event->actor, "reaperd") == 0;

	if (event->to == ORDERD_PAID && event->at >= order->wire.expires_at)
		sim_fail(sim, "order %llu was paid after its deadline",
			(unsigned long long)order->order_id);
	if (event->to != ORDERD_CANCELLED || !reaper)
		return;
	order->by_deadline = true;
	if (event->at < order->wire.expires_at)
		sim_fail(sim, "order %llu expired before its deadline",
			(unsigned long long)order->order_id);
	if (sim->plan.calm && event->at > order->wire.expires_at + 100)
		sim_fail(sim, "order %llu expired %lld ms after its deadline",
			(unsigned long long)order->order_id,
			(long long)(event->at - order->wire.expires_at));
}

static void check_step(struct sim *sim, struct known_order *order, const struct orderd_event *event)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
		found = found || (legal[i][0] == event->from && legal[i][1] == event->to);
	if (!found || order->replayed != event->from)
		sim_fail(sim, "order %llu went from %s to %s, it was %s",
			(unsigned long long)order->order_id, status_names[event->from],
			status_names[event->to], status_names[order->replayed]);
	order->replayed = event->to;
	if (order->changed_step != sim->step)
		order->recent = 1U << event->from;
	order->recent |= 1U << event->to;
	order->changed_step = sim->changed_step = sim->step;
}

static void check_event(struct sim *sim, const struct orderd_event *event)
{
	struct known_order *order = order_known(sim, event->order_id);
	struct frame *frame = frame_of_reason(sim, event->reason);

	if (!order)
		sim_fail(sim, "event %llu is of order %llu, which is not there",
			(unsigned long long)event->seq, (unsigned long long)event->order_id);
	check_step(sim, order, event);
	check_time(sim, order, event);
	if (!frame)
		return;
	if (++frame->done > 1 || frame->order_id != event->order_id || frame->to != event->to)
		sim_fail(sim, "request %llu was done twice or to another order",
			(unsigned long long)frame->id);
	if (frame->delivered <= frame->refused)
		sim_fail(sim, "request %llu was refused and done", (unsigned long long)frame->id);
}

static void events_read(struct sim *sim, struct txn *txn)
{
	unsigned table = oracle_table(sim, ORDERD, "events");
	struct scan scan = oracle_scan(txn, table, sim->last_event);
	struct logged event;

	while (scan_next(&scan)) {
		uint64_t seq = key_read_u64(scan.key, 0);

		if (seq != sim->last_event + 1)
			sim_fail(sim, "the log goes from %llu to %llu",
				(unsigned long long)sim->last_event, (unsigned long long)seq);
		if (!record_read(txn, sim->arena, table, scan.key, scan.value, &logged_record,
			    &event))
			sim_fail(sim, "event %llu is damaged", (unsigned long long)seq);
		event.wire.seq = sim->last_event = seq;
		check_event(sim, &event.wire);
	}
	scan_end(&scan);
}

static void check_replay(struct sim *sim)
{
	struct known_order *order, *next;

	HASH_ITER(hh, sim->orders, order, next) {
		if (order->replayed != order->wire.status)
			sim_fail(sim, "order %llu is %s and by the log %s",
				(unsigned long long)order->order_id,
				status_names[order->wire.status], status_names[order->replayed]);
	}
}

/* Told and not yet in the store: that may last for a moment, or while orderd recovers. */
static void check_owed(struct sim *sim)
{
	struct wish *wish, *next;

	HASH_ITER(hh, sim->wishes, wish, next) {
		if (wish->told_id && !wish->order_id && wish->told_run == sim->nodes[ORDERD].run &&
			sim->now_ms - wish->told_ms > 1000)
			sim_fail(sim, "order %llu was answered OK and is not made",
				(unsigned long long)wish->told_id);
	}
}

void orders_look(struct sim *sim)
{
	struct txn *txn = oracle_txn(sim, ORDERD);

	orders_read(sim, txn);
	events_read(sim, txn);
	txn_abort(txn);
	check_replay(sim);
	check_owed(sim);
}

void orders_end(struct sim *sim)
{
	HASH_FREE(known_order, sim->orders);
}
