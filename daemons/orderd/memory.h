#pragma once

#include "fence.h"
#include "idempotency.h"
#include "number.h"
#include "stock_room.h"
#include "unlisted.h"

/* All that orderd has in memory: tick->state. It is made anew at start from the table and from what
 * stockd answers, and decides nothing that the transaction could decide. */

struct coordinator;
struct prices;

struct memory {
	struct coordinator *coordinator;
	struct prices *prices;
	struct numbering numbering;
	struct fence_state fence;
	struct pruning pruning;
	struct unlisted unlisted;
	struct stock_room stock_room;
};

static inline struct memory *memory_of(const struct tick *tick)
{
	return tick->state;
}
