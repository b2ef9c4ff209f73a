#include "stock.h"

#include <errno.h>
#include <inttypes.h>

#include "journal.h"
#include "level.h"
#include "record.h"

#define PAGE_LINES_MAX 10000 /* lines in one page of reservations: a reply is at most 1 MiB */

const char *const stock_tables[] = { "meta", "levels", "reservations", "journal", "keys",
	"key_ages", NULL };

struct key stock_key(uint64_t id)
{
	struct key key = { 0 };

	key_add_u64(&key, id);
	return key;
}

int stock_absent(const struct stock *stock, int outcome)
{
	int error = txn_error(stock->txn);

	return error < 0 ? error : outcome;
}

/* --- levels --------------------------------------------------------------------------------- */

bool level_is_sound(const struct level *level)
{
	const int64_t parts[] = { level->available, level->reserved, level->sold, level->received };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i] < 0 || parts[i] > LEVEL_MAX)
			return false;
	return level->available + level->reserved + level->sold == level->received;
}

int level_get(struct stock *stock, uint64_t book_id, struct level *ret)
{
	struct key key = stock_key(book_id);
	struct level level;

	if (!record_get(stock->txn, stock->arena, TABLE_LEVELS, &key, &level_record, &level))
		return stock_absent(stock, OUTCOME_BOOK_NOT_FOUND);
	if (!level_is_sound(&level))
		return -EUCLEAN;
	*ret = level;
	return OUTCOME_OK;
}

void level_write(struct stock *stock, struct level *level, struct movement *line)
{
	struct key key = stock_key(level->book_id);

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
		return stock_absent(stock, -EUCLEAN);
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
	struct key from = stock_key(range->after + 1);
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
