#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "level.h"
#include "record.h"
#include "stock.h"

#define COUNTER_EPOCH "epoch"
#define FENCE_PAGE 64
#define FENCE_PAGE_BYTES (256 * 1024) /* of intents; one may pass it */
#define FENCE_LOOKED_AT_MAX 10000

/* Every legal step, and what one unit of a line does to its book's level. What is not here is
 * forbidden. A tombstone's step takes no lines: the reserve it overtook brought none. */
static const struct step {
	enum goal from, to;
	enum movement_kind kind; /* MOVEMENT_NONE: no level changes */
	int available, reserved, sold;
} steps[] = {
	{ GOAL_NONE, GOAL_HELD, MOVEMENT_RESERVE, -1, +1, 0 },
	{ GOAL_NONE, GOAL_REFUSED, MOVEMENT_NONE, 0, 0, 0 },
	{ GOAL_NONE, GOAL_RETURNED, MOVEMENT_NONE, 0, 0, 0 },
	{ GOAL_HELD, GOAL_HELD, MOVEMENT_NONE, 0, 0, 0 },
	{ GOAL_HELD, GOAL_SOLD, MOVEMENT_COMMIT, 0, -1, +1 },
	{ GOAL_HELD, GOAL_RETURNED, MOVEMENT_RELEASE, +1, -1, 0 },
	{ GOAL_SOLD, GOAL_SOLD, MOVEMENT_NONE, 0, 0, 0 },
	{ GOAL_SOLD, GOAL_RETURNED, MOVEMENT_RETURN, +1, 0, -1 },
	{ GOAL_RETURNED, GOAL_RETURNED, MOVEMENT_NONE, 0, 0, 0 },
	{ GOAL_REFUSED, GOAL_RETURNED, MOVEMENT_NONE, 0, 0, 0 },
};

static const struct step *step_find(enum goal from, enum goal to)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].from == from && steps[i].to == to)
			return &steps[i];
	return NULL;
}

static int step_refuse(struct stock *stock, const struct move *move,
	const struct reservation *reservation)
{
	if (reservation->state == GOAL_NONE) {
		stock->why = arena_print(stock->arena, "no stock is reserved for order %" PRIu64,
			move->order_id);
		return OUTCOME_RESERVATION_NOT_FOUND;
	}
	stock->why =
		arena_print(stock->arena, "the stock of order %" PRIu64 " is %s and cannot be %s",
			move->order_id, goal_names[reservation->state], goal_names[move->goal]);
	return OUTCOME_INVALID_TRANSITION;
}

static int move_supersede(struct stock *stock, const struct move *move,
	const struct reservation *reservation)
{
	stock->why =
		arena_print(stock->arena, "version %" PRIu64 " of order %" PRIu64 " is %s already",
			move->version, move->order_id, goal_names[reservation->state]);
	return OUTCOME_SUPERSEDED;
}

static bool move_is_repeat(const struct move *move, const struct reservation *reservation)
{
	return move->version == reservation->version &&
		(move->goal == reservation->state ||
			(move->goal == GOAL_HELD && reservation->state == GOAL_REFUSED));
}

static void move_answer(const struct reservation *reservation, struct move_reply *ret)
{
	*ret = (struct move_reply){
		.order_id = reservation->order_id,
		.version = reservation->version,
		.state = reservation->state,
		.book_id = reservation->short_book_id,
		.available = reservation->short_available,
	};
}

/* The move's lines, each book once, in the order of their first lines. */
static int lines_sum(struct stock *stock, const struct move *move, struct reservation *ret)
{
	struct stock_line *lines = arena_take(stock->arena, move->item_count * sizeof(*lines));
	size_t count = 0, i;

	if (!lines)
		return -ENOMEM;
	for (const struct stock_line *item = move->items; item < move->items + move->item_count;
		item++) {
		for (i = 0; i < count && lines[i].book_id != item->book_id; i++)
			;
		if (i == count)
			lines[count++].book_id = item->book_id;
		lines[i].quantity += item->quantity;
		if (lines[i].quantity > STOCK_MAX) {
			stock->why = arena_print(stock->arena,
				"items: more than %" PRId64 " of book %" PRIu64, STOCK_MAX,
				item->book_id);
			return OUTCOME_BAD_REQUEST;
		}
	}
	ret->items = lines;
	ret->item_count = count;
	return OUTCOME_OK;
}

/* Whether a repeated HELD wants what is held. Another order under this id comes from an orderd that
 * was restored from an older copy: it must not take the lines of the first for its own. */
static int check_same_lines(struct stock *stock, const struct move *move,
	const struct reservation *held)
{
	struct reservation wanted = { 0 };
	int result = OUTCOME_OK;

	if (move->goal != GOAL_HELD || held->state != GOAL_HELD)
		return OUTCOME_OK;
	result = lines_sum(stock, move, &wanted);
	if (result != OUTCOME_OK)
		return result;
	if (wanted.item_count == held->item_count &&
		memcmp(wanted.items, held->items, wanted.item_count * sizeof(*wanted.items)) == 0)
		return OUTCOME_OK;
	stock->why =
		arena_print(stock->arena, "order %" PRIu64 " holds other lines", move->order_id);
	return OUTCOME_SUPERSEDED;
}

/* The levels of a reservation's lines, one for one. */
static int levels_get(struct stock *stock, const struct reservation *reservation,
	struct level **ret)
{
	struct level *levels = arena_take(stock->arena, reservation->item_count * sizeof(*levels));
	int result = levels ? 0 : -ENOMEM;

	for (size_t i = 0; i < reservation->item_count && result >= 0; i++) {
		levels[i].book_id = reservation->items[i].book_id;
		result = level_get(stock, levels[i].book_id, &levels[i]);
	}
	if (result < 0)
		return result;
	*ret = levels;
	return OUTCOME_OK;
}

/* Turns a reservation that cannot be held into a refused one. True if it was short. */
static bool reservation_is_short(struct reservation *reservation, const struct level *levels)
{
	for (size_t i = 0; i < reservation->item_count; i++) {
		if (levels[i].available >= reservation->items[i].quantity)
			continue;
		reservation->short_book_id = levels[i].book_id;
		reservation->short_available = levels[i].available;
		reservation->items = NULL;
		reservation->item_count = 0;
		return true;
	}
	return false;
}

/* Moves the levels in memory; a level that would not be sound is damage that came before. */
static int levels_shift(const struct step *step, const struct reservation *reservation,
	struct level *levels)
{
	for (size_t i = 0; i < reservation->item_count; i++) {
		int64_t quantity = reservation->items[i].quantity;

		levels[i].available += step->available * quantity;
		levels[i].reserved += step->reserved * quantity;
		levels[i].sold += step->sold * quantity;
		if (!level_is_sound(&levels[i]))
			return -EUCLEAN;
	}
	return OUTCOME_OK;
}

static int lines_move(struct stock *stock, const struct step *step, const struct move *move,
	const struct reservation *reservation, struct level *levels)
{
	int result = levels_shift(step, reservation, levels);

	for (size_t i = 0; i < reservation->item_count && result == OUTCOME_OK; i++) {
		struct movement line = {
			.kind = step->kind,
			.order_id = move->order_id,
			.quantity = reservation->items[i].quantity,
			.actor = move->actor,
			.reason = move->reason,
		};

		level_write(stock, &levels[i], &line);
	}
	return result;
}

/* The one place that writes a reservation. */
static int reservation_step(struct stock *stock, const struct step *step, const struct move *move,
	struct reservation *reservation)
{
	struct key key = stock_key(move->order_id);
	struct level *levels = NULL;
	int result = OUTCOME_OK;

	if (step->kind == MOVEMENT_RESERVE)
		result = lines_sum(stock, move, reservation);
	if (step->kind != MOVEMENT_NONE && result == OUTCOME_OK)
		result = levels_get(stock, reservation, &levels);
	if (result != OUTCOME_OK)
		return result;
	if (step->kind == MOVEMENT_RESERVE && reservation_is_short(reservation, levels))
		step = step_find(GOAL_NONE, GOAL_REFUSED);
	if (step->kind != MOVEMENT_NONE)
		result = lines_move(stock, step, move, reservation, levels);
	if (result != OUTCOME_OK)
		return result;
	if (step->from == GOAL_REFUSED) {
		reservation->short_book_id = 0;
		reservation->short_available = 0;
	}
	reservation->intent = step->to == GOAL_HELD ? move->intent : NULL;
	reservation->intent_size = step->to == GOAL_HELD ? move->intent_size : 0;
	reservation->version = move->version;
	reservation->state = step->to;
	reservation->updated_at = stock->now_ms;
	record_put(stock->txn, TABLE_RESERVATIONS, &key, &reservation_record, reservation);
	return txn_error(stock->txn);
}

int reservation_get(struct stock *stock, uint64_t order_id, struct reservation *ret)
{
	struct key key = stock_key(order_id);

	if (record_get(stock->txn, stock->arena, TABLE_RESERVATIONS, &key, &reservation_record,
		    ret))
		return OUTCOME_OK;
	return stock_absent(stock, OUTCOME_RESERVATION_NOT_FOUND);
}

static uint64_t epoch_now(struct stock *stock)
{
	return counter_get(stock->txn, TABLE_META, COUNTER_EPOCH);
}

int stock_apply(struct stock *stock, const struct move *move, struct move_reply *ret)
{
	struct reservation reservation = { .order_id = move->order_id };
	const struct step *step;
	int result;

	if (move->goal == GOAL_REFUSED || (move->goal == GOAL_HELD && move->item_count == 0)) {
		stock->why = "goal: must be HELD with items, SOLD or RETURNED";
		return OUTCOME_BAD_REQUEST;
	}
	if (move->goal == GOAL_HELD && move->epoch > 0 && move->epoch != epoch_now(stock)) {
		stock->why = arena_print(stock->arena,
			"epoch %" PRIu64 " is not the one that stands", move->epoch);
		return OUTCOME_FENCED;
	}
	result = reservation_get(stock, move->order_id, &reservation);
	if (result < 0)
		return result;
	if (move->version < reservation.version || move_is_repeat(move, &reservation)) {
		move_answer(&reservation, ret);
		return move->version < reservation.version
			? OUTCOME_OK
			: check_same_lines(stock, move, &reservation);
	}
	if (move->version == reservation.version)
		return move_supersede(stock, move, &reservation);
	step = step_find(reservation.state, move->goal);
	if (!step)
		return step_refuse(stock, move, &reservation);
	if (step->kind == MOVEMENT_RESERVE && stock->full)
		return OUTCOME_STORAGE_FULL;
	result = reservation_step(stock, step, move, &reservation);
	if (result == OUTCOME_OK)
		move_answer(&reservation, ret);
	return result;
}

/* --- the fence ------------------------------------------------------------------------------ */

/* Adds the reservation under the scan to the page if it is held and has an intent. False: it is
 * damaged, or the transaction has failed. */
static bool page_take(struct stock *stock, const struct scan *scan, struct fence_reply *page,
	size_t *bytes)
{
	struct reservation reservation;

	if (!record_read(stock->txn, stock->arena, TABLE_RESERVATIONS, scan->key, scan->value,
		    &reservation_record, &reservation))
		return false;
	if (reservation.state != GOAL_HELD || reservation.intent_size == 0)
		return true;
	page->held[page->held_count++] = (struct held){
		.order_id = reservation.order_id,
		.version = reservation.version,
		.intent = reservation.intent,
		.intent_size = reservation.intent_size,
	};
	*bytes += reservation.intent_size;
	return true;
}

static void page_fill(struct stock *stock, uint64_t after, struct fence_reply *page)
{
	struct key from = stock_key(after + 1);
	struct scan scan = scan_from(stock->txn, TABLE_RESERVATIONS, &from);
	size_t bytes = 0, looked = 0;
	uint64_t seen = after;

	while (scan_next(&scan)) {
		if (page->held_count == FENCE_PAGE || bytes >= FENCE_PAGE_BYTES ||
			looked++ == FENCE_LOOKED_AT_MAX) {
			page->next = seen;
			break;
		}
		seen = key_read_u64(scan.key, 0);
		if (!page_take(stock, &scan, page, &bytes)) {
			page->next = seen;
			break;
		}
	}
	scan_end(&scan);
	if (txn_error(stock->txn) == -EUCLEAN) {
		stock->damage = record_damage();
		txn_forgive(stock->txn);
	}
}

int stock_fence(struct stock *stock, const struct fence *fence, struct fence_reply *ret)
{
	struct held *held = arena_take(stock->arena, FENCE_PAGE * sizeof(*held));
	struct fence_reply page = { .epoch = fence->epoch, .held = held };
	uint64_t epoch = epoch_now(stock);
	struct slice key, value;

	if (!held)
		return -ENOMEM;
	if (fence->epoch < epoch) { /* of a restored copy: it learns which one stands */
		*ret = (struct fence_reply){ .epoch = epoch, .held = held };
		return OUTCOME_OK;
	}
	if (fence->epoch > epoch)
		counter_put(stock->txn, TABLE_META, COUNTER_EPOCH, fence->epoch);
	if (txn_last(stock->txn, TABLE_RESERVATIONS, &key, &value))
		page.last_order_id = key_read_u64(key, 0);
	page_fill(stock, fence->after, &page);
	*ret = page;
	return txn_error(stock->txn);
}
