#include "condition.h"

#include <inttypes.h>

void condition_set(struct condition *condition, enum condition_state state)
{
	static const char *const names[] = { "up", "degraded", "not ready", "down" };

	condition->state = state;
	condition->state_name = names[state];
}

static int64_t store_percent(const struct health *health)
{
	return health->store_size_max_bytes > 0
		? health->store_used_bytes / (health->store_size_max_bytes / 100 + 1)
		: 0;
}

/* The first thing that is amiss with a daemon that serves, or NULL. */
static const char *trouble(const struct condition *condition, struct arena *arena)
{
	const struct health *health = &condition->health;

	if (store_percent(health) >= STORE_FULL_PERCENT)
		return arena_print(arena, "the store is %" PRId64 " %% full: raise store_size_max",
			store_percent(health));
	if (condition->saga_age_ms >= SAGA_OLD_MS)
		return arena_print(arena,
			"a saga is open for %" PRId64 " s: see orderctl saga list",
			condition->saga_age_ms / 1000);
	if (condition->deadline_late_ms >= DEADLINE_LATE_MS)
		return arena_print(arena, "a deadline is %" PRId64 " s overdue: is reaperd well?",
			condition->deadline_late_ms / 1000);
	return health->reason && *health->reason ? health->reason : NULL;
}

static int64_t age(int64_t since_ms, int64_t now_ms)
{
	return since_ms > 0 && since_ms < now_ms ? now_ms - since_ms : 0;
}

void condition_judge(struct condition *condition, struct arena *arena, int64_t now_ms)
{
	struct health *health = &condition->health;

	condition->saga_age_ms = age(health->oldest_saga_at, now_ms);
	condition->deadline_late_ms = age(health->next_deadline_at, now_ms);
	condition->reason = trouble(condition, arena);
	if (!health->ready) {
		condition_set(condition, CONDITION_NOT_READY);
		condition->reason = health->reason;
	} else {
		condition_set(condition, condition->reason ? CONDITION_DEGRADED : CONDITION_UP);
	}
}
