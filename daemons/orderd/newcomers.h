#pragma once

#include "service.h"

/* What came in the tick in hand, before memory learns of it after the commit: who began to wait, and
 * which idempotency keys were taken. A tick that is undone and run again starts with none. */

struct newcomer { /* waits for saga `number` */
	uint64_t number;
	struct waiter waiter;
};

struct claim { /* a user's key, under which `number` is being made */
	uint64_t number;
	uint64_t body;
	const void *bytes;
	size_t size;
	uint64_t hash;
};

struct newcomers {
	uint64_t serial; /* of their tick */
	struct newcomer *waiters;
	size_t waiter_count, waiter_room;
	uint64_t lowest; /* number that one of them waits for */
	struct claim *claims;
	size_t claim_count, claim_room;
};

void newcomers_done(struct newcomers *newcomers);

/* Of no memory the transaction hears. */
void newcomers_wait(struct newcomers *newcomers, struct tick *tick, uint64_t number,
	struct waiter waiter);
void newcomers_claim(struct newcomers *newcomers, struct tick *tick, struct claim claim);

/* Those of this tick, among whom are all who wait for `number`; 0 where none does. */
const struct newcomer *newcomers_of(const struct newcomers *newcomers, const struct tick *tick,
	uint64_t number, size_t *ret_count);

/* The newest of this tick with those bytes, or NULL. */
const struct claim *newcomers_claimed(const struct newcomers *newcomers, const struct tick *tick,
	const void *bytes, size_t size);
