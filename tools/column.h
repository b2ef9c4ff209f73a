#pragma once

#include <stddef.h>

#include "sheet.h"

/* Which column of a file holds what, told by its heading. Headings are compared without regard to
 * case, blanks and punctuation: "Stock Code", stock_code and StockCode are the same. */

enum column {
	COLUMN_ORDER,
	COLUMN_USER,
	COLUMN_BOOK_ID,
	COLUMN_SKU,
	COLUMN_TITLE,
	COLUMN_PRICE,
	COLUMN_QUANTITY,
	COLUMN_AVAILABLE,
	COLUMNS,
};

/* What a file is about: some headings mean different things in different files. */
enum column_use { USE_CATALOG = 1, USE_STOCK = 2, USE_ORDER = 4 };

struct columns {
	int at[COLUMNS]; /* -1: the file has none */
};

/* Finds what can be found. */
void columns_find(struct columns *ret, const struct sheet_row *header, enum column_use use);

/* NAME=HEADING. 0; -EINVAL: no such name; -ENOENT: the file has no such heading. */
int columns_set(struct columns *columns, const struct sheet_row *header, const char *assignment);

const char *column_name(enum column column); /* "book_id" */

/* The field of a row, "" where there is none. */
const char *column_text(const struct columns *columns, const struct sheet_row *row,
	enum column column);
