#pragma once

#include "protocol.h"

/* The life of an order. What is not in the list is forbidden.
 *
 *     PENDING -> PAID -> SHIPPED -> COMPLETED
 *        |         |
 *        +---------+--> CANCELLED
 */
struct step {
	enum orderd_status from;
	enum orderd_status to;
	enum goal goal;      /* what stockd is to make of the reservation; GOAL_NONE: nothing */
	enum saga_step saga; /* under which step the saga stays open until stockd has confirmed */
};

/* The legal step, or NULL. */
const struct step *step_find(enum orderd_status from, enum orderd_status to);
