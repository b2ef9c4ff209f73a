#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

#define assert_packed(buffer, bytes) \
	do { \
		assert_int_equal((buffer)->error, 0); \
		assert_int_equal((buffer)->size, sizeof(bytes) - 1); \
		assert_memory_equal((buffer)->at, bytes, sizeof(bytes) - 1); \
		buffer_reset(buffer); \
	} while (0)

static void numbers_are_packed_in_their_shortest_form(void **state)
{
	static const struct {
		int64_t number;
		size_t size;
	} sizes[] = { { 0, 1 }, { 127, 1 }, { 128, 2 }, { 255, 2 }, { 256, 3 }, { 65535, 3 },
		{ 65536, 5 }, { UINT32_MAX, 5 }, { INT64_C(0x100000000), 9 }, { INT64_MAX, 9 },
		{ -1, 1 }, { -32, 1 }, { -33, 2 }, { -128, 2 }, { -129, 3 }, { -32768, 3 },
		{ -32769, 5 }, { INT32_MIN, 5 }, { INT64_C(-2147483649), 9 }, { INT64_MIN, 9 } };
	struct arena *arena = arena_new();
	struct buffer buffer = { 0 };
	const struct value *value;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		pack_i64(&buffer, sizes[i].number);
		assert_int_equal(buffer.size, sizes[i].size);
		assert_int_equal(codec_parse(arena, buffer.at, buffer.size, &value), 0);
		assert_true(value->i64 == sizes[i].number);
		assert_int_equal(value->type, sizes[i].number < 0 ? VALUE_INT : VALUE_UINT);
		buffer_reset(&buffer);
	}
	pack_u64(&buffer, UINT64_MAX);
	assert_packed(&buffer, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
	pack_i64(&buffer, 200);
	assert_packed(&buffer, "\xcc\xc8");
	buffer_done(&buffer);
	arena_free(arena);
}

static void texts_and_lists_are_packed_in_their_shortest_form(void **state)
{
	static const struct {
		uint32_t count;
		size_t text, list;
	} sizes[] = { { 0, 1, 1 }, { 15, 1, 1 }, { 16, 1, 3 }, { 31, 1, 3 }, { 32, 2, 3 },
		{ 255, 2, 3 }, { 256, 3, 3 }, { 65535, 3, 3 }, { 65536, 5, 5 } };
	static const char bytes[65536];
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		pack_strn(&buffer, bytes, sizes[i].count);
		assert_int_equal(buffer.size, sizes[i].text + sizes[i].count);
		buffer_reset(&buffer);
		pack_array(&buffer, sizes[i].count);
		assert_int_equal(buffer.size, sizes[i].list);
		buffer_reset(&buffer);
		pack_map(&buffer, sizes[i].count);
		assert_int_equal(buffer.size, sizes[i].list);
		buffer_reset(&buffer);
	}
	pack_nil(&buffer);
	pack_bool(&buffer, true);
	pack_bool(&buffer, false);
	pack_str(&buffer, "é");
	pack_array(&buffer, 1);
	pack_map(&buffer, 2);
	assert_packed(&buffer, "\xc0\xc3\xc2\xa2\xc3\xa9\x91\x82");
	buffer_done(&buffer);
}

static void an_open_list_takes_its_count_when_it_is_closed(void **state)
{
	struct buffer buffer = { 0 };
	size_t map, list;

	(void)state;
	pack_nil(&buffer);
	map = pack_open_map(&buffer);
	pack_str(&buffer, "l");
	list = pack_open_array(&buffer);
	pack_u64(&buffer, 1);
	pack_u64(&buffer, 2);
	pack_close(&buffer, list, 2);
	pack_close(&buffer, map, 1);
	assert_packed(&buffer, "\xc0\xde\x00\x01\xa1l\xdc\x00\x02\x01\x02");
	pack_close(&buffer, pack_open_array(&buffer), UINT16_MAX);
	assert_packed(&buffer, "\xdc\xff\xff");
	pack_close(&buffer, pack_open_array(&buffer), UINT16_MAX + 1);
	assert_int_equal(buffer.error, -EMSGSIZE);
	buffer_done(&buffer);
}

static void a_short_map_takes_a_longer_head_only_for_more_than_fifteen_pairs(void **state)
{
	struct buffer buffer = { .limit = 256 };
	size_t map;

	(void)state;
	for (uint32_t count = 15; count <= 16; count++) {
		pack_nil(&buffer);
		map = pack_open_short_map(&buffer);
		for (uint64_t i = 0; i < 2 * (uint64_t)count; i++)
			pack_u64(&buffer, i);
		pack_close_short_map(&buffer, map, count);
		if (count == 15)
			assert_packed(&buffer,
				"\xc0\x8f\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"
				"\20\21\22\23\24\25\26\27\30\31\32\33\34\35");
	}
	assert_packed(&buffer,
		"\xc0\xde\0\20\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"
		"\20\21\22\23\24\25\26\27\30\31\32\33\34\35\36\37");
	map = pack_open_short_map(&buffer);
	buffer_extend(&buffer, 255);
	pack_close_short_map(&buffer, map, 16);
	assert_int_equal(buffer.error, -EMSGSIZE);
	buffer_done(&buffer);
}

static void a_buffer_fails_at_its_limit_and_then_does_nothing_more(void **state)
{
	struct buffer buffer = { .limit = 1000 };
	size_t map;

	(void)state;
	buffer_append(&buffer, NULL, 0);
	for (int i = 0; i < 1000; i++)
		buffer_append(&buffer, "x", 1);
	assert_int_equal(buffer.error, 0);
	assert_int_equal(buffer.size, 1000);
	assert_true(buffer.room <= 1000);
	buffer_append(&buffer, "x", 1);
	assert_int_equal(buffer.error, -EMSGSIZE);
	map = pack_open_map(&buffer);
	pack_str(&buffer, "k");
	pack_close(&buffer, map, 1);
	assert_null(buffer_extend(&buffer, 0));
	assert_int_equal(buffer.size, 1000);
	buffer_reset(&buffer);
	assert_int_equal(buffer.error, 0);
	assert_int_equal(buffer.size, 0);
	assert_non_null(buffer_extend(&buffer, 1000));
	assert_null(buffer_extend(&buffer, SIZE_MAX));
	buffer_done(&buffer);
	assert_null(buffer.at);
	assert_int_equal(buffer.limit, 0);
}

static void a_buffer_without_a_limit_ends_at_sixteen_mebibytes(void **state)
{
	static const char block[1024 * 1024];
	struct buffer buffer = { 0 };

	(void)state;
	for (int i = 0; i < 16; i++)
		buffer_append(&buffer, block, sizeof(block));
	assert_int_equal(buffer.error, 0);
	buffer_append(&buffer, block, 1);
	assert_int_equal(buffer.error, -EMSGSIZE);
	buffer_done(&buffer);
}

static void an_extended_buffer_is_filled_in_place(void **state)
{
	struct buffer buffer = { 0 };
	char *at;

	(void)state;
	pack_nil(&buffer);
	at = buffer_extend(&buffer, 2);
	memcpy(at, "\xa1x", 2);
	assert_packed(&buffer, "\xc0\xa1x");
	assert_non_null(buffer_extend(&buffer, 0));
	buffer_done(&buffer);
	assert_non_null(buffer_extend(&buffer, 0));
	buffer_done(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_packed_in_their_shortest_form),
		cmocka_unit_test(texts_and_lists_are_packed_in_their_shortest_form),
		cmocka_unit_test(an_open_list_takes_its_count_when_it_is_closed),
		cmocka_unit_test(a_short_map_takes_a_longer_head_only_for_more_than_fifteen_pairs),
		cmocka_unit_test(a_buffer_fails_at_its_limit_and_then_does_nothing_more),
		cmocka_unit_test(a_buffer_without_a_limit_ends_at_sixteen_mebibytes),
		cmocka_unit_test(an_extended_buffer_is_filled_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
