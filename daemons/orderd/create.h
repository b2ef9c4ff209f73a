#pragma once

#include "coordinator.h"

/* The Saga of order.create, arrow by arrow:
 *
 *   request -> priced, from memory or by catalogd -> stockd asked to hold the lines, with the intent
 *           -> answered -> the order's record committed, with all that goes with it
 *
 * Nothing is durable before stockd's commit, and with it the whole order is: the reservation carries
 * the intent. So the client hears as soon as stockd has answered, and the records of many orders are
 * written together, a few ms later or before anybody could miss them. A crash before stockd's commit
 * leaves nothing; after it, the next start takes the intent up (fence.h). Without an answer from
 * stockd in time the saga turns to compensating, durably, and asks for the lines' return until
 * stockd confirms; the client hears at once. */

#define GATHER_MS \
	10 /* so long the record of an order that is answered may wait for those of others */

int handle_order_create(struct tick *tick, const void *request, void *reply);

/* catalogd's answer for a draft. */
int create_priced(struct tick *tick, uint64_t number, int outcome, const char *message,
	const void *result);

/* stockd's answer for an order that is being made; `move` is NULL unless outcome is 0. */
void create_reserved(struct tick *tick, const struct open_saga *open, int outcome,
	const struct move_reply *move);

/* An earlier run has made this order: stockd holds its lines. A draft under its key is its repeat. */
void create_take_up(struct tick *tick, const struct intent *intent);

/* Writes the records of orders whose lines are held: now, or once the first has waited long enough. */
void create_write(struct tick *tick, bool now);

/* Time has come for a draft or an order that is being made: ask again, give up, or write. */
void create_act(struct tick *tick, const struct open_saga *open);
