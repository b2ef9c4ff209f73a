#include "daemons/orderd/order.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* What must hold between the stores at every state, and what at rest. */

static int64_t hold_quantity(const struct known_hold *hold, uint64_t book_id)
{
	int64_t sum = 0;

	for (size_t i = 0; i < hold->line_count; i++)
		sum += hold->lines[i].book_id == book_id ? hold->lines[i].quantity : 0;
	return sum;
}

static int64_t order_quantity(const struct known_order *order, uint64_t book_id)
{
	int64_t sum = 0;

	for (size_t i = 0; i < order->wire.item_count; i++)
		sum += order->items[i].book_id == book_id ? order->items[i].quantity : 0;
	return sum;
}

static void check_live(struct sim *sim, const struct known_order *order, int64_t *sums)
{
	const struct known_hold *hold = hold_known(sim, order->order_id);
	bool paid = order->wire.status != ORDERD_PENDING;

	if (!hold || (hold->state != GOAL_HELD && !(paid && hold->state == GOAL_SOLD)))
		sim_fail(sim, "order %llu is %s and its stock %s",
			(unsigned long long)order->order_id, status_names[order->wire.status],
			hold ? goal_names[hold->state] : "unknown");
	for (uint64_t book_id = 1; book_id < BOOKS_MAX; book_id++) {
		sums[book_id] += order_quantity(order, book_id);
		if (hold_quantity(hold, book_id) != order_quantity(order, book_id))
			sim_fail(sim, "order %llu holds other things than it has",
				(unsigned long long)order->order_id);
	}
}

static void check_oversell(struct sim *sim)
{
	int64_t sums[BOOKS_MAX] = { 0 };
	struct known_order *order, *next;

	HASH_ITER(hh, sim->orders, order, next) {
		if (order->wire.status != ORDERD_CANCELLED)
			check_live(sim, order, sums);
	}
	for (uint64_t book_id = 1; book_id < BOOKS_MAX; book_id++)
		if (sums[book_id] > sim->books[book_id].received)
			sim_fail(sim, "book %llu: %lld ordered, %lld received",
				(unsigned long long)book_id, (long long)sums[book_id],
				(long long)sim->books[book_id].received);
}

/* --- looking -------------------------------------------------------------------------------- */

struct txn *oracle_txn(struct sim *sim, enum place place)
{
	const struct program *program = sim->nodes[place].program;
	struct db_spec spec = { .tables = program->tables };
	struct txn *txn;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", sim->dir, program->store);
	if (!sim->stores[place] && db_open(&sim->stores[place], path, &spec, DB_WATCH) != 0)
		sim_fail(sim, "%s has no store", program->name);
	if (txn_begin(sim->stores[place], false, &txn) != 0)
		sim_fail(sim, "the store of %s cannot be read", program->name);
	return txn;
}

unsigned oracle_table(struct sim *sim, enum place place, const char *name)
{
	const char *const *tables = sim->nodes[place].program->tables;

	for (unsigned i = 0; tables[i]; i++)
		if (strcmp(tables[i], name) == 0)
			return i;
	sim_fail(sim, "there is no table %s", name);
}

struct scan oracle_scan(struct txn *txn, unsigned table, uint64_t after)
{
	struct key from = { 0 };

	key_add_u64(&from, after + 1);
	return scan_from(txn, table, &from);
}

bool seen_changed(struct seen *seen, struct slice value)
{
	size_t size = value.size < sizeof(seen->head) ? value.size : sizeof(seen->head);

	if (seen->size == value.size && memcmp(seen->head, value.at, size) == 0)
		return false;
	memcpy(seen->head, value.at, size);
	seen->size = value.size;
	return true;
}

void oracle_look(struct sim *sim)
{
	static void (*const looks[])(struct sim *) = {
		[ORDERD] = orders_look,
		[STOCKD] = stock_look,
		[CATALOGD] = books_look,
	};
	bool looked = false;

	for (int i = CATALOGD; i >= ORDERD; i--) {
		if (!sim->nodes[i].dirty)
			continue;
		sim->nodes[i].dirty = false;
		arena_reset(sim->arena);
		looks[i](sim);
		looked = true;
	}
	if (!looked)
		return;
	sim->coverage->checks++;
	check_oversell(sim);
}

void oracle_end(struct sim *sim)
{
	for (int i = 0; i < DAEMONS; i++)
		db_close(sim->stores[i]);
	orders_end(sim);
	stock_end(sim);
}

/* --- at rest -------------------------------------------------------------------------------- */

static void rest_orders(struct sim *sim)
{
	struct known_order *order, *next;

	HASH_ITER(hh, sim->orders, order, next) {
		const struct known_hold *hold = hold_known(sim, order->order_id);
		enum goal goal = GOAL_SOLD;

		if (order->wire.status == ORDERD_PENDING)
			goal = GOAL_HELD;
		if (order->wire.status == ORDERD_CANCELLED)
			goal = GOAL_RETURNED;
		if (!hold || hold->state != goal)
			sim_fail(sim, "at rest order %llu is %s and its stock %s",
				(unsigned long long)order->order_id,
				status_names[order->wire.status],
				hold ? goal_names[hold->state] : "unknown");
		if (order->due_at > 0 && order->due_at + 2000 < sim_wall(sim))
			sim_fail(sim, "at rest order %llu is long past its deadline",
				(unsigned long long)order->order_id);
	}
}

static void rest_holds(struct sim *sim)
{
	struct known_hold *hold, *next;

	HASH_ITER(hh, sim->holds, hold, next) {
		bool held = hold->state == GOAL_HELD || hold->state == GOAL_SOLD;

		if (held && !order_known(sim, hold->order_id))
			sim_fail(sim, "at rest stock is %s for order %llu, which is not there",
				goal_names[hold->state], (unsigned long long)hold->order_id);
	}
}

static void rest_wishes(struct sim *sim)
{
	struct wish *wish, *next_wish;
	struct frame *frame, *next;

	HASH_ITER(hh, sim->wishes, wish, next_wish) {
		if (wish->told_id && !order_known(sim, wish->told_id))
			sim_fail(sim, "order %llu was answered OK and is not there",
				(unsigned long long)wish->told_id);
	}
	HASH_ITER(hh, sim->frames, frame, next) {
		if (frame->delivered > 0 && frame->answered == 0 && frame->kind != ITEM_BAD &&
			frame->run == sim->nodes[frame->to_place].run)
			sim_fail(sim, "request %llu, %s, was never answered",
				(unsigned long long)frame->id, frame->op);
	}
}

/* --- what can be derived, derived again ------------------------------------------------------ */

static void rest_deadlines(struct sim *sim, struct txn *txn)
{
	struct scan scan = scan_from(txn, oracle_table(sim, ORDERD, "deadlines"), NULL);
	struct known_order *order, *next;
	size_t due = 0, found = 0;

	HASH_ITER(hh, sim->orders, order, next) {
		bool waits = order->wire.status == ORDERD_PENDING ||
			order->wire.status == ORDERD_SHIPPED;

		due += waits;
		if (waits != (order->due_at > 0))
			sim_fail(sim, "order %llu, %s, has the deadline %lld",
				(unsigned long long)order->order_id,
				status_names[order->wire.status], (long long)order->due_at);
	}
	for (; scan_next(&scan); found++) {
		order = order_known(sim, key_read_u64(scan.key, 8));
		if (!order || order->due_at != (int64_t)key_read_u64(scan.key, 0))
			sim_fail(sim, "a deadline is of no order");
	}
	scan_end(&scan);
	if (found != due)
		sim_fail(sim, "%zu orders wait and %zu deadlines are there", due, found);
}

static void rest_users(struct sim *sim, struct txn *txn)
{
	struct scan scan = scan_from(txn, oracle_table(sim, ORDERD, "users"), NULL);
	size_t found = 0;

	while (scan_next(&scan)) {
		uint64_t turned = key_read_u64(scan.key, 8);
		const struct known_order *order = order_known(sim, ~turned);

		if (turned == 0)
			continue;
		found++;
		if (!order || order->wire.user_id != key_read_u64(scan.key, 0) ||
			*(const uint8_t *)scan.value.at != order->wire.status)
			sim_fail(sim, "the index of users is wrong about order %llu",
				(unsigned long long)~turned);
	}
	scan_end(&scan);
	if (found != HASH_COUNT(sim->orders))
		sim_fail(sim, "the index of users has %zu of %u orders", found,
			HASH_COUNT(sim->orders));
}

static void rest_keys(struct sim *sim, struct txn *txn)
{
	unsigned table = oracle_table(sim, ORDERD, "keys");
	struct wish *wish, *next;
	size_t wanted = 0;

	HASH_ITER(hh, sim->wishes, wish, next) {
		struct key key = { 0 };
		struct slice value;

		if (!wish->order_id || !wish->key[0])
			continue;
		key_add_u64(&key, wish->user_id);
		key_add_bytes(&key, wish->key, strlen(wish->key));
		if (!txn_get(txn, table, &key, &value))
			sim_fail(sim, "the key of order %llu is not remembered",
				(unsigned long long)wish->order_id);
		wanted++;
	}
	if (txn_count(txn, table) != wanted)
		sim_fail(sim, "%llu keys are remembered, %zu orders have one",
			(unsigned long long)txn_count(txn, table), wanted);
}

void rest_check(struct sim *sim)
{
	struct txn *txn;
	uint64_t sagas;

	for (int i = 0; i < DAEMONS; i++) {
		if (!sim->nodes[i].service)
			sim_fail(sim, "at rest %s is not up", place_names[i]);
		if (service_counts(sim->nodes[i].service).parked > 0)
			sim_fail(sim, "at rest %s has calls in hand", place_names[i]);
	}
	oracle_look(sim);
	txn = oracle_txn(sim, ORDERD);
	sagas = txn_count(txn, oracle_table(sim, ORDERD, "sagas"));
	if (sagas > 0)
		sim_fail(sim, "at rest %llu sagas are open", (unsigned long long)sagas);
	rest_orders(sim);
	rest_holds(sim);
	rest_wishes(sim);
	rest_deadlines(sim, txn);
	rest_users(sim, txn);
	if (!sim->keys_aged)
		rest_keys(sim, txn);
	txn_abort(txn);
}
