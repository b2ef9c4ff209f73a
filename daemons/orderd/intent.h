#pragma once

#include "order.h"

/* The order that is to be, as stockd keeps it with the reservation: whatever becomes of orderd in
 * between, the order can be made of it. */
struct intent {
	uint64_t body; /* of the idempotency record, see idempotency.h */
	struct order order;
};

/* A copy in one block, with its items and texts, to be freed by the caller. NULL: no memory. */
struct intent *intent_copy(const struct intent *from);

/* The bytes that travel, in the arena. NULL: no memory. */
const void *intent_pack(struct arena *arena, const struct intent *intent, size_t *ret_size);

/* 0; -EUCLEAN: no intent; -ENOMEM. Texts live in the arena. */
int intent_read(struct tick *tick, uint64_t order_id, const void *bytes, size_t size,
	struct intent *ret);
