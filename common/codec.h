#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/* msgpack, and the only place that knows it.
 *
 * Reading: codec_parse checks a frame within bounds (a byte for every value that is announced, so
 * that it takes room for no more, nesting of at most 8, no byte left over) and gives a tree of
 * values. Values and the strings in them point into the arena or the frame and are valid until
 * the first of the two goes. Strings are not NUL-terminated here.
 *
 * Writing: a struct buffer grows by itself up to its limit; after the first failure (no memory
 * or past the limit) every later call does nothing and buffer->error says why, so a caller
 * checks once. */

enum value_type {
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_UINT,  /* 0 and above, however it was packed */
	VALUE_INT,   /* below 0 */
	VALUE_FLOAT, /* recognised only to be refused */
	VALUE_STR,
	VALUE_BIN,
	VALUE_ARRAY,
	VALUE_MAP,
	VALUE_EXT, /* likewise */
};

struct value {
	enum value_type type;
	union {
		bool boolean;
		uint64_t u64;
		int64_t i64;
		struct {
			const char *at;
			uint32_t size;
		} str; /* VALUE_STR and VALUE_BIN */
		struct {
			const struct value
				*at; /* a map has 2 * count values: key, value, key, value */
			uint32_t count;
		} list;
	};
	const uint8_t *raw; /* the value as it stood in the frame, to echo or hash it */
	uint32_t raw_size;
};

#define CODEC_NESTING_MAX 8

/* The one value that fills the frame exactly. 0; -EBADMSG: not one well-formed msgpack value
 * within the bounds; -ENOMEM. */
int codec_parse(struct arena *arena, const void *frame, size_t size, const struct value **ret);

/* Reading without a tree, where it is known what comes: one value after the other, of a container
 * first itself, with its count and without `list.at`, then what it holds. `raw_size` is not set. */
struct cursor {
	const uint8_t *at;
	size_t left; /* bytes */
};

/* False: that is no value, or it does not fit into what is left. */
bool codec_next(struct cursor *cursor, struct value *ret);

/* The value under a string key of a map, or NULL. */
const struct value *value_find(const struct value *map, const char *key);

struct buffer {
	uint8_t *at;
	size_t size;
	size_t room;
	size_t limit; /* bytes; 0 means 16 MiB */
	int error;    /* 0, -ENOMEM or -EMSGSIZE (the limit was reached) */
};

void buffer_done(struct buffer *buffer);  /* frees the bytes and zeroes the buffer */
void buffer_reset(struct buffer *buffer); /* empties it, keeps the memory */
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* `size` more bytes at the end, not yet filled; NULL after a failure. */
void *buffer_extend(struct buffer *buffer, size_t size);

void pack_nil(struct buffer *buffer);
void pack_bool(struct buffer *buffer, bool value);
void pack_u64(struct buffer *buffer, uint64_t value); /* the shortest form */
void pack_i64(struct buffer *buffer, int64_t value);  /* the shortest form; >= 0 as unsigned */
void pack_str(struct buffer *buffer, const char *text);
#define NAME_MAX_BYTES 30
void pack_name(struct buffer *buffer, const char *name); /* a map's, of at most so many bytes */
void pack_strn(struct buffer *buffer, const char *bytes, size_t size);
void pack_bin(struct buffer *buffer, const void *bytes, size_t size);
void pack_array(struct buffer *buffer, uint32_t count); /* the shortest form */
void pack_map(struct buffer *buffer, uint32_t count);   /* the shortest form */

/* A map or an array whose count is not known yet: always the 16-bit form. The return value goes
 * to pack_close with the count. */
size_t pack_open_map(struct buffer *buffer);
size_t pack_open_array(struct buffer *buffer);
void pack_close(struct buffer *buffer, size_t opened, uint32_t count);

/* The same for a map in the shortest form: with more than 15 pairs what it holds is moved. */
size_t pack_open_short_map(struct buffer *buffer);
void pack_close_short_map(struct buffer *buffer, size_t opened, uint32_t count);
