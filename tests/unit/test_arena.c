#include <malloc.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"

#define MIB ((size_t)1024 * 1024)

static int arena_setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int arena_teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void taken_memory_is_zero_also_where_it_was_used_before(void **state)
{
	static const unsigned char zeros[5000];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			void *at = arena_take(*state, sizeof(zeros));

			assert_non_null(at);
			assert_memory_equal(at, zeros, sizeof(zeros));
			memset(at, 0xa5, sizeof(zeros));
		}
		arena_reset(*state);
	}
}

static void taken_memory_is_aligned_for_any_type(void **state)
{
	for (size_t size = 0; size < 100; size++) {
		uintptr_t at = (uintptr_t)arena_take(*state, size);

		assert_true(at);
		assert_int_equal(at % alignof(max_align_t), 0);
	}
}

static void what_was_taken_does_not_overlap(void **state)
{
	enum { COUNT = 2000 };
	unsigned char *taken[COUNT];
	size_t sizes[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		sizes[i] = i * 7919 % 3000;
		taken[i] = arena_take(*state, sizes[i]);
		assert_non_null(taken[i]);
		memset(taken[i], (int)(i % 251), sizes[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			if (taken[i][j] != i % 251)
				fail_msg("byte %zu of piece %zu was overwritten", j, i);
}

static void a_piece_larger_than_any_block_is_given_too(void **state)
{
	unsigned char *large = arena_take(*state, 5 * MIB);
	unsigned char *small = arena_take(*state, 10);

	assert_non_null(large);
	assert_non_null(small);
	memset(large, 1, 5 * MIB);
	assert_int_equal(small[0], 0);
}

static void a_size_that_no_machine_has_gives_null_and_harms_nothing(void **state)
{
	assert_null(arena_take(*state, SIZE_MAX));
	assert_null(arena_take(*state, SIZE_MAX / 2 + 1));
	assert_null(arena_text(*state, "", SIZE_MAX));
	assert_null(arena_text(*state, "", SIZE_MAX - 1));
	assert_string_equal(arena_text(*state, "still here", 10), "still here");
}

static void a_text_is_a_copy_with_a_nul_behind_it(void **state)
{
	char bytes[] = { 'a', 'b', 'c' };
	char *text = arena_text(*state, bytes, sizeof(bytes));

	bytes[0] = 'x';
	assert_string_equal(text, "abc");
	assert_string_equal(arena_text(*state, NULL, 0), "");
	assert_memory_equal(arena_text(*state, "a\0b", 3), "a\0b", 4);
}

static void print_formats_texts_of_any_length(void **state)
{
	char *text = arena_print(*state, "%s-%d-%0100000d", "a", -5, 7);

	assert_int_equal(strlen(text), 5 + 100000);
	assert_memory_equal(text, "a--5-000", 8);
	assert_int_equal(text[5 + 100000 - 1], '7');
	assert_string_equal(arena_print(*state, "%s", ""), "");
}

static void a_steady_load_gets_the_same_memory_again(void **state)
{
	enum { COUNT = 500 };
	void *first[COUNT];

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < COUNT; i++) {
			void *at = arena_take(*state, 1000);

			if (round)
				assert_ptr_equal(at, first[i]);
			first[i] = at;
		}
		arena_reset(*state);
	}
}

static size_t bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void a_reset_gives_back_what_lies_beyond_four_mebibytes(void **state)
{
	size_t before = bytes_in_use(), high;

	for (int i = 0; i < 40; i++)
		assert_non_null(arena_take(*state, MIB / 2));
	high = bytes_in_use();
	if (!before || high == before)
		return; /* this allocator does not count; the plain build checks it */
	assert_true(high >= before + 20 * MIB);
	arena_reset(*state);
	assert_true(bytes_in_use() <= before + 4 * MIB);
}

static void freeing_no_arena_is_fine(void **state)
{
	(void)state;
	arena_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(taken_memory_is_zero_also_where_it_was_used_before),
		TEST(taken_memory_is_aligned_for_any_type),
		TEST(what_was_taken_does_not_overlap),
		TEST(a_piece_larger_than_any_block_is_given_too),
		TEST(a_size_that_no_machine_has_gives_null_and_harms_nothing),
		TEST(a_text_is_a_copy_with_a_nul_behind_it),
		TEST(print_formats_texts_of_any_length),
		TEST(a_steady_load_gets_the_same_memory_again),
		TEST(a_reset_gives_back_what_lies_beyond_four_mebibytes),
		TEST(freeing_no_arena_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
