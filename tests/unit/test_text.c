#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* A code point in so many bytes, also where fewer would do. */
static void utf8_write(uint32_t point, size_t size, unsigned char *ret)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0, 0xf8 };

	for (size_t i = size - 1; i > 0; i--, point >>= 6)
		ret[i] = (unsigned char)(0x80 | (point & 0x3f));
	ret[0] = (unsigned char)(lead[size] | point);
}

static size_t utf8_size(uint32_t point)
{
	return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

static bool point_is_clean(uint32_t point)
{
	bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
	bool surrogate = point >= 0xd800 && point < 0xe000;

	return !control && !surrogate && point <= 0x10ffff;
}

static void every_code_point_is_clean_unless_a_control_or_a_surrogate(void **state)
{
	unsigned char bytes[6];

	(void)state;
	for (uint32_t point = 0; point < 0x1fffff; point++) {
		size_t size = utf8_size(point);

		utf8_write(point, size, bytes);
		if (text_is_clean((char *)bytes, size) != point_is_clean(point))
			fail_msg("U+%04X", (unsigned)point);
	}
}

static void an_overlong_form_is_not_clean(void **state)
{
	static const uint32_t bounds[] = { 0, 0, 0x80, 0x800, 0x10000, 0x200000 };
	unsigned char bytes[6];

	(void)state;
	for (size_t size = 2; size <= 5; size++)
		for (uint32_t point = 0; point < bounds[size]; point += size < 4 ? 1 : 7) {
			utf8_write(point, size, bytes);
			if (size == utf8_size(point))
				continue;
			if (text_is_clean((char *)bytes, size))
				fail_msg("U+%04X in %zu bytes", (unsigned)point, size);
		}
}

static void a_sequence_cut_short_is_not_clean(void **state)
{
	static const char *const whole[] = { "\xc3\xa9", "\xe8\xaf\xad", "\xf0\x9f\x93\x9a" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++)
		for (size_t size = 1; size < strlen(whole[i]); size++) {
			char *copy = malloc(size); /* so that a read past the end is seen */

			assert_non_null(copy);
			memcpy(copy, whole[i], size);
			assert_false(text_is_clean(copy, size));
			free(copy);
		}
}

static void a_sequence_with_a_foreign_byte_inside_is_not_clean(void **state)
{
	static const char *const broken[] = { "\xc3(", "\xe8\xaf(", "\xe8(\xad", "\xf0\x9f\x93(",
		"\xf0\x9f(\x9a", "\x80", "\xbf", "\xfe", "\xff", "\xe8\xaf\xc3", "ok\xffok" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(broken); i++)
		assert_false(text_is_clean(broken[i], strlen(broken[i])));
}

static void plain_and_foreign_text_is_clean_and_a_nul_or_tab_is_not(void **state)
{
	static const char title[] = "Go语言编程 – \"深入\" 📚 é";

	(void)state;
	assert_true(text_is_clean(title, sizeof(title) - 1));
	assert_true(text_is_clean("", 0));
	assert_true(text_is_clean(NULL, 0));
	assert_false(text_is_clean(title, sizeof(title)));
	assert_false(text_is_clean("a\0b", 3));
	assert_false(text_is_clean("a\tb", 3));
	assert_false(text_is_clean("a\x7f", 2));
	assert_false(text_is_clean("\xc2\x85", 2));
}

static void a_sku_is_of_few_characters_and_begins_with_one_that_can_be_read_aloud(void **state)
{
	static const char *const good[] = { "85123A", "a", "Z", "0", "978-7-111-54742-6", "x._-/" };
	static const char *const bad[] = { "", ".a", "_a", "-a", "/a", "a b", "a+b", "\xc3\xa9",
		"a\n", "a:", "a@", "a[", "a`", "a{", "a," };
	char longest[65];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(text_is_sku(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_is_sku(bad[i], strlen(bad[i])));
	assert_false(text_is_sku("a\0", 2));
	memset(longest, 'a', sizeof(longest));
	assert_true(text_is_sku(longest, 64));
	assert_false(text_is_sku(longest, 65));
}

static const char *const not_numbers[] = { "", " ", "-", "+", "+1", " 1", "1 ", "1.0", "1e3",
	"0x10", "1,000", "a", "1a", "--1", "18446744073709551616", "99999999999999999999999" };

static void an_instance_has_a_short_name_that_is_no_path(void **state)
{
	char longest[INSTANCE_MAX_BYTES + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(text_is_instance("2", 1));
	assert_true(text_is_instance("east_B-7", 8));
	assert_true(text_is_instance(longest, INSTANCE_MAX_BYTES));
	assert_false(text_is_instance(longest, INSTANCE_MAX_BYTES + 1));
	assert_false(text_is_instance("", 0));
	assert_false(text_is_instance("../x", 4));
	assert_false(text_is_instance("a\"b", 3));
}

static void an_unsigned_number_is_digits_up_to_64_bits(void **state)
{
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(not_numbers); i++)
		assert_false(text_to_u64(not_numbers[i], &number));
	assert_false(text_to_u64("-1", &number));
	assert_int_equal(number, 7);
	assert_true(text_to_u64("18446744073709551615", &number));
	assert_true(number == UINT64_MAX);
	assert_true(text_to_u64("0", &number));
	assert_int_equal(number, 0);
	assert_true(text_to_u64("0042", &number));
	assert_int_equal(number, 42);
}

static void a_signed_number_reaches_from_end_to_end(void **state)
{
	int64_t number = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(not_numbers); i++)
		assert_false(text_to_i64(not_numbers[i], &number));
	assert_false(text_to_i64("9223372036854775808", &number));
	assert_false(text_to_i64("-9223372036854775809", &number));
	assert_int_equal(number, 7);
	assert_true(text_to_i64("9223372036854775807", &number));
	assert_true(number == INT64_MAX);
	assert_true(text_to_i64("-9223372036854775808", &number));
	assert_true(number == INT64_MIN);
	assert_true(text_to_i64("-5", &number));
	assert_int_equal(number, -5);
}

static void a_duration_counts_milliseconds_whatever_its_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "250ms", 250 }, { "3s", 3000 }, { "15m", 900000 }, { "24h", 86400000 },
		{ "7d", 604800000 }, { "0", 0 }, { "1234", 1234 }, { "0s", 0 },
		{ "9223372036854775807", INT64_MAX } };
	static const char *const bad[] = { "", "s", "-1s", "1.5s", "1 s", "1S", "1w", "1sm", "1s ",
		"9223372036854775808", "106751991168d", "18446744073709551615s" };
	int64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_to_duration_ms(bad[i], &ms));
	assert_int_equal(ms, 7);
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(text_to_duration_ms(good[i].text, &ms));
		assert_true(ms == good[i].ms);
	}
	assert_true(text_to_duration_ms("106751991167d", &ms));
}

static void a_size_counts_bytes_in_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = { { "64K", 65536 }, { "16M", 16777216 }, { "64G", INT64_C(68719476736) },
		{ "0", 0 }, { "4096", 4096 } };
	static const char *const bad[] = { "", "K", "-1K", "1k", "1KB", "1 K", "1T", "8589934592G",
		"9223372036854775808" };
	int64_t bytes = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_to_size_bytes(bad[i], &bytes));
	assert_int_equal(bytes, 7);
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(text_to_size_bytes(good[i].text, &bytes));
		assert_true(bytes == good[i].bytes);
	}
	assert_true(text_to_size_bytes("8589934591G", &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_is_clean_unless_a_control_or_a_surrogate),
		cmocka_unit_test(an_overlong_form_is_not_clean),
		cmocka_unit_test(a_sequence_cut_short_is_not_clean),
		cmocka_unit_test(a_sequence_with_a_foreign_byte_inside_is_not_clean),
		cmocka_unit_test(plain_and_foreign_text_is_clean_and_a_nul_or_tab_is_not),
		cmocka_unit_test(
			a_sku_is_of_few_characters_and_begins_with_one_that_can_be_read_aloud),
		cmocka_unit_test(an_instance_has_a_short_name_that_is_no_path),
		cmocka_unit_test(an_unsigned_number_is_digits_up_to_64_bits),
		cmocka_unit_test(a_signed_number_reaches_from_end_to_end),
		cmocka_unit_test(a_duration_counts_milliseconds_whatever_its_unit),
		cmocka_unit_test(a_size_counts_bytes_in_powers_of_1024),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
