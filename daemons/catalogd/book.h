#pragma once

#include <stdint.h>

#include "arena.h"
#include "db.h"
#include "error.h"
#include "protocol.h"

/* Books: the rules of the catalog over one transaction.
 *
 * TABLE_BOOKS holds each book under its id. TABLE_SKUS holds the id under the sku, for every book
 * that has one: an index that book_put alone keeps in step. TABLE_META holds the counter
 * "book_id", the highest id ever used.
 *
 * Every function returns 0, an outcome (catalog->why then says the reason) or a negative errno.
 * All checks stand before the first write. What is returned lives in the arena. */

enum catalog_table { TABLE_META, TABLE_BOOKS, TABLE_SKUS };
extern const char *const catalog_tables[]; /* for struct db_spec */

#define BOOK_ID_COUNTER "book_id"
struct key book_id_key(uint64_t book_id);
struct key book_sku_key(const char *sku);

/* One request at work. */
struct catalog {
	struct txn *txn;
	struct arena *arena;
	int64_t now_ms;
	const char *why; /* set by a refusal: a sentence for the client, in the arena */
};

/* The book of an id or a sku. OUTCOME_BAD_REQUEST unless exactly one of the two is given;
 * OUTCOME_BOOK_NOT_FOUND. */
int book_find(struct catalog *catalog, const struct book_ref *ref, struct book *ret);

/* Replaces a book whole, or makes it: a put by id without a sku takes the sku away. By sku alone it
 * is the book of that sku, or a new one under the next id.
 *
 * What already is as wanted stays untouched whatever the version asked for (changed is false): so
 * the repeat of a put whose answer was lost succeeds.
 * OUTCOME_BAD_REQUEST: neither id nor sku, or the ids are used up; OUTCOME_VERSION_CONFLICT: not
 * the version to be replaced (a book that is not there has version 0); OUTCOME_SKU_TAKEN. */
int book_put(struct catalog *catalog, const struct book_put *put, struct book_put_reply *ret);

/* Books by ascending id. range->limit is at least 1. */
int book_list(struct catalog *catalog, const struct range *range, struct book_list *ret);

/* One order's lines with id, title and price, in the same order, one for one: a book may stand on
 * several. OUTCOME_BAD_REQUEST as book_find, OUTCOME_BOOK_NOT_FOUND, OUTCOME_BOOK_INACTIVE: the
 * reason names the first such book. */
int book_price(struct catalog *catalog, const struct price_request *request,
	struct price_reply *ret);
