#pragma once

#include <errno.h>
#include <inttypes.h>

#include "daemon_fixture.h"
#include "record.h"

/* For tests of the tick: a small program on a real store that does all that a program may do, and
 * some that it should not. Clients are single letters. */

struct toy {
	uint64_t number;
	const char *text;
};

static const struct field toy_fields[] = {
	{ "number", FIELD_U64, 0, AT(toy, number), 0, 1000000 },
	{ "text", FIELD_TEXT, 0, AT(toy, text), 0, 60000 },
};
static const struct record toy_record = RECORD(toy, toy_fields);

/* The program's memory. */
struct toy_state {
	struct waiter waiters[8192];
	size_t count;
	size_t changes; /* that were let through */
};

struct told {
	char client;
	const struct value *map;
};

struct bench {
	struct fixture *f;
	struct suite_settings settings;
	struct toy_state *state; /* the service's */
	int64_t now_ms;
	int64_t monotonic_ms;
	int64_t wait_ms;
	bool peer_down;
	struct event queue[EVENTS_MAX];
	size_t queued;
	struct told told[EVENTS_MAX];
	size_t told_count;
	const struct value *frames[256]; /* to the peer */
	size_t frame_count;
	const struct value *published[EVENTS_MAX];
	size_t published_count;
	/* What the program does in its own time. */
	int64_t (*on_time)(struct tick *tick);
	int64_t wake_ms;
};

static struct bench *bench;

/* --- the program ---------------------------------------------------------------------------- */

static inline struct key toy_key(uint64_t number)
{
	struct key key = { 0 };

	key_add_u64(&key, number);
	return key;
}

static inline int toy_get(struct tick *tick, const void *request, void *reply)
{
	struct key key = toy_key(((const struct toy *)request)->number);

	return record_get(tick->txn, tick->arena, 0, &key, &toy_record, reply)
		? OUTCOME_OK
		: OUTCOME_BOOK_NOT_FOUND;
}

static inline int toy_put(struct tick *tick, const void *request, void *reply)
{
	const struct toy *toy = request;
	struct key key = toy_key(toy->number);

	record_put(tick->txn, 0, &key, &toy_record, toy);
	((struct toy *)reply)->number = toy->number;
	return OUTCOME_OK;
}

static inline int toy_delete(struct tick *tick, const void *request, void *reply)
{
	struct key key = toy_key(((const struct toy *)request)->number);

	(void)reply;
	return txn_delete(tick->txn, 0, &key) ? OUTCOME_OK : OUTCOME_BOOK_NOT_FOUND;
}

static inline void state_count(void *state, void *argument)
{
	(void)argument;
	((struct toy_state *)state)->changes++;
}

/* Tells everybody of what it then refuses. */
static inline int toy_spoil(struct tick *tick, const void *request, void *reply)
{
	toy_put(tick, request, reply);
	tick_send(tick, 0, 7, request);
	tick_publish(tick, &toy_record, request);
	tick_after(tick, state_count, NULL);
	return tick_refuse(tick, OUTCOME_NOT_DUE, "number %" PRIu64 " is not due",
		((const struct toy *)request)->number);
}

static inline int toy_tell(struct tick *tick, const void *request, void *reply)
{
	toy_put(tick, request, reply);
	tick_send(tick, 0, ((const struct toy *)request)->number, request);
	tick_publish(tick, &toy_record, request);
	tick_after(tick, state_count, NULL);
	return OUTCOME_OK;
}

static inline int toy_refuse(struct tick *tick, const void *request, void *reply)
{
	(void)reply;
	return tick_refuse(tick, OUTCOME_NOT_DUE, "number %" PRIu64 " is not due",
		((const struct toy *)request)->number);
}

static inline int toy_fail(struct tick *tick, const void *request, void *reply)
{
	(void)tick;
	(void)request;
	(void)reply;
	return -EPROTO;
}

static inline int toy_who(struct tick *tick, const void *request, void *reply)
{
	struct toy *toy = reply;

	toy->text = tick_actor(tick, ((const struct toy *)request)->text);
	toy->number = (uint64_t)tick_deadline(tick);
	return OUTCOME_OK;
}

static inline int toy_up(struct tick *tick, const void *request, void *reply)
{
	(void)request;
	((struct toy *)reply)->number = tick_peer_is_up(tick, 0);
	return OUTCOME_OK;
}

static inline void state_wait(void *state, void *argument)
{
	struct toy_state *toys = state;

	toys->waiters[toys->count++] = *(struct waiter *)argument;
}

/* Number 0 is answered at once, the others when they are woken. */
static inline int toy_wait(struct tick *tick, const void *request, void *reply)
{
	struct waiter *waiter = arena_take(tick->arena, sizeof(*waiter));

	(void)reply;
	if (((const struct toy *)request)->number == 0)
		return OUTCOME_OK;
	*waiter = tick_park(tick);
	tick_after(tick, state_wait, waiter);
	return OUTCOME_LATER;
}

static inline int toy_answer_itself(struct tick *tick, const void *request, void *reply)
{
	struct waiter waiter = tick_park(tick);

	(void)reply;
	tick_answer(tick, waiter, OUTCOME_OK, NULL, &toy_record, request);
	tick_answer(tick, waiter, OUTCOME_NOT_DUE, NULL, NULL, NULL);
	return OUTCOME_LATER;
}

/* Answers who came as number so-and-so, from 0 on, with that number. */
static inline int toy_wake(struct tick *tick, const void *request, void *reply)
{
	const struct toy *toy = request;
	struct toy_state *state = tick->state;

	(void)reply;
	if (toy->number >= state->count)
		return OUTCOME_BOOK_NOT_FOUND;
	if (toy->text)
		tick_answer(tick, state->waiters[toy->number], OUTCOME_NOT_DUE, toy->text, NULL,
			NULL);
	else
		tick_answer(tick, state->waiters[toy->number], OUTCOME_OK, NULL, &toy_record, toy);
	return OUTCOME_OK;
}

static inline int toy_result(struct tick *tick, uint64_t ref, int outcome, const char *message,
	const void *result)
{
	struct toy toy = { ref,
		outcome == OUTCOME_OK ? ((const struct toy *)result)->text : message };

	toy_put(tick, &toy, &toy);
	return outcome == OUTCOME_OK && strcmp(toy.text, "spoil") == 0 ? OUTCOME_NOT_DUE : 0;
}

static inline int toy_open(struct tick *tick, void **ret_state)
{
	(void)tick;
	bench->state = calloc(1, sizeof(struct toy_state));
	*ret_state = bench->state;
	return bench->state ? 0 : -ENOMEM;
}

static inline int64_t toy_on_time(struct tick *tick)
{
	return bench->on_time ? bench->on_time(tick) : -1;
}

static inline int64_t toy_when(const void *state, int64_t monotonic_ms)
{
	(void)state;
	(void)monotonic_ms;
	return bench->wake_ms;
}

#define TOY(name, access, handle) \
	{ \
		name, access, WHO_USER, "toys", &toy_record, &toy_record, handle, false, false \
	}
#define PARKING_TOY(name, access, handle) \
	{ \
		name, access, WHO_USER, "toys", &toy_record, &toy_record, handle, true, false \
	}

static const struct operation toy_operations[] = {
	TOY("toy.get", ACCESS_READ, toy_get),
	TOY("toy.put", ACCESS_GROW, toy_put),
	TOY("toy.settle", ACCESS_SETTLE, toy_put),
	TOY("toy.delete", ACCESS_SETTLE, toy_delete),
	TOY("toy.spoil", ACCESS_SETTLE, toy_spoil),
	TOY("toy.tell", ACCESS_SETTLE, toy_tell),
	TOY("toy.refuse", ACCESS_READ, toy_refuse),
	TOY("toy.fail", ACCESS_READ, toy_fail),
	TOY("toy.who", ACCESS_READ, toy_who),
	TOY("toy.up", ACCESS_READ, toy_up),
	TOY("toy.wake", ACCESS_SETTLE, toy_wake),
	PARKING_TOY("toy.wait", ACCESS_GROW, toy_wait),
	PARKING_TOY("toy.wait_settling", ACCESS_SETTLE, toy_wait),
	PARKING_TOY("toy.answer_itself", ACCESS_SETTLE, toy_answer_itself),
	{ "toy.admin", ACCESS_READ, WHO_ADMIN, NULL, &toy_record, &toy_record, toy_who, false,
		false },
	{ 0 },
};

static const struct peer toy_peers[] = {
	{ "other", "other.sock", "other.do", "jobs", &toy_record, &toy_record, toy_result, NULL },
	{ 0 },
};

static const char *const toy_tables[] = { "toys", NULL };

static const struct program toy_program = {
	.name = "toyd",
	.settings_size = sizeof(struct suite_settings),
	.store = "toyd",
	.tables = toy_tables,
	.operations = toy_operations,
	.peers = toy_peers,
	.open = toy_open,
	.close = free,
	.on_time = toy_on_time,
	.wake = toy_when,
};
