#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "codec.h"
#include "import.h"

#define CHUNK 256 /* what a daemon has in hand for one client */
#define FRAME_TIMEOUT_MS 5000
#define RETRY_MS 100

int64_t import_timeout_ms(const struct import *import)
{
	return import->ctl->timeout_ms ? import->ctl->timeout_ms : IMPORT_TIMEOUT_MS;
}

static bool code_is_passing(int code)
{
	return code / 100 == 429 || code / 100 == 503 || code / 100 == 504;
}

bool answer_is_passing(const struct answer *answer)
{
	return code_is_passing(answer->code);
}

int64_t answer_retry_ms(const struct answer *answer)
{
	const struct value *retry = value_find(answer->map, "retry_after_ms");

	if (!retry || retry->type != VALUE_UINT || retry->u64 < 1)
		return RETRY_MS;
	return retry->u64 < 5000 ? (int64_t)retry->u64 : 5000;
}

static void sleep_ms(int64_t ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* A part of the requests: those that have no final answer yet, packed in front. */
struct chunk {
	char *requests;
	size_t index[CHUNK]; /* among all requests */
	size_t count;
	char *replies;
	struct answer answers[CHUNK];
	int64_t wait_ms; /* before those left are asked for again */
};

static bool result_is_passing(int result)
{
	return result == -ENOENT || result == -ECONNREFUSED || result == -ETIMEDOUT ||
		code_is_passing(result);
}

/* Takes the final ones of the first `done` answers and moves the other requests up. */
static void chunk_settle(struct import *import, const struct import_exchange *exchange,
	struct chunk *chunk, size_t done)
{
	size_t kept = 0, size = exchange->request->size;

	chunk->wait_ms = RETRY_MS;
	for (size_t i = 0; i < chunk->count; i++) {
		const struct answer *answer = &chunk->answers[i];

		if (i < done && !answer_is_passing(answer)) {
			exchange->take(import, chunk->index[i],
				chunk->replies + i * exchange->reply->size, answer);
			import->left--;
			continue;
		}
		if (i < done)
			chunk->wait_ms = answer_retry_ms(answer);
		memmove(chunk->requests + kept * size, chunk->requests + i * size, size);
		chunk->index[kept++] = chunk->index[i];
	}
	chunk->count = kept;
}

/* One frame there and back; as connection_call. */
static int chunk_ask(struct import *import, const struct import_exchange *exchange,
	struct connection *connection, struct chunk *chunk)
{
	int64_t timeout_ms = import_timeout_ms(import);
	size_t done = 0;
	int result;

	arena_reset(import->scratch);
	result = connection_call_many(connection, import->scratch, exchange->operation,
		exchange->many, exchange->request, chunk->requests, chunk->count,
		timeout_ms < FRAME_TIMEOUT_MS ? timeout_ms : FRAME_TIMEOUT_MS, exchange->reply,
		chunk->replies, chunk->answers, &done);
	if (!result || result_is_passing(result))
		chunk_settle(import, exchange, chunk, done);
	return result;
}

static int give_up(const struct import *import, enum neighbour who, int result)
{
	fprintf(stderr,
		"orderctl: gave up after %" PRId64 " s without progress. Run it again to go on:"
		" nothing is done twice.\n",
		import_timeout_ms(import) / 1000);
	ctl_failed(import->ctl, who, result ? result : -ETIMEDOUT, NULL);
	return STATUS_UNREACHABLE;
}

static int chunk_finish(struct import *import, const struct import_exchange *exchange,
	struct connection *connection, struct chunk *chunk)
{
	int64_t moved_ms = clock_monotonic_ms();

	while (chunk->count) {
		size_t before = chunk->count;
		int result = chunk_ask(import, exchange, connection, chunk);

		if (result && !result_is_passing(result))
			return ctl_failed(import->ctl, exchange->who, result, NULL);
		if (chunk->count < before)
			moved_ms = clock_monotonic_ms();
		else if (clock_monotonic_ms() - moved_ms > import_timeout_ms(import))
			return give_up(import, exchange->who, result);
		if (chunk->count)
			sleep_ms(chunk->wait_ms);
	}
	return STATUS_DONE;
}

static int chunk_take(struct import *import, const struct import_exchange *exchange,
	struct connection *connection, const char *requests, size_t from, size_t count)
{
	struct arena *arena = import->sheet.arena;
	size_t size = exchange->request->size;
	struct chunk *chunk = arena_take(arena, sizeof(*chunk));

	if (chunk) {
		chunk->requests = arena_take(arena, count * size);
		chunk->replies = arena_take(arena, count * exchange->reply->size);
	}
	if (!chunk || !chunk->requests || !chunk->replies)
		return ctl_failed(import->ctl, exchange->who, -ENOMEM, NULL);
	memcpy(chunk->requests, requests + from * size, count * size);
	chunk->count = count;
	for (size_t i = 0; i < count; i++)
		chunk->index[i] = from + i;
	return chunk_finish(import, exchange, connection, chunk);
}

int import_exchange(struct import *import, const struct import_exchange *exchange,
	const void *requests, size_t count)
{
	struct connection *connection;
	int status = ctl_connection(import->ctl, exchange->who, &connection);

	if (status)
		return ctl_failed(import->ctl, exchange->who, status, NULL);
	import->left = count;
	for (size_t from = 0; from < count && !status; from += CHUNK) {
		import_progress(import, from, count);
		status = chunk_take(import, exchange, connection, requests, from,
			count - from < CHUNK ? count - from : CHUNK);
	}
	return status;
}
