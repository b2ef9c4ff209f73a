#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/charset.h"
#include "tools/column.h"
#include "tools/group.h"
#include "tools/refusal.h"
#include "tools/sheet.h"

/* --- characters ------------------------------------------------------------------------------- */

static void assert_utf8(const char *bytes, const char *wanted)
{
	struct arena *arena = arena_new();

	assert_string_equal(charset_utf8(arena, bytes, strlen(bytes)), wanted);
	arena_free(arena);
}

static void utf8_stays_and_anything_else_is_latin1(void **state)
{
	(void)state;
	assert_utf8("plain", "plain");
	assert_utf8("Stra\u00dfe", "Stra\u00dfe");
	assert_utf8("two\nlines\u00e9", "two\nlines\u00e9");
	assert_utf8("Stra\xdf"
		    "e",
		"Stra\u00dfe");
	assert_utf8("\x80 \x93\x96\x94 \xff", "\u20ac \u201c\u2013\u201d \u00ff");
	assert_utf8("cut \xe6\xb7", "cut \u00e6\u00b7");
	assert_utf8("\x81", "?");
}

static void a_title_becomes_one_line(void **state)
{
	char title[] = " \tover\r\n three \n\n lines\x7f ";
	char blank[] = " \n ";

	(void)state;
	assert_string_equal(charset_tidy(title), "over three lines");
	assert_string_equal(charset_tidy(blank), "");
}

/* --- sheets ----------------------------------------------------------------------------------- */

static int sheet_of(struct sheet *sheet, const void *bytes, size_t size)
{
	FILE *in = size ? fmemopen((void *)bytes, size, "r") : fopen("/dev/null", "r");
	int error;

	assert_non_null(in);
	error = sheet_read(sheet, in);
	fclose(in);
	return error;
}

static void sheet_of_text(struct sheet *sheet, const char *text)
{
	assert_int_equal(sheet_of(sheet, text, strlen(text)), 0);
}

static void assert_row(const struct sheet *sheet, size_t row, size_t line, const char *first,
	const char *second)
{
	assert_true(row < sheet->count);
	assert_int_equal(sheet->rows[row].line, line);
	assert_string_equal(sheet_field(&sheet->rows[row], 0), first);
	assert_string_equal(sheet_field(&sheet->rows[row], 1), second);
}

static void the_delimiter_is_the_one_the_header_holds_most(void **state)
{
	(void)state;
	assert_int_equal(sheet_delimiter("a,b,c", 5), ',');
	assert_int_equal(sheet_delimiter("a;b;c,d", 7), ';');
	assert_int_equal(sheet_delimiter("a\tb", 3), '\t');
	assert_int_equal(sheet_delimiter("a|b|c", 5), '|');
	assert_int_equal(sheet_delimiter("\"a,b,c\";d", 9), ';');
	assert_int_equal(sheet_delimiter("alone", 5), ',');
	assert_int_equal(sheet_delimiter("a;b\n,,,,", 8), ';');
}

static void rows_know_their_line_whatever_ends_it(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_of_text(&sheet,
		"\xef\xbb\xbf"
		"sku;title\r\n"
		"A;\"two\r\nlines\"\r\n"
		"\r\n"
		"B;b\r\n"
		";\r\n"
		"C;c");
	assert_int_equal(sheet.delimiter, ';');
	assert_string_equal(sheet_field(&sheet.header, 0), "sku");
	assert_int_equal(sheet.count, 3);
	assert_row(&sheet, 0, 2, "A", "two\r\nlines");
	assert_row(&sheet, 1, 5, "B", "b");
	assert_row(&sheet, 2, 7, "C", "c");
	sheet_done(&sheet);

	sheet_of_text(&sheet, "a,b\r1,2\r3,4\r");
	assert_int_equal(sheet.count, 2);
	assert_row(&sheet, 1, 3, "3", "4");
	sheet_done(&sheet);
}

static void quotes_may_hold_anything(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_of_text(&sheet,
		"a,b\n\"1,5\",\"say \"\"hello\"\"\"\n6\" RULER,  x  \n\" y \",\"\"\n");
	assert_row(&sheet, 0, 2, "1,5", "say \"hello\"");
	assert_row(&sheet, 1, 3, "6\" RULER", "x");
	assert_row(&sheet, 2, 4, "y", "");
	sheet_done(&sheet);
}

static void short_and_long_rows_are_rows(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_of_text(&sheet, "a,b,c\n1\n1,2,3,4,5\n");
	assert_row(&sheet, 0, 2, "1", "");
	assert_string_equal(sheet_field(&sheet.rows[0], -1), "");
	assert_int_equal(sheet.rows[1].count, 5);
	sheet_done(&sheet);
}

static void a_first_line_may_name_the_delimiter(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_of_text(&sheet, "sep=|\r\na,b|c\r\n1,5|2\r\n");
	assert_string_equal(sheet_field(&sheet.header, 1), "c");
	assert_row(&sheet, 0, 3, "1,5", "2");
	sheet_done(&sheet);
}

static void utf16_with_its_mark_is_read(void **state)
{
	static const char bytes[] = "\xff\xfe"
				    "a\0\t\0b\0\n\0\xe6\0\t\0\x20\x4e\n\0";
	struct sheet sheet;

	(void)state;
	assert_int_equal(sheet_of(&sheet, bytes, sizeof(bytes) - 1), 0);
	assert_row(&sheet, 0, 2, "\u00e6", "\u4e20");
	sheet_done(&sheet);
	assert_int_equal(sheet_of(&sheet, "\xff\xfe\x00\xd8", 4), -EINVAL);
	assert_non_null(strstr(sheet.why, "UTF-16"));
	sheet_done(&sheet);
}

static void an_empty_file_is_refused_and_a_lone_header_is_not(void **state)
{
	struct sheet sheet;

	(void)state;
	assert_int_equal(sheet_of(&sheet, "", 0), -EINVAL);
	assert_non_null(strstr(sheet.why, "empty"));
	sheet_done(&sheet);
	assert_int_equal(sheet_of(&sheet, "\r\n \r\n", 5), -EINVAL);
	sheet_done(&sheet);
	sheet_of_text(&sheet, "sku,title\r\n");
	assert_int_equal(sheet.count, 0);
	sheet_done(&sheet);
}

static void a_quote_left_open_is_refused_with_its_line(void **state)
{
	struct sheet sheet;
	const char *text = "a,b\n1,2\n3,\"four\n5,6\n";

	(void)state;
	assert_int_equal(sheet_of(&sheet, text, strlen(text)), -EINVAL);
	assert_non_null(strstr(sheet.why, "line 3"));
	sheet_done(&sheet);
}

static void the_digest_tells_files_apart(void **state)
{
	struct sheet one, same, other;

	(void)state;
	sheet_of_text(&one, "a,b\n1,2\n");
	sheet_of_text(&same, "a,b\n1,2\n");
	sheet_of_text(&other, "a,b\n1,3\n");
	assert_true(one.digest == same.digest);
	assert_true(one.digest != other.digest);
	sheet_done(&one);
	sheet_done(&same);
	sheet_done(&other);
}

static void many_long_rows_are_kept(void **state)
{
	struct sheet sheet;
	char *text = malloc(3000 * 800), *at = text;

	(void)state;
	at += sprintf(at, "a,b\n");
	for (int i = 0; i < 3000; i++)
		at += sprintf(at, "%d,%0700d\n", i, i);
	sheet_of_text(&sheet, text);
	free(text);
	assert_int_equal(sheet.count, 3000);
	assert_int_equal(sheet.rows[2999].line, 3001);
	assert_int_equal(strlen(sheet_field(&sheet.rows[2999], 1)), 700);
	sheet_done(&sheet);
}

/* --- columns ---------------------------------------------------------------------------------- */

static void columns_of(struct columns *columns, struct sheet *sheet, const char *header,
	enum column_use use)
{
	sheet_of_text(sheet, header);
	columns_find(columns, &sheet->header, use);
}

static void columns_are_found_by_their_headings(void **state)
{
	struct columns columns;
	struct sheet sheet;

	(void)state;
	columns_of(&columns, &sheet,
		"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Land\n",
		USE_ORDER);
	assert_int_equal(columns.at[COLUMN_ORDER], 0);
	assert_int_equal(columns.at[COLUMN_SKU], 1);
	assert_int_equal(columns.at[COLUMN_TITLE], 2);
	assert_int_equal(columns.at[COLUMN_QUANTITY], 3);
	assert_int_equal(columns.at[COLUMN_PRICE], 5);
	assert_int_equal(columns.at[COLUMN_USER], 6);
	assert_int_equal(columns.at[COLUMN_BOOK_ID], -1);
	sheet_done(&sheet);
	columns_of(&columns, &sheet, "ID,\"unit price\",On-Hand,book_title,SKU\n", USE_STOCK);
	assert_int_equal(columns.at[COLUMN_BOOK_ID], 0);
	assert_int_equal(columns.at[COLUMN_PRICE], 1);
	assert_int_equal(columns.at[COLUMN_AVAILABLE], 2);
	assert_int_equal(columns.at[COLUMN_TITLE], 3);
	assert_int_equal(columns.at[COLUMN_SKU], 4);
	sheet_done(&sheet);
}

static void an_id_is_an_order_only_in_a_file_of_orders(void **state)
{
	struct columns columns;
	struct sheet sheet;

	(void)state;
	columns_of(&columns, &sheet, "id,sku\n", USE_ORDER);
	assert_int_equal(columns.at[COLUMN_ORDER], 0);
	assert_int_equal(columns.at[COLUMN_BOOK_ID], -1);
	sheet_done(&sheet);
	columns_of(&columns, &sheet, "id,sku\n", USE_CATALOG);
	assert_int_equal(columns.at[COLUMN_ORDER], -1);
	assert_int_equal(columns.at[COLUMN_BOOK_ID], 0);
	sheet_done(&sheet);
}

static void a_column_can_be_named(void **state)
{
	struct columns columns;
	struct sheet sheet;

	(void)state;
	columns_of(&columns, &sheet, "Artikel,Preis,\u00dcber\n", USE_CATALOG);
	assert_int_equal(columns_set(&columns, &sheet.header, "sku=artikel"), 0);
	assert_int_equal(columns_set(&columns, &sheet.header, "title=\u00dcBER"), 0);
	assert_int_equal(columns.at[COLUMN_SKU], 0);
	assert_int_equal(columns.at[COLUMN_TITLE], 2);
	assert_int_equal(columns_set(&columns, &sheet.header, "price=Kosten"), -ENOENT);
	assert_int_equal(columns_set(&columns, &sheet.header, "colour=Preis"), -EINVAL);
	assert_int_equal(columns_set(&columns, &sheet.header, "sku"), -EINVAL);
	sheet_done(&sheet);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void rows_are_gathered_wherever_they_stand(void **state)
{
	static const char *const keys[] = { "b", "a", "b", "c", "a", "b" };
	static const size_t of_b[] = { 0, 2, 5, GROUP_END };
	struct groups *groups = groups_new(6);
	size_t row;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(groups_add(groups, keys[i], i), 0);
	assert_int_equal(groups_count(groups), 3);
	assert_string_equal(groups_at(groups, 0)->key, "b");
	assert_int_equal(groups_at(groups, 0)->count, 3);
	assert_string_equal(groups_at(groups, 2)->key, "c");
	row = groups_at(groups, 0)->first;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(row, of_b[i]);
		row = row == GROUP_END ? row : groups_next(groups, row);
	}
	groups_free(groups);
	groups_free(NULL);
}

static void thousands_of_groups_are_kept(void **state)
{
	struct groups *groups = groups_new(5000);
	char keys[5000][8];

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
		assert_int_equal(groups_add(groups, keys[i], i), 0);
	}
	assert_int_equal(groups_count(groups), 5000);
	assert_string_equal(groups_at(groups, 4999)->key, "4999");
	groups_free(groups);
}

static void a_daemons_refusal_is_named_after_what_it_is_about(void **state)
{
	(void)state;
	assert_string_equal(refusal_of("insufficient_stock", "x"), "insufficient_stock");
	assert_string_equal(refusal_of("bad_request", "items: 25 lines, at most 20"),
		"too_many_lines");
	assert_string_equal(refusal_of("bad_request", "items[3].quantity: 100, at most 99"),
		"quantity_too_large");
	assert_string_equal(refusal_of("bad_request", "user_id: missing"), "bad_request");
	assert_non_null(strstr(refusal_meaning("credit_note"), "credit note"));
	assert_non_null(strstr(refusal_meaning("insufficient_stock"), "stock"));
	assert_string_equal(refusal_meaning("never_heard_of"), "the daemon refused it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_stays_and_anything_else_is_latin1),
		cmocka_unit_test(a_title_becomes_one_line),
		cmocka_unit_test(the_delimiter_is_the_one_the_header_holds_most),
		cmocka_unit_test(rows_know_their_line_whatever_ends_it),
		cmocka_unit_test(quotes_may_hold_anything),
		cmocka_unit_test(short_and_long_rows_are_rows),
		cmocka_unit_test(a_first_line_may_name_the_delimiter),
		cmocka_unit_test(utf16_with_its_mark_is_read),
		cmocka_unit_test(an_empty_file_is_refused_and_a_lone_header_is_not),
		cmocka_unit_test(a_quote_left_open_is_refused_with_its_line),
		cmocka_unit_test(the_digest_tells_files_apart),
		cmocka_unit_test(many_long_rows_are_kept),
		cmocka_unit_test(columns_are_found_by_their_headings),
		cmocka_unit_test(an_id_is_an_order_only_in_a_file_of_orders),
		cmocka_unit_test(a_column_can_be_named),
		cmocka_unit_test(rows_are_gathered_wherever_they_stand),
		cmocka_unit_test(thousands_of_groups_are_kept),
		cmocka_unit_test(a_daemons_refusal_is_named_after_what_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
