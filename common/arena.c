#include "arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define BLOCK_FIRST_BYTES ((size_t)64 * 1024)
#define BLOCK_GROWN_BYTES ((size_t)1024 * 1024)
#define KEEP_MAX_BYTES ((size_t)4096 * 1024)

struct block {
	struct block *next;
	size_t room;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

/* Blocks from `current` on hold nothing yet, but for `current` itself. Unused bytes are poisoned
 * under the address sanitizer, so that it sees a pointer that outlived a reset. */
struct arena {
	struct block *first;
	struct block *current;
};

static struct block *block_new(size_t room)
{
	struct block *block = malloc(sizeof(*block) + room);

	if (!block)
		return NULL;
	block->next = NULL;
	block->room = room;
	block->used = 0;
	ASAN_POISON_MEMORY_REGION(block->bytes, room);
	return block;
}

static void block_free(struct block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->room);
	free(block);
}

struct arena *arena_new(void)
{
	struct arena *arena = malloc(sizeof(*arena));

	if (!arena)
		return NULL;
	arena->first = block_new(BLOCK_FIRST_BYTES);
	arena->current = arena->first;
	if (!arena->first) {
		free(arena);
		return NULL;
	}
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct block *block = arena->first, *next; block; block = next) {
		next = block->next;
		block_free(block);
	}
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block **link = &arena->first;
	size_t kept = 0;

	while (*link) {
		struct block *block = *link;

		if (block != arena->first && block->room > KEEP_MAX_BYTES - kept) {
			*link = block->next;
			block_free(block);
			continue;
		}
		kept += block->room;
		block->used = 0;
		ASAN_POISON_MEMORY_REGION(block->bytes, block->room);
		link = &block->next;
	}
	arena->current = arena->first;
}

static size_t size_aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* A block behind the current one with that much room: a kept one or a new one. */
static struct block *arena_grow(struct arena *arena, size_t size)
{
	struct block *block = arena->current->next;

	if (!block || block->room < size) {
		size_t room = arena->current->room * 2;

		if (room > BLOCK_GROWN_BYTES)
			room = BLOCK_GROWN_BYTES;
		block = block_new(room < size ? size : room);
		if (!block)
			return NULL;
		block->next = arena->current->next;
		arena->current->next = block;
	}
	arena->current = block;
	return block;
}

static void *arena_take_dirty(struct arena *arena, size_t size)
{
	struct block *block = arena->current;
	size_t aligned = size_aligned(size);
	void *at;

	if (size > SIZE_MAX / 2)
		return NULL;
	if (block->room - block->used < aligned)
		block = arena_grow(arena, aligned);
	if (!block)
		return NULL;
	at = block->bytes + block->used;
	block->used += aligned;
	ASAN_UNPOISON_MEMORY_REGION(at, size);
	return at;
}

void *arena_take(struct arena *arena, size_t size)
{
	void *at = arena_take_dirty(arena, size);

	return at ? memset(at, 0, size) : NULL;
}

char *arena_text(struct arena *arena, const void *bytes, size_t size)
{
	char *text = size < SIZE_MAX ? arena_take_dirty(arena, size + 1) : NULL;

	if (!text)
		return NULL;
	if (size)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	char start[128]; /* most are short enough to be printed but once */
	int size;

	va_start(arguments, format);
	size = vsnprintf(start, sizeof(start), format, arguments);
	va_end(arguments);
	if (size >= 0 && (size_t)size < sizeof(start))
		return arena_text(arena, start, (size_t)size);
	if (size >= 0)
		text = arena_take_dirty(arena, (size_t)size + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)size + 1, format, arguments);
	va_end(arguments);
	return text;
}
