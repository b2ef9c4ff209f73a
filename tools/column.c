#include "column.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char *const names[COLUMNS] = {
	[COLUMN_ORDER] = "order",
	[COLUMN_USER] = "user",
	[COLUMN_BOOK_ID] = "book_id",
	[COLUMN_SKU] = "sku",
	[COLUMN_TITLE] = "title",
	[COLUMN_PRICE] = "price",
	[COLUMN_QUANTITY] = "quantity",
	[COLUMN_AVAILABLE] = "available",
};

#define USE_ANY (USE_CATALOG | USE_STOCK | USE_ORDER)

/* Headings as they are compared; the first that a file has wins. */
static const struct heading {
	enum column column;
	const char *text;
	unsigned uses;
} headings[] = {
	{ COLUMN_ORDER, "order", USE_ANY },
	{ COLUMN_ORDER, "orderno", USE_ANY },
	{ COLUMN_ORDER, "ordernumber", USE_ANY },
	{ COLUMN_ORDER, "orderid", USE_ANY },
	{ COLUMN_ORDER, "invoice", USE_ANY },
	{ COLUMN_ORDER, "invoiceno", USE_ANY },
	{ COLUMN_ORDER, "invoicenumber", USE_ANY },
	{ COLUMN_ORDER, "id", USE_ORDER },
	{ COLUMN_USER, "user", USE_ANY },
	{ COLUMN_USER, "userid", USE_ANY },
	{ COLUMN_USER, "customer", USE_ANY },
	{ COLUMN_USER, "customerid", USE_ANY },
	{ COLUMN_USER, "customerno", USE_ANY },
	{ COLUMN_BOOK_ID, "bookid", USE_ANY },
	{ COLUMN_BOOK_ID, "book", USE_ANY },
	{ COLUMN_BOOK_ID, "id", USE_CATALOG | USE_STOCK },
	{ COLUMN_SKU, "sku", USE_ANY },
	{ COLUMN_SKU, "stockcode", USE_ANY },
	{ COLUMN_SKU, "isbn", USE_ANY },
	{ COLUMN_SKU, "ean", USE_ANY },
	{ COLUMN_SKU, "itemcode", USE_ANY },
	{ COLUMN_SKU, "productcode", USE_ANY },
	{ COLUMN_TITLE, "title", USE_ANY },
	{ COLUMN_TITLE, "booktitle", USE_ANY },
	{ COLUMN_TITLE, "description", USE_ANY },
	{ COLUMN_TITLE, "name", USE_ANY },
	{ COLUMN_PRICE, "price", USE_ANY },
	{ COLUMN_PRICE, "unitprice", USE_ANY },
	{ COLUMN_QUANTITY, "quantity", USE_ANY },
	{ COLUMN_QUANTITY, "qty", USE_ANY },
	{ COLUMN_AVAILABLE, "available", USE_ANY },
	{ COLUMN_AVAILABLE, "stock", USE_ANY },
	{ COLUMN_AVAILABLE, "onhand", USE_ANY },
	{ COLUMN_AVAILABLE, "quantity", USE_STOCK },
	{ COLUMN_AVAILABLE, "qty", USE_STOCK },
};

/* The next character that counts, in lower case; 0 at the end. Letters beyond ASCII count as they
 * are. */
static unsigned char heading_next(const char **at)
{
	unsigned char c;

	while ((c = (unsigned char)**at) && c < 0x80 && !isalnum(c))
		++*at;
	*at += c != 0;
	return c < 0x80 ? (unsigned char)tolower(c) : c;
}

static bool heading_is(const char *a, const char *b)
{
	unsigned char c;

	do {
		c = heading_next(&a);
		if (c != heading_next(&b))
			return false;
	} while (c);
	return true;
}

static int heading_find(const struct sheet_row *header, const char *text)
{
	for (size_t i = 0; i < header->count; i++)
		if (heading_is(header->fields[i], text))
			return (int)i;
	return -1;
}

void columns_find(struct columns *ret, const struct sheet_row *header, enum column_use use)
{
	for (size_t i = 0; i < COLUMNS; i++)
		ret->at[i] = -1;
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (headings[i].uses & use && ret->at[headings[i].column] < 0)
			ret->at[headings[i].column] = heading_find(header, headings[i].text);
}

int columns_set(struct columns *columns, const struct sheet_row *header, const char *assignment)
{
	size_t size = strcspn(assignment, "=");

	for (size_t i = 0; i < COLUMNS; i++) {
		int found;

		if (strlen(names[i]) != size || strncmp(names[i], assignment, size) != 0 ||
			!assignment[size])
			continue;
		found = heading_find(header, assignment + size + 1);
		if (found < 0)
			return -ENOENT;
		columns->at[i] = found;
		return 0;
	}
	return -EINVAL;
}

const char *column_name(enum column column)
{
	return names[column];
}

const char *column_text(const struct columns *columns, const struct sheet_row *row,
	enum column column)
{
	return sheet_field(row, columns->at[column]);
}
