#include "saga.h"

#include <errno.h>
#include <inttypes.h>

#include "create.h"

static const struct field saga_fields[] = {
	{ "step", FIELD_ENUM, 0, AT(saga, step), .names = saga_names },
	{ "version", FIELD_U64, 0, AT(saga, version) },
	{ "created_at", FIELD_TIME_MS, 0, AT(saga, created_at) },
};
static const struct record saga_record = RECORD(saga, saga_fields);

bool saga_get(struct tick *tick, uint64_t order_id, struct saga *ret)
{
	struct key key = order_key(order_id);

	if (!record_get(tick->txn, tick->arena, TABLE_SAGAS, &key, &saga_record, ret))
		return false;
	ret->order_id = order_id;
	return true;
}

void saga_put(struct tick *tick, const struct saga *saga)
{
	struct key key = order_key(saga->order_id);

	record_put(tick->txn, TABLE_SAGAS, &key, &saga_record, saga);
	tick_note(tick, MESSAGE_SAGA_STEP,
		&(struct log_about){
			.order_id = saga->order_id, .saga_step = saga_names[saga->step] },
		"the saga is open, version %" PRIu64, saga->version);
}

void saga_delete(struct tick *tick, uint64_t order_id)
{
	struct key key = order_key(order_id);

	saga_pass(tick, "closed");
	if (txn_delete(tick->txn, TABLE_SAGAS, &key))
		tick_note(tick, MESSAGE_SAGA_STEP,
			&(struct log_about){ .order_id = order_id, .saga_step = "CLOSED" },
			"the saga is closed");
}

bool saga_next(struct tick *tick, uint64_t after, struct saga *ret)
{
	struct key from = order_key(after + 1);
	struct scan scan = scan_from(tick->txn, TABLE_SAGAS, &from);
	bool found = scan_next(&scan) &&
		record_read(tick->txn, tick->arena, TABLE_SAGAS, scan.key, scan.value, &saga_record,
			ret);

	if (found)
		ret->order_id = key_read_u64(scan.key, 0);
	scan_end(&scan);
	return found;
}

void saga_send(struct tick *tick, const struct saga *saga)
{
	struct move move = {
		.order_id = saga->order_id,
		.version = saga->version,
		.goal = saga->step == SAGA_COMMITTING ? GOAL_SOLD : GOAL_RETURNED,
		.actor = "orderd",
	};

	saga_pass(tick, saga_names[saga->step]);
	tick_send(tick, PEER_STOCKD, saga->order_id, &move);
}

static void fail_committed(void *state, void *argument)
{
	(void)state;
	FAILPOINT("saga", argument, "committed");
}

void saga_fail(struct tick *tick, const char *step)
{
	FAILPOINT("saga", step);
	tick_after(tick, fail_committed, (void *)step);
}

/* --- what an operator sees ------------------------------------------------------------------ */

static struct saga_info info_of(struct tick *tick, const struct saga *saga)
{
	const struct open_saga *open = coordinator_find(tick, saga->order_id);
	struct saga_info info = {
		.order_id = saga->order_id,
		.step = saga->step,
		.version = saga->version,
		.created_at = saga->created_at,
	};

	if (!open)
		return info;
	info.attempts = open->attempts;
	info.next_try_at = tick->now_ms + open->try_at_ms - tick->monotonic_ms;
	if (open->last_outcome != OUTCOME_OK)
		info.last_error = outcome_name(open->last_outcome);
	return info;
}

/* As if it had a record: an order that is being made has none of its own. */
static struct saga saga_of(const struct open_saga *open)
{
	return (struct saga){
		.order_id = open->number,
		.step = open->step,
		.version = open->intent->order.stock_version,
		.created_at = open->intent->order.wire.created_at,
	};
}

/* The next one in the table or among the orders that are being made. */
bool saga_next_of_all(struct tick *tick, uint64_t after, struct saga *ret)
{
	const struct open_saga *open = coordinator_reserving(tick, after);
	bool found = saga_next(tick, after, ret);

	while (open && open->handled == tick->serial)
		open = open->next;
	if (!open || (found && ret->order_id <= open->number))
		return found;
	*ret = saga_of(open);
	return true;
}

static bool saga_find(struct tick *tick, uint64_t order_id, struct saga *ret)
{
	const struct open_saga *open = coordinator_find(tick, order_id);

	if (!open || open->step != SAGA_RESERVING || open->handled == tick->serial)
		return saga_get(tick, order_id, ret);
	*ret = saga_of(open);
	return true;
}

int handle_saga_list(struct tick *tick, const void *request, void *reply)
{
	const struct range *range = request;
	struct saga_list *list = reply;
	uint64_t after = range->after;
	struct saga saga;

	list->sagas = arena_take(tick->arena, (size_t)range->limit * sizeof(*list->sagas));
	if (!list->sagas)
		return -ENOMEM;
	while (list->count < (size_t)range->limit && saga_next_of_all(tick, after, &saga)) {
		after = saga.order_id;
		list->sagas[list->count++] = info_of(tick, &saga);
	}
	if (list->count > 0 && saga_next_of_all(tick, after, &saga))
		list->next = after;
	return OUTCOME_OK;
}

int handle_saga_show(struct tick *tick, const void *request, void *reply)
{
	const struct order_due *due = request;
	struct saga_info *info = reply;
	struct saga saga;

	if (!saga_find(tick, due->order_id, &saga))
		return OUTCOME_SAGA_NOT_FOUND;
	*info = info_of(tick, &saga);
	return OUTCOME_OK;
}

int handle_saga_retry(struct tick *tick, const void *request, void *reply)
{
	const struct order_due *due = request;
	struct saga_info *info = reply;
	struct saga saga;

	if (!saga_find(tick, due->order_id, &saga))
		return OUTCOME_SAGA_NOT_FOUND;
	if (saga.step == SAGA_RESERVING)
		create_act(tick, coordinator_find(tick, due->order_id));
	else
		saga_send(tick, &saga);
	coordinator_retried(tick, saga.order_id, OUTCOME_OK);
	*info = info_of(tick, &saga);
	return OUTCOME_OK;
}
