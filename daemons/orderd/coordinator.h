#pragma once

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "alarm.h"
#include "draft.h"
#include "intent.h"
#include "number.h"
#include "saga.h"

/* Sagas, the memory half: who waits for each, when to try again, when to give up; and of an order
 * that is being made all that there is, until stockd holds its lines and after that until its
 * record is written.
 *
 * It is rebuilt at start from the table of sagas and from what stockd holds, and changes only after
 * a commit: every function here that changes something takes effect then, but for coordinator_hold.
 * Handlers read it to learn who waits; what they decide, they decide by the transaction. */

#define SAGAS_IN_MEMORY 65536 /* the others wait in the table until there is room */
#define DRAFT_FIRST (ORDER_ID_MAX + 1)
#define CLAIM_MAX_BYTES (8 + KEY_MAX_BYTES)

struct open_saga {
	uint64_t number; /* the order's id; while pricing a draft's number, from DRAFT_FIRST on */
	enum saga_step step;
	uint64_t since_us; /* began_us of the tick in which the step began */
	int64_t attempts;
	int last_outcome;
	int64_t try_at_ms;  /* monotonic: the next repeat */
	int64_t give_up_ms; /* monotonic; 0: never */
	int64_t settle_ms; /* monotonic: those who wait are told that stock is to follow; 0: not set */
	int64_t deadline_ms; /* monotonic, the client's own; 0: none */
	uint64_t handled;    /* serial of the tick that has dealt with it */
	struct waiter *waiters;
	size_t waiter_count;
	struct draft *draft;   /* PRICING */
	struct intent *intent; /* RESERVING */
	bool held;             /* RESERVING: stockd holds its lines, its record is to be written */
	bool told;             /* its client has been told, by this run or an earlier one */
	int64_t write_at_ms;   /* held: monotonic */
	struct open_saga *prev, *next;           /* among those RESERVING, by number */
	struct open_saga *prev_held, *next_held; /* among those held, by write_at_ms */
	uint8_t claim[CLAIM_MAX_BYTES];          /* the idempotency key it is under */
	size_t claim_size;
	struct alarm alarm;
	UT_hash_handle hh, hh_claim;
};

struct coordinator;

/* Drafts are numbered from `now_ms` on, so that those of an earlier run are not taken for theirs.
 * NULL: no memory. */
struct coordinator *coordinator_new(int64_t now_ms);
void coordinator_free(struct coordinator *coordinator);

const struct open_saga *coordinator_find(const struct tick *tick, uint64_t number);

/* The first saga in RESERVING after `after`, by number; NULL: none. */
const struct open_saga *coordinator_reserving(const struct tick *tick, uint64_t after);

/* The order with that number among those held, 0: none. */
uint64_t coordinator_numbered(const struct tick *tick, const char *order_no);
size_t coordinator_reserving_count(const struct tick *tick);

/* Whether somebody may begin to wait for that saga. Those for whom nobody waits find room or are
 * loaded later; those for whom somebody does must find some. */
bool coordinator_has_room(const struct tick *tick, uint64_t number);

uint64_t coordinator_draft_number(struct tick *tick); /* a new one */

/* The draft or order that is being made under a user's key, 0: none; what was asked for, in
 * *ret_body. */
uint64_t coordinator_claimed(const struct tick *tick, uint64_t user_id, const char *key,
	uint64_t *ret_body);

/* Enters what the table holds, as far as there is room; at start and when room was short. */
void coordinator_load(struct tick *tick);

/* A saga begins, or an open one turns to another step: `open` says number, step, and what of the
 * times is set. `waiter` joins those who wait. */
void coordinator_open(struct tick *tick, const struct open_saga *open, struct waiter waiter);

/* A draft is copied and waits for its prices. */
void coordinator_open_draft(struct tick *tick, const struct open_saga *open,
	const struct draft *draft, struct waiter waiter);

/* An order is asked of stockd; `intent`, of the arena, is copied. Who waits: `waiter`, or those of `draft`, which
 * has become this order and is closed (0: none). */
void coordinator_open_intent(struct tick *tick, const struct open_saga *open,
	const struct intent *intent, struct waiter waiter, uint64_t draft);

/* What an earlier run has asked of stockd, and stockd holds. As above. */
void coordinator_take_up(struct tick *tick, const struct intent *intent, uint64_t draft);

/* stockd holds its lines: at once, for that is so whatever becomes of the tick. The record is to be
 * written by `write_at_ms`; `told`: its clients need not wait for that. The first call counts. */
void coordinator_hold(struct tick *tick, const struct open_saga *open, int64_t write_at_ms,
	bool told);

/* Calls `write` for all that are held, once the time of the first has come or when they must have
 * their records now; whether there were any. */
bool coordinator_write(struct tick *tick, bool now,
	void (*write)(struct tick *, const struct open_saga *));

/* Notes that this run of the tick has dealt with it; true: it had before. */
bool coordinator_handles(const struct tick *tick, const struct open_saga *open);

void coordinator_join(struct tick *tick, uint64_t number, struct waiter waiter);
void coordinator_retried(struct tick *tick, uint64_t number, int outcome);
void coordinator_settled(struct tick *tick, uint64_t number); /* nobody waits any more */
void coordinator_close(struct tick *tick, uint64_t number);

/* Whether anybody waits for it, those of this tick included. */
bool coordinator_is_awaited(const struct tick *tick, uint64_t number);

/* Answers all who wait for it, those of this tick included. */
void coordinator_answer(struct tick *tick, uint64_t number, int outcome, const char *message,
	const struct orderd_order *order);

/* Answers them before the commit, see tick_answer_early. */
void coordinator_answer_early(struct tick *tick, const struct open_saga *open,
	const struct orderd_order *order);

/* Calls `act` for every saga whose time has come, a bounded number a tick. */
void coordinator_run(struct tick *tick, void (*act)(struct tick *, const struct open_saga *));

/* How many are held and have no record yet. */
size_t coordinator_held_count(const struct coordinator *coordinator);

/* For want of memory something was lost that only a start finds again, or who waits for an answer,
 * whose place only a start gives back: the next tick fails. */
void coordinator_lose(struct coordinator *coordinator);

/* Memory: drafts are looked at again at once. */
void coordinator_hurry(struct coordinator *coordinator);

/* In how many ms something is due; -1: nothing is. */
int64_t coordinator_wake(const struct coordinator *coordinator, int64_t monotonic_ms);
