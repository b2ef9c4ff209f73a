#include "calls.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define RETRY_AFTER_MS 50

struct connection_load {
	UT_hash_handle hh;
	size_t parts;
	uint8_t identity_size;
	uint8_t identity[255];
};

struct calls {
	struct call *slots[CALLS_MAX];
	uint32_t free[CALLS_MAX]; /* a stack of free slots */
	size_t free_count;
	size_t parts;
	uint64_t generation;
	struct connection_load *connections;
};

struct calls *calls_new(void)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	if (!calls)
		return NULL;
	calls->free_count = CALLS_MAX;
	for (uint32_t i = 0; i < CALLS_MAX; i++)
		calls->free[i] = CALLS_MAX - 1 - i;
	return calls;
}

static void parts_free(struct call *call)
{
	for (uint32_t i = 0; call->parts && i < call->count; i++)
		free(call->parts[i].at);
	free(call->parts);
	call->parts = NULL;
}

void calls_free(struct calls *calls)
{
	struct connection_load *load, *next;

	if (!calls)
		return;
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (!calls->slots[i])
			continue;
		parts_free(calls->slots[i]);
		free(calls->slots[i]);
	}
	HASH_ITER(hh, calls->connections, load, next) {
		HASH_DEL(calls->connections, load);
		free(load);
	}
	free(calls);
}

static struct connection_load *load_find(const struct calls *calls, const struct route *route)
{
	struct connection_load *load;

	HASH_FIND(hh, calls->connections, route->identity, route->identity_size, load);
	return load;
}

static bool load_add(struct calls *calls, const struct route *route, uint32_t parts)
{
	struct connection_load *load = load_find(calls, route);

	if (!load) {
		load = calloc(1, sizeof(*load));
		if (!load)
			return false;
		load->identity_size = route->identity_size;
		memcpy(load->identity, route->identity, route->identity_size);
		HASH_ADD(hh, calls->connections, identity, load->identity_size, load);
		if (!load->hh.tbl) {
			free(load);
			return false;
		}
	}
	load->parts += parts;
	return true;
}

static void load_remove(struct calls *calls, const struct route *route, uint32_t parts)
{
	struct connection_load *load = load_find(calls, route);

	if (!load)
		return;
	load->parts -= parts;
	if (load->parts > 0)
		return;
	HASH_DEL(calls->connections, load);
	free(load);
}

static struct call *slot_take(struct calls *calls)
{
	uint32_t slot = calls->free[calls->free_count - 1];

	if (!calls->slots[slot])
		calls->slots[slot] = calloc(1, sizeof(struct call));
	if (!calls->slots[slot])
		return NULL;
	calls->free_count--;
	return calls->slots[slot];
}

static uint32_t slot_of(uint64_t number)
{
	return (uint32_t)(number % CALLS_MAX);
}

struct call *calls_keep(struct calls *calls, const struct call *call)
{
	struct call_part *parts = NULL;
	struct call *kept;
	uint32_t slot;

	if (calls->free_count == 0)
		return NULL;
	slot = calls->free[calls->free_count - 1];
	if (call->many) {
		parts = calloc(call->count, sizeof(*parts));
		if (!parts)
			return NULL;
		memcpy(parts, call->parts, call->count * sizeof(*parts));
	}
	kept = load_add(calls, &call->route, call->count) ? slot_take(calls) : NULL;
	if (!kept) {
		load_remove(calls, &call->route, call->count);
		free(parts);
		return NULL;
	}
	*kept = *call;
	kept->parts = parts;
	kept->number = ++calls->generation * CALLS_MAX + slot;
	calls->parts += call->count;
	return kept;
}

void calls_drop(struct calls *calls, struct call *call)
{
	calls->free[calls->free_count++] = slot_of(call->number);
	calls->parts -= call->count;
	load_remove(calls, &call->route, call->count);
	parts_free(call);
	call->number = 0;
}

struct call *calls_find(struct calls *calls, uint64_t number)
{
	struct call *call = calls->slots[slot_of(number)];

	return call && number > 0 && call->number == number ? call : NULL;
}

bool calls_have_room(const struct calls *calls, const struct route *route, uint32_t count,
	enum access access)
{
	size_t room = access == ACCESS_GROW ? CALLS_MAX_GROW : CALLS_MAX;
	const struct connection_load *load = load_find(calls, route);

	return calls->free_count > 0 && calls->parts + count <= room &&
		(load ? load->parts : 0) + count <= CALLS_MAX_PER_CONNECTION;
}

size_t calls_in_hand(const struct calls *calls)
{
	return calls->parts;
}

size_t calls_left(const struct calls *calls)
{
	return calls->parts < CALLS_MAX_GROW ? CALLS_MAX_GROW - calls->parts : 0;
}

static uint32_t pack_envelope(const struct call *call, struct buffer *buffer)
{
	pack_name(buffer, "v");
	pack_u64(buffer, PROTOCOL_VERSION);
	pack_name(buffer, "id");
	buffer_append(buffer, call->id, call->id_size);
	return 2;
}

static uint32_t pack_outcome(struct buffer *buffer, int outcome, const char *message)
{
	pack_name(buffer, "code");
	pack_u64(buffer, (uint64_t)outcome_code(outcome));
	if (outcome == OUTCOME_OK)
		return 1;
	pack_name(buffer, "error");
	pack_str(buffer, outcome_name(outcome));
	pack_name(buffer, "message");
	pack_str(buffer, message ? message : outcome_text(outcome));
	if (outcome != OUTCOME_BUSY)
		return 3;
	pack_name(buffer, "retry_after_ms");
	pack_u64(buffer, RETRY_AFTER_MS);
	return 4;
}

void call_pack(const struct call *call, uint32_t part, struct buffer *buffer, int outcome,
	const char *message, const struct record *record, const void *reply)
{
	size_t map = pack_open_map(buffer);
	uint32_t count = call->many ? 0 : pack_envelope(call, buffer);

	count += pack_outcome(buffer, outcome, message);
	if (call->many && call->parts[part].has_ref) {
		pack_name(buffer, "ref");
		pack_u64(buffer, call->parts[part].ref);
		count++;
	}
	if (outcome == OUTCOME_OK && record)
		count += fields_to_map(buffer, record, reply);
	pack_close(buffer, map, count);
}

void call_pack_head(const struct call *call, struct buffer *buffer)
{
	pack_map(buffer, 4);
	pack_envelope(call, buffer);
	pack_outcome(buffer, OUTCOME_OK, NULL);
	pack_name(buffer, "results");
	pack_array(buffer, call->count);
}
