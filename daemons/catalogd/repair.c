#include "repair.h"

#include "book.h"

/* Derived of the books: the index of skus, the highest id. */

static uint64_t expect_skus(struct repair *repair)
{
	struct scan scan = scan_from(repair->txn, TABLE_BOOKS, NULL);
	uint64_t book_id = 0;
	struct book book;

	while (repair_next(repair, TABLE_BOOKS, &scan)) {
		struct key id, sku;

		book_id = key_read_u64(scan.key, 0);
		if (!repair_read(repair, TABLE_BOOKS, &scan, &book_record, &book) || !book.sku)
			continue;
		id = book_id_key(book_id);
		sku = book_sku_key(book.sku);
		repair_expect(repair, &sku, id.bytes, id.size);
	}
	scan_end(&scan);
	return book_id;
}

static void repair_books(struct repair *repair)
{
	uint64_t highest_id = expect_skus(repair);

	repair_keep(repair, TABLE_SKUS, TABLE_BOOKS);
	repair_table(repair, TABLE_SKUS);
	repair_counters(repair, TABLE_META);
	if (highest_id > counter_get(repair->txn, TABLE_META, BOOK_ID_COUNTER))
		counter_put(repair->txn, TABLE_META, BOOK_ID_COUNTER, highest_id);
}

const struct repair_plan catalogd_repair = { "catalogd", catalog_tables, repair_books };
