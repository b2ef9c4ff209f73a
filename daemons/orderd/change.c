#include "change.h"

#include <errno.h>
#include <string.h>

#include "create.h"
#include "events.h"
#include "fence.h"
#include "listing.h"
#include "states.h"

/* --- the one place that changes a status ---------------------------------------------------- */

static void order_advance(struct tick *tick, struct order *order, const struct step *step,
	const char *actor, const char *reason)
{
	int64_t complete_at = tick->now_ms + settings_of(tick)->complete_after_ms;
	struct saga saga = {
		.order_id = order->wire.order_id,
		.step = step->saga,
		.created_at = tick->now_ms,
	};

	order->wire.status = step->to;
	order->wire.updated_at = tick->now_ms;
	order_set_due(tick, order, step->to == ORDERD_SHIPPED ? complete_at : 0);
	event_append(tick, order, step->from, actor, reason);
	listing_put(tick, order);
	if (step->goal != GOAL_NONE) {
		saga.version = ++order->stock_version;
		saga_put(tick, &saga);
		saga_send(tick, &saga);
	}
	order_put(tick, order);
}

/* Who waited for an earlier goal of this order hears of it now: it is overtaken. */
static void saga_follow(struct tick *tick, const struct order *order, const struct step *step,
	struct waiter waiter)
{
	struct open_saga open = { .number = order->wire.order_id, .step = step->saga };
	struct orderd_order wire = order->wire;

	wire.stock_to_follow = true;
	coordinator_answer(tick, order->wire.order_id, OUTCOME_OK, NULL, &wire);
	coordinator_settled(tick, order->wire.order_id);
	if (waiter.call > 0)
		open.settle_ms = tick->monotonic_ms + settings_of(tick)->settle_wait_ms;
	coordinator_open(tick, &open, waiter);
}

/* --- by a person ---------------------------------------------------------------------------- */

static int check_change(struct tick *tick, const struct order_change *change,
	const struct order *order, const struct step *step)
{
	enum orderd_status now = order->wire.status;

	if (change->from != ORDERD_ANY && change->from != now)
		return tick_refuse(tick, OUTCOME_INVALID_TRANSITION, "the order is %s, not %s",
			status_names[now], status_names[change->from]);
	if (!step)
		return tick_refuse(tick, OUTCOME_INVALID_TRANSITION,
			"the order is %s; it cannot become %s", status_names[now],
			status_names[change->status]);
	if (step->to == ORDERD_PAID && tick->now_ms >= order->wire.expires_at)
		return OUTCOME_ORDER_EXPIRED;
	return OUTCOME_OK;
}

static int handle_change(struct tick *tick, const struct order_change *change,
	struct orderd_order *reply)
{
	const struct step *step;
	struct order order;
	int outcome = order_find(tick, change->order_id, change->order_no, &order);

	if (outcome != OUTCOME_OK)
		return outcome;
	step = step_find(order.wire.status, change->status);
	outcome = check_change(tick, change, &order, step);
	if (outcome != OUTCOME_OK)
		return outcome;
	order_advance(tick, &order, step, tick_actor(tick, change->actor), change->reason);
	*reply = order.wire;
	if (step->goal == GOAL_NONE)
		return OUTCOME_OK;
	if (!coordinator_has_room(tick, order.wire.order_id)) {
		saga_follow(tick, &order, step, (struct waiter){ 0 });
		reply->stock_to_follow = true;
		return OUTCOME_OK;
	}
	saga_follow(tick, &order, step, tick_park(tick));
	return OUTCOME_LATER;
}

int handle_order_set_status(struct tick *tick, const void *request, void *reply)
{
	return handle_change(tick, request, reply);
}

int handle_order_cancel(struct tick *tick, const void *request, void *reply)
{
	struct order_change change = *(const struct order_change *)request;

	change.status = ORDERD_CANCELLED;
	return handle_change(tick, &change, reply);
}

/* --- by its deadline ------------------------------------------------------------------------ */

/* A deadline means expiry while the order is pending and completion once it is shipped. An order
 * without one has moved on meanwhile, which is fine. */
int handle_order_expire(struct tick *tick, const void *request, void *reply)
{
	const struct order_due *due = request;
	struct order_due_reply *answer = reply;
	const struct step *step;
	struct order order;
	bool expires;

	if (!order_get(tick, due->order_id, &order))
		return OUTCOME_ORDER_NOT_FOUND;
	answer->order_id = due->order_id;
	answer->status = order.wire.status;
	if (order.due_at == 0)
		return OUTCOME_OK;
	if (tick->now_ms < order.due_at)
		return OUTCOME_NOT_DUE;
	expires = order.wire.status == ORDERD_PENDING;
	step = step_find(order.wire.status, expires ? ORDERD_CANCELLED : ORDERD_COMPLETED);
	if (!step)
		return OUTCOME_INVALID_TRANSITION;
	order_advance(tick, &order, step, "reaperd", expires ? "payment timeout" : "no objection");
	answer->status = order.wire.status;
	if (step->goal != GOAL_NONE)
		saga_follow(tick, &order, step, (struct waiter){ 0 });
	return OUTCOME_OK;
}

/* --- stockd has answered, or has not -------------------------------------------------------- */

static void saga_finish(struct tick *tick, const struct saga *saga)
{
	struct order order;

	saga_delete(tick, saga->order_id);
	if (coordinator_is_awaited(tick, saga->order_id) && order_get(tick, saga->order_id, &order))
		coordinator_answer(tick, saga->order_id, OUTCOME_OK, NULL, &order.wire);
	coordinator_close(tick, saga->order_id);
}

/* stockd is ahead of us, which happens only after a restore from an older copy. The goal is stated
 * again under a version above its own. */
static void saga_catch_up(struct tick *tick, struct saga *saga, uint64_t version)
{
	struct order order;

	if (order_get(tick, saga->order_id, &order)) {
		order.stock_version = version + 1;
		order_put(tick, &order);
	}
	saga->version = version + 1;
	saga_put(tick, saga);
	saga_send(tick, saga);
	coordinator_retried(tick, saga->order_id, OUTCOME_SUPERSEDED);
}

int change_settled(struct tick *tick, uint64_t order_id, int outcome, const char *message,
	const void *result)
{
	const struct open_saga *open = coordinator_find(tick, order_id);
	const struct move_reply *move = result;
	struct saga saga;

	(void)message;
	if (open && open->step == SAGA_RESERVING) {
		create_reserved(tick, open, outcome, move);
		return 0;
	}
	if (!saga_get(tick, order_id, &saga))
		return 0;
	if (outcome != OUTCOME_OK) {
		coordinator_retried(tick, order_id, outcome);
		return 0;
	}
	if (move->version > saga.version)
		saga_catch_up(tick, &saga, move->version);
	if (move->version != saga.version)
		return 0;
	/* The fence's answer may be older than this one and still list the order as held. */
	if (saga.step == SAGA_COMPENSATING && !fence_is_done(tick))
		coordinator_retried(tick, order_id, OUTCOME_OK);
	else if (move->state == (saga.step == SAGA_COMMITTING ? GOAL_SOLD : GOAL_RETURNED))
		saga_finish(tick, &saga);
	else
		coordinator_retried(tick, order_id, OUTCOME_SUPERSEDED);
	return 0;
}

static void tell_stock_follows(struct tick *tick, const struct open_saga *open)
{
	struct order order;

	if (!order_get(tick, open->number, &order))
		return;
	order.wire.stock_to_follow = true;
	saga_pass(tick, "to_follow");
	coordinator_answer(tick, open->number, OUTCOME_OK, NULL, &order.wire);
	coordinator_settled(tick, open->number);
}

void change_act(struct tick *tick, const struct open_saga *open)
{
	struct saga saga;

	if (open->step == SAGA_PRICING || open->step == SAGA_RESERVING) {
		create_act(tick, open);
		return;
	}
	if (!saga_get(tick, open->number, &saga)) {
		coordinator_close(tick, open->number);
		return;
	}
	if (open->settle_ms > 0 && open->settle_ms <= tick->monotonic_ms)
		tell_stock_follows(tick, open);
	if (open->try_at_ms > tick->monotonic_ms)
		return;
	saga_send(tick, &saga);
	coordinator_retried(tick, open->number, OUTCOME_STOCK_TIMEOUT);
}
