#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/syntax.h"

static void a_synopsis_says_what_a_command_takes(void **state)
{
	struct arena *arena = arena_new();
	struct syntax syntax;

	(void)state;
	assert_int_equal(syntax_read(&syntax, arena,
				 "BOOK +N|-N --reason R [--item X=Q]... [--fast] [MORE]"),
		0);
	assert_int_equal(syntax.arguments_min, 2);
	assert_int_equal(syntax.arguments_max, 3);
	assert_int_equal(syntax.count, 3);
	assert_string_equal(syntax.options[0].name, "reason");
	assert_true(syntax.needed[0]);
	assert_int_equal(syntax.options[1].has_arg, required_argument);
	assert_false(syntax.needed[1]);
	assert_string_equal(syntax.options[2].name, "fast");
	assert_int_equal(syntax.options[2].has_arg, no_argument);
	assert_null(syntax.values[2]);
	assert_string_equal(syntax.values[1], "X=Q");
	assert_true(syntax.repeats[1]);
	assert_false(syntax.repeats[0]);
	assert_string_equal(syntax.arguments[1], "+N|-N");
	assert_string_equal(syntax.arguments[2], "MORE");
	assert_null(syntax.arguments[3]);
	assert_int_equal(syntax_read(&syntax, arena, ""), 0);
	assert_int_equal(syntax.count + syntax.arguments_max, 0);
	arena_free(arena);
}

static void words_are_near_when_few_letters_differ(void **state)
{
	(void)state;
	assert_int_equal(word_distance("catalog", "catalog"), 0);
	assert_int_equal(word_distance("catlog", "catalog"), 1);
	assert_int_equal(word_distance("stokc", "stock"), 1);
	assert_int_equal(word_distance("show", "ship"), 2);
	assert_int_equal(word_distance("", "abc"), 3);
	assert_int_equal(word_distance("kitten", "sitting"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_synopsis_says_what_a_command_takes),
		cmocka_unit_test(words_are_near_when_few_letters_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
