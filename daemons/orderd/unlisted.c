#include "unlisted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator.h"
#include "failpoint.h"
#include "listing.h"
#include "memory.h"
#include "record.h"

#define BATCH 65536 /* the more, the more of them share a page; all are looked at by a start */
#define SLICE_MIN 256
#define SLICE_SHARE 32    /* of what is gathered: slices grow until the two batches keep step */
#define REST_MS 20        /* from one slice to the next in ticks that write nothing else */
#define FULL_REST_MS 1000 /* likewise, while the store is full */
#define AT_ONCE_MAX 16    /* held orders; under so little load gathering gains nothing */

void unlisted_done(struct unlisted *unlisted)
{
	free(unlisted->filling.orders);
	free(unlisted->sorted.orders);
	*unlisted = (struct unlisted){ 0 };
}

static bool fill(struct unlisted *unlisted, uint64_t user_id, uint64_t order_id)
{
	struct unlisted_batch *batch = &unlisted->filling;
	uint32_t *chain = &unlisted->chains[user_id % UNLISTED_CHAINS];
	size_t room = batch->room ? 2 * batch->room : 1024;
	struct unlisted_order *orders = batch->orders;

	if (batch->count == batch->room) {
		orders = reallocarray(orders, room, sizeof(*orders));
		if (!orders)
			return false;
		batch->orders = orders;
		batch->room = room;
	}
	if (batch->count == 0 || batch->lowest_id > order_id)
		batch->lowest_id = order_id;
	batch->orders[batch->count++] = (struct unlisted_order){ user_id, order_id, *chain };
	*chain = (uint32_t)batch->count;
	return true;
}

static int by_user(const void *one, const void *other)
{
	const struct unlisted_order *a = one, *b = other;

	if (a->user_id != b->user_id)
		return a->user_id < b->user_id ? -1 : 1;
	return (a->order_id > b->order_id) - (a->order_id < b->order_id);
}

static size_t sorted_left(const struct unlisted *unlisted)
{
	return unlisted->sorted.count - unlisted->written;
}

/* --- adding --------------------------------------------------------------------------------- */

static void do_add(void *state, void *argument)
{
	struct memory *memory = state;
	const struct unlisted_order *order = argument;

	/* Without memory it is as after a crash: only a start finds it. */
	if (!fill(&memory->unlisted, order->user_id, order->order_id))
		coordinator_lose(memory->coordinator);
	FAILPOINT("unlisted", "gathered");
}

/* Those of a tick that was undone are none. */
static const struct unlisted_newcomer *newcomers(const struct tick *tick)
{
	const struct unlisted *unlisted = &memory_of(tick)->unlisted;

	return unlisted->serial == tick->serial ? unlisted->newcomers : NULL;
}

bool unlisted_add(struct tick *tick, uint64_t user_id, uint64_t order_id)
{
	struct memory *memory = memory_of(tick);
	struct unlisted_newcomer *newcomer;

	if (order_id <= memory->unlisted.mark ||
		coordinator_held_count(memory->coordinator) <= AT_ONCE_MAX)
		return false;
	newcomer = arena_take(tick->arena, sizeof(*newcomer));
	if (!newcomer)
		return false;
	*newcomer = (struct unlisted_newcomer){ { user_id, order_id, 0 }, newcomers(tick) };
	memory->unlisted.newcomers = newcomer;
	memory->unlisted.serial = tick->serial;
	tick_after(tick, do_add, &newcomer->order);
	return true;
}

void unlisted_open(struct tick *tick)
{
	struct unlisted *unlisted = &memory_of(tick)->unlisted;
	struct arena *scratch = arena_new();
	struct order order;
	struct scan scan;
	struct key from;

	if (!scratch) {
		txn_fail(tick->txn, -ENOMEM);
		return;
	}
	unlisted->mark = counter_get(tick->txn, TABLE_META, UNLISTED_MARK);
	from = order_key(unlisted->mark + 1);
	scan = scan_from(tick->txn, TABLE_ORDERS, &from);
	while (scan_next(&scan)) {
		uint64_t order_id = key_read_u64(scan.key, 0);

		arena_reset(scratch);
		if (!record_read(tick->txn, scratch, TABLE_ORDERS, scan.key, scan.value,
			    &stored_order_record, &order)) {
			txn_forgive(tick->txn); /* no list can show it */
			continue;
		}
		if (!listing_has(tick, order.wire.user_id, order_id) &&
			!fill(unlisted, order.wire.user_id, order_id))
			txn_fail(tick->txn, -ENOMEM);
	}
	scan_end(&scan);
	arena_free(scratch);
}

/* --- writing -------------------------------------------------------------------------------- */

/* The first batch is done: the other one takes its place. Changes only what is derived. */
static void turn(struct unlisted *unlisted)
{
	struct unlisted_batch spare = unlisted->sorted;

	qsort(unlisted->filling.orders, unlisted->filling.count, sizeof(struct unlisted_order),
		by_user);
	unlisted->sorted = unlisted->filling;
	unlisted->written = 0;
	spare.count = 0;
	unlisted->filling = spare;
	memset(unlisted->chains, 0, sizeof(unlisted->chains));
	FAILPOINT("unlisted", "sorted");
}

static void write_mark(struct tick *tick)
{
	struct unlisted *unlisted = &memory_of(tick)->unlisted;
	const struct open_saga *making = coordinator_reserving(tick, 0);
	uint64_t mark = memory_of(tick)->numbering.last_id;

	if (making && making->number <= mark)
		mark = making->number - 1;
	if (unlisted->filling.count > 0 && unlisted->filling.lowest_id <= mark)
		mark = unlisted->filling.lowest_id - 1;
	if (sorted_left(unlisted) > 0 && unlisted->sorted.lowest_id <= mark)
		mark = unlisted->sorted.lowest_id - 1;
	if (mark <= unlisted->mark)
		return;
	unlisted->mark = mark;
	counter_put(tick->txn, TABLE_META, UNLISTED_MARK, mark);
	FAILPOINT("unlisted", "marked");
}

static void do_written(void *state, void *argument)
{
	struct memory *memory = state;

	memory->unlisted.written += *(const size_t *)argument;
	FAILPOINT("unlisted", "written");
}

/* The list of that order's user is damaged, and a repair's business. The tick is undone, and the
 * next one is for the others. */
static void drop_user(struct unlisted_batch *sorted, size_t from)
{
	size_t end = from;

	while (end < sorted->count && sorted->orders[end].user_id == sorted->orders[from].user_id)
		end++;
	memmove(&sorted->orders[from], &sorted->orders[end],
		(sorted->count - end) * sizeof(*sorted->orders));
	sorted->count -= end - from;
}

static void write_slice(struct tick *tick)
{
	struct unlisted *unlisted = &memory_of(tick)->unlisted;
	size_t *count = arena_take(tick->arena, sizeof(*count));

	if (!count)
		return;
	*count = SLICE_MIN + unlisted->filling.count / SLICE_SHARE;
	if (*count > sorted_left(unlisted))
		*count = sorted_left(unlisted);
	for (size_t i = 0; i < *count && txn_error(tick->txn) == 0; i++) {
		listing_add(tick, &unlisted->sorted.orders[unlisted->written + i]);
		if (txn_error(tick->txn) == -EUCLEAN)
			drop_user(&unlisted->sorted, unlisted->written + i);
	}
	tick_after(tick, do_written, count);
}

int64_t unlisted_write(struct tick *tick)
{
	struct unlisted *unlisted = &memory_of(tick)->unlisted;
	bool loaded = coordinator_held_count(memory_of(tick)->coordinator) > 0;
	int64_t wait_ms = unlisted->next_ms - tick->monotonic_ms;

	if (sorted_left(unlisted) + unlisted->filling.count == 0)
		return -1;
	/* What a full store has kept is for payments and cancellations. */
	if (!tick_may_grow(tick))
		return FULL_REST_MS;
	if (txn_writes(tick->txn) == 0 && wait_ms > 0)
		return wait_ms;
	unlisted->next_ms = tick->monotonic_ms + REST_MS;
	if (sorted_left(unlisted) == 0) {
		if (loaded && unlisted->filling.count < BATCH)
			return REST_MS;
		turn(unlisted);
		write_mark(tick);
	}
	write_slice(tick);
	return REST_MS;
}

/* Whether the list has it then. */
static bool write_now(struct tick *tick, const struct unlisted_order *order)
{
	if (tick_may_settle(tick))
		listing_add(tick, order);
	return listing_has(tick, order->user_id, order->order_id);
}

static bool write_sorted_user(struct tick *tick, uint64_t user_id)
{
	const struct unlisted *unlisted = &memory_of(tick)->unlisted;
	const struct unlisted_order *orders = unlisted->sorted.orders;
	size_t low = unlisted->written, high = unlisted->sorted.count;
	bool whole = true;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (orders[middle].user_id < user_id)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < unlisted->sorted.count && orders[low].user_id == user_id; low++)
		whole = write_now(tick, &orders[low]) && whole;
	return whole;
}

bool unlisted_write_user(struct tick *tick, uint64_t user_id)
{
	const struct unlisted *unlisted = &memory_of(tick)->unlisted;
	const struct unlisted_order *orders = unlisted->filling.orders;
	uint32_t at = unlisted->chains[user_id % UNLISTED_CHAINS];
	bool whole = write_sorted_user(tick, user_id);

	for (; at > 0; at = orders[at - 1].next)
		if (orders[at - 1].user_id == user_id)
			whole = write_now(tick, &orders[at - 1]) && whole;
	for (const struct unlisted_newcomer *each = newcomers(tick); each; each = each->before)
		if (each->order.user_id == user_id)
			whole = write_now(tick, &each->order) && whole;
	return whole;
}
