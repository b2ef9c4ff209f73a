#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "fields.h"

/* Reading a struct through its field table, and what people are shown of it. */

const void *value_member(const struct field *field, const void *from);
uint64_t value_number(const struct field *field, const void *from); /* U64, I64, TIME_MS */
bool value_bool(const struct field *field, const void *from);
const char *value_text(const struct field *field, const void *from); /* NULL: absent */
const char *value_enum(const struct field *field, const void *from); /* "": no value */
size_t value_count(const struct field *field, const void *from);     /* of a list */
const char *value_element(const struct field *field, const void *from, size_t index);

/* A value for people, in the arena: money as 59.00, times in UTC, bytes with a unit, a list as its
 * count; "" for what is absent. Never NULL. */
const char *value_print(struct arena *arena, const struct field *field, const void *from);

/* How long that is, in the largest unit that fits: 850ms, 12s, 3m, 26h, 5d. In the arena, never
 * NULL. */
const char *value_print_span(struct arena *arena, int64_t span_ms);

/* A number with a comma between thousands. Returns `text`. */
char *value_print_count(char text[32], uint64_t count);
