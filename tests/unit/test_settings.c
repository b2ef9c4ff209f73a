#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "scratch.h"
#include "settings.h"

struct shop_settings {
	struct suite_settings suite;
	int64_t payment_timeout_ms;
	int64_t cache_bytes;
	int64_t lines_max;
	int64_t ticks;
	bool strict;
	const char *greeting;
};

#define SHOP(member) offsetof(struct shop_settings, member)
#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

static const struct option_row shop_rows[] = {
	{ "payment_timeout", OPTION_DURATION, SHOP(payment_timeout_ms), "15m", 1000, 7 * DAY,
		"how long an order waits for its payment", true },
	{ "cache", OPTION_SIZE, SHOP(cache_bytes), "16M", 1024, INT64_C(1) << 40, "cache size",
		false },
	{ "lines_max", OPTION_NUMBER, SHOP(lines_max), "20", -1, 99, "lines of an order", true },
	{ "ticks", OPTION_NUMBER, SHOP(ticks), "0", 0, 0, "ticks", true },
	{ "strict", OPTION_SWITCH, SHOP(strict), "yes", 0, 0, "refuses more", true },
	{ "greeting", OPTION_TEXT, SHOP(greeting), "", 0, 12, "what is said first", true },
};
static const struct option_table shop_options = { "stockd", shop_rows,
	sizeof(shop_rows) / sizeof(shop_rows[0]) };
static const struct option_table *const tables[] = { &suite_options, &shop_options };

static struct scratch scratch;
static struct shop_settings shop;

static int setup(void **state)
{
	(void)state;
	scratch = scratch_make();
	memset(&shop, 0, sizeof(shop));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static int load_with(const char *first, const char *second)
{
	static char file[PATH_MAX + 16], name[] = "stockd"; /* as long-lived as a real argv */
	char *argv[] = { name, file, (char *)first, first ? (char *)second : NULL, NULL };

	snprintf(file, sizeof(file), "--config=%s", scratch_at(&scratch, "conf"));
	return settings_load(2 + !!first + !!second, argv, "stockd", "Keeps stock.", tables, 2,
		&shop);
}

/* Loads the text as a file, or reloads; what is said on stderr is kept. */
static int load_text(const char *text, bool again, char *fixed, size_t fixed_size)
{
	int fd = scratch_open(&scratch, "said");

	if (text)
		scratch_write(&scratch, "conf", text);
	int saved = stream_swap(STDERR_FILENO, fd);
	int error = again ? settings_reload(&shop, fixed, fixed_size) : load_with(NULL, NULL);
	stream_restore(STDERR_FILENO, saved);
	said_read(fd);
	close(fd);
	return error;
}

static int load(const char *text)
{
	return load_text(text, false, NULL, 0);
}

/* Loads in a child that may exit: its status, 100 where settings_load returned 0. */
static int load_in_child(const char *first, const char *second)
{
	int fd = scratch_open(&scratch, "said");
	int status = 0;

	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		exit(load_with(first, second) ? 101 : 100);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	said_read(fd);
	close(fd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Refused, with a message that names the file and holds `what`; nothing was set. */
static void assert_refused(const char *text, const char *what)
{
	static const struct shop_settings nothing;

	assert_int_equal(load(text), -EINVAL);
	assert_said("stockd: ");
	assert_said(scratch_at(&scratch, "conf"));
	assert_said(what);
	assert_memory_equal(&shop, &nothing, sizeof(shop));
}

/* --- where a value comes from --------------------------------------------------------------- */

static void an_empty_file_leaves_every_option_at_its_default(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(said, "");
	assert_string_equal(shop.suite.log_level, "info");
	assert_int_equal(shop.suite.store_size_max_bytes, INT64_C(64) << 30);
	assert_non_null(strstr(shop.suite.runtime_dir, "/orderd"));
	assert_non_null(strstr(shop.suite.state_dir, "/lib/orderd"));
	assert_int_equal(shop.payment_timeout_ms, 15 * MINUTE);
	assert_int_equal(shop.cache_bytes, 16 << 20);
	assert_int_equal(shop.lines_max, 20);
	assert_true(shop.strict);
	assert_string_equal(shop.greeting, "");
}

static void the_file_overrides_the_default_and_the_command_line_the_file(void **state)
{
	(void)state;
	scratch_write(&scratch, "conf",
		"suite\n    log_level = debug\n    runtime_dir = /tmp/a\n"
		"stockd\n    payment_timeout = 3s\n    lines_max = 5\n    strict = no\n");
	assert_int_equal(load_with("--payment-timeout=4s", "--runtime-dir=/tmp/b"), 0);
	assert_string_equal(shop.suite.log_level, "debug");
	assert_string_equal(shop.suite.runtime_dir, "/tmp/b");
	assert_int_equal(shop.payment_timeout_ms, 4000);
	assert_int_equal(shop.lines_max, 5);
	assert_false(shop.strict);
	assert_int_equal(shop.cache_bytes, 16 << 20);
}

static void texts_outlive_the_file_and_the_next_load(void **state)
{
	const char *greeting;

	(void)state;
	assert_int_equal(load("stockd\n    greeting = \"Hi, # you\"   # not this\n"), 0);
	greeting = shop.greeting;
	assert_string_equal(greeting, "Hi, # you");
	assert_int_equal(load("stockd\n    greeting = Grüß Gott\n"), 0);
	assert_string_equal(shop.greeting, "Grüß Gott");
	assert_string_equal(greeting, "Hi, # you");
}

static void another_daemons_section_is_that_daemons_to_check(void **state)
{
	(void)state;
	assert_int_equal(load("# all of it\norderd\n    nobody_knows = 1\n        nor = this\n"
			      "reaperd\n    x = y\ncatalogd\n\nstockd\n    lines_max = 7\n"),
		0);
	assert_int_equal(shop.lines_max, 7);
}

static void the_default_file_may_be_absent(void **state)
{
	static char name[] = "stockd";

	(void)state;
	assert_int_equal(settings_load(1, (char *[]){ name, NULL }, name, "", tables, 2, &shop), 0);
	assert_non_null(shop.suite.state_dir);
}

/* --- values --------------------------------------------------------------------------------- */

static void every_notation_of_a_value_is_read(void **state)
{
	static const struct {
		const char *line;
		const int64_t *at;
		int64_t value;
	} rows[] = {
		{ "payment_timeout = 1500ms", &shop.payment_timeout_ms, 1500 },
		{ "payment_timeout = 3s", &shop.payment_timeout_ms, 3000 },
		{ "payment_timeout = 24h", &shop.payment_timeout_ms, DAY },
		{ "payment_timeout = 7d", &shop.payment_timeout_ms, 7 * DAY },
		{ "payment_timeout = '1m'", &shop.payment_timeout_ms, MINUTE },
		{ "cache = 64K", &shop.cache_bytes, 64 << 10 },
		{ "cache = 64G", &shop.cache_bytes, INT64_C(64) << 30 },
		{ "cache = 2048", &shop.cache_bytes, 2048 },
		{ "lines_max = -1", &shop.lines_max, -1 },
		{ "lines_max = 99", &shop.lines_max, 99 },
		{ "ticks = 9223372036854775807", &shop.ticks, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "stockd\n    %s\n", rows[i].line);
		assert_int_equal(load(text), 0);
		assert_int_equal(*rows[i].at, rows[i].value);
	}
}

static void a_value_out_of_bounds_or_of_another_kind_names_option_and_bounds(void **state)
{
	static const struct {
		const char *line;
		const char *what;
	} rows[] = {
		{ "payment_timeout = 999ms",
			"stockd/payment_timeout: '999ms' is not a duration of 1s to 7d" },
		{ "payment_timeout = 8d", "a duration of 1s to 7d" },
		{ "payment_timeout = soon", "'soon' is not a duration" },
		{ "payment_timeout = 3 s", "'3 s' is not a duration" },
		{ "payment_timeout =", "'' is not a duration" },
		{ "payment_timeout", "'' is not a duration" },
		{ "cache = 1023", "stockd/cache: '1023' is not a size of 1K to 1024G" },
		{ "cache = 5m", "a size of 1K to 1024G" },
		{ "lines_max = 100", "stockd/lines_max: '100' is not a number of -1 to 99" },
		{ "lines_max = -2", "a number of -1 to 99" },
		{ "lines_max = 5.0", "a number of -1 to 99" },
		{ "ticks = -1", "stockd/ticks: '-1' is not a number of at least 0" },
		{ "strict = true", "stockd/strict: 'true' is not yes or no" },
		{ "greeting = 'thirteen byte'", "is not text of 0 to 12 bytes" },
		{ "greeting = a\033b", "without control characters" },
		{ "greeting = \xff", "without control characters" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "stockd\n    %s\n", rows[i].line);
		assert_refused(text, rows[i].what);
	}
	assert_refused("suite\n    log_level = loud\n",
		"suite/log_level: 'loud' is not error, warning, info or debug");
	assert_refused("suite\n    runtime_dir = ''\n", "text of 1 to 90 bytes");
}

/* --- the file ------------------------------------------------------------------------------- */

static void a_name_that_nobody_knows_is_an_error(void **state)
{
	(void)state;
	assert_refused("stockd\n    payment_timeuot = 3s\n",
		"section 'stockd' has no option 'payment_timeuot'");
	assert_refused("stockd\n    log_level = info\n",
		"section 'stockd' has no option 'log_level'");
	assert_refused("stockdd\n    lines_max = 3\n", "unknown section 'stockdd'");
	assert_refused("lines_max = 3\n", "unknown section 'lines_max'");
}

static void a_file_of_the_wrong_shape_is_an_error(void **state)
{
	(void)state;
	assert_refused("stockd\n    lines_max = 3\n    lines_max = 3\n", "twice");
	assert_refused("stockd\n    lines_max = 3\nstockd\n    lines_max = 4\n", "twice");
	assert_refused("stockd\n    lines_max\n        more = 4\n", "is an option, not a section");
	assert_refused("stockd = 4\n", "section 'stockd' has a value");
}

static void a_file_that_is_not_well_formed_names_the_line_and_nothing_on_stdout(void **state)
{
	int fd = scratch_open(&scratch, "stdout");
	char byte;

	(void)state;
	int saved = stream_swap(STDOUT_FILENO, fd);
	int error = load("stockd\n\n   lines_max = 3\n");
	stream_restore(STDOUT_FILENO, saved);
	assert_int_equal(pread(fd, &byte, 1, 0), 0);
	close(fd);
	assert_int_equal(error, -EINVAL);
	assert_said("line 3: ");
	assert_refused("stockd\n\tlines_max = 3\n", "line 2: ");
	assert_refused("stockd\n            lines_max = 3\n", "line 2: ");
	assert_refused("stockd\n    greeting = \"open\n", "line 2: ");
	assert_refused("\177ELF\n", "line 1: ");
}

static void a_named_file_must_be_readable(void **state)
{
	(void)state;
	assert_refused(NULL, "No such file or directory");
	assert_int_equal(mkdir(scratch_at(&scratch, "conf"), 0700), 0);
	assert_refused(NULL, "Is a directory");
}

static void a_file_with_a_nul_or_without_end_is_refused(void **state)
{
	size_t size = (1 << 20) + 2;
	char *text = malloc(size);

	(void)state;
	int fd = scratch_open(&scratch, "conf");
	assert_int_equal(write(fd, "suite\n\0stockd\n", 14), 14);
	close(fd);
	assert_refused(NULL, "is not a settings file");
	assert_non_null(text);
	memset(text, '#', size);
	text[size - 1] = '\0';
	assert_refused(text, "is not a settings file");
	text[size - 2] = '\0';
	assert_int_equal(load(text), 0);
	free(text);
}

static void reading_the_file_leaves_the_signals_alone(void **state)
{
	struct sigaction action;

	(void)state;
	assert_int_equal(load("stockd\n   wrong\n"), -EINVAL);
	assert_int_equal(load("stockd\n    lines_max = 3\n"), 0);
	assert_int_equal(sigaction(SIGTERM, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
}

/* --- the command line ----------------------------------------------------------------------- */

static void help_names_every_option_with_its_default_and_bounds(void **state)
{
	(void)state;
	assert_int_equal(load_in_child("--help", NULL), 0);
	assert_said("Keeps stock.");
	assert_said("--config=FILE");
	assert_said("--runtime-dir=DIR");
	assert_said("--log-level=LEVEL");
	assert_said("--payment-timeout=DURATION");
	assert_said("default 15m; 1s to");
	assert_said("--cache=SIZE");
	assert_said("--lines-max=NUMBER");
	assert_said("--strict=yes|no");
	assert_said("--greeting=TEXT");
	assert_said("default none");
	assert_said("Section 'stockd' of the file:");
}

static void version_names_program_and_suite(void **state)
{
	(void)state;
	assert_int_equal(load_in_child("--version", NULL), 0);
	assert_memory_equal(said, "stockd (orderd) ", 16);
	assert_in_range(said[16], '0', '9');
}

static void wrong_usage_ends_with_2_and_says_why(void **state)
{
	(void)state;
	scratch_write(&scratch, "conf", "");
	assert_int_equal(load_in_child("--lines-max=99", NULL), 100);
	assert_int_equal(load_in_child("--lines-max", "98"), 100);
	assert_int_equal(load_in_child("--lines-max=100", NULL), 2);
	assert_said("--lines-max: '100' is not a number of -1 to 99");
	assert_int_equal(load_in_child("--log-level=loud", NULL), 2);
	assert_said("--log-level: 'loud' is not error");
	assert_int_equal(load_in_child("--payment-timeout", NULL), 2);
	assert_said("requires an argument");
	assert_int_equal(load_in_child("--lines-mux=3", NULL), 2);
	assert_said("--lines-mux");
	assert_int_equal(load_in_child("lines_max", NULL), 2);
	assert_said("unexpected argument 'lines_max'");
}

static void a_wrong_file_is_no_wrong_usage(void **state)
{
	(void)state;
	scratch_write(&scratch, "conf", "stockd\n    lines_max = 100\n");
	assert_int_equal(load_in_child(NULL, NULL), 101);
	assert_said("stockd/lines_max");
	assert_int_equal(load_in_child("--lines-max=3", NULL), 100);
}

/* --- reload --------------------------------------------------------------------------------- */

static void a_reload_changes_what_is_live_and_names_what_is_not(void **state)
{
	char fixed[128] = "left over";

	(void)state;
	assert_int_equal(load("stockd\n    lines_max = 3\n    cache = 1M\n"), 0);
	assert_int_equal(load_text("suite\n    state_dir = /elsewhere\n    log_level = error\n"
				   "stockd\n    cache = 2M\n    strict = no\n    greeting = Hey\n",
				 true, fixed, sizeof(fixed)),
		0);
	assert_string_equal(fixed, "state_dir, cache");
	assert_int_equal(shop.cache_bytes, 1 << 20);
	assert_non_null(strstr(shop.suite.state_dir, "/lib/orderd"));
	assert_string_equal(shop.suite.log_level, "error");
	assert_int_equal(shop.lines_max, 20);
	assert_false(shop.strict);
	assert_string_equal(shop.greeting, "Hey");
}

static void a_reload_without_a_change_names_nothing(void **state)
{
	char fixed[128] = "left over";

	(void)state;
	assert_int_equal(load("stockd\n    greeting = Hey\n    cache = 1M\n"), 0);
	const char *greeting = shop.greeting;
	assert_int_equal(load_text(NULL, true, fixed, sizeof(fixed)), 0);
	assert_string_equal(fixed, "");
	assert_ptr_equal(shop.greeting, greeting);
	assert_int_equal(load_text("", true, NULL, 0), 0);
	assert_string_equal(shop.greeting, "");
}

static void a_reload_that_fails_changes_nothing(void **state)
{
	static const char *const wrong[] = {
		"stockd\n    lines_max = 4\n    payment_timeout = 1ms\n",
		"stockd\n    lines_max = 4\n   strict = no\n",
		"stockd\n    lines_max = 4\nstackd\n",
	};
	char fixed[128] = "as it was";

	(void)state;
	assert_int_equal(load("stockd\n    lines_max = 3\n"), 0);
	struct shop_settings before = shop;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(load_text(wrong[i], true, fixed, sizeof(fixed)), -EINVAL);
		assert_memory_equal(&shop, &before, sizeof(shop));
		assert_string_equal(fixed, "as it was");
	}
	assert_int_equal(remove(scratch_at(&scratch, "conf")), 0);
	assert_int_equal(load_text(NULL, true, fixed, sizeof(fixed)), -EINVAL);
	assert_memory_equal(&shop, &before, sizeof(shop));
}

static void the_command_line_overrides_a_reloaded_file_too(void **state)
{
	(void)state;
	scratch_write(&scratch, "conf", "");
	assert_int_equal(load_with("--lines-max=50", "--strict=no"), 0);
	assert_int_equal(load_text("stockd\n    lines_max = 4\n    payment_timeout = 2s\n", true,
				 NULL, 0),
		0);
	assert_int_equal(shop.lines_max, 50);
	assert_false(shop.strict);
	assert_int_equal(shop.payment_timeout_ms, 2000);
}

static void a_list_of_fixed_options_is_cut_to_its_room(void **state)
{
	char fixed[8];

	(void)state;
	assert_int_equal(load(""), 0);
	assert_int_equal(load_text("suite\n    state_dir = /elsewhere\nstockd\n    cache = 1M\n",
				 true, fixed, sizeof(fixed)),
		0);
	assert_string_equal(fixed, "state_d");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_empty_file_leaves_every_option_at_its_default),
		TEST(the_file_overrides_the_default_and_the_command_line_the_file),
		TEST(texts_outlive_the_file_and_the_next_load),
		TEST(another_daemons_section_is_that_daemons_to_check),
		TEST(the_default_file_may_be_absent),
		TEST(every_notation_of_a_value_is_read),
		TEST(a_value_out_of_bounds_or_of_another_kind_names_option_and_bounds),
		TEST(a_name_that_nobody_knows_is_an_error),
		TEST(a_file_of_the_wrong_shape_is_an_error),
		TEST(a_file_that_is_not_well_formed_names_the_line_and_nothing_on_stdout),
		TEST(a_named_file_must_be_readable),
		TEST(a_file_with_a_nul_or_without_end_is_refused),
		TEST(reading_the_file_leaves_the_signals_alone),
		TEST(help_names_every_option_with_its_default_and_bounds),
		TEST(version_names_program_and_suite),
		TEST(wrong_usage_ends_with_2_and_says_why),
		TEST(a_wrong_file_is_no_wrong_usage),
		TEST(a_reload_changes_what_is_live_and_names_what_is_not),
		TEST(a_reload_without_a_change_names_nothing),
		TEST(a_reload_that_fails_changes_nothing),
		TEST(the_command_line_overrides_a_reloaded_file_too),
		TEST(a_list_of_fixed_options_is_cut_to_its_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
