#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "settings.h"

static const struct option_row rows[] = {
	{ "cache", OPTION_SIZE, 0, "16M", 1024, INT64_C(1) << 40, "cache size", false },
	{ "lines_max", OPTION_NUMBER, 0, "20", -1, 99, "lines of an order", true },
	{ "strict", OPTION_SWITCH, 0, "yes", 0, 0, "refuses more", true },
};
static const struct option_table options = { "stockd", rows, sizeof(rows) / sizeof(rows[0]) };
static const struct option_table *const tables[] = { &suite_options, &options };

static struct {
	int options, problems;
	char text[1024]; /* a line for each of either */
} found;

static void problem_take(void *context, int line, const char *message)
{
	size_t used = strlen(found.text);

	assert_ptr_equal(context, &found);
	found.problems++;
	snprintf(found.text + used, sizeof(found.text) - used, "%d: %s\n", line, message);
}

static void option_take(void *context, const char *section, const struct option_row *row,
	const char *value, int line)
{
	size_t used = strlen(found.text);

	assert_ptr_equal(context, &found);
	found.options++;
	if (!strcmp(section, "stockd"))
		snprintf(found.text + used, sizeof(found.text) - used, "%d: %s = %s\n", line,
			row->name, value);
}

/* NULL: there is no such file. */
static int inspect(const char *text)
{
	static const struct settings_visitor visitor = { problem_take, option_take };
	struct scratch scratch = scratch_make();
	int result;

	memset(&found, 0, sizeof(found));
	if (text)
		scratch_write(&scratch, "conf", text);
	result = settings_inspect(scratch_at(&scratch, "conf"), tables, 2, &visitor, &found);
	scratch_remove(&scratch);
	return result;
}

static void every_option_is_told_with_the_line_it_stands_in(void **state)
{
	(void)state;
	assert_int_equal(inspect("# mine\nstockd\n\n    # less\n    cache = 1M\n"), 0);
	assert_string_equal(found.text, "5: cache = 1M\n0: lines_max = 20\n0: strict = yes\n");
	assert_int_equal(found.options, suite_options.count + 3);
	assert_int_equal(found.problems, 0);
}

static void every_mistake_is_told_with_the_line_it_stands_in(void **state)
{
	(void)state;
	assert_int_equal(
		inspect("# one\n\nsuite # two\n    nope = 1\n    # three\nother\n"
			"    deep = 1\n        deeper = 2\n\nstockd\n    lines_max = 100\n"
			"    strict = maybe\n    strict = no\nreaperd\n    hers = 1\nsuite\n"
			"    log_level = loud"),
		-EINVAL);
	assert_string_equal(found.text,
		"4: section 'suite' has no option 'nope'\n"
		"6: unknown section 'other'\n"
		"13: stockd/strict stands there twice\n"
		"17: suite/log_level: 'loud' is not error, warning, info or debug\n"
		"11: stockd/lines_max: '100' is not a number of -1 to 99\n"
		"12: stockd/strict: 'maybe' is not yes or no\n");
	assert_int_equal(found.options, 0);
}

static void a_file_that_cannot_be_read_is_one_mistake(void **state)
{
	(void)state;
	assert_int_equal(inspect("stockd\n   cache = 1M\n"), -EINVAL);
	assert_memory_equal(found.text, "2: ", 3);
	assert_int_equal(found.problems, 1);
	assert_int_equal(inspect(NULL), -EINVAL);
	assert_string_equal(found.text, "0: cannot be read: No such file or directory\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_told_with_the_line_it_stands_in),
		cmocka_unit_test(every_mistake_is_told_with_the_line_it_stands_in),
		cmocka_unit_test(a_file_that_cannot_be_read_is_one_mistake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
