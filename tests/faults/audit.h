#pragma once

#include "host.h"

/* All that the daemons hold, as their own lists tell it, and what has to be true of it.
 *
 * Always, for every book: available + reserved + sold = received, none below 0; reserved and sold
 * are what the reservations add up to; the journal has no gap, adds up to received and ends where
 * the level stands. Every order's total is the sum of its lines, no number stands twice, the event
 * log has no gap and leads to what the orders are.
 *
 * At rest besides: no saga is open, and every order has exactly the reservation that its state
 * asks for, none is left over. */

struct picture {
	struct arena *arena;
	struct level *levels; /* each list by ascending id */
	struct reservation *reservations;
	struct movement *movements;
	struct orderd_order *orders;
	struct orderd_event *events;
	struct saga_info *sagas;
	size_t level_count, reservation_count, movement_count, order_count, event_count, saga_count;
	char why[256]; /* what is wrong */
};

/* Asks for everything, within the host's time. 0, or -errno with picture->why. picture_done in any
 * case. */
int picture_take(struct host *host, struct picture *ret);
void picture_done(struct picture *picture);

const struct orderd_order *picture_order(const struct picture *picture, uint64_t order_id);

/* False, and picture->why says the first thing that is wrong. */
bool audit_always(struct picture *picture);
bool audit_at_rest(struct picture *picture);

/* Lets time pass until nothing is open and nobody waits, at most so much. False: something still
 * is. */
bool audit_wait_for_rest(struct host *host, int64_t most_ms);
