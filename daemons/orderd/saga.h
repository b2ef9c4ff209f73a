#pragma once

#include "failpoint.h"
#include "order.h"

/* Sagas, the durable half: one record an order holds the newest goal that stockd has not
 * confirmed. It is written in the transaction of the change that wants it and deleted when stockd's
 * answer says that the reservation has got there; what is left over after a crash is sent again. An
 * order that is being made has none: its reservation itself is what is left.
 *
 * A stock command states a goal under a version, and stockd takes a reservation only to a higher
 * one: a command may be lost, doubled, late or overtaken. */

enum { PEER_CATALOGD, PEER_STOCKD, PEER_FENCE };

struct saga {
	uint64_t order_id;
	enum saga_step step; /* COMPENSATING, COMMITTING or RETURNING */
	uint64_t version;
	int64_t created_at;
};

bool saga_get(struct tick *tick, uint64_t order_id, struct saga *ret);
void saga_put(struct tick *tick, const struct saga *saga);
void saga_delete(struct tick *tick, uint64_t order_id);

/* The next open saga after `after`, in the order of their orders. */
bool saga_next(struct tick *tick, uint64_t after, struct saga *ret);

/* The next one of these and of the orders that are being made. */
bool saga_next_of_all(struct tick *tick, uint64_t after, struct saga *ret);

/* Tells stockd the saga's goal, after the commit. */
void saga_send(struct tick *tick, const struct saga *saga);

/* The failpoints of a step: saga.STEP at once, saga.STEP.committed after the commit and before what
 * it sends. `step` outlives the tick. */
void saga_fail(struct tick *tick, const char *step);

static inline void saga_pass(struct tick *tick, const char *step)
{
	if (__builtin_expect(failpoints_on, false))
		saga_fail(tick, step);
}

int handle_saga_list(struct tick *tick, const void *request, void *reply);
int handle_saga_show(struct tick *tick, const void *request, void *reply);
int handle_saga_retry(struct tick *tick, const void *request, void *reply);
