#pragma once

#include "order.h"

/* The fence: before orderd makes orders, it states a new epoch to stockd and learns what an earlier
 * run has reserved.
 *
 * An order is durable as soon as stockd holds its lines, for the reservation carries the intent;
 * orderd's own record follows. So a start takes up what is held without an order, from a mark on
 * below which every order has its record. stockd refuses what is still under way from the earlier
 * run, so the list is complete. Until then orderd changes and shows the orders it has, makes no new
 * ones, says of an order it does not know that stockd has to be heard first, and of a list that it
 * may be incomplete. */

struct fence_state {
	uint64_t epoch;
	uint64_t after; /* what comes next: reservations of orders after this one */
	bool done;
	uint64_t begun; /* serial of the tick that has begun it anew */
	int64_t attempts;
	int64_t try_at_ms; /* monotonic */
};

/* At start, and again when stockd knows of another epoch. An epoch follows the clock, so that a
 * restored copy of orderd's store does not state one that stood before. */
void fence_begin(struct tick *tick);

bool fence_is_done(const struct tick *tick);
uint64_t fence_epoch(const struct tick *tick);

/* What stockd has answered. */
int fence_answered(struct tick *tick, uint64_t ref, int outcome, const char *message,
	const void *result);

/* Asks again when it is time to. */
void fence_run(struct tick *tick);

/* Notes that every order up to that one has its record, or will never have one. */
void fence_mark(struct tick *tick, uint64_t order_id);
