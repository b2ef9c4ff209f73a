#pragma once

#include <stddef.h>

/* Rows of a file that belong together, found by a key: those of a book, those of an order. Groups
 * stand in the order of their first rows, rows in that of the file. */

struct group {
	const char *key;
	size_t index; /* among the groups */
	size_t first; /* row */
	size_t count; /* of rows */
};

struct groups;

/* For rows 0 to row_count - 1. NULL: no memory. Keys must live as long. */
struct groups *groups_new(size_t row_count);
void groups_free(struct groups *groups);

/* Puts a row, higher than all before, to those of its key. 0 or -ENOMEM. */
int groups_add(struct groups *groups, const char *key, size_t row);

size_t groups_count(const struct groups *groups);
const struct group *groups_at(const struct groups *groups, size_t index);

/* The row of the same group behind this one; (size_t)-1 behind the last. */
#define GROUP_END ((size_t)-1)
size_t groups_next(const struct groups *groups, size_t row);
