#pragma once

#include <stdint.h>

#include "protocol.h"

/* A request that is being priced: nothing of it is durable yet. */
struct draft {
	struct orderd_create create; /* its texts and lines live with it */
	uint64_t body;               /* create_body_hash */
};

/* A copy in one block, with its lines and texts, to be freed by the caller. NULL: no memory. */
struct draft *draft_copy(const struct draft *from);
