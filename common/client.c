#include "client.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "client_socket.h"
#include "clock.h"
#include "protocol.h"

#define TIMEOUT_MAX_MS 3600000 /* the most that an envelope may say */
#define MANY_FRAME_MAX 256     /* elements a frame: what a daemon has in hand for one client */

/* A pipelined request that may still be answered. */
struct sent {
	UT_hash_handle hh;
	uint64_t id;
	uint64_t ref;
	int64_t until_ms; /* monotonic */
};

struct connection {
	struct client_socket *socket;
	uint64_t last_id;
	struct buffer frame;
	struct sent *sent; /* in the order of sending */
};

int connection_open(struct connection **ret, const char *socket_path)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int result;

	if (!connection)
		return -ENOMEM;
	result = client_socket_open(&connection->socket, socket_path);
	if (result < 0) {
		connection_close(connection);
		return result;
	}
	*ret = connection;
	return 0;
}

static void sent_drop(struct connection *connection, struct sent *sent)
{
	HASH_DEL(connection->sent, sent);
	free(sent);
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	while (connection->sent)
		sent_drop(connection, connection->sent);
	client_socket_close(connection->socket);
	buffer_done(&connection->frame);
	free(connection);
}

bool connection_is_inherited(const struct connection *connection)
{
	return client_socket_is_inherited(connection->socket);
}

/* --- requests ------------------------------------------------------------------------------- */

/* The daemon is told a little less than is waited here, so that its answer that the time is up
 * still finds a listener. */
static uint32_t envelope_pack(struct connection *connection, const char *operation,
	int64_t timeout_ms)
{
	struct buffer *frame = &connection->frame;
	int64_t margin_ms = timeout_ms / 10 < 100 ? timeout_ms / 10 : 100;
	int64_t told_ms = timeout_ms - margin_ms;

	pack_str(frame, "v");
	pack_u64(frame, PROTOCOL_VERSION);
	pack_str(frame, "id");
	pack_u64(frame, ++connection->last_id);
	pack_str(frame, "op");
	pack_str(frame, operation);
	if (timeout_ms <= 0)
		return 3;
	pack_str(frame, "timeout_ms");
	pack_i64(frame, told_ms < TIMEOUT_MAX_MS ? told_ms : TIMEOUT_MAX_MS);
	return 4;
}

static int frame_send(struct connection *connection, int64_t deadline_ms)
{
	const struct buffer *frame = &connection->frame;

	if (frame->error < 0)
		return frame->error;
	if (frame->size > REQUEST_MAX_BYTES)
		return -EMSGSIZE;
	return client_socket_send(connection->socket, frame->at, frame->size, deadline_ms);
}

static int request_send(struct connection *connection, const char *operation,
	const struct record *record, const void *request, int64_t timeout_ms)
{
	struct buffer *frame = &connection->frame;
	uint32_t count;
	size_t map;

	buffer_reset(frame);
	map = pack_open_map(frame);
	count = envelope_pack(connection, operation, timeout_ms);
	count += fields_to_map(frame, record, request);
	pack_close(frame, map, count);
	return frame_send(connection, deadline_in(timeout_ms));
}

/* --- answers -------------------------------------------------------------------------------- */

/* The next reply, whoever's it is. */
static int reply_take(struct connection *connection, struct arena *arena, int64_t deadline_ms,
	uint64_t *ret_id, const struct value **ret_map)
{
	const struct value *map, *version, *id;
	int result = client_socket_take(connection->socket, arena, deadline_ms, &map);

	if (result < 0)
		return result;
	version = value_find(map, "v");
	id = value_find(map, "id");
	if (!version || version->type != VALUE_UINT || version->u64 != PROTOCOL_VERSION || !id ||
		id->type != VALUE_UINT)
		return -EBADMSG;
	*ret_id = id->u64;
	*ret_map = map;
	return 0;
}

/* The reply to the request sent last; those to others come too late. */
static int reply_take_last(struct connection *connection, struct arena *arena, int64_t deadline_ms,
	const struct value **ret_map)
{
	uint64_t id = 0;
	int result;

	do
		result = reply_take(connection, arena, deadline_ms, &id, ret_map);
	while (result == 0 && id != connection->last_id);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static const char *text_find(struct arena *arena, const struct value *map, const char *key)
{
	const struct value *text = value_find(map, key);

	if (!text || text->type != VALUE_STR)
		return "";
	return arena_text(arena, text->str.at, text->str.size);
}

static int refusal_read(struct arena *arena, struct answer *answer)
{
	answer->error = text_find(arena, answer->map, "error");
	answer->message = text_find(arena, answer->map, "message");
	return answer->error && answer->message ? 0 : -ENOMEM;
}

static int record_read_from(struct arena *arena, const struct value *map,
	const struct record *record, void *ret_reply)
{
	void *reply = arena_take(arena, record->size);
	const char *why;
	int result;

	if (!reply)
		return -ENOMEM;
	result = fields_from_map(arena, record, map, reply, &why);
	if (result != 0)
		return result > 0 ? -EBADMSG : result;
	if (record->size > 0)
		memcpy(ret_reply, reply, record->size);
	return 0;
}

/* What a reply or a result says: its code, or a negative errno. */
static int answer_read(struct arena *arena, const struct value *map, const struct record *record,
	void *ret_reply, struct answer *ret_answer)
{
	const struct value *code = map->type == VALUE_MAP ? value_find(map, "code") : NULL;
	struct answer answer = { .error = "", .message = "", .map = map };
	int result;

	if (!code || code->type != VALUE_UINT || code->u64 > INT_MAX)
		return -EBADMSG;
	answer.code = (int)code->u64;
	if (answer.code > 0)
		result = refusal_read(arena, &answer);
	else
		result = record_read_from(arena, map, record, ret_reply);
	if (result < 0)
		return result;
	if (ret_answer)
		*ret_answer = answer;
	return answer.code;
}

int connection_call(struct connection *connection, struct arena *arena, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, struct answer *ret_answer)
{
	int64_t deadline_ms = deadline_in(timeout_ms);
	const struct value *map;
	int result = request_send(connection, operation, request_record, request, timeout_ms);

	if (result == 0)
		result = reply_take_last(connection, arena, deadline_ms, &map);
	return result < 0 ? result : answer_read(arena, map, reply_record, ret_reply, ret_answer);
}

/* --- many at once --------------------------------------------------------------------------- */

/* As many elements as a frame takes; *ret_packed says how many those are. */
static int many_pack(struct connection *connection, const char *operation, const char *many,
	const struct record *record, const char *requests, size_t count, int64_t timeout_ms,
	size_t *ret_packed)
{
	struct buffer *frame = &connection->frame;
	size_t map, list, packed = 0;
	uint32_t fields;

	buffer_reset(frame);
	map = pack_open_map(frame);
	fields = envelope_pack(connection, operation, timeout_ms) + 1;
	pack_str(frame, many);
	list = pack_open_array(frame);
	for (; packed < count && packed < MANY_FRAME_MAX; packed++) {
		size_t before = frame->size;
		size_t element = pack_open_map(frame);

		pack_close(frame, element,
			fields_to_map(frame, record, requests + packed * record->size));
		if (frame->size > REQUEST_MAX_BYTES) {
			frame->size = before;
			break;
		}
	}
	pack_close(frame, list, (uint32_t)packed);
	pack_close(frame, map, fields);
	*ret_packed = packed;
	return packed > 0 ? 0 : -EMSGSIZE;
}

static int results_read(struct arena *arena, const struct value *map, size_t count,
	const struct record *record, char *replies, struct answer *answers)
{
	const struct value *results = value_find(map, "results");

	if (!results || results->type != VALUE_ARRAY || results->list.count != count)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++) {
		int result = answer_read(arena, &results->list.at[i], record,
			replies + i * record->size, &answers[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

int connection_call_many(struct connection *connection, struct arena *arena, const char *operation,
	const char *many, const struct record *request_record, const void *requests, size_t count,
	int64_t timeout_ms, const struct record *reply_record, void *replies,
	struct answer *answers, size_t *ret_done)
{
	int64_t deadline_ms = deadline_in(timeout_ms);
	const struct value *map;
	int result = 0;
	size_t packed;

	*ret_done = 0;
	for (size_t done = 0; done < count; done += packed) {
		int64_t left_ms = timeout_ms < 0 ? -1 : deadline_left(deadline_ms);

		if (left_ms == 0 && done > 0)
			return -ETIMEDOUT;
		result = many_pack(connection, operation, many, request_record,
			(const char *)requests + done * request_record->size, count - done, left_ms,
			&packed);
		if (result == 0)
			result = frame_send(connection, deadline_ms);
		if (result == 0)
			result = reply_take_last(connection, arena, deadline_ms, &map);
		if (result == 0)
			result = answer_read(arena, map, &empty_record, NULL, NULL);
		if (result == 0)
			result = results_read(arena, map, packed, reply_record,
				(char *)replies + done * reply_record->size, answers + done);
		if (result != 0)
			return result;
		*ret_done = done + packed;
	}
	return 0;
}

/* --- pipelining ----------------------------------------------------------------------------- */

static void sent_prune(struct connection *connection)
{
	int64_t now_ms = clock_monotonic_ms();

	while (connection->sent && connection->sent->until_ms <= now_ms)
		sent_drop(connection, connection->sent);
}

int connection_send(struct connection *connection, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms, uint64_t ref)
{
	struct sent *sent;
	int result;

	sent_prune(connection);
	sent = calloc(1, sizeof(*sent));
	if (!sent)
		return -ENOMEM;
	result = request_send(connection, operation, request_record, request, timeout_ms);
	if (result < 0) {
		free(sent);
		return result;
	}
	sent->id = connection->last_id;
	sent->ref = ref;
	sent->until_ms = timeout_ms > 0 ? deadline_in(timeout_ms) : INT64_MAX;
	HASH_ADD(hh, connection->sent, id, sizeof(sent->id), sent);
	if (sent->hh.tbl)
		return 0;
	free(sent);
	return -ENOMEM;
}

int connection_take(struct connection *connection, struct arena *arena, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, uint64_t *ret_ref,
	struct answer *ret_answer)
{
	int64_t deadline_ms = deadline_in(timeout_ms);
	const struct value *map;
	struct sent *sent;
	uint64_t id;
	int result;

	do {
		result = reply_take(connection, arena, deadline_ms, &id, &map);
		if (result < 0)
			return result;
		HASH_FIND(hh, connection->sent, &id, sizeof(id), sent);
	} while (!sent);
	*ret_ref = sent->ref;
	sent_drop(connection, sent);
	return answer_read(arena, map, reply_record, ret_reply, ret_answer);
}

/* --- events --------------------------------------------------------------------------------- */

struct subscription {
	struct client_socket *socket;
};

int subscription_open(struct subscription **ret, const char *socket_path)
{
	struct subscription *subscription = calloc(1, sizeof(*subscription));
	int result;

	if (!subscription)
		return -ENOMEM;
	result = client_socket_open_events(&subscription->socket, socket_path);
	if (result < 0) {
		subscription_close(subscription);
		return result;
	}
	*ret = subscription;
	return 0;
}

void subscription_close(struct subscription *subscription)
{
	if (!subscription)
		return;
	client_socket_close(subscription->socket);
	free(subscription);
}

int subscription_take(struct subscription *subscription, struct arena *arena, int64_t timeout_ms,
	const struct record *record, void *ret_event)
{
	const struct value *map;
	int result = client_socket_take(subscription->socket, arena, deadline_in(timeout_ms), &map);

	return result < 0 ? result : record_read_from(arena, map, record, ret_event);
}
