#include "book.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "record.h"

const char *const catalog_tables[] = { "meta", "books", "skus", NULL };

struct key book_id_key(uint64_t book_id)
{
	struct key key = { 0 };

	key_add_u64(&key, book_id);
	return key;
}

struct key book_sku_key(const char *sku)
{
	struct key key = { 0 };

	key_add_bytes(&key, sku, strlen(sku));
	return key;
}

static bool sku_is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What a lookup that found nothing means: the outcome, unless the transaction has failed. */
static int absent(const struct catalog *catalog, int outcome)
{
	int error = txn_error(catalog->txn);

	return error < 0 ? error : outcome;
}

static int book_by_id(struct catalog *catalog, uint64_t book_id, struct book *ret)
{
	struct key key = book_id_key(book_id);

	if (record_get(catalog->txn, catalog->arena, TABLE_BOOKS, &key, &book_record, ret))
		return OUTCOME_OK;
	catalog->why =
		arena_print(catalog->arena, "book %" PRIu64 " is not in the catalog", book_id);
	return absent(catalog, OUTCOME_BOOK_NOT_FOUND);
}

static int book_by_sku(struct catalog *catalog, const char *sku, struct book *ret)
{
	struct key key = book_sku_key(sku);
	struct slice value;
	struct book book = { 0 };

	if (!txn_get(catalog->txn, TABLE_SKUS, &key, &value)) {
		catalog->why = arena_print(catalog->arena, "no book has the sku %s", sku);
		return absent(catalog, OUTCOME_BOOK_NOT_FOUND);
	}
	/* The index carries no checksum of its own: the book must agree with it. */
	if (book_by_id(catalog, key_read_u64(value, 0), &book) != OUTCOME_OK ||
		!sku_is_same(book.sku, sku))
		return absent(catalog, -EUCLEAN);
	*ret = book;
	return OUTCOME_OK;
}

int book_find(struct catalog *catalog, const struct book_ref *ref, struct book *ret)
{
	if ((ref->book_id > 0) == (ref->sku != NULL)) {
		catalog->why = "give either book_id or sku";
		return OUTCOME_BAD_REQUEST;
	}
	return ref->sku ? book_by_sku(catalog, ref->sku, ret)
			: book_by_id(catalog, ref->book_id, ret);
}

/* --- putting -------------------------------------------------------------------------------- */

/* The id that a put is about. */
static int put_choose_id(struct catalog *catalog, const struct book_put *put,
	const struct book *owner, uint64_t *ret)
{
	uint64_t highest;

	if (put->book_id > 0 || owner->book_id > 0) {
		*ret = put->book_id > 0 ? put->book_id : owner->book_id;
		return OUTCOME_OK;
	}
	highest = counter_get(catalog->txn, TABLE_META, BOOK_ID_COUNTER);
	if (highest >= INT64_MAX) {
		catalog->why = "no free book_id is left above the highest one: give a book_id";
		return OUTCOME_BAD_REQUEST;
	}
	*ret = highest + 1;
	return OUTCOME_OK;
}

static bool put_changes(const struct book_put *put, const struct book *old)
{
	return old->version == 0 || old->price != put->price || old->active != put->active ||
		strcmp(old->title, put->title) != 0 || !sku_is_same(old->sku, put->sku);
}

static int put_check(struct catalog *catalog, const struct book_put *put, const struct book *old,
	const struct book *owner, uint64_t book_id)
{
	if (owner->book_id > 0 && owner->book_id != book_id) {
		catalog->why = arena_print(catalog->arena,
			"book %" PRIu64 " has the sku %s already", owner->book_id, put->sku);
		return OUTCOME_SKU_TAKEN;
	}
	if (put->version > 0 && put->version != old->version) {
		catalog->why = arena_print(catalog->arena,
			"book %" PRIu64 " has version %" PRIu64 " now, not %" PRIu64, book_id,
			old->version, put->version);
		return OUTCOME_VERSION_CONFLICT;
	}
	return OUTCOME_OK;
}

static uint64_t version_now(struct catalog *catalog)
{
	return counter_get(catalog->txn, TABLE_META, CATALOG_VERSION);
}

/* By the clock, so that a catalog restored from an older copy does not count up to numbers that
 * stood for other prices before. */
static uint64_t version_next(struct catalog *catalog)
{
	uint64_t now_ms = catalog->now_ms > 0 ? (uint64_t)catalog->now_ms : 0;
	uint64_t next = version_now(catalog) + 1;

	return next > now_ms ? next : now_ms;
}

static void book_write(struct catalog *catalog, const struct book *old, const struct book *book)
{
	struct txn *txn = catalog->txn;
	struct key key = book_id_key(book->book_id);
	struct key sku;

	record_put(txn, TABLE_BOOKS, &key, &book_record, book);
	counter_put(txn, TABLE_META, CATALOG_VERSION, version_next(catalog));
	if (old->sku && !sku_is_same(old->sku, book->sku)) {
		sku = book_sku_key(old->sku);
		txn_delete(txn, TABLE_SKUS, &sku);
	}
	if (book->sku && !sku_is_same(old->sku, book->sku)) {
		sku = book_sku_key(book->sku);
		txn_put(txn, TABLE_SKUS, &sku, key.bytes, key.size);
	}
	if (book->book_id > counter_get(txn, TABLE_META, BOOK_ID_COUNTER))
		counter_put(txn, TABLE_META, BOOK_ID_COUNTER, book->book_id);
}

int book_put(struct catalog *catalog, const struct book_put *put, struct book_put_reply *ret)
{
	struct book owner = { 0 }, old = { 0 }, book;
	uint64_t book_id = 0;
	int result;

	if (put->book_id == 0 && !put->sku) {
		catalog->why = "give book_id, sku or both";
		return OUTCOME_BAD_REQUEST;
	}
	result = put->sku ? book_by_sku(catalog, put->sku, &owner) : OUTCOME_OK;
	if (result < 0)
		return result;
	result = put_choose_id(catalog, put, &owner, &book_id);
	if (result != OUTCOME_OK)
		return result;
	result = book_by_id(catalog, book_id, &old);
	if (result < 0)
		return result;
	if (!put_changes(put, &old)) {
		*ret = (struct book_put_reply){ .book = old };
		return OUTCOME_OK;
	}
	result = put_check(catalog, put, &old, &owner, book_id);
	if (result != OUTCOME_OK)
		return result;
	book = (struct book){
		.book_id = book_id,
		.sku = put->sku,
		.title = put->title,
		.price = put->price,
		.active = put->active,
		.version = old.version + 1,
		.updated_at = catalog->now_ms,
	};
	book_write(catalog, &old, &book);
	*ret = (struct book_put_reply){ .book = book, .changed = true };
	return txn_error(catalog->txn);
}

/* --- reading many --------------------------------------------------------------------------- */

int book_list(struct catalog *catalog, const struct range *range, struct book_list *ret)
{
	size_t limit = (size_t)range->limit;
	struct book *books = arena_take(catalog->arena, limit * sizeof(*books));
	struct key from = book_id_key(range->after + 1);
	struct scan scan;
	size_t count = 0;
	bool more;

	if (!books)
		return -ENOMEM;
	scan = scan_from(catalog->txn, TABLE_BOOKS, &from);
	while ((more = scan_next(&scan)) && count < limit &&
		record_read(catalog->txn, catalog->arena, TABLE_BOOKS, scan.key, scan.value,
			&book_record, &books[count]))
		count++;
	scan_end(&scan);
	*ret = (struct book_list){ .books = books, .count = count };
	if (more && count > 0)
		ret->next = books[count - 1].book_id;
	return txn_error(catalog->txn);
}

static int line_price(struct catalog *catalog, const struct orderd_line *line,
	struct orderd_item *ret)
{
	struct book_ref ref = { .book_id = line->book_id, .sku = line->sku };
	struct book book;
	int result = book_find(catalog, &ref, &book);

	if (result != OUTCOME_OK)
		return result;
	if (!book.active) {
		catalog->why = arena_print(catalog->arena, "book %" PRIu64 " (%s) is not for sale",
			book.book_id, book.title);
		return OUTCOME_BOOK_INACTIVE;
	}
	*ret = (struct orderd_item){
		.book_id = book.book_id,
		.sku = book.sku,
		.book_title = book.title,
		.quantity = line->quantity,
		.price = book.price,
	};
	return OUTCOME_OK;
}

int book_price(struct catalog *catalog, const struct price_request *request,
	struct price_reply *ret)
{
	struct orderd_item *items =
		arena_take(catalog->arena, request->item_count * sizeof(*items));
	int result = items ? OUTCOME_OK : -ENOMEM;

	for (size_t i = 0; i < request->item_count && result == OUTCOME_OK; i++)
		result = line_price(catalog, &request->items[i], &items[i]);
	if (result != OUTCOME_OK)
		return result;
	*ret = (struct price_reply){
		.items = items,
		.item_count = request->item_count,
		.version = version_now(catalog),
	};
	return OUTCOME_OK;
}
