#include "newcomers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void newcomers_done(struct newcomers *newcomers)
{
	free(newcomers->waiters);
	free(newcomers->claims);
	*newcomers = (struct newcomers){ 0 };
}

static void start_anew(struct newcomers *newcomers, const struct tick *tick)
{
	if (newcomers->serial == tick->serial)
		return;
	newcomers->serial = tick->serial;
	newcomers->waiter_count = 0;
	newcomers->claim_count = 0;
}

/* Room for one more in a list that grows; false: no memory. */
static bool make_room(struct tick *tick, void **list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 256;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*list, more, size);
	if (!grown) {
		txn_fail(tick->txn, -ENOMEM);
		return false;
	}
	*list = grown;
	*room = more;
	return true;
}

void newcomers_wait(struct newcomers *newcomers, struct tick *tick, uint64_t number,
	struct waiter waiter)
{
	start_anew(newcomers, tick);
	if (waiter.call == 0 ||
		!make_room(tick, (void **)&newcomers->waiters, newcomers->waiter_count,
			&newcomers->waiter_room, sizeof(*newcomers->waiters)))
		return;
	if (newcomers->waiter_count == 0 || number < newcomers->lowest)
		newcomers->lowest = number;
	newcomers->waiters[newcomers->waiter_count++] = (struct newcomer){ number, waiter };
}

void newcomers_claim(struct newcomers *newcomers, struct tick *tick, struct claim claim)
{
	start_anew(newcomers, tick);
	claim.hash = XXH3_64bits(claim.bytes, claim.size);
	if (make_room(tick, (void **)&newcomers->claims, newcomers->claim_count,
		    &newcomers->claim_room, sizeof(*newcomers->claims)))
		newcomers->claims[newcomers->claim_count++] = claim;
}

const struct newcomer *newcomers_of(const struct newcomers *newcomers, const struct tick *tick,
	uint64_t number, size_t *ret_count)
{
	bool any = newcomers->serial == tick->serial && newcomers->waiter_count > 0 &&
		number >= newcomers->lowest;

	*ret_count = any ? newcomers->waiter_count : 0;
	return newcomers->waiters;
}

const struct claim *newcomers_claimed(const struct newcomers *newcomers, const struct tick *tick,
	const void *bytes, size_t size)
{
	uint64_t hash = XXH3_64bits(bytes, size);

	if (newcomers->serial != tick->serial)
		return NULL;
	for (size_t i = newcomers->claim_count; i-- > 0;) {
		const struct claim *claim = &newcomers->claims[i];

		if (claim->hash == hash && claim->size == size &&
			memcmp(claim->bytes, bytes, size) == 0)
			return claim;
	}
	return NULL;
}
