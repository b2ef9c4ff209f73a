#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"

/* A table as spreadsheets write it, whole in memory. Taken as they come: a byte order mark, CRLF,
 * LF or CR, a first line `sep=;`, quoted fields with line breaks, blank lines, rows that are too
 * short or too long. The delimiter is the one of , ; tab | that the header line holds most.
 * UTF-16 needs its byte order mark; otherwise each field is UTF-8 or, where it is not, Latin-1. */

#define SHEET_ROWS_MAX 2000000
#define SHEET_BYTES_MAX ((size_t)512 * 1024 * 1024)

struct sheet_row {
	size_t line; /* where it begins in the file, from 1 */
	size_t count;
	char **fields; /* UTF-8, without blanks around it; may hold line breaks */
};

struct sheet {
	struct arena *arena; /* of all rows */
	char delimiter;
	struct sheet_row header;
	struct sheet_row *rows;
	size_t count;
	uint64_t digest; /* of the bytes as they were read */
	char why[160];   /* after a refusal: what is wrong, and where */
};

/* Reads to the end. 0; -EINVAL: ret->why says what cannot be read; another -errno of the reading
 * or -ENOMEM. sheet_done in every case. */
int sheet_read(struct sheet *ret, FILE *in);
void sheet_done(struct sheet *sheet);

/* The field of a row; "" where the row has none (also for column -1). */
const char *sheet_field(const struct sheet_row *row, int column);

/* The delimiter of a header line that ends at a line break or at `size`. */
char sheet_delimiter(const char *header, size_t size);
