#include "fence.h"

#include <errno.h>

#include "create.h"
#include "memory.h"
#include "record.h"

#define COUNTER_EPOCH "epoch"
#define COUNTER_MARK "settled_orders"
#define TRY_FIRST_MS 5
#define TRY_MAX_MS 1000

static int64_t pause_ms(int64_t attempts)
{
	int64_t wait_ms = TRY_FIRST_MS;

	while (attempts-- > 1 && wait_ms < TRY_MAX_MS)
		wait_ms *= 2;
	return wait_ms < TRY_MAX_MS ? wait_ms : TRY_MAX_MS;
}

static void do_keep(void *state, void *argument)
{
	struct memory *memory = state;

	memory->fence = *(const struct fence_state *)argument;
	if (memory->fence.done)
		coordinator_hurry(memory->coordinator);
}

static void keep(struct tick *tick, struct fence_state fence)
{
	struct fence_state *kept = arena_take(tick->arena, sizeof(*kept));

	if (!kept) {
		txn_fail(tick->txn, -ENOMEM);
		return;
	}
	*kept = fence;
	tick_after(tick, do_keep, kept);
}

static void ask(struct tick *tick, struct fence_state fence)
{
	struct fence what = { .epoch = fence.epoch, .after = fence.after };

	fence.attempts++;
	fence.try_at_ms = tick->monotonic_ms + pause_ms(fence.attempts);
	saga_pass(tick, "fenced");
	tick_send(tick, PEER_FENCE, fence.epoch, &what);
	keep(tick, fence);
}

static void begin(struct tick *tick, uint64_t epoch)
{
	struct fence_state fence = {
		.epoch = epoch,
		.after = counter_get(tick->txn, TABLE_META, COUNTER_MARK),
	};

	memory_of(tick)->fence.begun = fence.begun = tick->serial;
	ask(tick, fence);
}

/* Nothing is written: a start must not fail for want of room. */
void fence_begin(struct tick *tick)
{
	const struct fence_state *fence = &memory_of(tick)->fence;
	uint64_t stored = counter_get(tick->txn, TABLE_META, COUNTER_EPOCH);
	uint64_t epoch = (stored > fence->epoch ? stored : fence->epoch) + 1;
	uint64_t now_ms = tick->now_ms > 0 ? (uint64_t)tick->now_ms : 0;

	if (fence->epoch == 0 || fence->begun != tick->serial)
		begin(tick, epoch > now_ms ? epoch : now_ms);
}

bool fence_is_done(const struct tick *tick)
{
	return memory_of(tick)->fence.done;
}

uint64_t fence_epoch(const struct tick *tick)
{
	return memory_of(tick)->fence.epoch;
}

void fence_run(struct tick *tick)
{
	const struct fence_state *fence = &memory_of(tick)->fence;

	if (!fence->done && fence->try_at_ms <= tick->monotonic_ms)
		ask(tick, *fence);
}

/* Whether it has a record, be it a damaged one, or is none that an order can have. */
static bool is_known(struct tick *tick, uint64_t order_id)
{
	struct key key = order_key(order_id);
	struct slice value;

	return order_id > ORDER_ID_MAX || coordinator_find(tick, order_id) ||
		txn_get(tick->txn, TABLE_ORDERS, &key, &value) ||
		txn_get(tick->txn, TABLE_SAGAS, &key, &value);
}

/* An intent that cannot be read is left to `orderctl fsck`, which finds stock without an order. */
static void take_up(struct tick *tick, const struct held *held)
{
	struct intent *intent = arena_take(tick->arena, sizeof(*intent));
	int result = -ENOMEM;

	if (is_known(tick, held->order_id))
		return;
	if (intent)
		result = intent_read(tick, held->order_id, held->intent, held->intent_size, intent);
	saga_pass(tick, "taken_up");
	if (result == 0)
		create_take_up(tick, intent);
	else if (result == -ENOMEM)
		txn_fail(tick->txn, result);
}

int fence_answered(struct tick *tick, uint64_t ref, int outcome, const char *message,
	const void *result)
{
	struct fence_state fence = memory_of(tick)->fence;
	const struct fence_reply *reply = result;

	(void)message;
	if (fence.done || ref != fence.epoch || outcome != OUTCOME_OK)
		return 0;
	if (reply->epoch > fence.epoch) {
		/* A restored copy of orderd's store counts from an older epoch. */
		begin(tick, reply->epoch + 1);
		return 0;
	}
	for (size_t i = 0; i < reply->held_count; i++)
		take_up(tick, &reply->held[i]);
	fence.attempts = 0;
	fence.after = reply->next;
	fence.done = reply->next == 0;
	number_raise(tick, reply->last_order_id);
	if (!fence.done) {
		ask(tick, fence);
		return 0;
	}
	saga_pass(tick, "open");
	/* Before the first HELD under it: no later run states this epoch again. */
	counter_put(tick->txn, TABLE_META, COUNTER_EPOCH, fence.epoch);
	keep(tick, fence);
	return 0;
}

void fence_mark(struct tick *tick, uint64_t order_id)
{
	if (order_id > counter_get(tick->txn, TABLE_META, COUNTER_MARK))
		counter_put(tick->txn, TABLE_META, COUNTER_MARK, order_id);
}
