#include "coordinator_inside.h"

#include <errno.h>
#include <stddef.h>

#define DUE_MAX 512 /* sagas whose time has come, in one tick */

static void do_room(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);

	(void)argument;
	coordinator->short_of_room = false;
}

static void do_shortage(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);

	(void)argument;
	coordinator->short_of_room = true;
}

/* What has come into memory in the meantime knows more than the table. */
static void do_load(void *state, void *argument)
{
	const struct change *change = argument;

	if (!open_saga_find(coordinator_in(state), change->open.number))
		do_open(state, argument);
}

void coordinator_load(struct tick *tick)
{
	const struct coordinator *coordinator = coordinator_of(tick);
	size_t room = SAGAS_IN_MEMORY - HASH_COUNT(coordinator->sagas);
	struct saga saga = { 0 };

	tick_after(tick, do_room, NULL);
	while (room > 0 && saga_next(tick, saga.order_id, &saga)) {
		struct open_saga open = { .number = saga.order_id, .step = saga.step };

		if (coordinator_find(tick, saga.order_id))
			continue;
		saga_send(tick, &saga);
		change_after(tick, do_load, (struct change){ .open = open });
		room--;
	}
	if (room == 0)
		tick_after(tick, do_shortage, NULL);
}

void put_damaged_off(struct coordinator *coordinator, int64_t monotonic_ms)
{
	struct open_saga *open = open_saga_find(coordinator, coordinator->damaged_saga);

	coordinator->damaged_saga = 0;
	if (!open)
		return;
	open->last_outcome = OUTCOME_CORRUPT_RECORD;
	hold_end(coordinator, open);
	alarm_set(&coordinator->alarms, &open->alarm, monotonic_ms + RETRY_MAX_MS);
}

void coordinator_run(struct tick *tick, void (*act)(struct tick *, const struct open_saga *))
{
	struct coordinator *coordinator = coordinator_of(tick);
	struct alarm *due[DUE_MAX];
	size_t count;

	if (coordinator->lost)
		txn_fail(tick->txn, -ENOMEM);
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

void coordinator_lose(struct coordinator *coordinator)
{
	coordinator->lost = true;
}

void coordinator_hurry(struct coordinator *coordinator)
{
	struct open_saga *open, *next;

	HASH_ITER(hh, coordinator->sagas, open, next)
		if (open->step == SAGA_PRICING)
			alarm_set(&coordinator->alarms, &open->alarm, 0);
}

int64_t coordinator_wake(const struct coordinator *coordinator, int64_t monotonic_ms)
{
	int64_t at_ms = INT64_MAX;

	if (coordinator->alarms.count > 0)
		at_ms = coordinator->alarms.heap[1]->at_ms;
	if (coordinator->held && coordinator->held->write_at_ms < at_ms)
		at_ms = coordinator->held->write_at_ms;
	if (at_ms == INT64_MAX)
		return -1;
	return at_ms > monotonic_ms ? at_ms - monotonic_ms : 0;
}
