#include "coordinator_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AWAITED_MAX 8192 /* above SAGAS_IN_MEMORY: what one tick may bring that is waited for */

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
	free(open->intent);
	free(open);
}

void coordinator_free(struct coordinator *coordinator)
{
	struct open_saga *open, *next;

	if (!coordinator)
		return;
	HASH_ITER(hh, coordinator->sagas, open, next) {
		if (open->claim_size > 0)
			HASH_DELETE(hh_claim, coordinator->claims, open);
		HASH_DEL(coordinator->sagas, open);
		open_saga_free(open);
	}
	alarms_done(&coordinator->alarms);
	newcomers_done(&coordinator->newcomers);
	free(coordinator);
}

struct open_saga *open_saga_find(const struct coordinator *coordinator, uint64_t number)
{
	struct open_saga *open;

	HASH_FIND(hh, coordinator->sagas, &number, sizeof(number), open);
	return open;
}

const struct open_saga *coordinator_find(const struct tick *tick, uint64_t number)
{
	return open_saga_find(coordinator_of(tick), number);
}

bool coordinator_has_room(const struct tick *tick, uint64_t number)
{
	const struct coordinator *coordinator = coordinator_of(tick);

	return HASH_COUNT(coordinator->sagas) < SAGAS_IN_MEMORY ||
		open_saga_find(coordinator, number);
}

uint64_t coordinator_draft_number(struct tick *tick)
{
	struct coordinator *coordinator = coordinator_of(tick);

	return DRAFT_FIRST + coordinator->drafts++;
}

/* --- changes, after the commit -------------------------------------------------------------- */

void change_after(struct tick *tick, void (*fn)(void *, void *), struct change change)
{
	struct change *kept = arena_take(tick->arena, sizeof(*kept));

	if (!kept) {
		txn_fail(tick->txn, -ENOMEM);
		return;
	}
	change.monotonic_ms = tick->monotonic_ms;
	change.began_us = tick->began_us;
	*kept = change;
	newcomers_wait(&coordinator_of(tick)->newcomers, tick, change.open.number, change.waiter);
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

static void waiter_add(struct coordinator *coordinator, struct open_saga *open,
	struct waiter waiter)
{
	struct waiter *waiters;

	if (waiter.call == 0)
		return;
	waiters = reallocarray(open->waiters, open->waiter_count + 1, sizeof(waiter));
	if (!waiters) {
		coordinator_lose(coordinator);
		return;
	}
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
	if (change->open.step != SAGA_RESERVING)
		intent_end(coordinator, open);
	open->step = change->open.step;
	open->since_us = change->began_us;
	open->attempts = 1;
	open->last_outcome = OUTCOME_OK;
	open->try_at_ms = change->monotonic_ms + RETRY_FIRST_MS;
	open->give_up_ms = change->open.give_up_ms;
	open->settle_ms = change->open.settle_ms;
	open->deadline_ms = change->open.deadline_ms;
	alarm_update(coordinator, open);
}

void open_saga_forget(struct coordinator *coordinator, struct open_saga *open)
{
	intent_end(coordinator, open);
	HASH_DEL(coordinator->sagas, open);
	alarm_clear(&coordinator->alarms, &open->alarm);
	open_saga_free(open);
}

void step_ends(struct tick *tick, uint64_t number)
{
	const struct open_saga *open = coordinator_find(tick, number);

	if (open && !open->held)
		tick_duration(tick, open->step, open->since_us);
}

/* A durable saga that finds no room here is in the table and loaded later. Who waits is nowhere
 * else. */
void do_open(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open = open_saga_find(coordinator, change->open.number);

	if (!open)
		open = add(coordinator, change->open.number, change->awaited);
	if (!open) {
		coordinator->short_of_room = true;
		if (change->awaited)
			coordinator_lose(coordinator);
		return;
	}
	turn_to(coordinator, open, change);
	waiter_add(coordinator, open, change->waiter);
}

void coordinator_open(struct tick *tick, const struct open_saga *open, struct waiter waiter)
{
	step_ends(tick, open->number);
	change_after(tick, do_open,
		(struct change){ .open = *open, .waiter = waiter, .awaited = waiter.call > 0 });
}

static void do_close(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open = open_saga_find(coordinator, change->number);

	if (open)
		open_saga_forget(coordinator, open);
}

void coordinator_close(struct tick *tick, uint64_t number)
{
	step_ends(tick, number);
	change_after(tick, do_close, (struct change){ .number = number });
}

static void do_join(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open = open_saga_find(coordinator, change->open.number);

	if (open)
		waiter_add(coordinator, open, change->waiter);
}

void coordinator_join(struct tick *tick, uint64_t number, struct waiter waiter)
{
	change_after(tick, do_join,
		(struct change){ .open = { .number = number }, .waiter = waiter });
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
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open = open_saga_find(coordinator, change->number);

	if (!open)
		return;
	open->attempts++;
	if (change->outcome != OUTCOME_OK)
		open->last_outcome = change->outcome;
	open->try_at_ms = change->monotonic_ms + backoff_ms(open->attempts);
	alarm_update(coordinator, open);
}

void coordinator_retried(struct tick *tick, uint64_t number, int outcome)
{
	change_after(tick, do_retried, (struct change){ .number = number, .outcome = outcome });
}

static void do_settled(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open = open_saga_find(coordinator, change->number);

	if (!open)
		return;
	open->settle_ms = 0;
	open->waiter_count = 0;
	alarm_update(coordinator, open);
}

void coordinator_settled(struct tick *tick, uint64_t number)
{
	change_after(tick, do_settled, (struct change){ .number = number });
}

bool coordinator_is_awaited(const struct tick *tick, uint64_t number)
{
	const struct coordinator *coordinator = coordinator_of(tick);
	const struct open_saga *open = open_saga_find(coordinator, number);
	bool awaited = open && open->waiter_count > 0;
	size_t count;
	const struct newcomer *newcomers =
		newcomers_of(&coordinator->newcomers, tick, number, &count);

	for (size_t i = 0; i < count && !awaited; i++)
		awaited = newcomers[i].number == number;
	return awaited;
}

static void answer_newcomers(struct tick *tick, uint64_t number, int outcome, const char *message,
	const struct orderd_order *order)
{
	size_t count;
	const struct newcomer *newcomers =
		newcomers_of(&coordinator_of(tick)->newcomers, tick, number, &count);

	for (size_t i = 0; i < count; i++)
		if (newcomers[i].number == number)
			tick_answer(tick, newcomers[i].waiter, outcome, message, &order_record,
				order);
}

void coordinator_answer(struct tick *tick, uint64_t number, int outcome, const char *message,
	const struct orderd_order *order)
{
	const struct coordinator *coordinator = coordinator_of(tick);
	const struct open_saga *open = open_saga_find(coordinator, number);

	for (size_t i = 0; open && i < open->waiter_count; i++)
		tick_answer(tick, open->waiters[i], outcome, message, &order_record, order);
	answer_newcomers(tick, number, outcome, message, order);
}

void coordinator_answer_early(struct tick *tick, const struct open_saga *open,
	const struct orderd_order *order)
{
	for (size_t i = 0; i < open->waiter_count; i++)
		tick_answer_early(tick, open->waiters[i], &order_record, order);
	answer_newcomers(tick, open->number, OUTCOME_OK, NULL, order);
}
