#include <errno.h>
#include <hiredis/read.h>

#include "load.h"

/* Redis answers a connection in the order in which it asked. Of an answer it only matters whether
 * it is an error: the reader makes no objects, and an answer is then its root's type. */

static int redis_open(struct stream *stream, void **ret_state)
{
	redisReader *reader = redisReaderCreateWithFunctions(NULL);

	(void)stream;
	if (!reader)
		return -ENOMEM;
	*ret_state = reader;
	return 0;
}

static void redis_close(void *state)
{
	redisReaderFree(state);
}

static int redis_put(struct stream *stream, const struct load *load, uint64_t index,
	uint64_t number)
{
	const struct redis_command *command = load->argument;

	(void)index, (void)number;
	return stream_add(stream, command->at, command->size);
}

static int redis_take(struct stream *stream, void *state, struct load_answer *ret)
{
	void *reply = NULL;

	if (redisReaderFeed(state, (const char *)stream->in + stream->in_at,
		    stream->in_size - stream->in_at) != REDIS_OK)
		return -ENOMEM;
	stream->in_at = stream->in_size;
	if (redisReaderGetReply(state, &reply) != REDIS_OK)
		return -EBADMSG;
	if (!reply)
		return 0;
	*ret = (struct load_answer){ LOAD_OLDEST, (uintptr_t)reply == REDIS_REPLY_ERROR };
	return 1;
}

const struct load_wire redis_wire = { redis_open, redis_close, redis_put, redis_take };
