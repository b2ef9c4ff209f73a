#pragma once

#include "order.h"

/* The event log: one entry for each change of an order's state, numbered without a gap from 1, in
 * the transaction of the change, published after its commit. Entries of one order are chained
 * backwards from order->last_event, so a history needs no index. */

/* Appends a change to `order->wire.status` from `from` and links it to the order. */
void event_append(struct tick *tick, struct order *order, enum orderd_status from,
	const char *actor, const char *reason);

/* event.list: from the log. */
int handle_event_list(struct tick *tick, const void *request, void *reply);

/* order.history: one order's, oldest first. */
int handle_order_history(struct tick *tick, const void *request, void *reply);
