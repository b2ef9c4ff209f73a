#include "codec.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <msgpack/sysdep.h>
#include <msgpack/timestamp.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_LIMIT_BYTES ((size_t)16 * 1024 * 1024)
#define BUFFER_FIRST_BYTES ((size_t)256)

/* --- reading --------------------------------------------------------------------------------
 *
 * Values are built here and not by msgpack-c's unpacker: the check has to read every head anyway,
 * the unpacker would not say where in the frame a value stood, and its objects would have to be
 * turned into ours once more. Packing is msgpack-c's. */

enum { FORM_NONE = VALUE_EXT + 1 };

/* What a first byte from 0xc0 to 0xdf announces: the type, and how many bytes of number, size or
 * count follow. An extension's own type is one more byte, `fixed` a size that the byte implies. */
struct form {
	uint8_t type;
	uint8_t width;
	uint8_t fixed;
};

static const struct form forms[32] = {
	[0x00] = { VALUE_NIL, 0, 0 },
	[0x01] = { FORM_NONE, 0, 0 },
	[0x02] = { VALUE_BOOL, 0, 0 },
	[0x03] = { VALUE_BOOL, 0, 0 },
	[0x04] = { VALUE_BIN, 1, 0 },
	[0x05] = { VALUE_BIN, 2, 0 },
	[0x06] = { VALUE_BIN, 4, 0 },
	[0x07] = { VALUE_EXT, 1, 1 },
	[0x08] = { VALUE_EXT, 2, 1 },
	[0x09] = { VALUE_EXT, 4, 1 },
	[0x0a] = { VALUE_FLOAT, 4, 0 },
	[0x0b] = { VALUE_FLOAT, 8, 0 },
	[0x0c] = { VALUE_UINT, 1, 0 },
	[0x0d] = { VALUE_UINT, 2, 0 },
	[0x0e] = { VALUE_UINT, 4, 0 },
	[0x0f] = { VALUE_UINT, 8, 0 },
	[0x10] = { VALUE_INT, 1, 0 },
	[0x11] = { VALUE_INT, 2, 0 },
	[0x12] = { VALUE_INT, 4, 0 },
	[0x13] = { VALUE_INT, 8, 0 },
	[0x14] = { VALUE_EXT, 0, 2 },
	[0x15] = { VALUE_EXT, 0, 3 },
	[0x16] = { VALUE_EXT, 0, 5 },
	[0x17] = { VALUE_EXT, 0, 9 },
	[0x18] = { VALUE_EXT, 0, 17 },
	[0x19] = { VALUE_STR, 1, 0 },
	[0x1a] = { VALUE_STR, 2, 0 },
	[0x1b] = { VALUE_STR, 4, 0 },
	[0x1c] = { VALUE_ARRAY, 2, 0 },
	[0x1d] = { VALUE_ARRAY, 4, 0 },
	[0x1e] = { VALUE_MAP, 2, 0 },
	[0x1f] = { VALUE_MAP, 4, 0 },
};

static inline uint64_t bits_read(const uint8_t *at, size_t width)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	switch (width) {
	case 1:
		return at[0];
	case 2:
		memcpy(&two, at, sizeof(two));
		return be16toh(two);
	case 4:
		memcpy(&four, at, sizeof(four));
		return be32toh(four);
	case 8:
		memcpy(&eight, at, sizeof(eight));
		return be64toh(eight);
	default:
		return 0;
	}
}

/* Reading one value: everything but what a container holds, and how many bytes that takes. 0: no
 * such form, or the frame ends before the value does. */

/* The first bytes that hold a type and a small number at once: all below 0xc0 and from 0xe0 on. */
static inline size_t fix_read(const uint8_t *at, size_t left, struct value *ret)
{
	uint8_t first = at[0];
	size_t size = 1;

	if (first < 0x80) {
		ret->type = VALUE_UINT;
		ret->u64 = first;
	} else if (first >= 0xe0) {
		ret->type = VALUE_INT;
		ret->i64 = (int8_t)first;
	} else if (first >= 0xa0) {
		ret->type = VALUE_STR;
		ret->str.at = (const char *)at + 1;
		ret->str.size = first & 0x1f;
		size += ret->str.size;
	} else {
		ret->type = first < 0x90 ? VALUE_MAP : VALUE_ARRAY;
		ret->list.count = first & 0x0f;
	}
	return size <= left ? size : 0;
}

static int64_t bits_extend(uint64_t bits, size_t width)
{
	return (int64_t)(bits << (64 - 8 * width)) >> (64 - 8 * width);
}

static inline size_t form_read(const uint8_t *at, size_t left, struct value *ret)
{
	const struct form *form = &forms[at[0] - 0xc0];
	size_t head = (size_t)1 + form->width;
	uint64_t bits;

	if (form->type == FORM_NONE || left < head)
		return 0;
	bits = bits_read(at + 1, form->width);
	ret->type = (enum value_type)form->type;
	switch (form->type) {
	case VALUE_BOOL:
		ret->boolean = at[0] & 1;
		break;
	case VALUE_INT:
		ret->i64 = bits_extend(bits, form->width);
		if (ret->i64 >= 0)
			ret->type = VALUE_UINT;
		break;
	case VALUE_STR:
	case VALUE_BIN:
	case VALUE_EXT:
		bits += form->fixed;
		ret->str.at = (const char *)at + head;
		ret->str.size = (uint32_t)bits;
		return bits <= left - head ? head + bits : 0;
	case VALUE_ARRAY:
	case VALUE_MAP:
		ret->list.count = (uint32_t)bits;
		break;
	default:
		ret->u64 = bits;
		break;
	}
	return head;
}

static inline bool value_take(struct cursor *cursor, struct value *ret)
{
	const uint8_t *at = cursor->at;
	size_t size = 0;

	if (cursor->left > 0)
		size = at[0] < 0xc0 || at[0] >= 0xe0 ? fix_read(at, cursor->left, ret)
						     : form_read(at, cursor->left, ret);
	ret->raw = at;
	cursor->at += size;
	cursor->left -= size;
	return size > 0;
}

/* How many values an array or a map holds. */
static inline uint64_t value_children(const struct value *value)
{
	if (value->type == VALUE_MAP)
		return (uint64_t)value->list.count * 2;
	return value->type == VALUE_ARRAY ? value->list.count : 0;
}

struct reading {
	struct arena *arena;
	struct cursor rest;
	size_t unpromised; /* bytes; each value that a container announces takes one at least */
	unsigned nesting;
};

static int value_read(struct reading *reading, struct value *ret);

static int list_read(struct reading *reading, uint64_t children, struct value *ret)
{
	struct value *at;
	int error = 0;

	if (reading->nesting == CODEC_NESTING_MAX || children > reading->unpromised)
		return -EBADMSG;
	reading->unpromised -= children;
	at = arena_take(reading->arena, children * sizeof(*at));
	if (!at)
		return -ENOMEM;
	ret->list.at = at;
	reading->nesting++;
	for (uint64_t i = 0; !error && i < children; i++)
		error = value_read(reading, &at[i]);
	reading->nesting--;
	return error;
}

static int value_read(struct reading *reading, struct value *ret)
{
	int error = 0;

	if (!value_take(&reading->rest, ret))
		return -EBADMSG;
	if (ret->type == VALUE_ARRAY || ret->type == VALUE_MAP)
		error = list_read(reading, value_children(ret), ret);
	ret->raw_size = (uint32_t)(reading->rest.at - ret->raw);
	return error;
}

int codec_parse(struct arena *arena, const void *frame, size_t size, const struct value **ret)
{
	struct reading reading = { arena, { frame, size }, size - 1, 0 };
	struct value *root;
	int error;

	if (size == 0 || size > UINT32_MAX)
		return -EBADMSG;
	root = arena_take(arena, sizeof(*root));
	if (!root)
		return -ENOMEM;
	error = value_read(&reading, root);
	if (error || reading.rest.left > 0)
		return error ? error : -EBADMSG;
	*ret = root;
	return 0;
}

bool codec_next(struct cursor *cursor, struct value *ret)
{
	return value_take(cursor, ret) && value_children(ret) <= cursor->left;
}

const struct value *value_find(const struct value *map, const char *key)
{
	size_t size = strlen(key);

	if (map->type != VALUE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->list.count; i++) {
		const struct value *name = &map->list.at[(size_t)2 * i];

		if (name->type == VALUE_STR && name->str.size == size &&
			!memcmp(name->str.at, key, size))
			return name + 1;
	}
	return NULL;
}

/* --- writing -------------------------------------------------------------------------------- */

void buffer_done(struct buffer *buffer)
{
	free(buffer->at);
	*buffer = (struct buffer){ 0 };
}

void buffer_reset(struct buffer *buffer)
{
	buffer->size = 0;
	buffer->error = 0;
}

static int buffer_grow(struct buffer *buffer, size_t size)
{
	size_t limit = buffer->limit ? buffer->limit : BUFFER_LIMIT_BYTES;
	size_t room = buffer->room ? buffer->room : BUFFER_FIRST_BYTES;
	uint8_t *at;

	if (buffer->size > limit || size > limit - buffer->size)
		return -EMSGSIZE;
	while (room < buffer->size + size)
		room = room <= limit / 2 ? room * 2 : limit;
	at = realloc(buffer->at, room);
	if (!at)
		return -ENOMEM;
	buffer->at = at;
	buffer->room = room;
	return 0;
}

static inline void *extend(struct buffer *buffer, size_t size)
{
	if (!buffer->error && (!buffer->at || size > buffer->room - buffer->size))
		buffer->error = buffer_grow(buffer, size);
	if (buffer->error)
		return NULL;
	buffer->size += size;
	return buffer->at + buffer->size - size;
}

void *buffer_extend(struct buffer *buffer, size_t size)
{
	return extend(buffer, size);
}

static inline void append(struct buffer *buffer, const void *bytes, size_t size)
{
	void *at = extend(buffer, size);

	if (at && size)
		memcpy(at, bytes, size);
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	append(buffer, bytes, size);
}

/* msgpack-c's packing, made from its template so that it writes into a buffer without a call for
 * each piece. */
#define msgpack_pack_inline_func(name) static inline void wire##name
#define msgpack_pack_user struct buffer *
#define msgpack_pack_append_buffer(buffer, bytes, size) append(buffer, bytes, size)
#include <msgpack/pack_template.h>

void pack_nil(struct buffer *buffer)
{
	wire_nil(buffer);
}

void pack_bool(struct buffer *buffer, bool value)
{
	if (value)
		wire_true(buffer);
	else
		wire_false(buffer);
}

void pack_u64(struct buffer *buffer, uint64_t value)
{
	wire_uint64(buffer, value);
}

void pack_i64(struct buffer *buffer, int64_t value)
{
	wire_int64(buffer, value);
}

void pack_str(struct buffer *buffer, const char *text)
{
	pack_strn(buffer, text, strlen(text));
}

void pack_name(struct buffer *buffer, const char *name)
{
	uint8_t *head = extend(buffer, 1 + NAME_MAX_BYTES + 1);
	size_t size;

	if (!head)
		return;
	size = (size_t)(stpcpy((char *)head + 1, name) - (char *)head) - 1;
	assert(size <= NAME_MAX_BYTES);
	*head = (uint8_t)(0xa0 | size);
	buffer->size -= 1 + NAME_MAX_BYTES - size;
}

/* Whether msgpack has a head for so many bytes. */
static bool size_fits(struct buffer *buffer, size_t size)
{
	if (size > UINT32_MAX && !buffer->error)
		buffer->error = -EMSGSIZE;
	return size <= UINT32_MAX;
}

void pack_strn(struct buffer *buffer, const char *bytes, size_t size)
{
	if (!size_fits(buffer, size))
		return;
	wire_str(buffer, size);
	append(buffer, bytes, size);
}

void pack_bin(struct buffer *buffer, const void *bytes, size_t size)
{
	if (!size_fits(buffer, size))
		return;
	wire_bin(buffer, size);
	append(buffer, bytes, size);
}

void pack_array(struct buffer *buffer, uint32_t count)
{
	wire_array(buffer, count);
}

void pack_map(struct buffer *buffer, uint32_t count)
{
	wire_map(buffer, count);
}

size_t pack_open_map(struct buffer *buffer)
{
	buffer_append(buffer, "\xde\0\0", 3);
	return buffer->size;
}

size_t pack_open_array(struct buffer *buffer)
{
	buffer_append(buffer, "\xdc\0\0", 3);
	return buffer->size;
}

void pack_close(struct buffer *buffer, size_t opened, uint32_t count)
{
	if (buffer->error)
		return;
	assert(opened >= 3 && opened <= buffer->size);
	if (count > UINT16_MAX) {
		buffer->error = -EMSGSIZE;
		return;
	}
	buffer->at[opened - 2] = (uint8_t)(count >> 8);
	buffer->at[opened - 1] = (uint8_t)count;
}

size_t pack_open_short_map(struct buffer *buffer)
{
	extend(buffer, 1);
	return buffer->size;
}

void pack_close_short_map(struct buffer *buffer, size_t opened, uint32_t count)
{
	size_t held = buffer->size - opened;

	if (buffer->error)
		return;
	if (count <= 0x0f) {
		buffer->at[opened - 1] = (uint8_t)(0x80 | count);
		return;
	}
	if (!extend(buffer, 2))
		return;
	memmove(buffer->at + opened + 2, buffer->at + opened, held);
	buffer->at[opened - 1] = 0xde;
	pack_close(buffer, opened + 2, count);
}
