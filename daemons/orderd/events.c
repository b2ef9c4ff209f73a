#include "events.h"

#include <errno.h>

#define HISTORY_MAX 16 /* the state machine allows for far fewer */

struct stored_event {
	struct orderd_event wire;
	uint64_t previous; /* seq of the same order's event before */
};

static const struct field stored_event_fields[] = {
	{ "order_id", FIELD_U64, 0, AT(stored_event, wire.order_id) },
	{ "from", FIELD_ENUM, 0, AT(stored_event, wire.from), .names = status_names },
	{ "to", FIELD_ENUM, 0, AT(stored_event, wire.to), .names = status_names },
	{ "actor", FIELD_TEXT, 0, AT(stored_event, wire.actor) },
	{ "reason", FIELD_TEXT, 0, AT(stored_event, wire.reason) },
	{ "at", FIELD_TIME_MS, 0, AT(stored_event, wire.at) },
	{ "user_id", FIELD_U64, 0, AT(stored_event, wire.user_id) },
	{ "total", FIELD_I64, 0, AT(stored_event, wire.total) },
	{ "previous", FIELD_U64, 0, AT(stored_event, previous) },
};
static const struct record stored_event_record = RECORD(stored_event, stored_event_fields);

static struct key event_key(uint64_t seq)
{
	struct key key = { 0 };

	key_add_u64(&key, seq);
	return key;
}

static uint64_t last_seq(struct tick *tick)
{
	struct slice key, value;

	return txn_last(tick->txn, TABLE_EVENTS, &key, &value) ? key_read_u64(key, 0) : 0;
}

void event_append(struct tick *tick, struct order *order, enum orderd_status from,
	const char *actor, const char *reason)
{
	uint64_t seq = last_seq(tick) + 1;
	struct key key = event_key(seq);
	struct stored_event event = {
		.wire = {
			.seq = seq,
			.order_id = order->wire.order_id,
			.from = from,
			.to = order->wire.status,
			.actor = actor,
			.reason = reason,
			.at = order->wire.updated_at,
			.user_id = order->wire.user_id,
			.total = order->wire.total,
		},
		.previous = order->last_event,
	};

	record_put(tick->txn, TABLE_EVENTS, &key, &stored_event_record, &event);
	order->last_event = seq;
	tick_publish(tick, &event_record, &event.wire);
	tick_note(tick, MESSAGE_ORDER_CHANGED,
		&(struct log_about){
			.order_id = event.wire.order_id, .user_id = event.wire.user_id },
		"%s%s%s by %s%s%s", status_names[from], *status_names[from] ? " becomes " : "is ",
		status_names[order->wire.status], actor, reason ? ": " : "", reason ? reason : "");
}

int handle_event_list(struct tick *tick, const void *request, void *reply)
{
	const struct range *range = request;
	struct event_list *list = reply;
	struct key from = event_key(range->after + 1);
	struct scan scan;

	list->last = last_seq(tick);
	list->events = arena_take(tick->arena, (size_t)range->limit * sizeof(*list->events));
	if (!list->events)
		return -ENOMEM;
	scan = scan_from(tick->txn, TABLE_EVENTS, &from);
	for (uint64_t seq = range->after + 1;
		list->count < (size_t)range->limit && scan_next(&scan); seq++) {
		struct key key = event_key(seq);
		struct stored_event event;

		if (key_read_u64(scan.key, 0) != seq) /* the log has no gap */
			record_missing(tick->txn, TABLE_EVENTS, &key);
		if (!record_read(tick->txn, tick->arena, TABLE_EVENTS, scan.key, scan.value,
			    &stored_event_record, &event))
			break;
		event.wire.seq = seq;
		list->events[list->count++] = event.wire;
	}
	scan_end(&scan);
	if (list->count > 0 && list->events[list->count - 1].seq < list->last)
		list->next = list->events[list->count - 1].seq;
	return OUTCOME_OK;
}

int handle_order_history(struct tick *tick, const void *request, void *reply)
{
	const struct order_ref *ref = request;
	struct event_list *list = reply;
	struct orderd_event *at;
	struct order order;
	int outcome = order_find(tick, ref->order_id, ref->order_no, &order);

	if (outcome != OUTCOME_OK)
		return outcome;
	at = arena_take(tick->arena, HISTORY_MAX * sizeof(*at));
	if (!at)
		return -ENOMEM;
	at += HISTORY_MAX;
	for (uint64_t seq = order.last_event; seq > 0 && list->count < HISTORY_MAX; list->count++) {
		struct key key = event_key(seq);
		struct stored_event event;

		if (!record_get(tick->txn, tick->arena, TABLE_EVENTS, &key, &stored_event_record,
			    &event)) {
			record_missing(tick->txn, TABLE_EVENTS, &key);
			break;
		}
		event.wire.seq = seq;
		*--at = event.wire;
		seq = event.previous;
	}
	list->events = at;
	list->last = order.last_event;
	return OUTCOME_OK;
}
