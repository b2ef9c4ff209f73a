#include "stock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "journal.h"
#include "record.h"

#define PAGE_LINES_MAX 10000 /* lines in one page of reservations: a reply is at most 1 MiB */

const char *const stock_tables[] = { "meta", "levels", "reservations", "journal", "keys",
	"key_ages", NULL };

static struct key id_key(uint64_t id)
{
	struct key key = { 0 };

	key_add_u64(&key, id);
	return key;
}

/* What a lookup that found nothing means: the outcome, unless the transaction has failed. */
static int absent(const struct stock *stock, int outcome)
{
	int error = txn_error(stock->txn);

	return error < 0 ? error : outcome;
}

/* --- levels --------------------------------------------------------------------------------- */

static bool level_is_sound(const struct level *level)
{
	const int64_t parts[] = { level->available, level->reserved, level->sold, level->received };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i] < 0 || parts[i] > LEVEL_MAX)
			return false;
	return level->available + level->reserved + level->sold == level->received;
}

static int level_get(struct stock *stock, uint64_t book_id, struct level *ret)
{
	struct key key = id_key(book_id);
	struct level level;

	if (!record_get(stock->txn, stock->arena, TABLE_LEVELS, &key, &level_record, &level))
		return absent(stock, OUTCOME_BOOK_NOT_FOUND);
	if (!level_is_sound(&level))
		return -EUCLEAN;
	*ret = level;
	return OUTCOME_OK;
}

/* The one place that writes a level, together with the line that says why. The line has its kind,
 * order, quantity, actor and reason. */
static void level_write(struct stock *stock, struct level *level, struct movement *line)
{
	struct key key = id_key(level->book_id);

	level->updated_at = stock->now_ms;
	record_put(stock->txn, TABLE_LEVELS, &key, &level_record, level);
	line->book_id = level->book_id;
	line->available = level->available;
	line->reserved = level->reserved;
	line->sold = level->sold;
	journal_append(stock, line);
}

/* Brings stock in, or takes it out where the line's quantity is below 0. */
static int level_receive(struct stock *stock, struct level *level, struct movement *line)
{
	if (line->quantity < -level->available) {
		stock->why = arena_print(stock->arena,
			"book %" PRIu64 " has %" PRId64 " available: %" PRId64
			" cannot be taken away",
			level->book_id, level->available, -line->quantity);
		return OUTCOME_INSUFFICIENT_STOCK;
	}
	if (line->quantity > LEVEL_MAX - level->received) {
		stock->why = arena_print(stock->arena,
			"book %" PRIu64 " would have received more than %" PRId64, level->book_id,
			LEVEL_MAX);
		return OUTCOME_BAD_REQUEST;
	}
	level->available += line->quantity;
	level->received += line->quantity;
	level_write(stock, level, line);
	return txn_error(stock->txn);
}

int stock_set(struct stock *stock, const struct level_set *set, struct level *ret)
{
	struct level level = { .book_id = set->book_id };
	int found = level_get(stock, set->book_id, &level);
	struct movement line = {
		.kind = MOVEMENT_SET,
		.quantity = set->available - level.available,
		.actor = set->actor,
		.reason = set->reason,
	};
	int result = OUTCOME_OK;

	if (found < 0)
		return found;
	if (found != OUTCOME_OK || line.quantity != 0)
		result = level_receive(stock, &level, &line);
	if (result == OUTCOME_OK)
		*ret = level;
	return result;
}

/* The answer that the key's first addition got. */
static int add_again(struct stock *stock, const struct level_add *add,
	const struct journal_key *key, struct level *ret)
{
	struct movement line;

	if (key->book_id != add->book_id || key->quantity != add->quantity) {
		stock->why = arena_print(stock->arena,
			"this idempotency_key has added %" PRId64 " to book %" PRIu64,
			key->quantity, key->book_id);
		return OUTCOME_IDEMPOTENCY_MISMATCH;
	}
	if (!journal_get(stock, key->seq, &line))
		return absent(stock, -EUCLEAN);
	*ret = (struct level){
		.book_id = line.book_id,
		.available = line.available,
		.reserved = line.reserved,
		.sold = line.sold,
		.received = line.available + line.reserved + line.sold,
		.updated_at = line.at,
	};
	return OUTCOME_OK;
}

int stock_add(struct stock *stock, const struct level_add *add, struct level *ret)
{
	struct level level = { .book_id = add->book_id };
	struct movement line = {
		.kind = MOVEMENT_ADD,
		.quantity = add->quantity,
		.actor = add->actor,
		.reason = add->reason,
	};
	struct journal_key key;
	int result;

	if (add->quantity == 0) {
		stock->why = "quantity: must not be 0";
		return OUTCOME_BAD_REQUEST;
	}
	if (add->idempotency_key && journal_key_get(stock, add->idempotency_key, &key))
		return add_again(stock, add, &key, ret);
	result = level_get(stock, add->book_id, &level);
	if (result < 0)
		return result;
	result = level_receive(stock, &level, &line);
	if (result != OUTCOME_OK)
		return result;
	key = (struct journal_key){ line.seq, add->book_id, add->quantity, line.at };
	if (add->idempotency_key)
		journal_key_put(stock, add->idempotency_key, &key);
	*ret = level;
	return txn_error(stock->txn);
}

/* --- reservations --------------------------------------------------------------------------- */

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
	if (wanted.item_count == held->item_count
		&& memcmp(wanted.items, held->items, wanted.item_count * sizeof(*wanted.items)) == 0)
		return OUTCOME_OK;
	stock->why = arena_print(stock->arena, "order %" PRIu64 " holds other lines",
		move->order_id);
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
	struct key key = id_key(move->order_id);
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
	reservation->version = move->version;
	reservation->state = step->to;
	reservation->updated_at = stock->now_ms;
	record_put(stock->txn, TABLE_RESERVATIONS, &key, &reservation_record, reservation);
	return txn_error(stock->txn);
}

static int reservation_get(struct stock *stock, uint64_t order_id, struct reservation *ret)
{
	struct key key = id_key(order_id);

	if (record_get(stock->txn, stock->arena, TABLE_RESERVATIONS, &key, &reservation_record,
		    ret))
		return OUTCOME_OK;
	return absent(stock, OUTCOME_RESERVATION_NOT_FOUND);
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
	result = reservation_get(stock, move->order_id, &reservation);
	if (result < 0)
		return result;
	if (move->version < reservation.version || move_is_repeat(move, &reservation)) {
		move_answer(&reservation, ret);
		return move->version < reservation.version ? OUTCOME_OK
			: check_same_lines(stock, move, &reservation);
	}
	if (move->version == reservation.version)
		return move_supersede(stock, move, &reservation);
	step = step_find(reservation.state, move->goal);
	if (!step)
		return step_refuse(stock, move, &reservation);
	result = reservation_step(stock, step, move, &reservation);
	if (result == OUTCOME_OK)
		move_answer(&reservation, ret);
	return result;
}

/* --- reading -------------------------------------------------------------------------------- */

int stock_show(struct stock *stock, const struct level_ref *ref, struct level *ret)
{
	int result = level_get(stock, ref->book_id, ret);

	if (result == OUTCOME_BOOK_NOT_FOUND)
		stock->why = arena_print(stock->arena, "book %" PRIu64 " has no stock yet",
			ref->book_id);
	return result;
}

int stock_reservation(struct stock *stock, const struct reservation_ref *ref,
	struct reservation *ret)
{
	int result = reservation_get(stock, ref->order_id, ret);

	if (result == OUTCOME_RESERVATION_NOT_FOUND)
		stock->why = arena_print(stock->arena, "no stock is reserved for order %" PRIu64,
			ref->order_id);
	return result;
}

/* A page of a table keyed by id: reads records into ret_page and gives their number. *ret_more:
 * there are others behind them. */
static size_t page_read(struct stock *stock, unsigned table, const struct record *record,
	const struct range *range, char *ret_page, bool *ret_more)
{
	struct key from = id_key(range->after + 1);
	struct scan scan = scan_from(stock->txn, table, &from);
	size_t count = 0;

	while ((*ret_more = scan_next(&scan)) && count < (size_t)range->limit &&
		record_read(stock->txn, stock->arena, table, scan.key, scan.value, record,
			ret_page + count * record->size))
		count++;
	scan_end(&scan);
	return count;
}

int stock_list(struct stock *stock, const struct range *range, struct level_list *ret)
{
	struct level *levels = arena_take(stock->arena, (size_t)range->limit * sizeof(*levels));
	bool more;
	size_t count;

	if (!levels)
		return -ENOMEM;
	count = page_read(stock, TABLE_LEVELS, &level_record, range, (char *)levels, &more);
	for (size_t i = 0; i < count; i++)
		if (!level_is_sound(&levels[i]))
			return -EUCLEAN;
	*ret = (struct level_list){ .levels = levels, .count = count };
	if (more && count > 0)
		ret->next = levels[count - 1].book_id;
	return txn_error(stock->txn);
}

int stock_reservations(struct stock *stock, const struct range *range, struct reservation_list *ret)
{
	struct reservation *reservations =
		arena_take(stock->arena, (size_t)range->limit * sizeof(*reservations));
	size_t count, kept = 0, lines = 0;
	bool more;

	if (!reservations)
		return -ENOMEM;
	count = page_read(stock, TABLE_RESERVATIONS, &reservation_record, range,
		(char *)reservations, &more);
	while (kept < count && lines + reservations[kept].item_count <= PAGE_LINES_MAX)
		lines += reservations[kept++].item_count;
	*ret = (struct reservation_list){ .reservations = reservations, .count = kept };
	if ((more || kept < count) && kept > 0)
		ret->next = reservations[kept - 1].order_id;
	return txn_error(stock->txn);
}
