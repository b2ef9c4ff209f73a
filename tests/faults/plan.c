#include "plan.h"

#include <string.h>

const char *const item_names[ITEM_KINDS] = {
	[ITEM_CREATE] = "create",
	[ITEM_CREATE_OTHER] = "create-other",
	[ITEM_CREATE_HUGE] = "create-huge",
	[ITEM_PAY] = "pay",
	[ITEM_CANCEL] = "cancel",
	[ITEM_SHIP] = "ship",
	[ITEM_EXPIRE] = "expire",
	[ITEM_GET] = "get",
	[ITEM_LIST] = "list",
	[ITEM_LOOK] = "look",
	[ITEM_RETRY] = "retry",
	[ITEM_ADD] = "add",
	[ITEM_SET] = "set",
	[ITEM_PRICE] = "price",
	[ITEM_BAD] = "bad",
	[ITEM_BURST] = "burst",
	[ITEM_CROWD] = "crowd",
	[ITEM_CRASH] = "crash",
	[ITEM_STALL] = "stall",
	[ITEM_DROP] = "drop",
	[ITEM_DOUBLE] = "double",
	[ITEM_DELAY] = "delay",
	[ITEM_CUT] = "cut",
	[ITEM_CLOCK] = "clock",
	[ITEM_FULL] = "full",
	[ITEM_BROKEN] = "broken",
};

static const unsigned char weights[ITEM_KINDS] = {
	[ITEM_CREATE] = 90,
	[ITEM_CREATE_OTHER] = 5,
	[ITEM_CREATE_HUGE] = 1,
	[ITEM_PAY] = 60,
	[ITEM_CANCEL] = 16,
	[ITEM_SHIP] = 6,
	[ITEM_EXPIRE] = 5,
	[ITEM_GET] = 20,
	[ITEM_LIST] = 8,
	[ITEM_LOOK] = 8,
	[ITEM_RETRY] = 3,
	[ITEM_ADD] = 10,
	[ITEM_SET] = 3,
	[ITEM_PRICE] = 12,
	[ITEM_BAD] = 6,
	[ITEM_CRASH] = 40,
	[ITEM_STALL] = 10,
	[ITEM_DROP] = 18,
	[ITEM_DOUBLE] = 10,
	[ITEM_DELAY] = 16,
	[ITEM_CUT] = 12,
	[ITEM_CLOCK] = 6,
	[ITEM_FULL] = 4,
	[ITEM_BROKEN] = 6,
};

static enum item_kind kind_choose(struct random *random, enum item_kind from, enum item_kind to)
{
	int64_t sum = 0, at;

	for (int kind = from; kind < (int)to; kind++)
		sum += weights[kind];
	at = random_below(random, sum);
	for (int kind = from; kind < (int)to; kind++) {
		at -= weights[kind];
		if (at < 0)
			return (enum item_kind)kind;
	}
	return from;
}

/* Those are dear: few seeds have one. */
static void plan_add(struct plan *plan, struct random *random, enum item_kind kind, int64_t percent)
{
	if (random_chance(random, percent))
		plan->items[random_below(random, (int64_t)plan->count)].kind = kind;
}

void plan_make(struct plan *plan, uint64_t seed)
{
	static const int64_t gaps_ms[] = { 2, 10, 40, 200 };
	static const int64_t timeouts_ms[] = { 300, 1000, 3000, 5000 };
	struct random random = random_from(seed, 0);
	int64_t gap_ms = gaps_ms[random_below(&random, 4)];
	int64_t faults = random_between(&random, 2, 45);
	int64_t at_ms = 100;

	memset(plan, 0, sizeof(*plan));
	plan->calm = random_chance(&random, 12);
	plan->ageing = random_chance(&random, 3);
	plan->books = (unsigned)random_between(&random, 1, 4);
	plan->payment_timeout_ms = random_between(&random, 1000, 12000);
	plan->catalog_timeout_ms = timeouts_ms[random_below(&random, 4)];
	plan->stock_timeout_ms = timeouts_ms[random_below(&random, 4)];
	plan->settle_wait_ms = random_chance(&random, 20) ? 0 : 250;
	plan->count = (size_t)random_between(&random, 10, 90);
	for (size_t i = 0; i < plan->count; i++) {
		bool fault = !plan->calm && random_chance(&random, faults);

		at_ms += random_below(&random, 2 * gap_ms + 1);
		plan->items[i] = (struct item){
			.at_ms = at_ms,
			.kind = fault ? kind_choose(&random, ITEM_FAULTS, ITEM_KINDS)
				      : kind_choose(&random, ITEM_CREATE, ITEM_FAULTS),
			.seed = random_next(&random),
		};
	}
	plan_add(plan, &random, ITEM_BURST, 2);
	plan_add(plan, &random, ITEM_CROWD, 5);
}
