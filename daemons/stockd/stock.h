#pragma once

#include <stdint.h>

#include "arena.h"
#include "db.h"
#include "error.h"
#include "protocol.h"

/* Stock: levels of books and reservations of orders, over one transaction.
 *
 * For every book available + reserved + sold == received, none of them below 0 or above
 * LEVEL_MAX; reserved is the sum of the HELD reservations' lines, sold that of the SOLD ones. A
 * stored level that breaks the first rule is never served nor moved: -EUCLEAN. Every write of a
 * level has its line in the journal (journal.h).
 *
 * Tables: levels by book id, reservations by order id, the journal by seq; keys and key_ages
 * belong to journal.h.
 *
 * Every function returns 0, an outcome (stock->why then says the reason, or is NULL) or a negative
 * errno. All checks stand before the first write. What is returned lives in the arena. */

#define LEVEL_MAX INT64_C(1000000000000000) /* 10^15 */

enum stock_table {
	TABLE_META,
	TABLE_LEVELS,
	TABLE_RESERVATIONS,
	TABLE_JOURNAL,
	TABLE_KEYS,
	TABLE_KEY_AGES,
};
extern const char *const stock_tables[]; /* for struct db_spec */

/* One request at work. */
struct stock {
	struct txn *txn;
	struct arena *arena;
	int64_t now_ms;
	bool full;          /* there is room for what settles, but for no new reservation */
	const char *why;    /* set by a refusal: a sentence for the client, in the arena */
	const char *damage; /* set by stock_fence: the record that it has passed over */
};

/* Moves an order's reservation towards a goal. Only a higher version moves it, so a move may come
 * late, twice or in the wrong order:
 *   a lower version      0, and ret says where the reservation stands now;
 *   the same, same goal  0, the same result again (REFUSED, where HELD was refused);
 *   the same, another    OUTCOME_SUPERSEDED;
 *   a higher version     the step from its state to the goal, all lines or none.
 * An order never heard of: HELD reserves every line or, where one book is short, records REFUSED;
 * RETURNED leaves a tombstone, so that the reserve it has overtaken finds a higher version; SOLD is
 * OUTCOME_RESERVATION_NOT_FOUND. A step that is not in the table of reservation.c is
 * OUTCOME_INVALID_TRANSITION.
 *
 * The lines are those of the move that reserved, a book on several of them summed up; later moves
 * may leave theirs out, and a refused reservation has none. OUTCOME_BAD_REQUEST: HELD without
 * lines or with more than STOCK_MAX of one book, or REFUSED as a goal. OUTCOME_FENCED: HELD of
 * another epoch than the one that stands. OUTCOME_STORAGE_FULL: HELD of an order never heard of,
 * while stock->full. move->actor is set. */
int stock_apply(struct stock *stock, const struct move *move, struct move_reply *ret);

/* From here on refuses HELD of every epoch but this one, and lists what is held with an intent for
 * orders after fence->after, a page at a time. A damaged record ends its page, is named in
 * stock->damage and passed over by the next. OUTCOME_FENCED: a later epoch has been stated. */
int stock_fence(struct stock *stock, const struct fence *fence, struct fence_reply *ret);

/* Makes `available` what it is told; the difference counts as received. Makes the level of a book
 * not seen before. No change, no write. OUTCOME_BAD_REQUEST: past LEVEL_MAX. set->actor is set. */
int stock_set(struct stock *stock, const struct level_set *set, struct level *ret);

/* Changes `available` and `received` by add->quantity. OUTCOME_INSUFFICIENT_STOCK: it would go
 * below 0; OUTCOME_BAD_REQUEST: by 0, or past LEVEL_MAX. add->actor is set.
 *
 * Under an idempotency key of the last 24 hours nothing changes: the level right after the first
 * one again, or OUTCOME_IDEMPOTENCY_MISMATCH for another book or quantity. */
int stock_add(struct stock *stock, const struct level_add *add, struct level *ret);

/* OUTCOME_BOOK_NOT_FOUND: no stock of it was ever set or added. */
int stock_show(struct stock *stock, const struct level_ref *ref, struct level *ret);

/* OUTCOME_RESERVATION_NOT_FOUND. */
int stock_reservation(struct stock *stock, const struct reservation_ref *ref,
	struct reservation *ret);

/* By ascending id. range->limit is at least 1; a page of reservations is also cut short where it
 * would hold more than 10,000 lines. */
int stock_list(struct stock *stock, const struct range *range, struct level_list *ret);
int stock_reservations(struct stock *stock, const struct range *range,
	struct reservation_list *ret);
