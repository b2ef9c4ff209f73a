#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "amount.h"
#include "import.h"
#include "refusal.h"

/* The stock of a file: what the rows of a book say is added up and added to what is there. An
 * addition goes under an idempotency key made of the file's content, the book and the quantity, so
 * that a second run of the file within 24 hours adds nothing. */

struct addition {
	const struct group *group;
	struct book_ref ref; /* as the file names the book */
	uint64_t book_id;
	int64_t quantity;
};

struct stock_import {
	struct import import; /* first, so that one is the other */
	enum column column;   /* of the quantity */
	int64_t percent;
	struct addition *additions;
	size_t count;
	size_t *asked; /* which addition a request is about */
};

/* --- the file --------------------------------------------------------------------------------- */

/* NULL, or the reason why the row cannot be used. */
static const char *row_read(const struct stock_import *stock, size_t row, struct book_ref *ret,
	int64_t *ret_quantity)
{
	const struct import *import = &stock->import;
	const char *reason = import_book(import, row, &ret->book_id, &ret->sku);

	if (reason)
		return reason;
	if (amount_to_whole(import_text(import, row, stock->column), import->mark, ret_quantity) ||
		*ret_quantity > STOCK_MAX || *ret_quantity < -STOCK_MAX)
		return "bad_quantity";
	return *ret_quantity < 0 && stock->column == COLUMN_AVAILABLE ? "negative_quantity" : NULL;
}

static int rows_group(struct stock_import *stock)
{
	struct import *import = &stock->import;

	for (size_t row = 0; row < import->sheet.count; row++) {
		struct book_ref ref = { 0 };
		int64_t quantity;
		const char *key, *reason = row_read(stock, row, &ref, &quantity);

		if (reason) {
			import_refuse_row(import, row, reason);
			continue;
		}
		key = import_book_key(import, ref.book_id, ref.sku);
		if (!key || groups_add(import->groups, key, row))
			return ctl_failed(import->ctl, STOCKD, -ENOMEM, NULL);
	}
	return STATUS_DONE;
}

/* What orders give back is no stock that they want. A part of a unit counts as one. */
static struct addition group_read(const struct stock_import *stock, const struct group *group)
{
	struct addition addition = { .group = group };
	int64_t sum = 0, quantity;

	for (size_t row = group->first; row != GROUP_END;
		row = groups_next(stock->import.groups, row)) {
		row_read(stock, row, &addition.ref, &quantity);
		sum += quantity > 0 ? quantity : 0;
	}
	addition.book_id = addition.ref.book_id;
	addition.quantity = sum / 100 * stock->percent + (sum % 100 * stock->percent + 99) / 100;
	return addition;
}

static int additions_gather(struct stock_import *stock)
{
	size_t room = groups_count(stock->import.groups);
	struct arena *arena = stock->import.sheet.arena;

	stock->additions = arena_take(arena, room * sizeof(*stock->additions));
	stock->asked = arena_take(arena, room * sizeof(*stock->asked));
	if (!stock->additions || !stock->asked)
		return ctl_failed(stock->import.ctl, STOCKD, -ENOMEM, NULL);
	for (size_t i = 0; i < room; i++) {
		struct addition addition = group_read(stock, groups_at(stock->import.groups, i));

		if (addition.quantity > 0)
			stock->additions[stock->count++] = addition;
		else
			stock->import.already++;
	}
	return STATUS_DONE;
}

/* --- which books they are --------------------------------------------------------------------- */

static void book_found(struct import *import, size_t index, const void *reply,
	const struct answer *answer)
{
	struct stock_import *stock = (struct stock_import *)import;
	struct addition *addition = &stock->additions[stock->asked[index]];
	const struct book *book = reply;

	if (answer->code)
		import_refuse_group(import, addition->group,
			refusal_of(answer->error, answer->message));
	else
		addition->book_id = book->book_id;
}

static int books_find(struct stock_import *stock)
{
	static const struct import_exchange exchange = { CATALOGD, "catalog.get", "books",
		&book_ref_record, &book_record, book_found };
	struct book_ref *refs = arena_take(stock->import.sheet.arena, stock->count * sizeof(*refs));
	size_t count = 0;

	if (!refs)
		return ctl_failed(stock->import.ctl, CATALOGD, -ENOMEM, NULL);
	for (size_t i = 0; i < stock->count; i++)
		if (!stock->additions[i].book_id) {
			refs[count] = stock->additions[i].ref;
			stock->asked[count++] = i;
		}
	return import_exchange(&stock->import, &exchange, refs, count);
}

/* --- adding ----------------------------------------------------------------------------------- */

/* An answer that is older than this run belongs to an earlier one. */
static void level_added(struct import *import, size_t index, const void *reply,
	const struct answer *answer)
{
	struct stock_import *stock = (struct stock_import *)import;
	const struct addition *addition = &stock->additions[stock->asked[index]];
	const struct level *level = reply;

	if (answer->code) {
		import_refuse_group(import, addition->group,
			refusal_of(answer->error, answer->message));
	} else if (level->updated_at < import->began_at) {
		import->already++;
	} else {
		import->made++;
		import->units += (uint64_t)addition->quantity;
	}
}

static const char *key_make(const struct stock_import *stock, const struct addition *addition)
{
	struct arena *arena = stock->import.sheet.arena;
	const char *what = arena_print(arena, "%016" PRIx64 " %" PRId64 " %s",
		stock->import.sheet.digest, addition->quantity, addition->group->key);
	XXH128_hash_t hash;

	if (!what)
		return NULL;
	hash = XXH3_128bits(what, strlen(what));
	return arena_print(arena, "import:%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

static int levels_add(struct stock_import *stock)
{
	static const struct import_exchange exchange = { STOCKD, "stock.add", "levels",
		&level_add_record, &level_record, level_added };
	struct level_add *adds =
		arena_take(stock->import.sheet.arena, stock->count * sizeof(*adds));
	size_t count = 0;

	for (size_t i = 0; adds && i < stock->count; i++) {
		const struct addition *addition = &stock->additions[i];

		if (!addition->book_id)
			continue;
		adds[count] = (struct level_add){ .book_id = addition->book_id,
			.reason = "import",
			.quantity = addition->quantity,
			.idempotency_key = key_make(stock, addition) };
		if (!adds[count].idempotency_key)
			return ctl_failed(stock->import.ctl, STOCKD, -ENOMEM, NULL);
		stock->asked[count++] = i;
	}
	if (!adds)
		return ctl_failed(stock->import.ctl, STOCKD, -ENOMEM, NULL);
	return import_exchange(&stock->import, &exchange, adds, count);
}

int stock_import(struct ctl *ctl)
{
	bool from_orders = ctl_option(ctl, "from-orders");
	struct stock_import stock = { .percent = 100 };
	int status = ctl_option_i64(ctl, "scale", 1, 10000, &stock.percent);

	if (status)
		return status;
	stock.column = from_orders ? COLUMN_QUANTITY : COLUMN_AVAILABLE;
	status = import_begin(&stock.import, ctl, USE_STOCK, 1u << stock.column);
	if (!status)
		status = rows_group(&stock);
	if (!status)
		status = additions_gather(&stock);
	if (!status)
		status = books_find(&stock);
	if (!status)
		status = levels_add(&stock);
	return import_end(&stock.import, status);
}
