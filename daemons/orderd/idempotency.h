#pragma once

#include "order.h"

/* Idempotency keys of order.create: one key and body, one order, for key_retention after it was
 * made. The record is written with the order; while one is being made under a key, coordinator.h
 * knows of it. A refused request leaves none. Keys are a user's own: two users may use the same. */

struct key_record {
	uint64_t order_id;
	uint64_t body; /* hash of what was asked for */
	int64_t created_at;
};

/* Of all that was asked for but the key: user, lines in their order, how long it is to live. */
int create_body_hash(const struct orderd_create *create, uint64_t *ret); /* 0 or -errno */

/* False: no such key, or it has outlived its time. */
bool idempotency_get(struct tick *tick, uint64_t user_id, const char *key, struct key_record *ret);
void idempotency_put(struct tick *tick, uint64_t user_id, const char *key,
	const struct key_record *record);

/* Deletes the record of that order, unless a younger order has taken the key over since. */
void idempotency_delete(struct tick *tick, uint64_t user_id, const char *key, uint64_t order_id);

/* Where the forgetting of keys stands in memory. It may be changed at once: it decides nothing but
 * when to look again. */
struct pruning {
	int64_t next_ms;        /* monotonic */
	uint64_t damaged_order; /* met on the way, and passed over from then on */
};

/* Deletes records that have outlived their time, a bounded number a call. True: more are left. */
bool idempotency_prune(struct tick *tick);
