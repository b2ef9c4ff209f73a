#include "operations.h"

#include <errno.h>
#include <stdlib.h>

#include "change.h"
#include "coordinator.h"
#include "create.h"
#include "events.h"
#include "listing.h"
#include "memory.h"
#include "prices.h"
#include "repair.h"

static int handle_backup_hold(struct tick *tick, const void *request, void *reply)
{
	const struct suite_settings *suite = tick->settings;
	const struct backup_hold *hold = request;
	struct backup_hold_reply *held = reply;

	held->state_dir = suite->state_dir;
	held->until_ms = tick_hold(tick, hold->hold_ms);
	return OUTCOME_OK;
}

/* clang-format off */
static const struct operation operations[] = {
	{ "order.create", ACCESS_GROW, WHO_USER, "orders", &create_record, &order_record,
		.handle = handle_order_create, .parks = true, .apart = true },
	{ "order.get", ACCESS_READ, WHO_USER, "orders", &order_ref_record, &order_record,
		.handle = handle_order_get },
	{ "order.set_status", ACCESS_SETTLE, WHO_USER, "orders", &order_set_status_record,
		&order_record, .handle = handle_order_set_status, .parks = true },
	{ "order.cancel", ACCESS_SETTLE, WHO_USER, "orders", &order_cancel_record, &order_record,
		.handle = handle_order_cancel, .parks = true },
	{ "order.list", ACCESS_READ, WHO_USER, NULL, &order_query_record, &order_list_record,
		.handle = handle_order_list },
	{ "order.history", ACCESS_READ, WHO_USER, NULL, &order_ref_record, &event_list_record,
		.handle = handle_order_history },
	{ "order.scan", ACCESS_READ, WHO_ADMIN, NULL, &range_record, &order_list_record,
		.handle = handle_order_scan },
	{ "order.expire", ACCESS_SETTLE, WHO_ADMIN, "orders", &order_due_record,
		&order_due_reply_record, .handle = handle_order_expire },
	{ "event.list", ACCESS_READ, WHO_USER, NULL, &range_record, &event_list_record,
		.handle = handle_event_list },
	{ "saga.list", ACCESS_READ, WHO_USER, NULL, &range_record, &saga_list_record,
		.handle = handle_saga_list },
	{ "saga.show", ACCESS_READ, WHO_USER, NULL, &order_due_record, &saga_info_record,
		.handle = handle_saga_show },
	{ "saga.retry", ACCESS_SETTLE, WHO_ADMIN, NULL, &order_due_record, &saga_info_record,
		.handle = handle_saga_retry },
	{ "backup.hold", ACCESS_READ, WHO_ADMIN, NULL, &backup_hold_record,
		&backup_hold_reply_record, .handle = handle_backup_hold },
	{ 0 },
};

static const struct peer peers[] = {
	[PEER_CATALOGD] = { "catalogd", SOCKET_CATALOGD, "catalog.price", "orders",
		&price_request_record, &price_reply_record, create_priced, NULL },
	[PEER_STOCKD] = { "stockd", SOCKET_STOCKD, "stock.apply", "moves",
		&move_record, &move_reply_record, change_settled, stock_room_heard },
	[PEER_FENCE] = { "stockd", SOCKET_STOCKD, "stock.fence", "fences",
		&fence_record, &fence_reply_record, fence_answered, stock_room_heard },
	{ 0 },
};
/* clang-format on */

const char *const orderd_tables[] = {
	[TABLE_META] = "meta",
	[TABLE_ORDERS] = "orders",
	[TABLE_USERS] = "users",
	[TABLE_DEADLINES] = "deadlines",
	[TABLE_KEYS] = "keys",
	[TABLE_SAGAS] = "sagas",
	[TABLE_EVENTS] = "events",
	[TABLE_SECONDS] = "seconds",
	NULL,
};

static const char *const catalog_tables[] = { [CATALOG_TABLE_META] = "meta", NULL };

static void orderd_close_state(void *state)
{
	struct memory *memory = state;

	if (!memory)
		return;
	coordinator_free(memory->coordinator);
	unlisted_done(&memory->unlisted);
	prices_free(memory->prices);
	free(memory);
}

static int orderd_open_state(struct tick *tick, void **ret_state)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	*ret_state = tick->state = memory;
	memory->coordinator = coordinator_new(tick->now_ms);
	memory->prices = prices_new();
	if (!memory->coordinator || !memory->prices)
		return -ENOMEM;
	number_open(tick);
	unlisted_open(tick);
	coordinator_load(tick);
	fence_begin(tick);
	return txn_error(tick->txn);
}

static void orderd_settle(struct tick *tick)
{
	create_write(tick, true);
}

#define PRUNE_WAIT_MS 60000

static int64_t orderd_on_time(struct tick *tick)
{
	int64_t wait_ms = PRUNE_WAIT_MS;
	int64_t list_ms;

	fence_run(tick);
	create_write(tick, false);
	coordinator_run(tick, change_act);
	if (idempotency_prune(tick))
		wait_ms = 10;
	list_ms = unlisted_write(tick);
	return list_ms >= 0 && list_ms < wait_ms ? list_ms : wait_ms;
}

static int64_t orderd_wake(const void *state, int64_t monotonic_ms)
{
	const struct memory *memory = state;
	int64_t wait_ms = coordinator_wake(memory->coordinator, monotonic_ms);
	int64_t fence_ms = memory->fence.try_at_ms - monotonic_ms;

	if (memory->fence.done || (wait_ms >= 0 && wait_ms < fence_ms))
		return wait_ms;
	return fence_ms > 0 ? fence_ms : 0;
}

static void orderd_describe(struct tick *tick, struct health *health)
{
	struct scan scan = scan_from(tick->txn, TABLE_DEADLINES, NULL);
	struct saga saga;

	if (scan_next(&scan))
		health->next_deadline_at = (int64_t)key_read_u64(scan.key, 0);
	scan_end(&scan);
	health->open_sagas =
		(int64_t)(txn_count(tick->txn, TABLE_SAGAS) + coordinator_reserving_count(tick));
	if (saga_next_of_all(tick, 0, &saga))
		health->oldest_saga_at = saga.created_at;
	if (!fence_is_done(tick) && !health->reason)
		health->reason = "stockd has not answered since the start: new orders wait for it";
}

const struct program orderd_program = {
	.name = "orderd",
	.summary = "keeps orders: takes them, prices and reserves them, moves them to their end",
	.socket = SOCKET_ORDERD,
	.events_socket = SOCKET_EVENTS,
	.options = &orderd_options,
	.settings_size = sizeof(struct orderd_settings),
	.store = "orderd",
	.tables = orderd_tables,
	.operations = operations,
	.peers = peers,
	.watches = CATALOG_STORE,
	.watched_tables = catalog_tables,
	.open = orderd_open_state,
	.close = orderd_close_state,
	.on_time = orderd_on_time,
	.settle = orderd_settle,
	.wake = orderd_wake,
	.durations = saga_names,
	.describe = orderd_describe,
	.repair = &orderd_repair,
};
