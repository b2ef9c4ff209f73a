#include "protocol.h"

/* RECORD for a type whose name is not what messages call it. */
#define RECORD_NAMED(label, type, table) \
	{ \
		.name = (label), .size = sizeof(struct type), .fields = (table), \
		.count = sizeof(table) / sizeof((table)[0]), \
	}

/* Bounds that many fields share. Answers carry few: a reader takes what a newer daemon says. */
#define NUMBERED .min = 1, .max = INT64_MAX
#define NOTE_BYTES .min = 0, .max = 4096

const char *const status_names[] = {
	"",
	"PENDING",
	"PAID",
	"SHIPPED",
	"COMPLETED",
	"CANCELLED",
	NULL,
};
const char *const goal_names[] = { "", "HELD", "SOLD", "RETURNED", "REFUSED", NULL };
static const char *const asked_goal_names[] = { "", "HELD", "SOLD", "RETURNED", NULL };
const char *const movement_names[] = {
	"",
	"set",
	"add",
	"reserve",
	"commit",
	"release",
	"return",
	NULL,
};
const char *const saga_names[] = {
	"",
	"PRICING",
	"RESERVING",
	"COMPENSATING",
	"COMMITTING",
	"RETURNING",
	NULL,
};

/* --- shared by many ------------------------------------------------------------------------ */

const struct record empty_record = { .name = "empty" };

static const struct field range_fields[] = {
	{ "after", FIELD_U64, FIELD_SPARSE, AT(range, after) },
	{ "limit", FIELD_I64, FIELD_SPARSE, AT(range, limit), 1, LIST_LIMIT_MAX, .otherwise = 100 },
};
const struct record range_record = RECORD(range, range_fields);

/* --- catalogd ------------------------------------------------------------------------------ */

static const struct field book_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(book, book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(book, sku) },
	{ "title", FIELD_TEXT, FIELD_REQUIRED, AT(book, title) },
	{ "price", FIELD_I64, FIELD_REQUIRED, AT(book, price), 0, PRICE_MAX },
	{ "active", FIELD_BOOL, 0, AT(book, active), .otherwise = true },
	{ "version", FIELD_U64, 0, AT(book, version) },
	{ "updated_at", FIELD_TIME_MS, 0, AT(book, updated_at) },
};
const struct record book_record = RECORD(book, book_fields);

static const struct field book_ref_fields[] = {
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(book_ref, book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(book_ref, sku) },
};
const struct record book_ref_record = RECORD(book_ref, book_ref_fields);

static const struct field book_put_fields[] = {
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(book_put, book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(book_put, sku) },
	{ "title", FIELD_TEXT, FIELD_REQUIRED, AT(book_put, title), 1, TITLE_MAX_BYTES },
	{ "price", FIELD_I64, FIELD_REQUIRED, AT(book_put, price), 0, PRICE_MAX },
	{ "active", FIELD_BOOL, 0, AT(book_put, active), .otherwise = true },
	{ "version", FIELD_U64, FIELD_SPARSE, AT(book_put, version) },
};
const struct record book_put_record = RECORD(book_put, book_put_fields);

static const struct field book_put_reply_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(book_put_reply, book.book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(book_put_reply, book.sku) },
	{ "title", FIELD_TEXT, FIELD_REQUIRED, AT(book_put_reply, book.title) },
	{ "price", FIELD_I64, FIELD_REQUIRED, AT(book_put_reply, book.price), 0, PRICE_MAX },
	{ "active", FIELD_BOOL, 0, AT(book_put_reply, book.active), .otherwise = true },
	{ "version", FIELD_U64, 0, AT(book_put_reply, book.version) },
	{ "updated_at", FIELD_TIME_MS, 0, AT(book_put_reply, book.updated_at) },
	{ "changed", FIELD_BOOL, 0, AT(book_put_reply, changed) },
};
const struct record book_put_reply_record = RECORD(book_put_reply, book_put_reply_fields);

static const struct field book_list_fields[] = {
	{ "books", FIELD_LIST, FIELD_REQUIRED, AT(book_list, books), 0, LIST_LIMIT_MAX,
		.of = &book_record, COUNT_AT(book_list, count) },
	{ "next", FIELD_U64, 0, AT(book_list, next) },
};
const struct record book_list_record = RECORD(book_list, book_list_fields);

static const struct field price_request_fields[] = {
	{ "items", FIELD_LIST, FIELD_REQUIRED, AT(price_request, items), 1, LINES_MAX,
		.of = &line_record, COUNT_AT(price_request, item_count) },
};
const struct record price_request_record = RECORD(price_request, price_request_fields);

static const struct field price_reply_fields[] = {
	{ "items", FIELD_LIST, FIELD_REQUIRED, AT(price_reply, items), 0, LINES_MAX,
		.of = &item_record, COUNT_AT(price_reply, item_count) },
	{ "version", FIELD_U64, 0, AT(price_reply, version) },
};
const struct record price_reply_record = RECORD(price_reply, price_reply_fields);

/* --- stockd -------------------------------------------------------------------------------- */

static const struct field level_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(level, book_id), NUMBERED },
	{ "available", FIELD_I64, 0, AT(level, available) },
	{ "reserved", FIELD_I64, 0, AT(level, reserved) },
	{ "sold", FIELD_I64, 0, AT(level, sold) },
	{ "received", FIELD_I64, 0, AT(level, received) },
	{ "updated_at", FIELD_TIME_MS, 0, AT(level, updated_at) },
};
const struct record level_record = RECORD(level, level_fields);

static const struct field stock_line_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(stock_line, book_id), NUMBERED },
	{ "quantity", FIELD_I64, FIELD_REQUIRED, AT(stock_line, quantity), 1, STOCK_MAX },
};
const struct record stock_line_record = RECORD(stock_line, stock_line_fields);

static const struct field move_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(move, order_id), NUMBERED },
	{ "version", FIELD_U64, FIELD_REQUIRED, AT(move, version), 1, GOAL_VERSION_MAX },
	{ "goal", FIELD_ENUM, FIELD_REQUIRED, AT(move, goal), .names = asked_goal_names },
	{ "items", FIELD_LIST, FIELD_SPARSE, AT(move, items), 0, LINES_MAX,
		.of = &stock_line_record, COUNT_AT(move, item_count) },
	{ "actor", FIELD_TEXT, 0, AT(move, actor), 1, ACTOR_MAX_BYTES },
	{ "reason", FIELD_TEXT, 0, AT(move, reason), 0, REASON_MAX_BYTES },
	{ "epoch", FIELD_U64, FIELD_SPARSE, AT(move, epoch) },
	{ "intent", FIELD_BYTES, FIELD_SPARSE, AT(move, intent), 0, INTENT_MAX_BYTES,
		COUNT_AT(move, intent_size) },
};
const struct record move_record = RECORD(move, move_fields);

static const struct field move_reply_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(move_reply, order_id), NUMBERED },
	{ "version", FIELD_U64, FIELD_REQUIRED, AT(move_reply, version), 1, GOAL_VERSION_MAX },
	{ "state", FIELD_ENUM, FIELD_REQUIRED, AT(move_reply, state), .names = goal_names },
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(move_reply, book_id) },
	{ "available", FIELD_I64, FIELD_SPARSE, AT(move_reply, available) },
};
const struct record move_reply_record = RECORD(move_reply, move_reply_fields);

static const struct field reservation_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(reservation, order_id), NUMBERED },
	{ "version", FIELD_U64, FIELD_REQUIRED, AT(reservation, version), NUMBERED },
	{ "state", FIELD_ENUM, FIELD_REQUIRED, AT(reservation, state), .names = goal_names },
	{ "updated_at", FIELD_TIME_MS, 0, AT(reservation, updated_at) },
	{ "items", FIELD_LIST, 0, AT(reservation, items), 0, LINES_MAX, .of = &stock_line_record,
		COUNT_AT(reservation, item_count) },
	{ "short_book_id", FIELD_U64, FIELD_SPARSE, AT(reservation, short_book_id) },
	{ "short_available", FIELD_I64, FIELD_SPARSE, AT(reservation, short_available) },
	{ "intent", FIELD_BYTES, FIELD_HIDDEN, AT(reservation, intent), 0, INTENT_MAX_BYTES,
		COUNT_AT(reservation, intent_size) },
};
const struct record reservation_record = RECORD(reservation, reservation_fields);

static const struct field level_set_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(level_set, book_id), NUMBERED },
	{ "available", FIELD_I64, FIELD_REQUIRED, AT(level_set, available), 0, STOCK_MAX },
	{ "actor", FIELD_TEXT, 0, AT(level_set, actor), 1, ACTOR_MAX_BYTES },
	{ "reason", FIELD_TEXT, 0, AT(level_set, reason), 0, REASON_MAX_BYTES },
};
const struct record level_set_record = RECORD(level_set, level_set_fields);

static const struct field level_add_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(level_add, book_id), NUMBERED },
	{ "quantity", FIELD_I64, FIELD_REQUIRED, AT(level_add, quantity), -STOCK_MAX, STOCK_MAX },
	{ "actor", FIELD_TEXT, 0, AT(level_add, actor), 1, ACTOR_MAX_BYTES },
	{ "reason", FIELD_TEXT, FIELD_REQUIRED, AT(level_add, reason), 1, REASON_MAX_BYTES },
	{ "idempotency_key", FIELD_TEXT, 0, AT(level_add, idempotency_key), 1, KEY_MAX_BYTES },
};
const struct record level_add_record = RECORD(level_add, level_add_fields);

static const struct field level_ref_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(level_ref, book_id), NUMBERED },
};
const struct record level_ref_record = RECORD(level_ref, level_ref_fields);

static const struct field level_list_fields[] = {
	{ "levels", FIELD_LIST, FIELD_REQUIRED, AT(level_list, levels), 0, LIST_LIMIT_MAX,
		.of = &level_record, COUNT_AT(level_list, count) },
	{ "next", FIELD_U64, 0, AT(level_list, next) },
};
const struct record level_list_record = RECORD(level_list, level_list_fields);

static const struct field reservation_ref_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(reservation_ref, order_id), NUMBERED },
};
const struct record reservation_ref_record = RECORD(reservation_ref, reservation_ref_fields);

static const struct field reservation_list_fields[] = {
	{ "reservations", FIELD_LIST, FIELD_REQUIRED, AT(reservation_list, reservations), 0,
		LIST_LIMIT_MAX, .of = &reservation_record, COUNT_AT(reservation_list, count) },
	{ "next", FIELD_U64, 0, AT(reservation_list, next) },
};
const struct record reservation_list_record = RECORD(reservation_list, reservation_list_fields);

static const struct field fence_fields[] = {
	{ "epoch", FIELD_U64, FIELD_REQUIRED, AT(fence, epoch), NUMBERED },
	{ "after", FIELD_U64, FIELD_SPARSE, AT(fence, after) },
};
const struct record fence_record = RECORD(fence, fence_fields);

static const struct field held_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(held, order_id), NUMBERED },
	{ "version", FIELD_U64, FIELD_REQUIRED, AT(held, version), NUMBERED },
	{ "intent", FIELD_BYTES, FIELD_SPARSE, AT(held, intent), 0, INTENT_MAX_BYTES,
		COUNT_AT(held, intent_size) },
};
static const struct record held_record = RECORD(held, held_fields);

static const struct field fence_reply_fields[] = {
	{ "epoch", FIELD_U64, FIELD_REQUIRED, AT(fence_reply, epoch), NUMBERED },
	{ "last_order_id", FIELD_U64, 0, AT(fence_reply, last_order_id) },
	{ "held", FIELD_LIST, FIELD_REQUIRED, AT(fence_reply, held), 0, LIST_LIMIT_MAX,
		.of = &held_record, COUNT_AT(fence_reply, held_count) },
	{ "next", FIELD_U64, 0, AT(fence_reply, next) },
};
const struct record fence_reply_record = RECORD(fence_reply, fence_reply_fields);

static const struct field movement_fields[] = {
	{ "seq", FIELD_U64, FIELD_REQUIRED, AT(movement, seq), NUMBERED },
	{ "kind", FIELD_ENUM, FIELD_REQUIRED, AT(movement, kind), .names = movement_names },
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(movement, book_id), NUMBERED },
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(movement, order_id) },
	{ "quantity", FIELD_I64, 0, AT(movement, quantity) },
	{ "available", FIELD_I64, 0, AT(movement, available) },
	{ "reserved", FIELD_I64, 0, AT(movement, reserved) },
	{ "sold", FIELD_I64, 0, AT(movement, sold) },
	{ "actor", FIELD_TEXT, 0, AT(movement, actor) },
	{ "reason", FIELD_TEXT, 0, AT(movement, reason) },
	{ "at", FIELD_TIME_MS, 0, AT(movement, at) },
};
const struct record movement_record = RECORD(movement, movement_fields);

static const struct field journal_query_fields[] = {
	{ "after", FIELD_U64, FIELD_SPARSE, AT(journal_query, after) },
	{ "limit", FIELD_I64, FIELD_SPARSE, AT(journal_query, limit), 1, LIST_LIMIT_MAX,
		.otherwise = 100 },
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(journal_query, book_id) },
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(journal_query, order_id) },
};
const struct record journal_query_record = RECORD(journal_query, journal_query_fields);

static const struct field movement_list_fields[] = {
	{ "movements", FIELD_LIST, FIELD_REQUIRED, AT(movement_list, movements), 0, LIST_LIMIT_MAX,
		.of = &movement_record, COUNT_AT(movement_list, count) },
	{ "next", FIELD_U64, 0, AT(movement_list, next) },
};
const struct record movement_list_record = RECORD(movement_list, movement_list_fields);

/* --- orderd -------------------------------------------------------------------------------- */

static const struct field line_fields[] = {
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(orderd_line, book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(orderd_line, sku) },
	{ "quantity", FIELD_I64, FIELD_REQUIRED, AT(orderd_line, quantity), 1, QUANTITY_MAX },
};
const struct record line_record = RECORD_NAMED("line", orderd_line, line_fields);

static const struct field item_fields[] = {
	{ "book_id", FIELD_U64, FIELD_REQUIRED, AT(orderd_item, book_id), NUMBERED },
	{ "sku", FIELD_SKU, 0, AT(orderd_item, sku) },
	{ "book_title", FIELD_TEXT, FIELD_REQUIRED, AT(orderd_item, book_title) },
	{ "quantity", FIELD_I64, FIELD_REQUIRED, AT(orderd_item, quantity), 1, QUANTITY_MAX },
	{ "price", FIELD_I64, FIELD_REQUIRED, AT(orderd_item, price), 0, PRICE_MAX },
};
const struct record item_record = RECORD_NAMED("item", orderd_item, item_fields);

static const struct field order_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(orderd_order, order_id), NUMBERED },
	{ "order_no", FIELD_TEXT, FIELD_REQUIRED, AT(orderd_order, order_no) },
	{ "user_id", FIELD_U64, FIELD_REQUIRED, AT(orderd_order, user_id), NUMBERED },
	{ "total", FIELD_I64, FIELD_REQUIRED, AT(orderd_order, total), 0, INT64_MAX },
	{ "status", FIELD_ENUM, FIELD_REQUIRED, AT(orderd_order, status), .names = status_names },
	{ "created_at", FIELD_TIME_MS, 0, AT(orderd_order, created_at) },
	{ "updated_at", FIELD_TIME_MS, 0, AT(orderd_order, updated_at) },
	{ "expires_at", FIELD_TIME_MS, 0, AT(orderd_order, expires_at) },
	{ "items", FIELD_LIST, 0, AT(orderd_order, items), 0, LINES_MAX, .of = &item_record,
		COUNT_AT(orderd_order, item_count) },
	{ "stock_to_follow", FIELD_BOOL, FIELD_SPARSE, AT(orderd_order, stock_to_follow) },
};
const struct record order_record = RECORD_NAMED("order", orderd_order, order_fields);

static const struct field create_fields[] = {
	{ "user_id", FIELD_U64, FIELD_REQUIRED, AT(orderd_create, user_id), NUMBERED },
	{ "items", FIELD_LIST, FIELD_REQUIRED, AT(orderd_create, items), 1, LINES_MAX,
		.of = &line_record, COUNT_AT(orderd_create, item_count) },
	{ "idempotency_key", FIELD_TEXT, 0, AT(orderd_create, idempotency_key), 1, KEY_MAX_BYTES },
	{ "expires_in_ms", FIELD_I64, FIELD_SPARSE, AT(orderd_create, expires_in_ms),
		EXPIRES_IN_MIN_MS, EXPIRES_IN_MAX_MS },
};
const struct record create_record = RECORD_NAMED("create", orderd_create, create_fields);

static const struct field order_ref_fields[] = {
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(order_ref, order_id), NUMBERED },
	{ "order_no", FIELD_TEXT, 0, AT(order_ref, order_no), ORDER_NO_DIGITS, ORDER_NO_DIGITS },
};
const struct record order_ref_record = RECORD(order_ref, order_ref_fields);

static const struct field order_set_status_fields[] = {
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(order_change, order_id), NUMBERED },
	{ "order_no", FIELD_TEXT, 0, AT(order_change, order_no), ORDER_NO_DIGITS, ORDER_NO_DIGITS },
	{ "status", FIELD_ENUM, FIELD_REQUIRED, AT(order_change, status), .names = status_names },
	{ "from", FIELD_ENUM, 0, AT(order_change, from), .names = status_names },
	{ "actor", FIELD_TEXT, 0, AT(order_change, actor), 1, ACTOR_MAX_BYTES },
	{ "reason", FIELD_TEXT, 0, AT(order_change, reason), 0, REASON_MAX_BYTES },
};
const struct record order_set_status_record =
	RECORD_NAMED("order_set_status", order_change, order_set_status_fields);

static const struct field order_cancel_fields[] = {
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(order_change, order_id), NUMBERED },
	{ "order_no", FIELD_TEXT, 0, AT(order_change, order_no), ORDER_NO_DIGITS, ORDER_NO_DIGITS },
	{ "from", FIELD_ENUM, 0, AT(order_change, from), .names = status_names },
	{ "actor", FIELD_TEXT, 0, AT(order_change, actor), 1, ACTOR_MAX_BYTES },
	{ "reason", FIELD_TEXT, 0, AT(order_change, reason), 0, REASON_MAX_BYTES },
};
const struct record order_cancel_record =
	RECORD_NAMED("order_cancel", order_change, order_cancel_fields);

static const struct field order_query_fields[] = {
	{ "user_id", FIELD_U64, FIELD_REQUIRED, AT(order_query, user_id), NUMBERED },
	{ "status", FIELD_ENUM, 0, AT(order_query, status), .names = status_names },
	{ "page", FIELD_I64, FIELD_SPARSE, AT(order_query, page), 1, 1000000000, .otherwise = 1 },
	{ "page_size", FIELD_I64, FIELD_SPARSE, AT(order_query, page_size), 1, PAGE_SIZE_MAX,
		.otherwise = 20 },
	{ "after", FIELD_U64, FIELD_SPARSE, AT(order_query, after) },
};
const struct record order_query_record = RECORD(order_query, order_query_fields);

static const struct field order_list_fields[] = {
	{ "orders", FIELD_LIST, FIELD_REQUIRED, AT(order_list, orders), 0, LIST_LIMIT_MAX,
		.of = &order_record, COUNT_AT(order_list, count) },
	{ "total", FIELD_U64, 0, AT(order_list, total) },
	{ "page", FIELD_I64, FIELD_SPARSE, AT(order_list, page) },
	{ "page_size", FIELD_I64, FIELD_SPARSE, AT(order_list, page_size) },
	{ "next", FIELD_U64, 0, AT(order_list, next) },
	{ "incomplete", FIELD_BOOL, FIELD_SPARSE, AT(order_list, incomplete) },
};
const struct record order_list_record = RECORD(order_list, order_list_fields);

static const struct field order_due_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(order_due, order_id), NUMBERED },
};
const struct record order_due_record = RECORD(order_due, order_due_fields);

static const struct field order_due_reply_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(order_due_reply, order_id), NUMBERED },
	{ "status", FIELD_ENUM, FIELD_REQUIRED, AT(order_due_reply, status),
		.names = status_names },
};
const struct record order_due_reply_record = RECORD(order_due_reply, order_due_reply_fields);

static const struct field event_fields[] = {
	{ "seq", FIELD_U64, FIELD_REQUIRED, AT(orderd_event, seq), NUMBERED },
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(orderd_event, order_id), NUMBERED },
	{ "from", FIELD_ENUM, 0, AT(orderd_event, from), .names = status_names },
	{ "to", FIELD_ENUM, FIELD_REQUIRED, AT(orderd_event, to), .names = status_names },
	{ "actor", FIELD_TEXT, 0, AT(orderd_event, actor) },
	{ "reason", FIELD_TEXT, 0, AT(orderd_event, reason) },
	{ "at", FIELD_TIME_MS, 0, AT(orderd_event, at) },
	{ "user_id", FIELD_U64, 0, AT(orderd_event, user_id) },
	{ "total", FIELD_I64, 0, AT(orderd_event, total) },
};
const struct record event_record = RECORD_NAMED("event", orderd_event, event_fields);

static const struct field event_list_fields[] = {
	{ "events", FIELD_LIST, FIELD_REQUIRED, AT(event_list, events), 0, LIST_LIMIT_MAX,
		.of = &event_record, COUNT_AT(event_list, count) },
	{ "next", FIELD_U64, 0, AT(event_list, next) },
	{ "last", FIELD_U64, 0, AT(event_list, last) },
};
const struct record event_list_record = RECORD(event_list, event_list_fields);

static const struct field saga_info_fields[] = {
	{ "order_id", FIELD_U64, FIELD_REQUIRED, AT(saga_info, order_id), NUMBERED },
	{ "step", FIELD_ENUM, FIELD_REQUIRED, AT(saga_info, step), .names = saga_names },
	{ "version", FIELD_U64, 0, AT(saga_info, version) },
	{ "attempts", FIELD_I64, 0, AT(saga_info, attempts) },
	{ "last_error", FIELD_TEXT, 0, AT(saga_info, last_error), NOTE_BYTES },
	{ "next_try_at", FIELD_TIME_MS, 0, AT(saga_info, next_try_at) },
	{ "created_at", FIELD_TIME_MS, 0, AT(saga_info, created_at) },
};
const struct record saga_info_record = RECORD(saga_info, saga_info_fields);

static const struct field saga_list_fields[] = {
	{ "sagas", FIELD_LIST, FIELD_REQUIRED, AT(saga_list, sagas), 0, LIST_LIMIT_MAX,
		.of = &saga_info_record, COUNT_AT(saga_list, count) },
	{ "next", FIELD_U64, 0, AT(saga_list, next) },
};
const struct record saga_list_record = RECORD(saga_list, saga_list_fields);

static const struct field backup_hold_fields[] = {
	{ "hold_ms", FIELD_I64, 0, AT(backup_hold, hold_ms), 0, 1000 },
};
const struct record backup_hold_record = RECORD(backup_hold, backup_hold_fields);

static const struct field backup_hold_reply_fields[] = {
	{ "until_ms", FIELD_I64, FIELD_REQUIRED, AT(backup_hold_reply, until_ms), 0, INT64_MAX },
	{ "state_dir", FIELD_TEXT, FIELD_REQUIRED, AT(backup_hold_reply, state_dir), 1, 4000 },
};
const struct record backup_hold_reply_record = RECORD(backup_hold_reply, backup_hold_reply_fields);

/* --- every daemon -------------------------------------------------------------------------- */

static const struct field health_fields[] = {
	{ "name", FIELD_TEXT, FIELD_REQUIRED, AT(health, name) },
	{ "version", FIELD_TEXT, 0, AT(health, version) },
	{ "pid", FIELD_I64, 0, AT(health, pid) },
	{ "started_at", FIELD_TIME_MS, 0, AT(health, started_at) },
	{ "ready", FIELD_BOOL, FIELD_REQUIRED, AT(health, ready) },
	{ "reason", FIELD_TEXT, FIELD_SPARSE, AT(health, reason), NOTE_BYTES },
	{ "backlog", FIELD_I64, 0, AT(health, backlog) },
	{ "requests", FIELD_U64, 0, AT(health, requests) },
	{ "ticks", FIELD_U64, 0, AT(health, ticks) },
	{ "commits", FIELD_U64, 0, AT(health, commits) },
	{ "store_used_bytes", FIELD_I64, FIELD_SPARSE, AT(health, store_used_bytes) },
	{ "store_size_max_bytes", FIELD_I64, FIELD_SPARSE, AT(health, store_size_max_bytes) },
	{ "store_room_bytes", FIELD_I64, FIELD_SPARSE, AT(health, store_room_bytes) },
	{ "open_sagas", FIELD_I64, FIELD_SPARSE, AT(health, open_sagas) },
	{ "oldest_saga_at", FIELD_TIME_MS, FIELD_SPARSE, AT(health, oldest_saga_at) },
	{ "next_deadline_at", FIELD_TIME_MS, FIELD_SPARSE, AT(health, next_deadline_at) },
};
const struct record health_record = RECORD(health, health_fields);

static const struct field spread_fields[] = {
	{ "count", FIELD_U64, 0, AT(spread, count) },
	{ "mean", FIELD_U64, 0, AT(spread, mean) },
	{ "p50", FIELD_U64, 0, AT(spread, p50) },
	{ "p90", FIELD_U64, 0, AT(spread, p90) },
	{ "p99", FIELD_U64, 0, AT(spread, p99) },
	{ "p999", FIELD_U64, 0, AT(spread, p999) },
	{ "max", FIELD_U64, 0, AT(spread, max) },
};
const struct record spread_record = RECORD(spread, spread_fields);

static const struct field operation_stats_fields[] = {
	{ "operation", FIELD_TEXT, FIELD_REQUIRED, AT(operation_stats, operation) },
	{ "handled", FIELD_U64, 0, AT(operation_stats, handled) },
	{ "refused", FIELD_U64, 0, AT(operation_stats, refused) },
	{ "latency_us", FIELD_RECORD, 0, AT(operation_stats, latency_us), .of = &spread_record },
};
const struct record operation_stats_record = RECORD(operation_stats, operation_stats_fields);

static const struct field duration_stats_fields[] = {
	{ "step", FIELD_TEXT, FIELD_REQUIRED, AT(duration_stats, step) },
	{ "time_us", FIELD_RECORD, 0, AT(duration_stats, time_us), .of = &spread_record },
};
const struct record duration_stats_record = RECORD(duration_stats, duration_stats_fields);

static const struct field stats_fields[] = {
	{ "name", FIELD_TEXT, FIELD_REQUIRED, AT(stats_report, name) },
	{ "started_at", FIELD_TIME_MS, 0, AT(stats_report, started_at) },
	{ "ticks", FIELD_U64, 0, AT(stats_report, ticks) },
	{ "commits", FIELD_U64, 0, AT(stats_report, commits) },
	{ "syncs", FIELD_U64, 0, AT(stats_report, syncs) },
	{ "requests", FIELD_U64, 0, AT(stats_report, requests) },
	{ "refused", FIELD_U64, 0, AT(stats_report, refused) },
	{ "events", FIELD_U64, 0, AT(stats_report, events) },
	{ "batch", FIELD_RECORD, 0, AT(stats_report, batch), .of = &spread_record },
	{ "commit_us", FIELD_RECORD, 0, AT(stats_report, commit_us), .of = &spread_record },
	{ "operations", FIELD_LIST, 0, AT(stats_report, operations), 0, LIST_LIMIT_MAX,
		.of = &operation_stats_record, COUNT_AT(stats_report, operation_count) },
	{ "steps", FIELD_LIST, FIELD_SPARSE, AT(stats_report, durations), 0, LIST_LIMIT_MAX,
		.of = &duration_stats_record, COUNT_AT(stats_report, duration_count) },
};
const struct record stats_record = RECORD_NAMED("stats", stats_report, stats_fields);
