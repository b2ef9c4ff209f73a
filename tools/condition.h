#pragma once

#include "orderctl.h"

/* How a daemon is, judged the same way by status, top and the metrics' alert rules. */

#define HEALTH_TIMEOUT_MS 2000 /* a daemon that is well answers in no time */
#define STORE_FULL_PERCENT 90
#define SAGA_OLD_MS 60000 /* stockd away for that long is worth a look */
#define DEADLINE_LATE_MS 5000

enum condition_state {
	CONDITION_UP,
	CONDITION_DEGRADED,  /* up, and something is amiss */
	CONDITION_NOT_READY, /* alive, and does not serve */
	CONDITION_DOWN,      /* no answer */
};

struct condition {
	const char *name;
	enum condition_state state;
	const char *state_name;
	struct health health; /* zeroed when it is down */
	const char *reason;   /* what is amiss; NULL: nothing */
	int64_t saga_age_ms, deadline_late_ms;
	int result; /* of the call, with its answer */
	struct answer answer;
};

/* Asks the daemon, and judges. Texts live in the arena of ctl. */
void condition_ask(struct ctl *ctl, enum neighbour who, struct condition *ret);

/* Only judges, by the health that is there: now_ms is the wall clock. */
void condition_judge(struct condition *condition, struct arena *arena, int64_t now_ms);

void condition_set(struct condition *condition, enum condition_state state);
