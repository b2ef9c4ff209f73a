#include "create.h"

#include <errno.h>
#include <inttypes.h>

#include "events.h"
#include "idempotency.h"
#include "listing.h"
#include "number.h"

/* The order as it was when it was made: what a repeat under the same key is answered with. */
static struct orderd_order as_made(const struct order *order)
{
	struct orderd_order made = order->wire;

	made.status = ORDERD_PENDING;
	made.updated_at = made.created_at;
	return made;
}

/* --- the request ---------------------------------------------------------------------------- */

static int check_lines(struct tick *tick, const struct orderd_create *create)
{
	const struct orderd_settings *settings = settings_of(tick);

	if (create->item_count > (size_t)settings->lines_max)
		return tick_refuse(tick, OUTCOME_BAD_REQUEST,
			"items: %zu lines, at most %" PRId64 " are taken in one order",
			create->item_count, settings->lines_max);
	for (size_t i = 0; i < create->item_count; i++) {
		const struct orderd_line *line = &create->items[i];

		if ((line->book_id > 0) == (line->sku != NULL))
			return tick_refuse(tick, OUTCOME_BAD_REQUEST,
				"items[%zu]: give one of book_id and sku", i);
		if (line->quantity > settings->quantity_max)
			return tick_refuse(tick, OUTCOME_BAD_REQUEST,
				"items[%zu].quantity: %" PRId64 ", at most %" PRId64
				" are taken in one line",
				i, line->quantity, settings->quantity_max);
	}
	return OUTCOME_OK;
}

/* What the key says: OUTCOME_OK with *ret_reply, OUTCOME_LATER with the order that is being made,
 * OUTCOME_ORDER_NOT_FOUND where the key is free. */
static int check_key(struct tick *tick, const struct draft *draft, struct orderd_order *ret_reply,
	uint64_t *ret_running)
{
	const struct orderd_create *create = &draft->create;
	struct key_record record;
	struct order order;
	struct saga saga;

	if (!create->idempotency_key ||
		!idempotency_get(tick, create->user_id, create->idempotency_key, &record))
		return OUTCOME_ORDER_NOT_FOUND;
	if (record.body != draft->body)
		return OUTCOME_IDEMPOTENCY_MISMATCH;
	if (order_get(tick, record.order_id, &order)) {
		*ret_reply = as_made(&order);
		return OUTCOME_OK;
	}
	if (!saga_get(tick, record.order_id, &saga))
		return OUTCOME_ORDER_NOT_FOUND;
	*ret_running = record.order_id;
	return OUTCOME_LATER;
}

static void ask_prices(struct tick *tick, uint64_t number, const struct draft *draft)
{
	struct price_request price = {
		.items = draft->create.items,
		.item_count = draft->create.item_count,
	};

	tick_send(tick, PEER_CATALOGD, number, &price);
}

static int64_t give_up_at(const struct tick *tick, int64_t timeout_ms, int64_t deadline_ms)
{
	int64_t at_ms = tick->monotonic_ms + timeout_ms;

	return deadline_ms > 0 && deadline_ms < at_ms ? deadline_ms : at_ms;
}

int handle_order_create(struct tick *tick, const void *request, void *reply)
{
	const struct orderd_settings *settings = settings_of(tick);
	struct draft draft = { .create = *(const struct orderd_create *)request };
	struct draft *kept = arena_take(tick->arena, sizeof(*kept));
	struct open_saga open = { .step = SAGA_PRICING, .deadline_ms = tick_deadline(tick) };
	uint64_t running;
	int outcome = check_lines(tick, &draft.create);

	if (!kept)
		return -ENOMEM;
	if (outcome == OUTCOME_OK && draft.create.idempotency_key)
		outcome = create_body_hash(&draft.create, &draft.body);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (draft.create.expires_in_ms == 0)
		draft.create.expires_in_ms = settings->payment_timeout_ms;
	outcome = check_key(tick, &draft, reply, &running);
	if (outcome == OUTCOME_LATER)
		coordinator_join(tick, running, tick_park(tick));
	if (outcome != OUTCOME_ORDER_NOT_FOUND)
		return outcome;
	if (!coordinator_has_room(tick, 0))
		return OUTCOME_BUSY;
	*kept = draft;
	open.number = coordinator_draft_number(tick);
	open.give_up_ms = give_up_at(tick, settings->catalog_timeout_ms, open.deadline_ms);
	coordinator_open_draft(tick, &open, kept, tick_park(tick));
	ask_prices(tick, open.number, kept);
	return OUTCOME_LATER;
}

/* --- priced: the intent --------------------------------------------------------------------- */

static bool total_of(const struct price_reply *priced, int64_t *ret)
{
	int64_t total = 0;

	for (size_t i = 0; i < priced->item_count; i++) {
		const struct orderd_item *item = &priced->items[i];
		int64_t line;

		if (__builtin_mul_overflow(item->price, item->quantity, &line) ||
			__builtin_add_overflow(total, line, &total))
			return false;
	}
	*ret = total;
	return true;
}

static void refuse_draft(struct tick *tick, const struct open_saga *open, int outcome,
	const char *message)
{
	coordinator_answer(tick, open->number, outcome, message, NULL);
	coordinator_close(tick, open->number);
}

/* The key may have been taken while this draft was priced: then its waiters hear, or wait for,
 * the order that took it. True: so it was. */
static bool yield_to_key(struct tick *tick, const struct open_saga *open)
{
	struct orderd_order order = { 0 };
	uint64_t running = 0;
	int outcome = check_key(tick, open->draft, &order, &running);

	if (outcome == OUTCOME_ORDER_NOT_FOUND)
		return false;
	if (outcome != OUTCOME_LATER) {
		coordinator_answer(tick, open->number, outcome, NULL, &order);
	} else {
		for (size_t i = 0; i < open->waiter_count; i++)
			coordinator_join(tick, running, open->waiters[i]);
	}
	coordinator_close(tick, open->number);
	return true;
}

static void saga_begin(struct tick *tick, const struct draft *draft,
	const struct price_reply *priced, int64_t total, struct saga *ret)
{
	uint64_t order_id = counter_get(tick->txn, TABLE_META, "order_id") + 1;
	struct order order = {
		.wire = {
			.order_id = order_id,
			.user_id = draft->create.user_id,
			.total = total,
			.status = ORDERD_PENDING,
			.created_at = tick->now_ms,
			.updated_at = tick->now_ms,
			.expires_at = tick->now_ms + draft->create.expires_in_ms,
			.items = priced->items,
			.item_count = priced->item_count,
		},
		.number_second = number_take_second(tick, order_id),
		.stock_version = 1,
		.key = draft->create.idempotency_key,
	};

	*ret = (struct saga){
		.order_id = order_id,
		.step = SAGA_RESERVING,
		.version = order.stock_version,
		.created_at = tick->now_ms,
		.order = order,
	};
	counter_put(tick->txn, TABLE_META, "order_id", order_id);
	saga_put(tick, ret);
	if (order.key)
		idempotency_put(tick, order.wire.user_id, order.key,
			&(struct key_record){ order_id, draft->body, tick->now_ms });
}

int create_priced(struct tick *tick, uint64_t number, int outcome, const char *message,
	const void *result)
{
	struct open_saga *open = (struct open_saga *)coordinator_find(tick, number);
	const struct price_reply *priced = result;
	struct open_saga next = { .step = SAGA_RESERVING };
	struct saga saga;
	int64_t total;

	if (!open || !open->draft || open->handled == tick->serial)
		return 0;
	open->handled = tick->serial;
	if (outcome == OUTCOME_OK && !total_of(priced, &total))
		outcome = OUTCOME_AMOUNT_OVERFLOW;
	if (outcome == OUTCOME_OK && !tick_may_grow(tick))
		outcome = OUTCOME_STORAGE_FULL;
	if (outcome != OUTCOME_OK) {
		refuse_draft(tick, open, outcome, message);
		return 0;
	}
	if (yield_to_key(tick, open))
		return 0;
	saga_begin(tick, open->draft, priced, total, &saga);
	saga_send(tick, &saga);
	next.number = saga.order_id;
	next.deadline_ms = open->deadline_ms;
	next.give_up_ms = give_up_at(tick, settings_of(tick)->stock_timeout_ms, open->deadline_ms);
	coordinator_become(tick, number, &next);
	return 0;
}

/* --- stockd has answered -------------------------------------------------------------------- */

void create_held(struct tick *tick, const struct saga *saga)
{
	struct order order = saga->order;
	const char *buyer = arena_print(tick->arena, "user:%" PRIu64, order.wire.user_id);
	int64_t lifetime_ms = order.wire.expires_at - order.wire.created_at;

	/* Its time runs from the moment it is there, however long its stock took. */
	order.wire.expires_at = tick->now_ms + lifetime_ms;
	order_set_due(tick, &order, order.wire.expires_at);
	event_append(tick, &order, ORDERD_ANY, buyer, NULL);
	listing_put(tick, &order, ORDERD_ANY);
	order_put(tick, &order);
	saga_delete(tick, saga->order_id);
	coordinator_answer(tick, saga->order_id, OUTCOME_OK, NULL, &order.wire);
	coordinator_close(tick, saga->order_id);
}

static void forget_intent(struct tick *tick, const struct saga *saga)
{
	saga_delete(tick, saga->order_id);
	if (saga->order.key)
		idempotency_delete(tick, saga->order.wire.user_id, saga->order.key, saga->order_id);
}

void create_refused(struct tick *tick, const struct saga *saga, const struct move_reply *move)
{
	const char *message = arena_print(tick->arena,
		"book %" PRIu64 ": only %" PRId64 " available; order fewer", move->book_id,
		move->available);

	forget_intent(tick, saga);
	coordinator_answer(tick, saga->order_id, OUTCOME_INSUFFICIENT_STOCK, message, NULL);
	coordinator_close(tick, saga->order_id);
}

void create_conflicts(struct tick *tick, const struct saga *saga)
{
	forget_intent(tick, saga);
	coordinator_answer(tick, saga->order_id, OUTCOME_INTERNAL,
		"stockd knows another order by this id; was orderd restored from an older copy?",
		NULL);
	coordinator_close(tick, saga->order_id);
}

/* --- time has come -------------------------------------------------------------------------- */

static int silence(const struct tick *tick, const struct open_saga *open, unsigned peer, int down,
	int timeout)
{
	if (open->deadline_ms > 0 && tick->monotonic_ms >= open->deadline_ms)
		return OUTCOME_DEADLINE_PASSED;
	return tick_peer_is_up(tick, peer) ? timeout : down;
}

/* Whether stockd holds the lines is not known: from here on only their return will do. */
static void compensate(struct tick *tick, const struct open_saga *open, struct saga *saga)
{
	struct open_saga next = { .number = saga->order_id, .step = SAGA_COMPENSATING };

	coordinator_answer(tick, saga->order_id,
		silence(tick, open, PEER_STOCKD, OUTCOME_STOCK_UNAVAILABLE, OUTCOME_STOCK_TIMEOUT),
		NULL, NULL);
	forget_intent(tick, saga);
	saga->step = SAGA_COMPENSATING;
	saga->version++;
	saga->order = (struct order){ .wire.order_id = saga->order_id };
	saga_put(tick, saga);
	saga_send(tick, saga);
	coordinator_settled(tick, saga->order_id);
	coordinator_open(tick, &next, (struct waiter){ 0 });
}

static void act_on_draft(struct tick *tick, const struct open_saga *open)
{
	if (tick->monotonic_ms < open->give_up_ms) {
		ask_prices(tick, open->number, open->draft);
		coordinator_retried(tick, open->number, OUTCOME_CATALOG_TIMEOUT);
		return;
	}
	refuse_draft(tick, open,
		silence(tick, open, PEER_CATALOGD, OUTCOME_CATALOG_UNAVAILABLE,
			OUTCOME_CATALOG_TIMEOUT),
		NULL);
}

void create_act(struct tick *tick, const struct open_saga *open)
{
	struct saga saga;

	if (open->step == SAGA_PRICING) {
		if (open->draft && open->handled != tick->serial)
			act_on_draft(tick, open);
		return;
	}
	if (!saga_get(tick, open->number, &saga) || saga.step != SAGA_RESERVING)
		return;
	if (tick->monotonic_ms >= open->give_up_ms) {
		compensate(tick, open, &saga);
		return;
	}
	saga_send(tick, &saga);
	coordinator_retried(tick, open->number, OUTCOME_STOCK_TIMEOUT);
}
