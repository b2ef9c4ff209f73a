#include "operations.h"

#include <errno.h>

#include "change.h"
#include "coordinator.h"
#include "create.h"
#include "events.h"
#include "idempotency.h"
#include "listing.h"

/* clang-format off */
static const struct operation operations[] = {
	{ "order.create", ACCESS_GROW, WHO_USER, "orders", &create_record, &order_record,
		.handle = handle_order_create, .parks = true },
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
	{ 0 },
};

static const struct peer peers[] = {
	[PEER_CATALOGD] = { "catalogd", SOCKET_CATALOGD, "catalog.price", "orders",
		&price_request_record, &price_reply_record, create_priced },
	[PEER_STOCKD] = { "stockd", SOCKET_STOCKD, "stock.apply", "moves",
		&move_record, &move_reply_record, change_settled },
	{ 0 },
};
/* clang-format on */

static const char *const tables[] = {
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

static int orderd_open_state(struct tick *tick, void **ret_state)
{
	struct coordinator *coordinator = coordinator_new(tick->now_ms);

	if (!coordinator)
		return -ENOMEM;
	tick->state = coordinator;
	coordinator_load(tick);
	*ret_state = coordinator;
	return txn_error(tick->txn);
}

static void orderd_close_state(void *state)
{
	coordinator_free(state);
}

#define PRUNE_WAIT_MS 60000

static int64_t orderd_on_time(struct tick *tick)
{
	coordinator_run(tick, change_act);
	return idempotency_prune(tick) ? 10 : PRUNE_WAIT_MS;
}

static void orderd_describe(struct tick *tick, struct health *health)
{
	struct scan scan = scan_from(tick->txn, TABLE_DEADLINES, NULL);
	struct saga saga;

	if (scan_next(&scan))
		health->next_deadline_at = (int64_t)key_read_u64(scan.key, 0);
	scan_end(&scan);
	health->open_sagas = (int64_t)txn_count(tick->txn, TABLE_SAGAS);
	if (saga_next(tick, 0, &saga))
		health->oldest_saga_at = saga.created_at;
}

const struct program orderd_program = {
	.name = "orderd",
	.summary = "keeps orders: takes them, prices and reserves them, moves them to their end",
	.socket = SOCKET_ORDERD,
	.events_socket = SOCKET_EVENTS,
	.options = &orderd_options,
	.settings_size = sizeof(struct orderd_settings),
	.store = "orderd",
	.store_mode = DB_OWN,
	.tables = tables,
	.operations = operations,
	.peers = peers,
	.open = orderd_open_state,
	.close = orderd_close_state,
	.on_time = orderd_on_time,
	.wake = coordinator_wake,
	.durations = saga_names,
	.describe = orderd_describe,
};
