#include "service_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint.h"
#include "log.h"

#define TIMEOUT_MAX_MS (3600 * 1000)
#define TICK_REPLIES_MAX_BYTES (32 * 1024 * 1024) /* then reading has to wait for the next tick */
#define ELEMENT_MAX_BYTES (64 * 1024)             /* one element's result */
#define REFUSAL_MAX_BYTES 128                     /* a result that says busy */

struct envelope {
	uint64_t version;
	const char *op;
	int64_t timeout_ms;
};

static const struct field envelope_fields[] = {
	{ "v", FIELD_U64, FIELD_REQUIRED, AT(envelope, version), .max = INT64_MAX },
	{ "op", FIELD_TEXT, FIELD_REQUIRED, AT(envelope, op), .min = 1, .max = 64 },
	{ "timeout_ms", FIELD_I64, 0, AT(envelope, timeout_ms), .min = 1, .max = TIMEOUT_MAX_MS },
};
static const struct record envelope_record = RECORD(envelope, envelope_fields);

/* --- for handlers --------------------------------------------------------------------------- */

int tick_refuse(struct tick *tick, int outcome, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (!format)
		return outcome;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	tick->service->message = arena_text(tick->arena, text, strlen(text));
	return outcome;
}

const char *tick_actor(struct tick *tick, const char *given)
{
	const struct route *route = tick->service->route;
	const char *actor = given;

	if (!actor && route && route->known)
		actor = arena_print(tick->arena, "uid:%u", (unsigned)route->uid);
	return actor ? actor : tick->service->program->name;
}

bool tick_may_grow(const struct tick *tick)
{
	return tick->service->access_max == ACCESS_GROW;
}

bool tick_may_settle(const struct tick *tick)
{
	return tick->service->access_max >= ACCESS_SETTLE;
}

int64_t tick_deadline(const struct tick *tick)
{
	return tick->service->deadline_ms;
}

static bool tentative_add(struct service *service, uint64_t number)
{
	uint64_t *list = service->tentative;
	size_t room = service->tentative_room;

	if (service->tentative_count == room) {
		room = room ? 2 * room : 256;
		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			return false;
		service->tentative = list;
		service->tentative_room = room;
	}
	list[service->tentative_count++] = number;
	return true;
}

/* Room was checked before: a call that finds no place lacks memory, and an answer that will never be
 * whole must not keep one. */
struct waiter tick_park(struct tick *tick)
{
	struct service *service = tick->service;
	struct call *kept = service->call;

	service->parked = true;
	if (kept->number == 0) {
		kept = calls_keep(service->calls, service->call);
		if (kept && !tentative_add(service, kept->number)) {
			calls_drop(service->calls, kept);
			kept = NULL;
		}
		if (!kept) {
			txn_fail(tick->txn, -ENOMEM);
			return (struct waiter){ 0 };
		}
		service->call = kept;
	}
	return (struct waiter){ .call = kept->number, .part = service->part };
}

void tick_answer(struct tick *tick, struct waiter waiter, int outcome, const char *message,
	const struct record *record, const void *reply)
{
	struct service *service = tick->service;
	const struct call *call = calls_find(service->calls, waiter.call);

	if (waiter.call > 0 && call)
		outbox_answer(service->outbox, tick->arena, call, waiter.part, outcome, message,
			record, reply);
}

/* Numbers of calls only rise. */
static bool is_new_here(const struct service *service, uint64_t number)
{
	return service->tentative_count > 0 && number >= service->tentative[0];
}

void tick_answer_early(struct tick *tick, struct waiter waiter, const struct record *record,
	const void *reply)
{
	struct service *service = tick->service;
	const struct call *call = calls_find(service->calls, waiter.call);

	if (is_new_here(service, waiter.call))
		tick_answer(tick, waiter, OUTCOME_OK, NULL, record, reply);
	else if (waiter.call > 0 && call)
		outbox_answer_early(service->outbox, tick->arena, call, waiter.part, record, reply);
}

void tick_send(struct tick *tick, unsigned peer, uint64_t ref, const void *item)
{
	outbox_item(tick->service->outbox, peer, ref, item);
}

bool tick_peer_is_up(const struct tick *tick, unsigned peer)
{
	return tick->service->peer_up[peer];
}

void tick_publish(struct tick *tick, const struct record *record, const void *from)
{
	outbox_publish(tick->service->outbox, record, from);
}

void tick_after(struct tick *tick, void (*fn)(void *state, void *argument), void *argument)
{
	outbox_after(tick->service->outbox, fn, argument);
}

struct duration {
	struct stats *stats;
	unsigned which;
	uint64_t us;
};

static void duration_keep(void *state, void *argument)
{
	const struct duration *duration = argument;

	(void)state;
	stats_duration(duration->stats, duration->which, duration->us);
}

void tick_duration(struct tick *tick, unsigned which, uint64_t since_us)
{
	struct duration *duration = arena_take(tick->arena, sizeof(*duration));

	if (!duration)
		return;
	*duration = (struct duration){ tick->service->stats, which, tick->began_us - since_us };
	tick_after(tick, duration_keep, duration);
}

static const struct operation *operation_find(const struct operation *operation, const char *name)
{
	for (; operation->name; operation++)
		if (strcmp(operation->name, name) == 0)
			return operation;
	return NULL;
}

/* --- a request ------------------------------------------------------------------------------ */

static void answer(struct service *service, int outcome, const void *reply)
{
	outbox_answer(service->outbox, service->tick.arena, service->call, service->part, outcome,
		service->message, service->operation ? service->operation->reply : NULL, reply);
}

/* The client is told what would help, the log who asked for what. */
static int deny(struct service *service)
{
	const struct operation *operation = service->operation;
	const struct route *route = service->route;
	struct arena *arena = service->tick.arena;
	const char *uid = route->known ? arena_print(arena, "uid %u", (unsigned)route->uid)
				       : "a peer without a uid";
	struct log_about about = {
		.operation = operation->name,
		.error = outcome_name(OUTCOME_DENIED),
		.uid = route->known && uid ? uid + strlen("uid ") : NULL,
	};
	uint64_t before;

	if (!uid)
		return OUTCOME_DENIED;
	if (operation->who == WHO_ADMIN)
		service->message = arena_print(arena,
			"%s is for administrators: run it as root or as the daemon's own user, or have"
			" %s named in admin_users, or a group of it in admin_groups, of orderd.conf",
			operation->name, uid);
	else
		service->message = arena_print(arena,
			"%s may not order here: have it named in order_users, or a group of it in"
			" order_groups, of orderd.conf",
			uid);
	if (permit_tells(service->permit, route, operation->name, service->tick.monotonic_ms,
		    &before))
		log_message(MESSAGE_DENIED, &about,
			"%s was denied %s (and %" PRIu64 " times since the last line of this)", uid,
			operation->name, before);
	return OUTCOME_DENIED;
}

static int admit(struct service *service, uint32_t count)
{
	const struct operation *operation = service->operation;

	if (!permit_allows(service->permit, operation->who, service->route))
		return deny(service);
	if (operation->access > service->access_max)
		return OUTCOME_STORAGE_FULL;
	if (operation->access == ACCESS_READ &&
		outbox_size(service->outbox) > TICK_REPLIES_MAX_BYTES)
		return OUTCOME_BUSY;
	if (operation->parks &&
		!calls_have_room(service->calls, service->route, count, operation->access))
		return OUTCOME_BUSY;
	return OUTCOME_OK;
}

/* One element: decode, handle, answer. */
static enum verdict handle_element(struct service *service, const struct value *map)
{
	const struct operation *operation = service->operation;
	void *request = arena_take(service->tick.arena, operation->request->size);
	void *reply = arena_take(service->tick.arena, operation->reply->size);
	uint64_t writes = service->tick.txn ? txn_writes(service->tick.txn) : 0;
	enum verdict verdict;
	int outcome;

	if (!request || !reply)
		return VERDICT_FATAL;
	service->message = NULL;
	service->parked = false;
	outcome = service_poison(service);
	if (outcome == OUTCOME_OK)
		outcome = fields_from_map(service->tick.arena, operation->request, map, request,
			&service->message);
	if (outcome == OUTCOME_OK)
		outcome = operation->handle(&service->tick, request, reply);
	verdict = service_judge(service, outcome, writes, &outcome);
	if (verdict == VERDICT_GOOD && !service->parked)
		answer(service, outcome, reply);
	return verdict;
}

/* The value under that key, or NULL; whether the key stands there twice. */
static const struct value *find_once(const struct value *map, const char *name, bool *ret_twice)
{
	const struct value *found = NULL;
	size_t size = strlen(name);

	*ret_twice = false;
	for (uint32_t i = 0; i < map->list.count; i++) {
		const struct value *key = &map->list.at[(size_t)2 * i];

		if (key->type != VALUE_STR || key->str.size != size ||
			memcmp(key->str.at, name, size) != 0)
			continue;
		*ret_twice = found != NULL;
		found = key + 1;
	}
	return found;
}

static bool part_read_ref(const struct value *map, struct call_part *ret)
{
	bool twice;
	const struct value *ref = find_once(map, "ref", &twice);

	if (!ref)
		return true;
	if (twice || ref->type != VALUE_UINT || ref->u64 > INT64_MAX)
		return false;
	ret->ref = ref->u64;
	ret->has_ref = true;
	return true;
}

static enum verdict handle_part(struct service *service, const struct value *map)
{
	if (map->type == VALUE_MAP && part_read_ref(map, &service->call->parts[service->part]))
		return handle_element(service, map);
	service->message = "an element must be a map, its ref an unsigned number";
	answer(service, OUTCOME_BAD_REQUEST, NULL);
	return VERDICT_GOOD;
}

/* Whether the reply has room for one more result and for refusing all that follow. */
static bool reply_has_room(const struct service *service, size_t start)
{
	size_t left = service->call->count - service->part;

	return outbox_size(service->outbox) - start + ELEMENT_MAX_BYTES +
		left * REFUSAL_MAX_BYTES <=
		REPLY_MAX_BYTES;
}

static enum verdict put_part_off(struct service *service, const struct value *map)
{
	if (map->type == VALUE_MAP)
		part_read_ref(map, &service->call->parts[service->part]);
	service->message = "the reply is full: ask for this again";
	answer(service, OUTCOME_BUSY, NULL);
	return VERDICT_GOOD;
}

static enum verdict handle_many(struct service *service, const struct value *list)
{
	struct arena *arena = service->tick.arena;
	size_t mark = outbox_mark(service->outbox);
	size_t start = outbox_size(service->outbox);
	enum verdict verdict = VERDICT_GOOD;

	service->call->many = true;
	service->call->count = service->call->left = list->list.count;
	service->call->parts = arena_take(arena, list->list.count * sizeof(struct call_part));
	if (!service->call->parts)
		return VERDICT_FATAL;
	for (uint32_t i = 0; i < list->list.count && verdict == VERDICT_GOOD; i++) {
		service->part = i;
		verdict = reply_has_room(service, start) ? handle_part(service, &list->list.at[i])
							 : put_part_off(service, &list->list.at[i]);
	}
	if (verdict == VERDICT_GOOD)
		outbox_gather(service->outbox, arena, mark, service->call);
	return verdict;
}

static enum verdict refuse(struct service *service, int outcome, const char *message)
{
	service->message = message;
	answer(service, outcome, NULL);
	return VERDICT_GOOD;
}

static enum verdict handle_operation(struct service *service, const struct value *map)
{
	const struct operation *operation = service->operation;
	bool twice = false;
	const struct value *list = operation->many ? find_once(map, operation->many, &twice) : NULL;
	uint32_t count = 1;
	enum verdict verdict;
	int outcome;

	if (list) {
		if (twice || list->type != VALUE_ARRAY || list->list.count == 0 ||
			list->list.count > MANY_MAX)
			return refuse(service, OUTCOME_BAD_REQUEST,
				arena_print(service->tick.arena,
					"%s: must stand once, a list of 1 to %d maps",
					operation->many, MANY_MAX));
		count = list->list.count;
	}
	if (operation->parks && count > CALLS_MAX_PER_CONNECTION)
		return refuse(service, OUTCOME_BAD_REQUEST,
			arena_print(service->tick.arena, "%s: at most %d at once", operation->many,
				CALLS_MAX_PER_CONNECTION));
	outcome = admit(service, count);
	if (outcome != OUTCOME_OK)
		return refuse(service, outcome, service->message);
	FAILPOINT("receive", operation->name);
	verdict = operation->apart ? VERDICT_GOOD : service_settle(service);
	if (verdict != VERDICT_GOOD)
		return verdict;
	return list ? handle_many(service, list) : handle_element(service, map);
}

/* Takes the id over as it was packed. Doubled, too long or of another kind: false, and a nil is
 * echoed. */
static bool call_take_id(struct call *call, const struct value *map)
{
	bool twice;
	const struct value *id = find_once(map, "id", &twice);

	if (!id || twice || id->raw_size > sizeof(call->id))
		return false;
	if ((id->type != VALUE_UINT || id->u64 > INT64_MAX) &&
		(id->type != VALUE_STR || id->str.size > ID_MAX_BYTES))
		return false;
	memcpy(call->id, id->raw, id->raw_size);
	call->id_size = (uint8_t)id->raw_size;
	return true;
}

static enum verdict handle_envelope(struct service *service, const struct value *map)
{
	struct envelope envelope;
	const char *why = NULL;
	int result;

	if (!call_take_id(service->call, map))
		return refuse(service, OUTCOME_BAD_REQUEST,
			"id: must stand once, a number from 0 to 9223372036854775807 or a text of at most 64 bytes");
	result = fields_from_map(service->tick.arena, &envelope_record, map, &envelope, &why);
	if (result < 0)
		return VERDICT_FATAL;
	if (result > 0)
		return refuse(service, result, why);
	if (envelope.version != PROTOCOL_VERSION)
		return refuse(service, OUTCOME_BAD_VERSION, NULL);
	service->deadline_ms =
		envelope.timeout_ms > 0 ? service->tick.monotonic_ms + envelope.timeout_ms : 0;
	service->operation = operation_find(service->program->operations, envelope.op);
	if (!service->operation)
		service->operation = operation_find(common_operations, envelope.op);
	service->call->account = stats_account(service->stats, service->operation);
	if (!service->operation)
		return refuse(service, OUTCOME_UNKNOWN_OPERATION, NULL);
	if (service->stopping)
		return refuse(service, OUTCOME_BUSY, "the daemon stops: send it again soon");
	if (service->crowded)
		return refuse(service, OUTCOME_BUSY,
			"too many answers were not read: read them, then send it again");
	return handle_operation(service, map);
}

enum verdict dispatch_request(struct service *service, const struct event *event)
{
	struct call *call = arena_take(service->tick.arena, sizeof(*call));
	const struct value *map;

	if (!call)
		return VERDICT_FATAL;
	call->route = event->route;
	call->count = call->left = 1;
	call->id[0] = 0xc0; /* nil */
	call->id_size = 1;
	call->arrived_us = service->tick.began_us;
	service->call = call;
	service->operation = NULL;
	service->message = NULL;
	service->route = &event->route;
	service->crowded = event->crowded;
	service->deadline_ms = 0;
	if (event->kind == EVENT_MALFORMED || event->size > REQUEST_MAX_BYTES ||
		codec_parse(service->tick.arena, event->data, event->size, &map) < 0 ||
		map->type != VALUE_MAP)
		return refuse(service, OUTCOME_BAD_FRAME, NULL);
	return handle_envelope(service, map);
}
