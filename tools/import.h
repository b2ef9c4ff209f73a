#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "column.h"
#include "group.h"
#include "orderctl.h"
#include "sheet.h"

/* What the imports of books, stock and orders have in common: the file, the refusals, progress and
 * the summary. Every row ends as done or as refused with a name that the summary counts. */

#define IMPORT_TIMEOUT_MS 60000 /* without progress, unless --timeout says otherwise */

struct refusal {
	const char *reason; /* a name of refusal_texts or one that a daemon gave */
	const char *meaning;
	uint64_t count;
};

#define REFUSALS_MAX 64 /* different ones; further ones count as "other" */

struct import {
	struct ctl *ctl;
	const char *file;
	enum column_use use;
	struct sheet sheet;
	struct columns columns;
	char mark; /* decimal, as in amount.h */
	struct groups *groups;
	struct arena *scratch; /* of one exchange */
	FILE *rejects;
	bool progress, terminal;
	int64_t began_at; /* wall clock */
	int64_t began_ms; /* monotonic */
	int64_t pace_ms;  /* monotonic: since when the rate is measured */
	int64_t shown_ms; /* progress, last */

	/* The summary. */
	uint64_t rows;
	uint64_t made, changed, already; /* books, levels or orders */
	uint64_t refused, refused_rows;  /* of orders; of books and stock both count rows */
	uint64_t left;                   /* not got to */
	uint64_t units;
	int64_t value;
	int64_t elapsed_ms;
	int64_t per_second;
	struct refusal *refusals;
	size_t refusal_count;
};

/* Reads the file, finds the columns in `wanted` (bits 1 << COLUMN_...; besides, a sku or a book id
 * is always wanted) and opens --rejects. 0, or the status to end with. import_end in any case. */
int import_begin(struct import *import, struct ctl *ctl, enum column_use use, unsigned wanted);

/* Prints the summary of what was done so far and tidies up. `status` is how it went; returns the
 * status to end with. */
int import_end(struct import *import, int status);

/* A field of a row. */
const char *import_text(const struct import *import, size_t row, enum column column);

/* Counts a refusal; `reason` may be anything that lives for a call. */
void import_count(struct import *import, const char *reason);

/* Writes a refused row to --rejects. */
void import_reject(struct import *import, size_t row, const char *reason);

/* Both, where each row counts, for one row and for all of a group from `row` on. */
void import_refuse_row(struct import *import, size_t row, const char *reason);
void import_refuse_group(struct import *import, const struct group *group, const char *reason);

/* Which book a row names: by id, else by sku. NULL, or the reason why it names none. */
const char *import_book(const struct import *import, size_t row, uint64_t *ret_book_id,
	const char **ret_sku);

/* The key under which rows of one book are gathered, in the sheet's arena. NULL: no memory. */
const char *import_book_key(const struct import *import, uint64_t book_id, const char *sku);

/* Shows how far it has come, now and then. */
void import_progress(struct import *import, uint64_t done, uint64_t total);

int64_t import_timeout_ms(const struct import *import);

/* The many-form of an operation that may be repeated, for `count` requests of
 * request_record->size each: what is busy or away is asked again until nothing moves for the
 * time-out. Each answer that is final goes to `take` and is counted off import->left; reply and
 * answer are gone afterwards. 0, or the status to end with. */
struct import_exchange {
	enum neighbour who;
	const char *operation, *many;
	const struct record *request, *reply;
	void (*take)(struct import *import, size_t index, const void *reply,
		const struct answer *answer);
};
int import_exchange(struct import *import, const struct import_exchange *exchange,
	const void *requests, size_t count);

/* Whether an answer says "not now": code 42900, 503xx or 504xx. */
bool answer_is_passing(const struct answer *answer);
int64_t answer_retry_ms(const struct answer *answer);
