#pragma once

#include "coordinator.h"
#include "memory.h"
#include "newcomers.h"

/* Shared by coordinator.c (who waits), coordinator_intents.c (orders that are being made) and
 * coordinator_time.c (what is due), and by nobody else. */

#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 5000

struct coordinator {
	struct open_saga *sagas;
	struct open_saga *claims;    /* those under an idempotency key, by it */
	struct open_saga *reserving; /* by number */
	struct open_saga *held;      /* by the time their records are to be written */
	size_t reserving_count, held_count;
	struct alarms alarms;
	uint64_t drafts;
	bool short_of_room;
	bool lost;             /* see coordinator_lose */
	uint64_t damaged_saga; /* what undid the last run, 0: nothing */
	struct newcomers newcomers;
};

static inline struct coordinator *coordinator_of(const struct tick *tick)
{
	return memory_of(tick)->coordinator;
}

static inline struct coordinator *coordinator_in(void *memory)
{
	return ((struct memory *)memory)->coordinator;
}

/* A change that waits for the commit. */
struct change {
	struct open_saga open;
	const struct draft *draft;
	const struct intent *intent;
	struct waiter waiter;
	uint64_t number;
	bool awaited;
	int outcome;
	int64_t monotonic_ms;
	uint64_t began_us;
};

void change_after(struct tick *tick, void (*fn)(void *memory, void *argument),
	struct change change);

struct open_saga *open_saga_find(const struct coordinator *coordinator, uint64_t number);
void open_saga_forget(struct coordinator *coordinator, struct open_saga *open);
void do_open(void *memory, void *argument);

/* Notes how long its step has taken; an order's in the making ends when its lines are held. */
void step_ends(struct tick *tick, uint64_t number);

/* It is no longer an order that is being made. */
void intent_end(struct coordinator *coordinator, struct open_saga *open);

void hold_end(struct coordinator *coordinator, struct open_saga *open);
void claim_drop(struct coordinator *coordinator, struct open_saga *open);

/* What undid the last run is left alone for a while, the others are not. */
void put_damaged_off(struct coordinator *coordinator, int64_t monotonic_ms);
