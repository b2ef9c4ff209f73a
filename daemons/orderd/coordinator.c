#include "coordinator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AWAITED_MAX 8192 /* above SAGAS_IN_MEMORY: what one tick may bring that is waited for */
#define DUE_MAX 512      /* sagas whose time has come, in one tick */
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS 5000

/* Somebody who began to wait in the tick in hand: memory learns of it only after the commit. */
struct newcomer {
	uint64_t number;
	struct waiter waiter;
};

struct coordinator {
	struct open_saga *sagas;
	struct alarms alarms;
	uint64_t drafts;
	bool short_of_room;
	uint64_t damaged_saga; /* what undid the last run, 0: nothing */
	struct pruning pruning;
	struct newcomer *newcomers;
	size_t newcomer_count, newcomer_room;
	uint64_t newcomer_serial; /* of their tick */
};

struct coordinator *coordinator_new(int64_t now_ms)
{
	struct coordinator *coordinator = calloc(1, sizeof(*coordinator));

	if (coordinator && now_ms > 0)
		coordinator->drafts = (uint64_t)now_ms << 16;
	return coordinator;
}

static void open_saga_free(struct open_saga *open)
{
	free(open->waiters);
	free(open->draft);
	free(open);
}

void coordinator_free(struct coordinator *coordinator)
{
	struct open_saga *open, *next;

	if (!coordinator)
		return;
	HASH_ITER(hh, coordinator->sagas, open, next) {
		HASH_DEL(coordinator->sagas, open);
		open_saga_free(open);
	}
	alarms_done(&coordinator->alarms);
	free(coordinator->newcomers);
	free(coordinator);
}

static struct open_saga *find(const struct coordinator *coordinator, uint64_t number)
{
	struct open_saga *open;

	HASH_FIND(hh, coordinator->sagas, &number, sizeof(number), open);
	return open;
}

const struct open_saga *coordinator_find(const struct tick *tick, uint64_t number)
{
	return find(tick->state, number);
}

bool coordinator_has_room(const struct tick *tick, uint64_t number)
{
	const struct coordinator *coordinator = tick->state;

	return HASH_COUNT(coordinator->sagas) < SAGAS_IN_MEMORY || find(coordinator, number);
}

uint64_t coordinator_draft_number(struct tick *tick)
{
	struct coordinator *coordinator = tick->state;

	return DRAFT_FIRST + coordinator->drafts++;
}

/* --- who came in this tick ------------------------------------------------------------------ */

static size_t newcomer_count(const struct tick *tick)
{
	const struct coordinator *coordinator = tick->state;

	return coordinator->newcomer_serial == tick->serial ? coordinator->newcomer_count : 0;
}

static void newcomer_add(struct tick *tick, uint64_t number, struct waiter waiter)
{
	struct coordinator *coordinator = tick->state;
	size_t count = newcomer_count(tick);
	size_t room = coordinator->newcomer_room ? 2 * coordinator->newcomer_room : 256;
	struct newcomer *newcomers = coordinator->newcomers;

	if (waiter.call == 0)
		return;
	if (count == coordinator->newcomer_room) {
		newcomers = reallocarray(newcomers, room, sizeof(*newcomers));
		if (!newcomers) {
			txn_fail(tick->txn, -ENOMEM);
			return;
		}
		coordinator->newcomers = newcomers;
		coordinator->newcomer_room = room;
	}
	newcomers[count] = (struct newcomer){ number, waiter };
	coordinator->newcomer_count = count + 1;
	coordinator->newcomer_serial = tick->serial;
}

/* --- changes, after the commit -------------------------------------------------------------- */

struct change {
	struct open_saga open;
	const struct draft *draft;
	struct waiter waiter;
	uint64_t number;
	bool awaited;
	int outcome;
	int64_t monotonic_ms;
};

static void change_after(struct tick *tick, void (*fn)(void *, void *), struct change change)
{
	struct change *kept = arena_take(tick->arena, sizeof(*kept));

	if (!kept) {
		txn_fail(tick->txn, -ENOMEM);
		return;
	}
	change.monotonic_ms = tick->monotonic_ms;
	*kept = change;
	tick_after(tick, fn, kept);
}

/* One alarm serves the repeat, the giving up and the settling: whichever comes first. */
static void alarm_update(struct coordinator *coordinator, struct open_saga *open)
{
	int64_t at_ms = open->try_at_ms;

	if (open->give_up_ms > 0 && open->give_up_ms < at_ms)
		at_ms = open->give_up_ms;
	if (open->settle_ms > 0 && open->settle_ms < at_ms)
		at_ms = open->settle_ms;
	alarm_set(&coordinator->alarms, &open->alarm, at_ms);
}

static void waiter_add(struct open_saga *open, struct waiter waiter)
{
	struct waiter *waiters;

	if (waiter.call == 0)
		return;
	waiters = reallocarray(open->waiters, open->waiter_count + 1, sizeof(waiter));
	if (!waiters)
		return;
	open->waiters = waiters;
	open->waiters[open->waiter_count++] = waiter;
}

static struct open_saga *add(struct coordinator *coordinator, uint64_t number, bool awaited)
{
	size_t room = SAGAS_IN_MEMORY + (awaited ? AWAITED_MAX : 0);
	struct open_saga *open;

	if (HASH_COUNT(coordinator->sagas) >= room || alarms_reserve(&coordinator->alarms) < 0)
		return NULL;
	open = calloc(1, sizeof(*open));
	if (!open)
		return NULL;
	open->number = number;
	HASH_ADD(hh, coordinator->sagas, number, sizeof(open->number), open);
	if (open->hh.tbl)
		return open;
	free(open);
	return NULL;
}

static void turn_to(struct coordinator *coordinator, struct open_saga *open,
	const struct change *change)
{
	open->step = change->open.step;
	open->attempts = 1;
	open->last_outcome = OUTCOME_OK;
	open->try_at_ms = change->monotonic_ms + RETRY_FIRST_MS;
	open->give_up_ms = change->open.give_up_ms;
	open->settle_ms = change->open.settle_ms;
	open->deadline_ms = change->open.deadline_ms;
	alarm_update(coordinator, open);
}

static void forget(struct coordinator *coordinator, struct open_saga *open)
{
	HASH_DEL(coordinator->sagas, open);
	alarm_clear(&coordinator->alarms, &open->alarm);
	open_saga_free(open);
}

/* A durable saga that finds no room here is in the table and loaded later. */
static void do_open(void *state, void *argument)
{
	struct coordinator *coordinator = state;
	const struct change *change = argument;
	struct open_saga *open = find(coordinator, change->open.number);

	if (!open)
		open = add(coordinator, change->open.number, change->awaited);
	if (!open) {
		coordinator->short_of_room = true;
		return;
	}
	turn_to(coordinator, open, change);
	waiter_add(open, change->waiter);
}

void coordinator_open(struct tick *tick, const struct open_saga *open, struct waiter waiter)
{
	newcomer_add(tick, open->number, waiter);
	change_after(tick, do_open,
		(struct change){ .open = *open, .waiter = waiter, .awaited = waiter.call > 0 });
}

static void do_open_draft(void *state, void *argument)
{
	const struct change *change = argument;
	struct open_saga *open;

	do_open(state, argument);
	open = find(state, change->open.number);
	if (!open)
		return;
	open->draft = draft_copy(change->draft);
	if (!open->draft) /* its clients time out and repeat */
		forget(state, open);
}

void coordinator_open_draft(struct tick *tick, const struct open_saga *open,
	const struct draft *draft, struct waiter waiter)
{
	change_after(tick, do_open_draft,
		(struct change){
			.open = *open, .draft = draft, .waiter = waiter, .awaited = true });
}

static void do_close(void *state, void *argument)
{
	struct coordinator *coordinator = state;
	const struct change *change = argument;
	struct open_saga *open = find(coordinator, change->number);

	if (open)
		forget(coordinator, open);
}

void coordinator_close(struct tick *tick, uint64_t number)
{
	change_after(tick, do_close, (struct change){ .number = number });
}

static void do_become(void *state, void *argument)
{
	const struct change *change = argument;
	struct open_saga *draft = find(state, change->number);
	struct open_saga *open;

	do_open(state, argument);
	open = find(state, change->open.number);
	if (draft && open) {
		open->waiters = draft->waiters;
		open->waiter_count = draft->waiter_count;
		draft->waiters = NULL;
	}
	do_close(state, argument);
}

void coordinator_become(struct tick *tick, uint64_t draft, const struct open_saga *open)
{
	change_after(tick, do_become,
		(struct change){ .open = *open, .number = draft, .awaited = true });
}

static void do_join(void *state, void *argument)
{
	const struct change *change = argument;
	struct open_saga *open = find(state, change->number);

	if (open)
		waiter_add(open, change->waiter);
}

void coordinator_join(struct tick *tick, uint64_t number, struct waiter waiter)
{
	newcomer_add(tick, number, waiter);
	change_after(tick, do_join, (struct change){ .number = number, .waiter = waiter });
}

static int64_t backoff_ms(int64_t attempts)
{
	int64_t wait_ms = RETRY_FIRST_MS;

	while (attempts-- > 1 && wait_ms < RETRY_MAX_MS)
		wait_ms *= 2;
	return wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
}

static void do_retried(void *state, void *argument)
{
	const struct change *change = argument;
	struct open_saga *open = find(state, change->number);

	if (!open)
		return;
	open->attempts++;
	if (change->outcome != OUTCOME_OK)
		open->last_outcome = change->outcome;
	open->try_at_ms = change->monotonic_ms + backoff_ms(open->attempts);
	alarm_update(state, open);
}

void coordinator_retried(struct tick *tick, uint64_t number, int outcome)
{
	change_after(tick, do_retried, (struct change){ .number = number, .outcome = outcome });
}

static void do_settled(void *state, void *argument)
{
	const struct change *change = argument;
	struct open_saga *open = find(state, change->number);

	if (!open)
		return;
	open->settle_ms = 0;
	open->waiter_count = 0;
	alarm_update(state, open);
}

void coordinator_settled(struct tick *tick, uint64_t number)
{
	change_after(tick, do_settled, (struct change){ .number = number });
}

bool coordinator_is_awaited(const struct tick *tick, uint64_t number)
{
	const struct coordinator *coordinator = tick->state;
	const struct open_saga *open = find(coordinator, number);
	bool awaited = open && open->waiter_count > 0;

	for (size_t i = 0; i < newcomer_count(tick) && !awaited; i++)
		awaited = coordinator->newcomers[i].number == number;
	return awaited;
}

void coordinator_answer(struct tick *tick, uint64_t number, int outcome, const char *message,
	const struct orderd_order *order)
{
	const struct coordinator *coordinator = tick->state;
	const struct open_saga *open = find(coordinator, number);

	for (size_t i = 0; open && i < open->waiter_count; i++)
		tick_answer(tick, open->waiters[i], outcome, message, &order_record, order);
	for (size_t i = 0; i < newcomer_count(tick); i++)
		if (coordinator->newcomers[i].number == number)
			tick_answer(tick, coordinator->newcomers[i].waiter, outcome, message,
				&order_record, order);
}

/* --- time ----------------------------------------------------------------------------------- */

static void do_room(void *state, void *argument)
{
	struct coordinator *coordinator = state;

	(void)argument;
	coordinator->short_of_room = false;
}

static void do_shortage(void *state, void *argument)
{
	struct coordinator *coordinator = state;

	(void)argument;
	coordinator->short_of_room = true;
}

/* What has come into memory in the meantime knows more than the table. */
static void do_load(void *state, void *argument)
{
	const struct change *change = argument;

	if (!find(state, change->open.number))
		do_open(state, argument);
}

void coordinator_load(struct tick *tick)
{
	const struct coordinator *coordinator = tick->state;
	size_t room = SAGAS_IN_MEMORY - HASH_COUNT(coordinator->sagas);
	struct saga saga = { 0 };

	tick_after(tick, do_room, NULL);
	while (room > 0 && saga_next(tick, saga.order_id, &saga)) {
		struct open_saga open = { .number = saga.order_id, .step = saga.step };

		if (coordinator_find(tick, saga.order_id))
			continue;
		if (saga.step == SAGA_RESERVING)
			open.give_up_ms = tick->monotonic_ms + settings_of(tick)->stock_timeout_ms;
		saga_send(tick, &saga);
		change_after(tick, do_load, (struct change){ .open = open });
		room--;
	}
	if (room == 0)
		tick_after(tick, do_shortage, NULL);
}

/* A saga that cannot be read undoes the whole run: it is left alone for a while, the others not. */
static void put_damaged_off(struct coordinator *coordinator, int64_t monotonic_ms)
{
	struct open_saga *open = find(coordinator, coordinator->damaged_saga);

	coordinator->damaged_saga = 0;
	if (!open)
		return;
	open->last_outcome = OUTCOME_CORRUPT_RECORD;
	alarm_set(&coordinator->alarms, &open->alarm, monotonic_ms + RETRY_MAX_MS);
}

void coordinator_run(struct tick *tick, void (*act)(struct tick *, const struct open_saga *))
{
	struct coordinator *coordinator = tick->state;
	struct alarm *due[DUE_MAX];
	size_t count;

	put_damaged_off(coordinator, tick->monotonic_ms);
	count = alarms_due(&coordinator->alarms, tick->monotonic_ms, due, DUE_MAX);
	for (size_t i = 0; i < count && txn_error(tick->txn) == 0; i++) {
		const struct open_saga *open =
			(struct open_saga *)((char *)due[i] - offsetof(struct open_saga, alarm));

		act(tick, open);
		if (txn_error(tick->txn) == -EUCLEAN)
			coordinator->damaged_saga = open->number;
	}
	if (coordinator->short_of_room && HASH_COUNT(coordinator->sagas) < SAGAS_IN_MEMORY / 2)
		coordinator_load(tick);
}

struct pruning *coordinator_pruning(const struct tick *tick)
{
	struct coordinator *coordinator = tick->state;

	return &coordinator->pruning;
}

int64_t coordinator_wake(const void *state, int64_t monotonic_ms)
{
	const struct coordinator *coordinator = state;
	int64_t wait_ms;

	if (coordinator->alarms.count == 0)
		return -1;
	wait_ms = coordinator->alarms.heap[1]->at_ms - monotonic_ms;
	return wait_ms > 0 ? wait_ms : 0;
}
