#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct book_entry {
	struct ledger_book book;
	UT_hash_handle hh;
};

struct order_entry {
	struct ledger_order order;
	UT_hash_handle hh;
};

struct ledger {
	struct book_entry *books;
	struct order_entry *orders;
};

/* --- entries ---------------------------------------------------------------------------------- */

struct ledger *ledger_new(void)
{
	return calloc(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *ledger)
{
	struct book_entry *book, *next_book;
	struct order_entry *order, *next_order;

	if (!ledger)
		return;
	HASH_ITER(hh, ledger->books, book, next_book) {
		HASH_DEL(ledger->books, book);
		free(book);
	}
	HASH_ITER(hh, ledger->orders, order, next_order) {
		HASH_DEL(ledger->orders, order);
		free(order);
	}
	free(ledger);
}

/* NULL: no memory. */
static struct ledger_book *book_of(struct ledger *ledger, uint64_t book_id)
{
	struct book_entry *entry;

	HASH_FIND(hh, ledger->books, &book_id, sizeof(book_id), entry);
	if (entry)
		return &entry->book;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->book.book_id = book_id;
	HASH_ADD(hh, ledger->books, book.book_id, sizeof(book_id), entry);
	if (entry->hh.tbl)
		return &entry->book;
	free(entry);
	return NULL;
}

static struct ledger_order *order_of(struct ledger *ledger, uint64_t order_id)
{
	struct order_entry *entry;

	HASH_FIND(hh, ledger->orders, &order_id, sizeof(order_id), entry);
	if (entry)
		return &entry->order;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->order.order_id = order_id;
	HASH_ADD(hh, ledger->orders, order.order_id, sizeof(order_id), entry);
	if (entry->hh.tbl)
		return &entry->order;
	free(entry);
	return NULL;
}

int ledger_books_each(struct ledger *ledger, int (*take)(void *, struct ledger_book *),
	void *context)
{
	struct book_entry *entry, *next;
	int result = 0;

	HASH_ITER(hh, ledger->books, entry, next)
		if (!result)
			result = take(context, &entry->book);
	return result;
}

int ledger_orders_each(struct ledger *ledger, int (*take)(void *, struct ledger_order *),
	void *context)
{
	struct order_entry *entry, *next;
	int result = 0;

	HASH_ITER(hh, ledger->orders, entry, next)
		if (!result)
			result = take(context, &entry->order);
	return result;
}

/* --- stock ------------------------------------------------------------------------------------ */

/* Adding these up, two lines of one book count as one line of their sum. */
static uint64_t line_sum(uint64_t book_id, int64_t quantity)
{
	return XXH3_64bits(&book_id, sizeof(book_id)) * (uint64_t)quantity;
}

int ledger_book_known(struct ledger *ledger, const struct book *book)
{
	struct ledger_book *entry = book_of(ledger, book->book_id);

	if (!entry)
		return -ENOMEM;
	entry->has_book = true;
	return 0;
}

/* A level tells by its time which line wrote it; several lines may have that time. */
static bool level_is_shown(const struct ledger_book *book)
{
	const struct level *level = &book->level, *last = &book->last;

	return level->updated_at == last->updated_at && level->available == last->available &&
		level->reserved == last->reserved && level->sold == last->sold &&
		level->received == last->received;
}

int ledger_level(struct ledger *ledger, const struct level *level)
{
	struct ledger_book *book = book_of(ledger, level->book_id);

	if (!book)
		return -ENOMEM;
	book->level = *level;
	book->has_level = true;
	book->seen = level_is_shown(book);
	return 0;
}

/* What one unit of a movement does. */
static const struct effect {
	int available, reserved, sold, received;
} effects[] = {
	[MOVEMENT_SET] = { +1, 0, 0, +1 },
	[MOVEMENT_ADD] = { +1, 0, 0, +1 },
	[MOVEMENT_RESERVE] = { -1, +1, 0, 0 },
	[MOVEMENT_COMMIT] = { 0, -1, +1, 0 },
	[MOVEMENT_RELEASE] = { +1, -1, 0, 0 },
	[MOVEMENT_RETURN] = { +1, 0, -1, 0 },
};

static void movement_book(struct ledger_book *book, const struct movement *movement)
{
	const struct effect *effect = &effects[movement->kind];
	int64_t quantity = movement->quantity;
	struct level *last = &book->last;

	if (last->available + effect->available * quantity != movement->available ||
		last->reserved + effect->reserved * quantity != movement->reserved ||
		last->sold + effect->sold * quantity != movement->sold)
		book->broken = true;
	last->available = movement->available;
	last->reserved = movement->reserved;
	last->sold = movement->sold;
	last->received += effect->received * quantity;
	last->updated_at = movement->at;
	book->seen |= level_is_shown(book);
}

int ledger_movement(struct ledger *ledger, const struct movement *movement)
{
	const struct effect *effect = &effects[movement->kind];
	struct ledger_book *book = book_of(ledger, movement->book_id);
	struct ledger_order *order;
	uint64_t sum = line_sum(movement->book_id, movement->quantity);

	if (!book)
		return -ENOMEM;
	movement_book(book, movement);
	if (!movement->order_id)
		return 0;
	order = order_of(ledger, movement->order_id);
	if (!order)
		return -ENOMEM;
	order->held += (uint64_t)effect->reserved * sum;
	order->sold += (uint64_t)effect->sold * sum;
	return 0;
}

/* --- orders ----------------------------------------------------------------------------------- */

int ledger_order(struct ledger *ledger, const struct orderd_order *order)
{
	struct ledger_order *entry = order_of(ledger, order->order_id);
	int64_t total = 0, line;

	if (!entry)
		return -ENOMEM;
	entry->has_order = true;
	entry->status = order->status;
	entry->total_is_wrong = false;
	entry->wanted = 0;
	for (size_t i = 0; i < order->item_count; i++) {
		const struct orderd_item *item = &order->items[i];

		entry->wanted += line_sum(item->book_id, item->quantity);
		entry->total_is_wrong |=
			__builtin_mul_overflow(item->price, item->quantity, &line) ||
			__builtin_add_overflow(total, line, &total);
	}
	entry->total_is_wrong |= total != order->total;
	return 0;
}

int ledger_reservation(struct ledger *ledger, const struct reservation *reservation)
{
	struct ledger_order *entry = order_of(ledger, reservation->order_id);

	if (!entry)
		return -ENOMEM;
	entry->has_reservation = true;
	entry->state = reservation->state;
	entry->reserved = 0;
	for (size_t i = 0; i < reservation->item_count; i++)
		entry->reserved +=
			line_sum(reservation->items[i].book_id, reservation->items[i].quantity);
	return 0;
}

int ledger_saga(struct ledger *ledger, const struct saga_info *saga)
{
	struct ledger_order *entry = order_of(ledger, saga->order_id);

	if (!entry)
		return -ENOMEM;
	entry->in_transit = true;
	return 0;
}

void ledger_forget_sagas(struct ledger *ledger)
{
	struct order_entry *entry, *next;

	HASH_ITER(hh, ledger->orders, entry, next)
		entry->order.in_transit = false;
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool level_is_sound(const struct level *level)
{
	return level->available >= 0 && level->reserved >= 0 && level->sold >= 0 &&
		level->available + level->reserved + level->sold == level->received;
}

static const char *level_print(struct arena *arena, const char *what, const struct level *level)
{
	const char *text = arena_print(arena,
		"%s: available %" PRId64 ", reserved %" PRId64 ", sold %" PRId64
		", received %" PRId64,
		what, level->available, level->reserved, level->sold, level->received);

	return text ? text : what;
}

const char *ledger_check_book(struct arena *arena, const struct ledger_book *book)
{
	if (book->has_level && !level_is_sound(&book->level))
		return level_print(arena, "the level does not add up", &book->level);
	if (book->broken)
		return "a line of the journal does not follow from the one before";
	if (!book->has_level && book->last.updated_at)
		return level_print(arena, "there is no level, but the journal has one",
			&book->last);
	if (book->has_level && !book->seen)
		return level_print(arena, "the level is not what the journal says", &book->last);
	return NULL;
}

/* The state of the reservation that belongs to an order's status. */
static enum goal goal_of(enum orderd_status status)
{
	switch (status) {
	case ORDERD_PENDING:
		return GOAL_HELD;
	case ORDERD_PAID:
	case ORDERD_SHIPPED:
	case ORDERD_COMPLETED:
		return GOAL_SOLD;
	default:
		return GOAL_RETURNED;
	}
}

static const char *state_print(const struct ledger_order *order)
{
	return order->has_reservation ? goal_names[order->state] : "missing";
}

const char *ledger_check_order(struct arena *arena, const struct ledger_order *order)
{
	bool held = order->has_reservation && order->state == GOAL_HELD;
	bool sold = order->has_reservation && order->state == GOAL_SOLD;
	const char *what = NULL;

	if (order->held != (held ? order->reserved : 0) ||
		order->sold != (sold ? order->reserved : 0))
		what = arena_print(arena,
			"its reservation is %s, but that is not what the journal has"
			" moved for it",
			state_print(order));
	else if (!order->has_order && (held || sold))
		what = arena_print(arena, "stock is %s, but there is no such order",
			state_print(order));
	else if (order->has_order &&
		(!order->has_reservation || order->state != goal_of(order->status)))
		what = arena_print(arena, "it is %s, but its reservation is %s",
			status_names[order->status], state_print(order));
	else if (order->has_order && order->wanted != order->reserved)
		what = "its items are not those of its reservation";
	else if (order->has_order && order->total_is_wrong)
		what = "its total is not the sum of its items";
	else
		return NULL;
	return what ? what : "something disagrees, and there is no memory to say what";
}
