#pragma once

#include <string.h>

#include "fields.h"

/* Shared by fields.c (from the wire) and fields_stored.c (from the store), and by nobody else. */

/* The record as it is when all fields from that one on are absent, the others not yet filled. */
void fields_clear(const struct record *record, size_t from, void *at);

static inline void member_put(const struct field *field, void *record, const void *from,
	size_t size)
{
	memcpy((char *)record + field->offset, from, size);
}

/* Of a list its elements, of bytes themselves. */
static inline void count_put(const struct field *field, void *record, size_t count)
{
	memcpy((char *)record + field->count_offset, &count, sizeof(count));
}
