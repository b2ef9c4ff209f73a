#pragma once

#include "order.h"

/* Orders whose entry in the users table is still to be written.
 *
 * The table is ordered by user, so each new order dirties a page of its own. Under load the entries
 * are gathered in memory, sorted by user, and written a slice a tick: thousands of orders share
 * their pages. The table is derived from the orders: from a mark on, a start finds those that have
 * no entry. Whoever lists a user's orders has that user's written first. */

#define UNLISTED_CHAINS 4096

struct unlisted_order {
	uint64_t user_id;
	uint64_t order_id;
	uint32_t next; /* of its chain, as there; while the batch is filled */
};

struct unlisted_newcomer {
	struct unlisted_order order;
	const struct unlisted_newcomer *before;
};

struct unlisted_batch {
	struct unlisted_order *orders;
	size_t count, room;
	uint64_t lowest_id;
};

struct unlisted {
	struct unlisted_batch filling;
	/* Of users with the same remainder, the latest order: 1 + its index, 0: none. */
	uint32_t chains[UNLISTED_CHAINS];
	struct unlisted_batch sorted; /* by user */
	size_t written;               /* of `sorted` */
	uint64_t mark;                /* every order up to it is in the table */
	int64_t next_ms;              /* monotonic */
	/* Of the tick with that serial, of its arena: a batch has them after the commit. */
	const struct unlisted_newcomer *newcomers;
	uint64_t serial;
};

#define UNLISTED_MARK "listed_orders" /* the counter that keeps the mark */

/* At start: finds the orders behind the mark that have no entry. */
void unlisted_open(struct tick *tick);
void unlisted_done(struct unlisted *unlisted);

/* Gathers an order that is made in this tick. False: it is to be listed at once. */
bool unlisted_add(struct tick *tick, uint64_t user_id, uint64_t order_id);

/* Writes the next slice; in how many ms there is more to do, -1: nothing. */
int64_t unlisted_write(struct tick *tick);

/* Writes all of one user's. False: the store takes nothing, and the list has not all of them. */
bool unlisted_write_user(struct tick *tick, uint64_t user_id);
