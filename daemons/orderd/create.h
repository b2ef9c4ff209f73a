#pragma once

#include "coordinator.h"
#include "order.h"
#include "saga.h"

/* The Saga of order.create, arrow by arrow:
 *
 *   request -> priced by catalogd (nothing durable) -> intent and idempotency key committed
 *           -> stockd asked to hold the lines -> order committed, saga closed -> answer
 *
 * A crash before the intent leaves nothing. After it, the saga is in the table and is taken up
 * again at start. Without an answer from stockd in time the saga turns to compensating, durably,
 * and asks for the lines' return until stockd confirms; the client hears at once. */

int handle_order_create(struct tick *tick, const void *request, void *reply);

/* catalogd's answer for a draft. */
int create_priced(struct tick *tick, uint64_t number, int outcome, const char *message,
	const void *result);

/* stockd's answer for an intent: the lines are held, or there was too little. */
void create_held(struct tick *tick, const struct saga *saga);
void create_refused(struct tick *tick, const struct saga *saga, const struct move_reply *move);

/* stockd knows another order by this id: orderd was restored from an older copy. */
void create_conflicts(struct tick *tick, const struct saga *saga);

/* Time has come for a draft or an intent: ask again or give up. */
void create_act(struct tick *tick, const struct open_saga *open);
