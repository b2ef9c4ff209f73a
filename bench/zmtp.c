#include "zmtp.h"

#include <errno.h>
#include <string.h>

#define GREETING_BYTES 64
#define FLAG_MORE 1
#define FLAG_LONG 2
#define FLAG_COMMAND 4

static int frame_add(struct stream *stream, uint8_t flags, const void *body, size_t size)
{
	uint8_t head[9] = { flags };
	size_t head_size = 2;
	int result;

	if (size <= UINT8_MAX) {
		head[1] = (uint8_t)size;
	} else {
		head[0] |= FLAG_LONG;
		head_size = sizeof(head);
		for (int i = 0; i < 8; i++)
			head[1 + i] = (uint8_t)(size >> (56 - 8 * i));
	}
	result = stream_add(stream, head, head_size);
	return result < 0 ? result : stream_add(stream, body, size);
}

int zmtp_put(struct stream *stream, const void *body, size_t size)
{
	return frame_add(stream, 0, body, size);
}

/* One frame from what was read. */
static bool frame_take(struct stream *stream, uint8_t *ret_flags, const uint8_t **ret_body,
	size_t *ret_size)
{
	const uint8_t *at = stream->in + stream->in_at;
	size_t left = stream->in_size - stream->in_at;
	size_t head = 2;
	uint64_t size;

	if (left < head)
		return false;
	size = at[1];
	if (at[0] & FLAG_LONG) {
		head = 9;
		if (left < head)
			return false;
		size = 0;
		for (size_t i = 1; i < head; i++)
			size = size << 8 | at[i];
	}
	if (left - head < size)
		return false;
	*ret_flags = at[0];
	*ret_body = at + head;
	*ret_size = size;
	stream->in_at += head + size;
	return true;
}

bool zmtp_take(struct stream *stream, const uint8_t **ret_body, size_t *ret_size)
{
	uint8_t flags;

	while (frame_take(stream, &flags, ret_body, ret_size))
		if (!(flags & (FLAG_COMMAND | FLAG_MORE)))
			return true;
	return false;
}

int zmtp_greet(struct stream *stream, int timeout_ms)
{
	static const uint8_t greeting[GREETING_BYTES] = {
		[0] = 0xff,
		[9] = 0x7f,
		[10] = 3,
		[12] = 'N',
		[13] = 'U',
		[14] = 'L',
		[15] = 'L',
	};
	static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
	int result = stream_add(stream, greeting, sizeof(greeting));
	const uint8_t *body;
	uint8_t flags = 0;
	size_t size;

	if (result == 0)
		result = stream_flush(stream);
	if (result == 0)
		result = stream_fill_until(stream, GREETING_BYTES, timeout_ms);
	if (result < 0)
		return result;
	stream->in_at += GREETING_BYTES;
	result = frame_add(stream, FLAG_COMMAND, ready, sizeof(ready));
	if (result == 0)
		result = stream_flush(stream);
	while (result == 0 && !frame_take(stream, &flags, &body, &size))
		result = stream_fill_until(stream, stream->in_size - stream->in_at + 1, timeout_ms);
	if (result < 0)
		return result;
	return flags & FLAG_COMMAND && size > 5 && memcmp(body, "\5READY", 6) == 0 ? 0 : -EPROTO;
}
