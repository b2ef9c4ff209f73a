#include "unread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ANSWER_COST_BYTES 128 /* of an answer besides its own: libzmq's part and the heap's */
#define SWEEP_MIN 256

struct reader {
	UT_hash_handle hh;
	struct unread *unread;
	atomic_size_t bytes;
	uint8_t identity_size;
	uint8_t identity[255];
};

struct unread {
	struct reader *readers;
	size_t sweep_at; /* so many readers: those that have read everything go */
	atomic_size_t bytes;
};

struct unread_answer {
	struct reader *reader;
	size_t cost;
	uint8_t data[];
};

struct unread *unread_new(void)
{
	struct unread *unread = calloc(1, sizeof(*unread));

	if (unread)
		unread->sweep_at = SWEEP_MIN;
	return unread;
}

void unread_free(struct unread *unread)
{
	struct reader *reader, *next;

	if (!unread)
		return;
	HASH_ITER(hh, unread->readers, reader, next) {
		HASH_DEL(unread->readers, reader);
		free(reader);
	}
	free(unread);
}

/* An answer takes its bytes off the reader last: at 0 nobody looks at the reader any more. */
static void sweep(struct unread *unread)
{
	struct reader *reader, *next;

	if (HASH_COUNT(unread->readers) < unread->sweep_at)
		return;
	HASH_ITER(hh, unread->readers, reader, next) {
		if (atomic_load(&reader->bytes) > 0)
			continue;
		HASH_DEL(unread->readers, reader);
		free(reader);
	}
	unread->sweep_at = 2 * HASH_COUNT(unread->readers) + SWEEP_MIN;
}

static struct reader *reader_find(const struct unread *unread, const struct route *route)
{
	struct reader *reader;

	HASH_FIND(hh, unread->readers, route->identity, route->identity_size, reader);
	return reader;
}

static struct reader *reader_of(struct unread *unread, const struct route *route)
{
	struct reader *reader = reader_find(unread, route);

	if (reader)
		return reader;
	sweep(unread);
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->unread = unread;
	reader->identity_size = route->identity_size;
	memcpy(reader->identity, route->identity, route->identity_size);
	HASH_ADD(hh, unread->readers, identity, reader->identity_size, reader);
	if (!reader->hh.tbl) {
		free(reader);
		return NULL;
	}
	return reader;
}

struct unread_answer *unread_answer_new(struct unread *unread, const struct route *route,
	const void *data, size_t size)
{
	struct reader *reader = reader_of(unread, route);
	struct unread_answer *answer = reader ? malloc(sizeof(*answer) + size) : NULL;

	if (!answer)
		return NULL;
	answer->reader = reader;
	answer->cost = size + ANSWER_COST_BYTES;
	memcpy(answer->data, data, size);
	atomic_fetch_add(&reader->bytes, answer->cost);
	atomic_fetch_add(&unread->bytes, answer->cost);
	return answer;
}

void *unread_answer_data(struct unread_answer *answer)
{
	return answer->data;
}

void unread_answer_free(void *data, void *argument)
{
	struct unread_answer *answer = argument;

	(void)data;
	atomic_fetch_sub(&answer->reader->unread->bytes, answer->cost);
	atomic_fetch_sub(&answer->reader->bytes, answer->cost);
	free(answer);
}

bool unread_is_too_much(const struct unread *unread, const struct route *route)
{
	size_t all = atomic_load(&unread->bytes);
	const struct reader *reader;

	if (all <= UNREAD_FEW_BYTES)
		return false;
	reader = reader_find(unread, route);
	return reader &&
		atomic_load(&reader->bytes) >
		(all > UNREAD_ALL_MAX_BYTES ? UNREAD_FEW_BYTES : UNREAD_MAX_BYTES);
}
