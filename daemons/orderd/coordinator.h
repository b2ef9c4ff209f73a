#pragma once

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "alarm.h"
#include "draft.h"
#include "saga.h"

/* Sagas, the memory half: who waits for each, when to try again, when to give up.
 *
 * It is rebuilt from the table of sagas at start and changes only after a commit: every function
 * here that changes something takes effect then. Handlers read it to learn who waits; what they
 * decide, they decide by the transaction. */

#define SAGAS_IN_MEMORY 65536 /* the others wait in the table until there is room */
#define DRAFT_FIRST (UINT64_C(1) << 62)

struct open_saga {
	uint64_t number; /* the order's id; while pricing a draft's number, from DRAFT_FIRST on */
	enum saga_step step;
	int64_t attempts;
	int last_outcome;
	int64_t try_at_ms;  /* monotonic: the next repeat */
	int64_t give_up_ms; /* monotonic; 0: never */
	int64_t settle_ms; /* monotonic: those who wait are told that stock is to follow; 0: not set */
	int64_t deadline_ms; /* monotonic, the client's own; 0: none */
	uint64_t handled;    /* serial of the tick that has dealt with its draft */
	struct waiter *waiters;
	size_t waiter_count;
	struct draft *draft; /* while pricing */
	struct alarm alarm;
	UT_hash_handle hh;
};

struct coordinator;

/* Drafts are numbered from `now_ms` on, so that those of an earlier run are not taken for theirs.
 * NULL: no memory. */
struct coordinator *coordinator_new(int64_t now_ms);
void coordinator_free(struct coordinator *coordinator);

const struct open_saga *coordinator_find(const struct tick *tick, uint64_t number);

/* Whether somebody may begin to wait for that saga. Those for whom nobody waits find room or are
 * loaded later; those for whom somebody does must find some. */
bool coordinator_has_room(const struct tick *tick, uint64_t number);

uint64_t coordinator_draft_number(struct tick *tick); /* a new one */

/* Enters what the table holds, as far as there is room; at start and when room was short. */
void coordinator_load(struct tick *tick);

/* A saga begins, or an open one turns to another step: `open` says number, step, and what of the
 * times is set. `waiter` joins those who wait. */
void coordinator_open(struct tick *tick, const struct open_saga *open, struct waiter waiter);

/* A draft is copied and waits for its prices. */
void coordinator_open_draft(struct tick *tick, const struct open_saga *open,
	const struct draft *draft, struct waiter waiter);

/* The draft has become an order: those who wait for it wait for the order now. */
void coordinator_become(struct tick *tick, uint64_t draft, const struct open_saga *open);

void coordinator_join(struct tick *tick, uint64_t number, struct waiter waiter);
void coordinator_retried(struct tick *tick, uint64_t number, int outcome);
void coordinator_settled(struct tick *tick, uint64_t number); /* nobody waits any more */
void coordinator_close(struct tick *tick, uint64_t number);

/* Whether anybody waits for it, those of this tick included. */
bool coordinator_is_awaited(const struct tick *tick, uint64_t number);

/* Answers all who wait for it, those of this tick included. */
void coordinator_answer(struct tick *tick, uint64_t number, int outcome, const char *message,
	const struct orderd_order *order);

/* Calls `act` for every saga whose time has come, a bounded number a tick. */
void coordinator_run(struct tick *tick, void (*act)(struct tick *, const struct open_saga *));

/* Where the forgetting of idempotency keys stands in memory. It may be changed at once: it decides
 * nothing but when to look again. */
struct pruning {
	int64_t next_ms;        /* monotonic */
	uint64_t damaged_order; /* met on the way, and passed over from then on */
};
struct pruning *coordinator_pruning(const struct tick *tick);

/* For struct program. */
int64_t coordinator_wake(const void *state, int64_t monotonic_ms);
