#include <errno.h>
#include <string.h>

#include "amount.h"
#include "charset.h"
#include "import.h"
#include "refusal.h"

/* The books of a file, each gathered from all of its rows: the last price and the last title win,
 * so that the same file gives the same books again. */

struct catalog_import {
	struct import import; /* first, so that one is the other */
	struct book_put *puts;
	const struct group **groups; /* of each put */
	size_t count;
};

/* NULL, or the reason why the row cannot be used. */
static const char *row_read(const struct import *import, size_t row, struct book_put *ret)
{
	const char *price = import_text(import, row, COLUMN_PRICE);
	const char *reason = import_book(import, row, &ret->book_id, &ret->sku);
	int amount;

	if (reason)
		return reason;
	amount = amount_to_money(price, import->mark, &ret->price);
	return amount == AMOUNT_OK || amount == AMOUNT_MISSING ? NULL : "bad_price";
}

static int rows_group(struct import *import)
{
	for (size_t row = 0; row < import->sheet.count; row++) {
		struct book_put put = { 0 };
		const char *key, *reason = row_read(import, row, &put);

		if (reason) {
			import_refuse_row(import, row, reason);
			continue;
		}
		key = import_book_key(import, put.book_id, put.sku);
		if (!key || groups_add(import->groups, key, row))
			return ctl_failed(import->ctl, CATALOGD, -ENOMEM, NULL);
	}
	return STATUS_DONE;
}

/* A row without a price above zero (stock written off, samples) says nothing of the book. */
static void row_merge(const struct import *import, size_t row, struct book_put *put)
{
	struct book_put one = { 0 };
	char *title = (char *)import_text(import, row, COLUMN_TITLE);

	row_read(import, row, &one);
	if (one.sku)
		put->sku = one.sku;
	put->book_id = one.book_id;
	if (one.price <= 0)
		return;
	put->price = one.price;
	if (*charset_tidy(title))
		put->title = title;
}

/* NULL, or the reason why there is no such book. */
static const char *group_read(const struct import *import, const struct group *group,
	struct book_put *ret)
{
	struct book_put put = { .active = true };

	for (size_t row = group->first; row != GROUP_END; row = groups_next(import->groups, row))
		row_merge(import, row, &put);
	if (put.price <= 0)
		return "no_price";
	if (!put.title)
		put.title = put.sku;
	if (!put.title)
		return "no_title";
	if (strlen(put.title) > TITLE_MAX_BYTES)
		return "title_too_long";
	*ret = put;
	return NULL;
}

static int books_gather(struct catalog_import *catalog)
{
	struct import *import = &catalog->import;
	size_t room = groups_count(import->groups);

	catalog->puts = arena_take(import->sheet.arena, room * sizeof(*catalog->puts));
	catalog->groups = arena_take(import->sheet.arena, room * sizeof(*catalog->groups));
	if (!catalog->puts || !catalog->groups)
		return ctl_failed(import->ctl, CATALOGD, -ENOMEM, NULL);
	for (size_t i = 0; i < room; i++) {
		const struct group *group = groups_at(import->groups, i);
		const char *reason = group_read(import, group, &catalog->puts[catalog->count]);

		if (reason)
			import_refuse_group(import, group, reason);
		else
			catalog->groups[catalog->count++] = group;
	}
	return STATUS_DONE;
}

static void book_put(struct import *import, size_t index, const void *reply,
	const struct answer *answer)
{
	const struct catalog_import *catalog = (const struct catalog_import *)import;
	const struct book_put_reply *put = reply;

	if (answer->code)
		import_refuse_group(import, catalog->groups[index],
			refusal_of(answer->error, answer->message));
	else if (!put->changed)
		import->already++;
	else if (put->book.version == 1)
		import->made++;
	else
		import->changed++;
}

int catalog_import(struct ctl *ctl)
{
	static const struct import_exchange exchange = { CATALOGD, "catalog.put", "books",
		&book_put_record, &book_put_reply_record, book_put };
	struct catalog_import catalog = { 0 };
	struct import *import = &catalog.import;
	int status =
		import_begin(import, ctl, USE_CATALOG, 1u << COLUMN_TITLE | 1u << COLUMN_PRICE);

	if (!status)
		status = rows_group(import);
	if (!status)
		status = books_gather(&catalog);
	if (!status)
		status = import_exchange(import, &exchange, catalog.puts, catalog.count);
	return import_end(import, status);
}
