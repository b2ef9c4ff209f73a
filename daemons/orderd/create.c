#include "create.h"

#include <errno.h>
#include <inttypes.h>

#include "events.h"
#include "listing.h"
#include "memory.h"
#include "prices.h"

#define PROMPT_MS 100 /* an order whose lines are held so soon keeps the deadline it was given */

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

/* What the key says: OUTCOME_OK with *ret_reply, OUTCOME_LATER with what is being made under it,
 * OUTCOME_ORDER_NOT_FOUND where the key is free. */
static int check_key(struct tick *tick, const struct draft *draft, struct orderd_order *ret_reply,
	uint64_t *ret_running)
{
	const struct orderd_create *create = &draft->create;
	const struct open_saga *open;
	struct key_record record;
	struct order order;
	struct key key;
	uint64_t body;

	if (!create->idempotency_key)
		return OUTCOME_ORDER_NOT_FOUND;
	*ret_running = coordinator_claimed(tick, create->user_id, create->idempotency_key, &body);
	if (*ret_running > 0 && body != draft->body)
		return OUTCOME_IDEMPOTENCY_MISMATCH;
	if (*ret_running > 0) {
		open = coordinator_find(tick, *ret_running);
		if (!open || (!open->told && open->handled != tick->serial))
			return OUTCOME_LATER;
		*ret_reply = as_made(&open->intent->order);
		return OUTCOME_OK;
	}
	if (!idempotency_get(tick, create->user_id, create->idempotency_key, &record))
		return OUTCOME_ORDER_NOT_FOUND;
	if (!order_get(tick, record.order_id, &order)) { /* no other one is made in its place */
		key = order_key(record.order_id);
		record_missing(tick->txn, TABLE_ORDERS, &key);
		return OUTCOME_CORRUPT_RECORD;
	}
	if (record.body != draft->body)
		return OUTCOME_IDEMPOTENCY_MISMATCH;
	*ret_reply = as_made(&order);
	return OUTCOME_OK;
}

static void ask_prices(struct tick *tick, uint64_t number, const struct draft *draft)
{
	struct price_request price = {
		.items = draft->create.items,
		.item_count = draft->create.item_count,
	};

	saga_pass(tick, "PRICING");
	tick_send(tick, PEER_CATALOGD, number, &price);
}

static int64_t give_up_at(const struct tick *tick, int64_t timeout_ms, int64_t deadline_ms)
{
	int64_t at_ms = tick->monotonic_ms + timeout_ms;

	return deadline_ms > 0 && deadline_ms < at_ms ? deadline_ms : at_ms;
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

static void reserve(struct tick *tick, const struct intent *intent)
{
	const struct orderd_order *wire = &intent->order.wire;
	struct stock_line *lines = arena_take(tick->arena, wire->item_count * sizeof(*lines));
	struct move move = {
		.order_id = wire->order_id,
		.version = intent->order.stock_version,
		.goal = GOAL_HELD,
		.items = lines,
		.item_count = wire->item_count,
		.actor = "orderd",
		.epoch = fence_epoch(tick),
	};

	move.intent = intent_pack(tick->arena, intent, &move.intent_size);
	if (!lines || !move.intent)
		return; /* it is asked for again */
	for (size_t i = 0; i < wire->item_count; i++) {
		lines[i].book_id = wire->items[i].book_id;
		lines[i].quantity = wire->items[i].quantity;
	}
	saga_pass(tick, "RESERVING");
	tick_send(tick, PEER_STOCKD, wire->order_id, &move);
}

static void intent_begin(struct tick *tick, const struct draft *draft,
	const struct price_reply *priced, int64_t total, struct intent *ret)
{
	uint64_t second;
	uint64_t order_id = number_take(tick, &second);

	*ret = (struct intent){
		.body = draft->body,
		.order = {
			.wire = {
				.user_id = draft->create.user_id,
				.total = total,
				.status = ORDERD_PENDING,
				.created_at = tick->now_ms,
				.updated_at = tick->now_ms,
				.expires_at = tick->now_ms + draft->create.expires_in_ms,
				.items = priced->items,
				.item_count = priced->item_count,
			},
			.number_second = second,
			.stock_version = 1,
			.key = draft->create.idempotency_key,
		},
	};
	order_complete(tick, order_id, &ret->order);
}

/* The order is asked of stockd. Who waits: `waiter`, or those of the open draft. */
static void begin(struct tick *tick, const struct draft *draft, const struct price_reply *priced,
	int64_t total, struct open_saga next, struct waiter waiter, uint64_t open_draft)
{
	struct intent *intent = arena_take(tick->arena, sizeof(*intent));

	if (!intent) {
		txn_fail(tick->txn, -ENOMEM);
		return;
	}
	intent_begin(tick, draft, priced, total, intent);
	reserve(tick, intent);
	next.number = intent->order.wire.order_id;
	next.step = SAGA_RESERVING;
	next.give_up_ms = give_up_at(tick, settings_of(tick)->stock_timeout_ms, next.deadline_ms);
	coordinator_open_intent(tick, &next, intent, waiter, open_draft);
}

static int draft_park(struct tick *tick, const struct draft *draft)
{
	struct draft *kept = arena_take(tick->arena, sizeof(*kept));
	struct open_saga open = { .step = SAGA_PRICING, .deadline_ms = tick_deadline(tick) };

	if (!kept)
		return -ENOMEM;
	*kept = *draft;
	open.number = coordinator_draft_number(tick);
	open.give_up_ms = give_up_at(tick, settings_of(tick)->catalog_timeout_ms, open.deadline_ms);
	coordinator_open_draft(tick, &open, kept, tick_park(tick));
	ask_prices(tick, open.number, kept);
	return OUTCOME_LATER;
}

int handle_order_create(struct tick *tick, const void *request, void *reply)
{
	struct draft draft = { .create = *(const struct orderd_create *)request };
	struct open_saga open = { .deadline_ms = tick_deadline(tick) };
	struct price_reply priced;
	uint64_t running;
	int64_t total;
	int outcome = check_lines(tick, &draft.create);

	if (outcome == OUTCOME_OK && draft.create.idempotency_key)
		outcome = create_body_hash(&draft.create, &draft.body);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (draft.create.expires_in_ms == 0)
		draft.create.expires_in_ms = settings_of(tick)->payment_timeout_ms;
	outcome = check_key(tick, &draft, reply, &running);
	if (outcome == OUTCOME_LATER)
		coordinator_join(tick, running, tick_park(tick));
	if (outcome != OUTCOME_ORDER_NOT_FOUND)
		return outcome;
	if (!coordinator_has_room(tick, 0))
		return OUTCOME_BUSY;
	if (!fence_is_done(tick) || !prices_find(tick, &draft.create, &priced))
		return draft_park(tick, &draft);
	if (!total_of(&priced, &total))
		return OUTCOME_AMOUNT_OVERFLOW;
	if (!stock_room_try(tick))
		return tick_refuse(tick, OUTCOME_STORAGE_FULL, STOCK_FULL_MESSAGE);
	begin(tick, &draft, &priced, total, open, tick_park(tick), 0);
	return OUTCOME_LATER;
}

/* --- catalogd has answered ------------------------------------------------------------------ */

static void refuse_open(struct tick *tick, const struct open_saga *open, int outcome,
	const char *message)
{
	coordinator_answer(tick, open->number, outcome, message, NULL);
	coordinator_close(tick, open->number);
}

int create_priced(struct tick *tick, uint64_t number, int outcome, const char *message,
	const void *result)
{
	const struct open_saga *open = coordinator_find(tick, number);
	const struct price_reply *priced = result;
	struct open_saga next = { 0 };
	int64_t total;

	if (priced)
		prices_remember(memory_of(tick)->prices, priced);
	if (!open || !open->draft || (outcome == OUTCOME_OK && !fence_is_done(tick)) ||
		coordinator_handles(tick, open))
		return 0;
	if (outcome == OUTCOME_OK && !total_of(priced, &total))
		outcome = OUTCOME_AMOUNT_OVERFLOW;
	if (outcome == OUTCOME_OK && !tick_may_grow(tick))
		outcome = OUTCOME_STORAGE_FULL;
	if (outcome == OUTCOME_OK && !stock_room_try(tick)) {
		outcome = OUTCOME_STORAGE_FULL;
		message = STOCK_FULL_MESSAGE;
	}
	if (outcome != OUTCOME_OK) {
		refuse_open(tick, open, outcome, message);
		return 0;
	}
	saga_pass(tick, "priced");
	next.deadline_ms = open->deadline_ms;
	begin(tick, open->draft, priced, total, next, (struct waiter){ 0 }, number);
	return 0;
}

void create_take_up(struct tick *tick, const struct intent *intent)
{
	const struct orderd_order *wire = &intent->order.wire;
	uint64_t body = 0, draft = 0;

	if (intent->order.key)
		draft = coordinator_claimed(tick, wire->user_id, intent->order.key, &body);
	if (draft < DRAFT_FIRST) {
		draft = 0;
	} else if (body != intent->body) {
		coordinator_answer(tick, draft, OUTCOME_IDEMPOTENCY_MISMATCH, NULL, NULL);
		coordinator_close(tick, draft);
		draft = 0;
	}
	coordinator_take_up(tick, intent, draft);
}

/* --- stockd has not answered, or has no room ------------------------------------------------- */

static int silence(const struct tick *tick, const struct open_saga *open, unsigned peer, int down,
	int timeout)
{
	if (open->deadline_ms > 0 && tick->monotonic_ms >= open->deadline_ms)
		return OUTCOME_DEADLINE_PASSED;
	return tick_peer_is_up(tick, peer) ? timeout : down;
}

static int stock_silence(const struct tick *tick, const struct open_saga *open, unsigned peer)
{
	if (stock_is_full(tick))
		return OUTCOME_STORAGE_FULL;
	return silence(tick, open, peer, OUTCOME_STOCK_UNAVAILABLE, OUTCOME_STOCK_TIMEOUT);
}

/* Whether stockd holds the lines is not known: from here on only their return will do. */
static void compensate(struct tick *tick, const struct open_saga *open)
{
	struct open_saga next = { .number = open->number, .step = SAGA_COMPENSATING };
	int outcome = stock_silence(tick, open, PEER_STOCKD);
	struct saga saga = {
		.order_id = open->number,
		.step = SAGA_COMPENSATING,
		.version = open->intent->order.stock_version + 1,
		.created_at = open->intent->order.wire.created_at,
	};

	coordinator_handles(tick, open);
	coordinator_answer(tick, open->number, outcome,
		outcome == OUTCOME_STORAGE_FULL ? STOCK_FULL_MESSAGE : NULL, NULL);
	saga_put(tick, &saga);
	saga_send(tick, &saga);
	coordinator_settled(tick, open->number);
	coordinator_open(tick, &next, (struct waiter){ 0 });
}

/* --- stockd has answered -------------------------------------------------------------------- */

/* The order's record, with all that goes with it. */
static void write_record(struct tick *tick, const struct open_saga *open)
{
	const char *buyer;
	struct order order;

	if (coordinator_handles(tick, open))
		return;
	order = open->intent->order;
	buyer = arena_print(tick->arena, "user:%" PRIu64, order.wire.user_id);
	order_set_due(tick, &order, order.wire.expires_at);
	event_append(tick, &order, ORDERD_ANY, buyer, NULL);
	if (!unlisted_add(tick, order.wire.user_id, order.wire.order_id))
		listing_put(tick, &order);
	number_note(tick, order.number_second, order.wire.order_id);
	if (order.key)
		idempotency_put(tick, order.wire.user_id, order.key,
			&(struct key_record){
				order.wire.order_id, open->intent->body, order.wire.created_at });
	order_put(tick, &order);
	saga_pass(tick, "recorded");
	coordinator_answer(tick, open->number, OUTCOME_OK, NULL, &order.wire);
	coordinator_close(tick, open->number);
}

/* All orders below the first that is being made have their records, once these do. */
void create_write(struct tick *tick, bool now)
{
	if (coordinator_write(tick, now, write_record))
		fence_mark(tick, coordinator_reserving(tick, 0)->number - 1);
}

/* The order is durable: stockd has its intent. Its record follows, with those of others.
 *
 * Its time runs from its making. Where stockd took long the order starts anew, and since a restart
 * would not know of that, its clients hear after its record is written. */
static void held(struct tick *tick, struct open_saga *open)
{
	struct orderd_order *wire = &open->intent->order.wire;
	int64_t late_ms = tick->now_ms - wire->created_at;
	bool prompt = late_ms >= 0 && late_ms <= PROMPT_MS;

	if (!open->held && !prompt)
		wire->expires_at += late_ms;
	saga_pass(tick, "held");
	coordinator_hold(tick, open, tick->monotonic_ms + (prompt ? GATHER_MS : 0), prompt);
	if (open->told)
		coordinator_answer_early(tick, open, wire);
	else
		write_record(tick, open);
}

static void refused(struct tick *tick, const struct open_saga *open, const struct move_reply *move)
{
	const char *message = arena_print(tick->arena,
		"book %" PRIu64 ": only %" PRId64 " available; order fewer", move->book_id,
		move->available);

	saga_pass(tick, "refused");
	refuse_open(tick, open, OUTCOME_INSUFFICIENT_STOCK, message);
}

void create_reserved(struct tick *tick, const struct open_saga *open, int outcome,
	const struct move_reply *move)
{
	uint64_t version = open->intent->order.stock_version;
	bool is_held = move && move->version == version && move->state == GOAL_HELD;

	if (open->handled == tick->serial || (open->held && !is_held))
		return;
	stock_room_heard(tick, outcome);
	if (outcome == OUTCOME_SUPERSEDED || (move && move->version > version)) {
		coordinator_handles(tick, open);
		refuse_open(tick, open, OUTCOME_INTERNAL,
			"stockd knows another order by this id; was orderd restored from an older copy?");
	} else if (outcome == OUTCOME_FENCED) {
		fence_begin(tick);
		coordinator_retried(tick, open->number, outcome);
	} else if (outcome == OUTCOME_STORAGE_FULL) {
		compensate(tick, open);
	} else if (outcome != OUTCOME_OK || move->version < version) {
		coordinator_retried(tick, open->number, outcome);
	} else if (is_held) {
		held(tick, (struct open_saga *)open);
	} else if (move->state == GOAL_REFUSED && !coordinator_handles(tick, open)) {
		refused(tick, open, move);
	}
}

/* --- time has come -------------------------------------------------------------------------- */

static void act_on_draft(struct tick *tick, const struct open_saga *open)
{
	int outcome;

	if (tick->monotonic_ms < open->give_up_ms) {
		ask_prices(tick, open->number, open->draft);
		coordinator_retried(tick, open->number, OUTCOME_CATALOG_TIMEOUT);
		return;
	}
	coordinator_handles(tick, open);
	outcome = fence_is_done(tick)
		? silence(tick, open, PEER_CATALOGD, OUTCOME_CATALOG_UNAVAILABLE,
			  OUTCOME_CATALOG_TIMEOUT)
		: stock_silence(tick, open, PEER_FENCE);
	refuse_open(tick, open, outcome, NULL);
}

void create_act(struct tick *tick, const struct open_saga *open)
{
	if (open->handled == tick->serial)
		return;
	if (open->step == SAGA_PRICING) {
		act_on_draft(tick, open);
	} else if (open->held) {
		write_record(tick, open);
	} else if (tick->monotonic_ms >= open->give_up_ms || stock_is_full(tick)) {
		compensate(tick, open);
	} else {
		reserve(tick, open->intent);
		coordinator_retried(tick, open->number,
			open->last_outcome ? open->last_outcome : OUTCOME_STOCK_TIMEOUT);
	}
}
