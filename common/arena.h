#pragma once

#include <stddef.h>

/* Memory of one request or one tick: allocated in passing, given back all at once.
 *
 * Nothing taken from an arena is freed on its own. arena_reset keeps the first block, so that a
 * steady load allocates nothing; blocks beyond 4 MiB are given back at every reset. */

struct arena;

struct arena *arena_new(void); /* NULL: no memory */
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena);

/* `size` bytes, zeroed, aligned for any type. NULL: no memory. Size 0 gives a valid pointer. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of `size` bytes with a NUL behind it. NULL: no memory. */
char *arena_text(struct arena *arena, const void *bytes, size_t size);

/* A formatted string. NULL: no memory. */
char *arena_print(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
