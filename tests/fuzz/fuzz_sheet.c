#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"
#include "tools/amount.h"
#include "tools/charset.h"
#include "tools/import.h"
#include "tools/invoice.h"

/* The reader of CSV: any bytes as a file to import; what is a table is then read for orders. */

const char target_unit[] = "files";
uint64_t target_count;
const char *target_covered;

const struct verb verbs[] = { { 0 } }; /* orderctl's */

static struct ctl ctl;
static FILE *rejects;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	ctl.arena = arena_new();
	rejects = fopen("/dev/null", "we");
	return ctl.arena && rejects ? 0 : 1;
}

static void numbers_read(const struct sheet_row *row)
{
	int64_t number = 0;
	uint64_t id = 1;

	for (size_t i = 0; i < row->count; i++) {
		char mark = amount_mark(row->fields[i]);

		amount_to_money(row->fields[i], mark, &number);
		amount_to_whole(row->fields[i], mark, &number);
		if (amount_to_id(row->fields[i], mark, &id) == AMOUNT_OK && id == 0)
			target_fail("an id is 0");
		charset_tidy(row->fields[i]);
	}
}

static void check_invoice(const struct orderd_create *create)
{
	if (create->user_id == 0 || create->item_count == 0 || create->item_count > LINES_MAX)
		target_fail("an order without user or lines");
	if (!create->idempotency_key || strlen(create->idempotency_key) > KEY_MAX_BYTES)
		target_fail("an order's key is too long");
	for (size_t i = 0; i < create->item_count; i++)
		if (create->items[i].quantity < 1 || create->items[i].quantity > QUANTITY_MAX ||
			!create->items[i].book_id == !create->items[i].sku)
			target_fail("a line of no or too many pieces or books");
}

static void orders_read(struct import *import)
{
	struct invoices invoices = { 0 };

	import->groups = groups_new(import->sheet.count);
	import->refusals = arena_take(ctl.arena, REFUSALS_MAX * sizeof(*import->refusals));
	if (!import->groups || !import->refusals)
		return;
	if (invoices_read(import, 0, &invoices) == 0)
		for (size_t i = 0; i < invoices.count; i++)
			check_invoice(&invoices.at[i].create);
	groups_free(import->groups);
}

static void rows_read(struct import *import)
{
	const struct sheet *sheet = &import->sheet;
	size_t line = sheet->header.line;

	columns_find(&import->columns, &sheet->header, USE_ORDER);
	for (size_t i = 0; i < sheet->count; i++) {
		if (sheet->rows[i].line < line)
			target_fail("row %zu stands before the one above it", i);
		line = sheet->rows[i].line;
	}
	orders_read(import);
	for (size_t i = 0; i < sheet->count; i++)
		numbers_read(&sheet->rows[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct import import = { .ctl = &ctl, .file = "a file", .rejects = rejects };
	FILE *in = size > 0 ? fmemopen((void *)at, size, "r") : fopen("/dev/null", "re");
	int error;

	if (!in)
		return 0;
	target_count++;
	error = sheet_read(&import.sheet, in);
	fclose(in);
	if (error == 0)
		rows_read(&import);
	else if (error == -EINVAL && !import.sheet.why[0])
		target_fail("a file is refused without a word");
	sheet_done(&import.sheet);
	arena_reset(ctl.arena);
	return 0;
}

static void field_generate(struct dice *dice, struct buffer *ret)
{
	static const char *const fields[] = { "17850", "536365", "85123A", "2", "2.55", "1,250",
		"-1", "C536379", "", " ", "\"a \"\"quoted\"\" one\"", "\"two\nlines\"", "\"open",
		"a\"b", "\xff\xfe", "\xe2\x82\xac 3", "12923.0", "99999999999999999999", "1e5", "0",
		"=1+1" };
	const char *field = fields[dice_roll(dice, sizeof(fields) / sizeof(fields[0]))];

	buffer_append(ret, field, strlen(field));
}

static const char *pick(struct dice *dice, const char *const *texts, size_t count)
{
	return texts[dice_hit(dice, 60) ? 0 : dice_roll(dice, count)];
}

void target_generate(struct dice *dice, struct buffer *ret)
{
	static const char *const marks[] = { ",", ";", "\t", "|" };
	static const char *const ends[] = { "\n", "\r\n", "\r" };
	static const char *const begins[] = { "", "\xef\xbb\xbf", "sep=;\n", "\xff\xfe",
		"\xfe\xff" };
	static const char *const headers[] = { "InvoiceNo", "StockCode", "Quantity", "CustomerID",
		"UnitPrice", "book_id", "Title" };
	const char *mark = pick(dice, marks, 4), *end = pick(dice, ends, 3);
	const char *begin = pick(dice, begins, 5);
	uint64_t rows = dice_roll(dice, 8), columns = 4 + dice_roll(dice, 3);

	buffer_append(ret, begin, strlen(begin));
	for (uint64_t i = 0; i < columns; i++) {
		buffer_append(ret, headers[i], strlen(headers[i]));
		buffer_append(ret, i + 1 < columns ? mark : end,
			strlen(i + 1 < columns ? mark : end));
	}
	for (uint64_t row = 0; row < rows; row++) {
		uint64_t fields = dice_hit(dice, 90) ? columns : dice_roll(dice, 12);

		for (uint64_t i = 0; i < fields; i++) {
			field_generate(dice, ret);
			buffer_append(ret, mark, i + 1 < fields ? strlen(mark) : 0);
		}
		buffer_append(ret, end, strlen(end));
	}
}
