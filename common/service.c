#include "service_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "log.h"
#include "record.h"
#include "store.h"

#define STORE_RETRY_MS 500
#define READERS_CHECK_MS 60000
#define ROOM_CHECK_MS 100

int service_poison(const struct service *service)
{
	for (size_t i = 0; i < service->poison_count; i++)
		if (service->poisons[i].event == service->event &&
			service->poisons[i].part == service->part)
			return service->poisons[i].outcome;
	if (service->poison_count >= POISONS_MAX && service->event != EVENT_TIME)
		return OUTCOME_BUSY;
	return OUTCOME_OK;
}

static enum verdict poison_note(struct service *service, int outcome)
{
	struct poison poison = { service->event, service->part, outcome };

	assert(service->poison_count <= POISONS_MAX);
	service->poisons[service->poison_count++] = poison;
	return VERDICT_POISON;
}

enum verdict service_judge(struct service *service, int outcome, uint64_t writes, int *ret_outcome)
{
	const char *program = service->program->name;
	const char *what = service->operation ? service->operation->name : "a result";
	struct log_about about = { .operation = service->operation ? what : NULL };
	struct txn *txn = service->tick.txn;
	int error = txn ? txn_error(txn) : 0;

	if (error == -ENOSPC)
		return VERDICT_FULL;
	if (error == -EUCLEAN) {
		about.error = "corrupt_record";
		log_message(MESSAGE_RECORD_DAMAGED, &about, "%s: %s: a damaged record: %s", program,
			what, record_damage());
		return poison_note(service, OUTCOME_CORRUPT_RECORD);
	}
	if (error < 0 || outbox_error(service->outbox) < 0)
		return VERDICT_FATAL;
	*ret_outcome = outcome < 0 ? OUTCOME_INTERNAL : outcome;
	if (outcome == OUTCOME_OK || outcome == OUTCOME_LATER)
		return VERDICT_GOOD;
	if (outcome < 0) {
		about.error = strerrorname_np(-outcome);
		log_message(MESSAGE_OPERATION_FAILED, &about, "%s: %s: %s", program, what,
			strerror(-outcome));
	}
	if (!txn || txn_writes(txn) == writes)
		return VERDICT_GOOD;
	log_message(MESSAGE_REFUSED_AFTER_WRITE, &about, "%s: %s was refused after a write; undone",
		program, what);
	return poison_note(service, OUTCOME_INTERNAL);
}

/* --- opening and closing -------------------------------------------------------------------- */

static int store_open(struct service *service)
{
	const struct program *program = service->program;
	const struct suite_settings *suite = service->settings;
	struct db_spec spec = {
		.tables = program->tables,
		.size_max_bytes = suite->store_size_max_bytes,
	};

	if (asprintf(&service->store_dir, "%s/%s", suite->state_dir, program->store) < 0)
		return -ENOMEM;
	return db_open(&service->db, service->store_dir, &spec, DB_OWN);
}

static int watch_open(struct service *service)
{
	const struct program *program = service->program;
	const struct suite_settings *suite = service->settings;

	if (asprintf(&service->watch_dir, "%s/%s", suite->state_dir, program->watches) < 0)
		return -ENOMEM;
	service->watch = (struct watch){ service->watch_dir, program->watched_tables, NULL,
		service->tick.monotonic_ms };
	return 0;
}

static int inside_open(struct service *service)
{
	int result = 0;

	service->stats = stats_new(service->program, common_operations);
	service->calls = calls_new();
	service->outbox = outbox_new(service->program, service->stats);
	service->permit = permit_new();
	service->tick.arena = arena_new();
	if (!service->stats || !service->calls || !service->outbox || !service->permit ||
		!service->tick.arena)
		return -ENOMEM;
	service_reload(service);
	if (service->program->store)
		result = store_open(service);
	if (result == 0 && service->program->watches)
		result = watch_open(service);
	FAILPOINT("start", "opened");
	return result;
}

static int memory_open(struct service *service)
{
	const struct program *program = service->program;
	void *state = NULL;
	int result = 0;

	if (!program->open)
		return 0;
	if (program->store)
		result = txn_begin(service->db, true, &service->tick.txn);
	if (result < 0)
		return result;
	result = program->open(&service->tick, &state);
	service->tick.state = state;
	FAILPOINT("start", "loaded");
	if (result == 0 && program->store)
		result = txn_commit(service->tick.txn);
	else
		txn_abort(service->tick.txn);
	service->tick.txn = NULL;
	FAILPOINT("start", "committed");
	if (result == 0)
		outbox_flush(service->outbox, service->calls, &service->bus, state,
			service->peer_up);
	outbox_clear(service->outbox);
	return result;
}

int service_open(struct service **ret, const struct program *program, const void *settings,
	const struct bus *bus, int64_t now_ms, int64_t monotonic_ms)
{
	struct service *service = calloc(1, sizeof(*service));
	int result;

	if (!service)
		return -ENOMEM;
	service->program = program;
	service->settings = settings;
	service->bus = *bus;
	service->started_at_ms = now_ms;
	service->readers_checked_ms = monotonic_ms;
	service->tick.service = service;
	service->tick.settings = settings;
	service->tick.now_ms = now_ms;
	service->tick.monotonic_ms = monotonic_ms;
	for (size_t i = 0; i < PEERS_MAX; i++)
		service->peer_up[i] = true;
	result = inside_open(service);
	if (result == 0)
		result = memory_open(service);
	if (result < 0) {
		service_close(service);
		return result;
	}
	*ret = service;
	return 0;
}

void service_close(struct service *service)
{
	if (!service)
		return;
	if (service->program->close)
		service->program->close(service->tick.state);
	txn_abort(service->tick.txn);
	txn_abort(service->tick.watched);
	db_close(service->db);
	watch_done(&service->watch);
	calls_free(service->calls);
	outbox_free(service->outbox);
	stats_free(service->stats);
	permit_free(service->permit);
	arena_free(service->tick.arena);
	free(service->tentative);
	free(service->store_dir);
	free(service->watch_dir);
	free(service);
}

void service_stop(struct service *service)
{
	service->stopping = true;
}

static void hold_keep(void *state, void *argument)
{
	struct tick *tick = argument;

	(void)state;
	tick->service->held_until_ms = tick->service->hold_asked_ms;
}

int64_t tick_hold(struct tick *tick, int64_t hold_ms)
{
	struct service *service = tick->service;

	service->hold_asked_ms = tick->monotonic_ms + hold_ms;
	tick_after(tick, hold_keep, tick);
	return service->hold_asked_ms;
}

int64_t service_held_until(const struct service *service)
{
	return service->held_until_ms;
}

void service_reload(struct service *service)
{
	permit_read(service->permit, service->settings);
}

/* --- the tick ------------------------------------------------------------------------------- */

static int tick_begin(struct service *service)
{
	service->settled = false;
	service->tick.txn = NULL;
	if (service->program->watches)
		service->tick.watched = watch_begin(&service->watch, service->tick.monotonic_ms);
	if (FAILPOINT("begin") < 0)
		return -EIO;
	return service->db ? txn_begin(service->db, true, &service->tick.txn) : 0;
}

/* The snapshot's end: the watched store's own errors are none of this tick's. */
static void tick_unwatch(struct service *service)
{
	txn_abort(service->tick.watched);
	service->tick.watched = NULL;
}

static void tick_undo(struct service *service)
{
	struct call *call;

	txn_abort(service->tick.txn);
	service->tick.txn = NULL;
	tick_unwatch(service);
	for (size_t i = 0; i < service->tentative_count; i++) {
		call = calls_find(service->calls, service->tentative[i]);
		if (call)
			calls_drop(service->calls, call);
	}
	service->tentative_count = 0;
	outbox_clear(service->outbox);
	arena_reset(service->tick.arena);
}

static enum verdict event_handle(struct service *service, const struct event *event)
{
	service->part = 0;
	if (event->kind != EVENT_RESULT)
		return dispatch_request(service, event);
	/* Without room to write, results count as lost; the program repeats. */
	return service->access_max == ACCESS_READ ? VERDICT_GOOD : dispatch_result(service, event);
}

/* What the program does in its own time is nobody's request. */
static void own_time(struct service *service)
{
	service->event = EVENT_TIME;
	service->part = 0;
	service->route = NULL;
	service->operation = NULL;
	service->deadline_ms = 0;
}

enum verdict service_settle(struct service *service)
{
	const struct operation *operation = service->operation;
	const struct route *route = service->route;
	int64_t deadline_ms = service->deadline_ms;
	size_t event = service->event;
	enum verdict verdict;
	int outcome;

	if (service->settled || !service->program->settle || service->access_max == ACCESS_READ ||
		service->poison_count >= POISONS_MAX)
		return VERDICT_GOOD;
	service->settled = true;
	own_time(service);
	service->program->settle(&service->tick);
	verdict = service_judge(service, OUTCOME_OK, 0, &outcome);
	service->event = event;
	service->route = route;
	service->operation = operation;
	service->deadline_ms = deadline_ms;
	return verdict;
}

static enum verdict time_handle(struct service *service, int64_t *ret_wait_ms)
{
	int outcome;

	*ret_wait_ms = -1;
	if (!service->program->on_time)
		return VERDICT_GOOD;
	*ret_wait_ms = STORE_RETRY_MS;
	own_time(service);
	service->time_skipped = service_poison(service) || service->access_max == ACCESS_READ;
	if (service->time_skipped)
		return VERDICT_GOOD;
	*ret_wait_ms = service->program->on_time(&service->tick);
	return service_judge(service, OUTCOME_OK, 0, &outcome);
}

static enum verdict tick_handle(struct service *service, const struct event *events, size_t count,
	int64_t *ret_wait_ms)
{
	enum verdict verdict = VERDICT_GOOD;

	for (size_t i = 0; i < count && verdict == VERDICT_GOOD; i++) {
		service->event = i;
		verdict = event_handle(service, &events[i]);
	}
	return verdict == VERDICT_GOOD ? time_handle(service, ret_wait_ms) : verdict;
}

static int commit(struct service *service, struct txn *txn)
{
	bool writes = txn_writes(txn) > 0;
	uint64_t since_us = writes ? clock_monotonic_us() : 0;
	int result;

	if (writes)
		txn_fail(txn, FAILPOINT("commit", "before"));
	result = txn_commit(txn);
	if (writes)
		FAILPOINT("commit", "after");
	if (writes && result == 0)
		stats_committed(service->stats, since_us);
	return result;
}

static enum verdict tick_commit(struct service *service)
{
	struct txn *txn = service->tick.txn;
	int result = 0;

	service->tick.txn = NULL;
	tick_unwatch(service);
	outbox_flush_early(service->outbox, service->calls, &service->bus);
	if (txn)
		result = commit(service, txn);
	if (result == -ENOSPC)
		return VERDICT_FULL;
	if (result < 0)
		log_message(MESSAGE_COMMIT_FAILED,
			&(struct log_about){ .error = strerrorname_np(-result) }, "%s: commit: %s",
			service->program->name, strerror(-result));
	return result < 0 ? VERDICT_FATAL : VERDICT_GOOD;
}

/* Once through all events. */
static enum verdict tick_try(struct service *service, const struct event *events, size_t count,
	int64_t *ret_wait_ms)
{
	enum verdict verdict;

	service->tick.serial++;
	if (tick_begin(service) < 0)
		return VERDICT_FATAL;
	verdict = tick_handle(service, events, count, ret_wait_ms);
	return verdict == VERDICT_GOOD ? tick_commit(service) : verdict;
}

static void check_readers(struct service *service)
{
	service->readers_checked_ms = service->tick.monotonic_ms;
	db_check_readers(service->db);
}

static void housekeeping(struct service *service)
{
	int64_t now_ms = service->tick.monotonic_ms;

	if (!service->db)
		return;
	if (now_ms - service->room_checked_ms >= ROOM_CHECK_MS)
		service_check_room(service);
	if (now_ms - service->readers_checked_ms >= READERS_CHECK_MS)
		check_readers(service);
}

/* Of two waits in ms, -1 being for ever. */
static int64_t sooner(int64_t one, int64_t other)
{
	if (one < 0 || other < 0)
		return one < 0 ? other : one;
	return one < other ? one : other;
}

static int64_t wake_ms(const struct service *service)
{
	bool away = service->program->watches && !service->watch.db;
	int64_t wait_ms = away ? WATCH_RETRY_MS : -1;

	if (!service->program->wake || service->time_skipped)
		return wait_ms;
	return sooner(wait_ms,
		service->program->wake(service->tick.state, service->tick.monotonic_ms));
}

int service_tick(struct service *service, const struct event *events, size_t count, int64_t now_ms,
	int64_t monotonic_ms, int64_t *ret_wait_ms)
{
	enum verdict verdict;

	service->tick.now_ms = now_ms;
	service->tick.monotonic_ms = monotonic_ms;
	assert(count <= EVENTS_MAX);
	service->poison_count = 0;
	service->tick.began_us = stats_begin(service->stats, events, count);
	housekeeping(service);
	service->access_max = service->full ? ACCESS_SETTLE : ACCESS_GROW;
	for (;;) {
		verdict = tick_try(service, events, count, ret_wait_ms);
		if (verdict == VERDICT_GOOD)
			break;
		tick_undo(service);
		if (verdict == VERDICT_FATAL)
			return -EIO;
		if (verdict == VERDICT_FULL && service->access_max == ACCESS_READ)
			return -ENOSPC;
		if (verdict == VERDICT_FULL)
			service->access_max--;
	}
	service->tentative_count = 0;
	outbox_flush(service->outbox, service->calls, &service->bus, service->tick.state,
		service->peer_up);
	outbox_clear(service->outbox);
	arena_reset(service->tick.arena);
	*ret_wait_ms = sooner(*ret_wait_ms, wake_ms(service));
	return 0;
}

struct service_counts service_counts(const struct service *service)
{
	struct service_counts counts = stats_counts(service->stats);

	counts.parked = calls_in_hand(service->calls);
	counts.room = calls_left(service->calls);
	return counts;
}
