#include <errno.h>

#include "load.h"
#include "protocol.h"
#include "zmtp.h"

#define GREET_MS 5000

static int suite_open(struct stream *stream, void **ret_state)
{
	struct arena *arena = arena_new();
	int result = arena ? zmtp_greet(stream, GREET_MS) : -ENOMEM;

	if (result < 0)
		arena_free(arena);
	else
		*ret_state = arena;
	return result;
}

static void suite_close(void *state)
{
	arena_free(state);
}

static int suite_put(struct stream *stream, const struct load *load, uint64_t index,
	uint64_t number)
{
	static struct buffer frame;
	uint32_t count = 2;
	size_t map;

	buffer_reset(&frame);
	map = pack_open_map(&frame);
	pack_str(&frame, "v");
	pack_u64(&frame, PROTOCOL_VERSION);
	pack_str(&frame, "id");
	pack_u64(&frame, number);
	count += load->request(load->argument, index, &frame);
	pack_close(&frame, map, count);
	return frame.error ? frame.error : zmtp_put(stream, frame.at, frame.size);
}

static int suite_take(struct stream *stream, void *state, struct load_answer *ret)
{
	const struct value *map, *id, *code;
	struct arena *arena = state;
	const uint8_t *body;
	size_t size;

	if (!zmtp_take(stream, &body, &size))
		return 0;
	arena_reset(arena);
	if (codec_parse(arena, body, size, &map) < 0)
		return -EBADMSG;
	id = value_find(map, "id");
	code = value_find(map, "code");
	if (!id || !code || id->type != VALUE_UINT || code->type != VALUE_UINT)
		return -EBADMSG;
	*ret = (struct load_answer){ id->u64, (int64_t)code->u64 };
	return 1;
}

const struct load_wire orderd_wire = { suite_open, suite_close, suite_put, suite_take };
