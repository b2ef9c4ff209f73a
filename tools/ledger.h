#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "protocol.h"

/* What the daemons say about stock and orders, put side by side. The invariants of the suite are
 * checked book by book and order by order:
 *   a level is what its journal adds up to, none of its parts is below 0, and their sum is what was
 *   received;
 *   a reservation holds what its order's movements in the journal come to;
 *   an order's items are its reservation's, in the state that belongs to the order's status; its
 *   total is the sum of its items; no stock is held or sold for an order that is not there.
 * Together they say that `reserved` is the sum of what is HELD, and `sold` of what is SOLD.
 *
 * The suite runs meanwhile. A level is read before its journal: some line of the journal must then
 * show that very level. Everything else that disagrees has to be read again. */

struct ledger_book {
	uint64_t book_id;
	struct level level;
	bool has_level, has_book;
	bool seen;          /* the journal shows that level */
	unsigned suspected; /* for the caller to count in */
	bool broken;        /* a line of the journal does not follow from the one before */
	struct level last;  /* after the newest line; received: the sum of set and add */
};

struct ledger_order {
	uint64_t order_id;
	bool has_order, has_reservation;
	bool total_is_wrong;
	bool in_transit; /* has an open saga */
	unsigned suspected;
	enum orderd_status status;
	enum goal state;
	/* Sums over lines that tell one set of lines from another: of the order's, the
	 * reservation's, and of what the journal holds and has sold for it. */
	uint64_t wanted, reserved, held, sold;
};

struct ledger;

struct ledger *ledger_new(void); /* NULL: no memory */
void ledger_free(struct ledger *ledger);

/* Each enters one record, over an older one of the same id. 0 or -ENOMEM. */
int ledger_book_known(struct ledger *ledger, const struct book *book);
int ledger_level(struct ledger *ledger, const struct level *level);
int ledger_movement(struct ledger *ledger, const struct movement *movement);
int ledger_order(struct ledger *ledger, const struct orderd_order *order);
int ledger_reservation(struct ledger *ledger, const struct reservation *reservation);
int ledger_saga(struct ledger *ledger, const struct saga_info *saga);

/* The sagas are about to be read again. */
void ledger_forget_sagas(struct ledger *ledger);

/* Walks all entries; take returns 0 to go on. */
int ledger_books_each(struct ledger *ledger, int (*take)(void *, struct ledger_book *),
	void *context);
int ledger_orders_each(struct ledger *ledger, int (*take)(void *, struct ledger_order *),
	void *context);

/* What disagrees, as a sentence in the arena; NULL: nothing. */
const char *ledger_check_book(struct arena *arena, const struct ledger_book *book);
const char *ledger_check_order(struct arena *arena, const struct ledger_order *order);
