#pragma once

#include "order.h"

/* Whether stockd has room for new reservations, as far as orderd has heard.
 *
 * It is looked at before an order is asked of stockd: a client of a full one hears at once, and
 * nothing has to be given back. Once in STOCK_ROOM_TRY_MS one order is asked all the same, so each
 * of these costs both stores no more than one saga in that time. */

#define STOCK_ROOM_TRY_MS 100

/* In memory, and changed at once: it decides nothing but what is asked. */
struct stock_room {
	int64_t try_at_ms; /* monotonic; 0: it has room */
};

/* What stockd has answered, be it to a whole frame. */
void stock_room_heard(struct tick *tick, int outcome);

/* By the last that was heard. */
bool stock_is_full(const struct tick *tick);

/* Whether an order may be asked of stockd: it has room, or it is time to try. */
bool stock_room_try(struct tick *tick);

#define STOCK_FULL_MESSAGE "stockd's store or its disk is full" /* of OUTCOME_STORAGE_FULL */
