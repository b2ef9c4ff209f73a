#include "sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "log.h"

enum { ORDERD }; /* peers */

/* Of orderd's tables the one that is looked at. */
enum { DEADLINES };
static const char *const tables[] = { [DEADLINES] = "deadlines", NULL };

struct proposal {
	UT_hash_handle hh;
	uint64_t order_id;
	int64_t until_ms; /* monotonic; then it may be made again */
	bool answered;
};

struct sweep {
	struct proposal *proposals; /* in the order of their until_ms */
	size_t unanswered;
	int64_t waiting_since_ms; /* monotonic: when orderd began to owe an answer; -1: none */
	int64_t clock_offset_ms;  /* wall clock less monotonic clock */
};

static int64_t clock_offset(const struct tick *tick)
{
	return tick->now_ms - tick->monotonic_ms;
}

static int sweep_open(struct tick *tick, void **ret_state)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (!sweep)
		return -ENOMEM;
	sweep->waiting_since_ms = -1;
	sweep->clock_offset_ms = clock_offset(tick);
	*ret_state = sweep;
	return 0;
}

static void proposal_drop(struct sweep *sweep, struct proposal *proposal)
{
	HASH_DEL(sweep->proposals, proposal);
	sweep->unanswered -= !proposal->answered;
	free(proposal);
}

static void sweep_close(void *state)
{
	struct sweep *sweep = state;

	while (sweep && sweep->proposals)
		proposal_drop(sweep, sweep->proposals);
	free(sweep);
}

static struct proposal *proposal_find(const struct sweep *sweep, uint64_t order_id)
{
	struct proposal *proposal;

	HASH_FIND(hh, sweep->proposals, &order_id, sizeof(order_id), proposal);
	return proposal;
}

/* One that finds no memory is made again at the next look. */
static void proposal_put(struct sweep *sweep, uint64_t order_id, int64_t now_ms, bool answered)
{
	struct proposal *proposal = proposal_find(sweep, order_id);

	if (proposal)
		proposal_drop(sweep, proposal);
	proposal = calloc(1, sizeof(*proposal));
	if (!proposal)
		return;
	proposal->order_id = order_id;
	proposal->until_ms = now_ms + SWEEP_AGAIN_MS;
	proposal->answered = answered;
	HASH_ADD(hh, sweep->proposals, order_id, sizeof(order_id), proposal);
	if (proposal->hh.tbl)
		sweep->unanswered += !answered;
	else
		free(proposal);
}

/* --- looking for what is due ---------------------------------------------------------------- */

struct look {
	const struct tick *tick;         /* until the tick ends */
	int64_t moved_ms;                /* how far the wall clock has jumped; 0: it has not */
	bool lost;                       /* orderd is not there, nor is what was on its way to it */
	uint64_t order_ids[SWEEP_BATCH]; /* to be proposed */
	size_t count;
	size_t waiting;      /* of what is due, proposed and not answered */
	bool more;           /* is due, but there is no room */
	int64_t next_due_ms; /* wall clock; -1: there is no later deadline */
};

static void look_begin(struct look *look, const struct tick *tick)
{
	const struct sweep *sweep = tick->state;
	int64_t moved_ms = clock_offset(tick) - sweep->clock_offset_ms;

	look->tick = tick;
	look->lost = !tick_peer_is_up(tick, ORDERD);
	look->next_due_ms = -1;
	if (moved_ms > SWEEP_CLOCK_MS || moved_ms < -SWEEP_CLOCK_MS)
		look->moved_ms = moved_ms;
}

/* Whether a proposal still stands, or by this look is to be forgotten. */
static bool proposal_stands(const struct look *look, const struct proposal *proposal)
{
	return look->moved_ms == 0 && proposal->until_ms > look->tick->monotonic_ms &&
		(proposal->answered || !look->lost);
}

/* False: there is no room for one more. */
static bool look_at(struct look *look, uint64_t order_id)
{
	const struct proposal *proposal = proposal_find(look->tick->state, order_id);

	if (proposal && proposal_stands(look, proposal)) {
		look->waiting += !proposal->answered;
		return true;
	}
	look->more = look->count == (look->lost ? 1 : SWEEP_BATCH) ||
		look->count + look->waiting >= SWEEP_WINDOW;
	if (!look->more)
		look->order_ids[look->count++] = order_id;
	return !look->more;
}

static void look_through(struct look *look)
{
	struct scan scan = scan_from(look->tick->watched, DEADLINES, NULL);

	while (scan_next(&scan)) {
		int64_t due_ms = (int64_t)key_read_u64(scan.key, 0);

		if (due_ms > look->tick->now_ms) {
			look->next_due_ms = due_ms;
			break;
		}
		if (!look_at(look, key_read_u64(scan.key, sizeof(uint64_t))))
			break;
	}
	scan_end(&scan);
}

static int64_t look_again_in(const struct look *look)
{
	const struct sweep *sweep = look->tick->state;
	int64_t wait_ms = SWEEP_IDLE_MS;

	if (look->lost && look->count > 0)
		return SWEEP_ABSENT_MS;
	if (look->more)
		return look->count + look->waiting >= SWEEP_WINDOW ? SWEEP_FULL_MS : 1;
	if (look->next_due_ms >= 0 && look->next_due_ms - look->tick->now_ms < wait_ms)
		wait_ms = look->next_due_ms - look->tick->now_ms;
	if (look->waiting > 0 && sweep->proposals->until_ms - look->tick->monotonic_ms < wait_ms)
		wait_ms = sweep->proposals->until_ms - look->tick->monotonic_ms;
	return wait_ms > 0 ? wait_ms : 1;
}

static void proposals_prune(struct sweep *sweep, const struct look *look)
{
	struct proposal *proposal, *next;

	HASH_ITER(hh, sweep->proposals, proposal, next) {
		if (!proposal_stands(look, proposal))
			proposal_drop(sweep, proposal);
		else if (look->moved_ms == 0 && !look->lost)
			break; /* all that follow are younger */
	}
}

static void look_keep(void *state, void *argument)
{
	const struct look *look = argument;
	struct sweep *sweep = state;

	if (look->moved_ms != 0)
		log_message(MESSAGE_CLOCK_SET, NULL,
			"the clock was set by %+" PRId64 " ms; deadlines count by the new time",
			look->moved_ms);
	sweep->clock_offset_ms = clock_offset(look->tick);
	proposals_prune(sweep, look);
	for (size_t i = 0; i < look->count; i++)
		proposal_put(sweep, look->order_ids[i], look->tick->monotonic_ms, false);
	if (look->count + look->waiting == 0)
		sweep->waiting_since_ms = -1;
	else if (sweep->waiting_since_ms < 0)
		sweep->waiting_since_ms = look->tick->monotonic_ms;
}

static int64_t on_time(struct tick *tick)
{
	struct look *look = tick->watched ? arena_take(tick->arena, sizeof(*look)) : NULL;

	if (!look)
		return SWEEP_IDLE_MS;
	look_begin(look, tick);
	look_through(look);
	for (size_t i = 0; i < look->count; i++) {
		struct order_due due = { .order_id = look->order_ids[i] };

		tick_send(tick, ORDERD, due.order_id, &due);
		tick_note(tick, MESSAGE_ORDER_DUE, &(struct log_about){ .order_id = due.order_id },
			"the order's time is up; proposed to orderd");
	}
	tick_after(tick, look_keep, look);
	return look_again_in(look);
}

/* --- answers -------------------------------------------------------------------------------- */

struct settled {
	uint64_t order_id;
	int64_t monotonic_ms;
};

/* Whatever the answer, the order is left alone for a while. Settled, it has no deadline any more
 * in the snapshot of the next look; refused, asking at once would be refused again. */
static void settled_keep(void *state, void *argument)
{
	const struct settled *settled = argument;
	struct sweep *sweep = state;

	proposal_put(sweep, settled->order_id, settled->monotonic_ms, true);
	sweep->waiting_since_ms = sweep->unanswered > 0 ? settled->monotonic_ms : -1;
}

static int handle_settled(struct tick *tick, uint64_t ref, int outcome, const char *message,
	const void *result)
{
	struct settled *settled = arena_take(tick->arena, sizeof(*settled));

	(void)outcome, (void)message, (void)result;
	if (!settled)
		return -ENOMEM;
	settled->order_id = ref;
	settled->monotonic_ms = tick->monotonic_ms;
	tick_after(tick, settled_keep, settled);
	return 0;
}

/* --- health --------------------------------------------------------------------------------- */

static void describe(struct tick *tick, struct health *health)
{
	const struct sweep *sweep = tick->state;
	int64_t waiting_ms = tick->monotonic_ms - sweep->waiting_since_ms;
	struct scan scan;

	if (!tick->watched) {
		health->reason = "orderd's store is not there yet; is orderd started?";
		return;
	}
	scan = scan_from(tick->watched, DEADLINES, NULL);
	if (scan_next(&scan))
		health->next_deadline_at = (int64_t)key_read_u64(scan.key, 0);
	scan_end(&scan);
	if (sweep->waiting_since_ms >= 0 && waiting_ms >= SWEEP_AGAIN_MS)
		health->reason = arena_print(tick->arena,
			"orderd has not answered for %" PRId64 " s", waiting_ms / 1000);
}

/* --- the program ---------------------------------------------------------------------------- */

static const struct operation operations[] = { { .name = NULL } };

static const struct peer peers[] = {
	[ORDERD] = {
		.name = "orderd",
		.socket = SOCKET_ORDERD,
		.operation = "order.expire",
		.many = "orders",
		.item = &order_due_record,
		.result = &order_due_reply_record,
		.handle = handle_settled,
	},
	{ .name = NULL },
};

const struct program reaperd_program = {
	.name = "reaperd",
	.summary = "proposes to orderd the orders whose time is up",
	.socket = SOCKET_REAPERD,
	.options = &reaperd_options,
	.settings_size = sizeof(struct suite_settings),
	.watches = "orderd",
	.watched_tables = tables,
	.operations = operations,
	.peers = peers,
	.open = sweep_open,
	.close = sweep_close,
	.on_time = on_time,
	.describe = describe,
};
