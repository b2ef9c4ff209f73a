#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/amount.h"

static void assert_money(const char *text, char mark, int64_t wanted)
{
	int64_t money = -1;

	if (amount_to_money(text, mark, &money) != AMOUNT_OK || money != wanted)
		fail_msg("%s came to %lld", text, (long long)money);
}

static void assert_no_money(const char *text, char mark, int wanted)
{
	int64_t money = -1;
	int amount = amount_to_money(text, mark, &money);

	if (amount != wanted || money != -1)
		fail_msg("%s: %s, %lld", text, amount_text(amount), (long long)money);
}

static void money_is_read_to_the_last_cent(void **state)
{
	(void)state;
	assert_money("4.15", 0, 415);
	assert_money("1.1", 0, 110);
	assert_money("0.29", 0, 29);
	assert_money("4", 0, 400);
	assert_money("4.1500", 0, 415);
	assert_money(".5", 0, 50);
	assert_money("5.", 0, 500);
	assert_money("  7 ", 0, 700);
	assert_money("+2", 0, 200);
	assert_money("-11062.06", 0, -1106206);
	assert_money("0.0", 0, 0);
	assert_money("92233720368547758.07", 0, INT64_MAX);
}

static void a_decimal_comma_is_as_good_as_a_point(void **state)
{
	(void)state;
	assert_money("4,15", 0, 415);
	assert_money("12,5", 0, 1250);
	assert_money("1.234,56", 0, 123456);
	assert_money("1,234.56", 0, 123456);
	assert_money("1 234,50", 0, 123450);
	assert_money("1\u00a0234\u202f567,50", 0, 123456750);
	assert_money("1'000.25", 0, 100025);
	assert_money("1.234.567", 0, 123456700);
}

static void what_may_be_thousands_or_decimals_is_told_by_the_files_mark(void **state)
{
	(void)state;
	assert_no_money("1,250", 0, AMOUNT_AMBIGUOUS);
	assert_no_money("1.250", 0, AMOUNT_AMBIGUOUS);
	assert_money("1,250", '.', 125000);
	assert_money("1,250", ',', 125);
	assert_money("1.250", '.', 125);
	assert_money("1.250", ',', 125000);
	assert_money("0.150", 0, 15);
}

static void what_is_finer_than_a_cent_is_refused(void **state)
{
	(void)state;
	assert_no_money("4.155", '.', AMOUNT_TOO_FINE);
	assert_no_money("0,0001", 0, AMOUNT_TOO_FINE);
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const texts[] = { "abc", "4.15x", "1e3", "--1", "-", ".", "1.2.3",
		"12,34,567", "1 2", "0x10", "4.15-", "1,,5", "," };

	(void)state;
	assert_no_money("", 0, AMOUNT_MISSING);
	assert_no_money("  ", 0, AMOUNT_MISSING);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_no_money(texts[i], 0, AMOUNT_UNREADABLE);
	assert_no_money("92233720368547758.08", 0, AMOUNT_TOO_LARGE);
	assert_no_money("99999999999999999999", 0, AMOUNT_TOO_LARGE);
	assert_no_money("99999999999999999999999999999999999999999999", 0, AMOUNT_UNREADABLE);
}

static void a_customer_of_a_spreadsheet_is_a_whole_number(void **state)
{
	uint64_t id = 0;
	int64_t quantity = 0;

	(void)state;
	assert_int_equal(amount_to_id("12923.0", '.', &id), AMOUNT_OK);
	assert_int_equal(id, 12923);
	assert_int_equal(amount_to_id("17", 0, &id), AMOUNT_OK);
	assert_int_equal(id, 17);
	assert_int_equal(amount_to_id("0", 0, &id), AMOUNT_TOO_LARGE);
	assert_int_equal(amount_to_id("-5", 0, &id), AMOUNT_TOO_LARGE);
	assert_int_equal(amount_to_id("12923.5", '.', &id), AMOUNT_TOO_FINE);
	assert_int_equal(id, 17);
	assert_int_equal(amount_to_whole("-12", 0, &quantity), AMOUNT_OK);
	assert_int_equal(quantity, -12);
	assert_int_equal(amount_to_whole("2,0", 0, &quantity), AMOUNT_OK);
	assert_int_equal(quantity, 2);
	assert_int_equal(amount_to_whole("1.5", 0, &quantity), AMOUNT_TOO_FINE);
}

static void a_number_betrays_its_decimal_mark(void **state)
{
	(void)state;
	assert_int_equal(amount_mark("4.15"), '.');
	assert_int_equal(amount_mark("4,15"), ',');
	assert_int_equal(amount_mark("1.234,5"), ',');
	assert_int_equal(amount_mark("1.234.567"), ',');
	assert_int_equal(amount_mark("1,250"), 0);
	assert_int_equal(amount_mark("17"), 0);
	assert_int_equal(amount_mark(""), 0);
}

static void money_is_printed_with_two_decimals(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(amount_print(text, 5900), "59.00");
	assert_string_equal(amount_print(text, 7), "0.07");
	assert_string_equal(amount_print(text, -105), "-1.05");
	assert_string_equal(amount_print(text, INT64_MIN), "-92233720368547758.08");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_is_read_to_the_last_cent),
		cmocka_unit_test(a_decimal_comma_is_as_good_as_a_point),
		cmocka_unit_test(what_may_be_thousands_or_decimals_is_told_by_the_files_mark),
		cmocka_unit_test(what_is_finer_than_a_cent_is_refused),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(a_customer_of_a_spreadsheet_is_a_whole_number),
		cmocka_unit_test(a_number_betrays_its_decimal_mark),
		cmocka_unit_test(money_is_printed_with_two_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
