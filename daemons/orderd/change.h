#pragma once

#include "coordinator.h"
#include "order.h"
#include "saga.h"

/* Changes of an order's state, after it was made: by a person, by its deadline. The new state is
 * durable first; what stockd has to make of it follows as an open saga and is repeated until
 * stockd confirms. Whoever asked waits for that a moment, then is told that stock is to follow.
 *
 * orderd is one writer: payment and expiry are decided by the order of two transactions. */

int handle_order_set_status(struct tick *tick, const void *request, void *reply);
int handle_order_cancel(struct tick *tick, const void *request, void *reply);
int handle_order_expire(struct tick *tick, const void *request, void *reply);

/* stockd's answer for any open saga. */
int change_settled(struct tick *tick, uint64_t order_id, int outcome, const char *message,
	const void *result);

/* Time has come for an open saga. */
void change_act(struct tick *tick, const struct open_saga *open);
