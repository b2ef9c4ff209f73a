#include "outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"

#define BUFFER_KEEP_BYTES (4 * 1024 * 1024)

enum entry_kind { ENTRY_NONE, ENTRY_FRAME, ENTRY_RESULT, ENTRY_EVENT, ENTRY_AFTER };

struct entry {
	enum entry_kind kind;
	bool early;
	uint32_t part;
	const struct call
		*call; /* FRAME: in the arena, or in the table when call_number is not 0 */
	uint64_t call_number;
	bool element;            /* answers one, be it a frame of its own or not */
	struct account *account; /* of the element */
	int outcome;             /* likewise */
	size_t offset, size;     /* in bytes */
	void (*fn)(void *state, void *argument);
	void *argument;
};

/* Items for one peer: frames as they will be sent, the last one open. */
struct batch {
	struct buffer bytes;
	size_t starts[64]; /* of closed frames */
	size_t frame_count;
	size_t list; /* of the open frame */
	uint32_t count;
	bool open;
};

struct outbox {
	const struct program *program;
	struct stats *stats;
	struct buffer bytes;
	struct entry *entries;
	size_t entry_count, entry_room;
	struct batch batches[PEERS_MAX];
	struct buffer item;
	uint64_t frame_id;
	int error;
};

struct outbox *outbox_new(const struct program *program, struct stats *stats)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return NULL;
	outbox->program = program;
	outbox->stats = stats;
	outbox->bytes.limit = 1024 * 1024 * 1024;
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	for (size_t i = 0; i < PEERS_MAX; i++)
		buffer_done(&outbox->batches[i].bytes);
	buffer_done(&outbox->bytes);
	buffer_done(&outbox->item);
	free(outbox->entries);
	free(outbox);
}

void outbox_clear(struct outbox *outbox)
{
	if (outbox->bytes.room > BUFFER_KEEP_BYTES) {
		buffer_done(&outbox->bytes);
		outbox->bytes.limit = 1024 * 1024 * 1024;
	}
	buffer_reset(&outbox->bytes);
	outbox->entry_count = 0;
	outbox->error = 0;
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct batch *batch = &outbox->batches[i];

		buffer_reset(&batch->bytes);
		batch->frame_count = 0;
		batch->open = false;
	}
}

size_t outbox_size(const struct outbox *outbox)
{
	return outbox->bytes.size;
}

int outbox_error(const struct outbox *outbox)
{
	return outbox->error ? outbox->error : outbox->bytes.error;
}

static struct entry *entry_add(struct outbox *outbox, enum entry_kind kind)
{
	struct entry *entries = outbox->entries;

	if (outbox->entry_count == outbox->entry_room) {
		size_t room = outbox->entry_room ? 2 * outbox->entry_room : 256;

		entries = realloc(entries, room * sizeof(*entries));
		if (!entries) {
			outbox->error = -ENOMEM;
			return NULL;
		}
		outbox->entries = entries;
		outbox->entry_room = room;
	}
	entries += outbox->entry_count++;
	memset(entries, 0, sizeof(*entries));
	entries->kind = kind;
	entries->offset = outbox->bytes.size;
	return entries;
}

static const struct call *call_borrow(struct outbox *outbox, struct arena *arena,
	const struct call *call)
{
	struct call *copy;

	if (call->number > 0)
		return call;
	copy = arena_take(arena, sizeof(*copy));
	if (!copy)
		outbox->error = -ENOMEM;
	else
		*copy = *call;
	return copy;
}

void outbox_answer(struct outbox *outbox, struct arena *arena, const struct call *call,
	uint32_t part, int outcome, const char *message, const struct record *record,
	const void *reply)
{
	struct entry *entry = entry_add(outbox, call->many ? ENTRY_RESULT : ENTRY_FRAME);

	if (!entry)
		return;
	call_pack(call, part, &outbox->bytes, outcome, message, record, reply);
	entry->size = outbox->bytes.size - entry->offset;
	entry->part = part;
	entry->call_number = call->number;
	entry->element = true;
	entry->account = call->account;
	entry->outcome = outcome;
	entry->call = call->many ? NULL : call_borrow(outbox, arena, call);
}

void outbox_answer_early(struct outbox *outbox, struct arena *arena, const struct call *call,
	uint32_t part, const struct record *record, const void *reply)
{
	size_t count = outbox->entry_count;

	outbox_answer(outbox, arena, call, part, OUTCOME_OK, NULL, record, reply);
	if (outbox->entry_count > count)
		outbox->entries[count].early = true;
}

size_t outbox_mark(const struct outbox *outbox)
{
	return outbox->entry_count;
}

/* Appends bytes that the buffer already holds: growing may move them. */
static void bytes_again(struct buffer *bytes, size_t offset, size_t size)
{
	void *room = buffer_extend(bytes, size);

	if (room)
		memcpy(room, bytes->at + offset, size);
}

static void results_to_frame(struct outbox *outbox, size_t mark)
{
	for (size_t i = mark; i < outbox->entry_count; i++) {
		struct entry *entry = &outbox->entries[i];

		if (entry->kind != ENTRY_RESULT || entry->call_number > 0)
			continue;
		entry->kind = ENTRY_NONE;
		bytes_again(&outbox->bytes, entry->offset, entry->size);
	}
}

void outbox_gather(struct outbox *outbox, struct arena *arena, size_t mark, const struct call *call)
{
	size_t start = outbox->bytes.size;
	struct entry *frame;

	for (size_t i = mark; call->number > 0 && i < outbox->entry_count; i++)
		if (outbox->entries[i].kind == ENTRY_RESULT && outbox->entries[i].call_number == 0)
			outbox->entries[i].call_number = call->number;
	if (call->number > 0)
		return;
	call_pack_head(call, &outbox->bytes);
	results_to_frame(outbox, mark);
	frame = entry_add(outbox, ENTRY_FRAME);
	if (!frame)
		return;
	frame->offset = start;
	frame->size = outbox->bytes.size - start;
	frame->call = call_borrow(outbox, arena, call);
}

static void batch_close(struct batch *batch)
{
	if (!batch->open)
		return;
	pack_close(&batch->bytes, batch->list, batch->count);
	batch->open = false;
}

static void batch_open(struct outbox *outbox, struct batch *batch, const struct peer *peer)
{
	batch->starts[batch->frame_count++] = batch->bytes.size;
	pack_map(&batch->bytes, 4);
	pack_name(&batch->bytes, "v");
	pack_u64(&batch->bytes, PROTOCOL_VERSION);
	pack_name(&batch->bytes, "id");
	pack_u64(&batch->bytes, ++outbox->frame_id);
	pack_name(&batch->bytes, "op");
	pack_str(&batch->bytes, peer->operation);
	pack_name(&batch->bytes, peer->many);
	batch->list = pack_open_array(&batch->bytes);
	batch->count = 0;
	batch->open = true;
}

static bool batch_has_room(const struct batch *batch, size_t size)
{
	size_t start = batch->open ? batch->starts[batch->frame_count - 1] : 0;

	return batch->open && batch->count < MANY_MAX &&
		batch->bytes.size - start + size <= REQUEST_MAX_BYTES;
}

/* A frame that would pass the limit with one more item is closed before it. Items past the last
 * frame are left for the program to repeat. */
void outbox_item(struct outbox *outbox, unsigned peer, uint64_t ref, const void *item)
{
	const struct peer *to = &outbox->program->peers[peer];
	struct batch *batch = &outbox->batches[peer];
	struct buffer *bytes = &outbox->item;
	size_t map;

	buffer_reset(bytes);
	map = pack_open_map(bytes);
	pack_name(bytes, "ref");
	pack_u64(bytes, ref);
	pack_close(bytes, map, 1 + fields_to_map(bytes, to->item, item));
	if (!batch_has_room(batch, bytes->size)) {
		batch_close(batch);
		if (batch->frame_count == sizeof(batch->starts) / sizeof(batch->starts[0]))
			return;
		batch_open(outbox, batch, to);
	}
	buffer_append(&batch->bytes, bytes->at, bytes->size);
	batch->count++;
	if (bytes->error || batch->bytes.error)
		outbox->error = bytes->error ? bytes->error : batch->bytes.error;
}

void outbox_publish(struct outbox *outbox, const struct record *record, const void *from)
{
	struct entry *entry = entry_add(outbox, ENTRY_EVENT);
	size_t map;

	if (!entry)
		return;
	map = pack_open_map(&outbox->bytes);
	pack_close(&outbox->bytes, map, fields_to_map(&outbox->bytes, record, from));
	entry->size = outbox->bytes.size - entry->offset;
}

void outbox_after(struct outbox *outbox, void (*fn)(void *, void *), void *argument)
{
	struct entry *entry = entry_add(outbox, ENTRY_AFTER);

	if (!entry)
		return;
	entry->fn = fn;
	entry->argument = argument;
}

static void result_keep(struct call_part *part, const uint8_t *at, size_t size)
{
	part->at = malloc(size);
	if (!part->at)
		return;
	memcpy(part->at, at, size);
	part->size = size;
}

static void call_reply(const struct call *call, const struct bus *bus, const void *at, size_t size)
{
	const struct operation *operation = call->account ? call->account->operation : NULL;
	const char *name = operation ? operation->name : "nothing";

	FAILPOINT("answer", name);
	bus->reply(bus->argument, &call->route, at, size);
	FAILPOINT("answered", name);
	stats_answered(call->account, call->arrived_us);
}

/* The last part in: head and parts become one frame. A part that found no memory makes the frame
 * unsendable; its client times out and asks again. */
static void many_finish(struct calls *calls, struct call *call, const struct bus *bus)
{
	struct buffer frame = { .limit = REPLY_MANY_MAX_BYTES };
	bool whole = true;

	call_pack_head(call, &frame);
	for (uint32_t i = 0; i < call->count; i++) {
		whole = whole && call->parts[i].at;
		if (whole)
			buffer_append(&frame, call->parts[i].at, call->parts[i].size);
	}
	if (whole && !frame.error)
		call_reply(call, bus, frame.at, frame.size);
	buffer_done(&frame);
	calls_drop(calls, call);
}

static void element_count(const struct outbox *outbox, const struct entry *entry)
{
	if (entry->element)
		stats_handled(outbox->stats, entry->account, entry->outcome);
}

static void answer_flush(const struct outbox *outbox, struct calls *calls,
	const struct entry *entry, const struct bus *bus)
{
	const uint8_t *at = outbox->bytes.at + entry->offset;
	struct call *call = entry->call_number > 0 ? calls_find(calls, entry->call_number) : NULL;

	if (entry->call_number > 0 && !call)
		return;
	if (entry->kind == ENTRY_FRAME) {
		element_count(outbox, entry);
		call_reply(entry->call, bus, at, entry->size);
		if (call)
			calls_drop(calls, call);
		return;
	}
	assert(call);
	if (call->parts[entry->part].done)
		return;
	call->parts[entry->part].done = true;
	element_count(outbox, entry);
	result_keep(&call->parts[entry->part], at, entry->size);
	if (--call->left == 0)
		many_finish(calls, call, bus);
}

void outbox_flush_early(struct outbox *outbox, struct calls *calls, const struct bus *bus)
{
	for (size_t i = 0; i < outbox->entry_count; i++) {
		struct entry *entry = &outbox->entries[i];

		if (!entry->early)
			continue;
		answer_flush(outbox, calls, entry, bus);
		entry->kind = ENTRY_NONE;
		entry->element = false;
	}
}

static void batch_flush(struct outbox *outbox, unsigned peer, const struct bus *bus, bool *ret_up)
{
	struct batch *batch = &outbox->batches[peer];

	batch_close(batch);
	for (size_t i = 0; i < batch->frame_count; i++) {
		size_t end = i + 1 < batch->frame_count ? batch->starts[i + 1] : batch->bytes.size;

		FAILPOINT("send", outbox->program->peers[peer].operation);
		*ret_up = bus->send(bus->argument, peer, batch->bytes.at + batch->starts[i],
			end - batch->starts[i]);
		FAILPOINT("sent", outbox->program->peers[peer].operation);
	}
}

static void event_publish(const struct outbox *outbox, const struct entry *entry,
	const struct bus *bus)
{
	FAILPOINT("publish");
	bus->publish(bus->argument, outbox->bytes.at + entry->offset, entry->size);
	FAILPOINT("published");
}

void outbox_flush(struct outbox *outbox, struct calls *calls, const struct bus *bus, void *state,
	bool *peer_up)
{
	for (size_t i = 0; i < outbox->entry_count; i++) {
		const struct entry *entry = &outbox->entries[i];

		if (entry->kind == ENTRY_AFTER)
			entry->fn(state, entry->argument);
		else if (entry->kind == ENTRY_EVENT)
			event_publish(outbox, entry, bus);
		else if (entry->kind == ENTRY_NONE)
			element_count(outbox, entry);
		else
			answer_flush(outbox, calls, entry, bus);
	}
	for (unsigned peer = 0; peer < PEERS_MAX; peer++)
		batch_flush(outbox, peer, bus, &peer_up[peer]);
}
