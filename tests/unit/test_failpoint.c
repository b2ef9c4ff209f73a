#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failpoint.h"
#include "scratch.h"

/* Whoever has failpoints on is a process of its own here, for it may die of them. */

#define EXIT_USAGE 2
#define EXIT_UNLIKE 9 /* what was to be was not */
#define RULES_MAX 16

static struct scratch scratch;
static char path[96];

static int begin(void **state)
{
	(void)state;
	scratch = scratch_make();
	snprintf(path, sizeof(path), "%s/rules", scratch.path);
	return 0;
}

static int end(void **state)
{
	(void)state;
	tree_remove(scratch.path);
	return 0;
}

static void rules_write(const char *rules)
{
	char fresh[112];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "we");
	assert_non_null(file);
	assert_true(fputs(rules, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(fresh, path), 0);
}

/* What the process wrote of its sites. */
static const char *log_read(void)
{
	static char text[4096];
	char name[112];
	FILE *file;

	snprintf(name, sizeof(name), "%s.log", path);
	file = fopen(name, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void want(bool good)
{
	if (!good)
		_exit(EXIT_UNLIKE);
}

/* Runs it in a process with failpoints on. */
static pid_t start(void (*body)(void))
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child > 0)
		return child;
	setenv("ORDERD_FAILPOINTS", path, 1);
	want(freopen("/dev/null", "we", stderr) != NULL); /* where bad rules are named */
	want(failpoints_open("toy"));
	body();
	_exit(0);
}

static int run(void (*body)(void))
{
	int status;

	assert_true(waitpid(start(body), &status, 0) > 0);
	return status;
}

static void assert_good(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void pass_commit(void)
{
	want(FAILPOINT("commit", "before") == 0);
}

/* --- off ------------------------------------------------------------------------------------ */

static void without_the_variable_they_are_off(void **state)
{
	(void)state;
	unsetenv("ORDERD_FAILPOINTS");
	assert_false(failpoints_open("toy"));
	assert_int_equal(setenv("ORDERD_FAILPOINTS", "", 1), 0);
	assert_false(failpoints_open("toy"));
	unsetenv("ORDERD_FAILPOINTS");
	assert_false(failpoints_on);
	assert_int_equal(FAILPOINT("commit", "before"), 0);
}

/* --- what is noted -------------------------------------------------------------------------- */

static void pass_thrice(void)
{
	pass_commit();
	pass_commit();
	want(FAILPOINT("put", "orders") == 0);
}

static void without_rules_nothing_acts_and_each_site_is_noted_once(void **state)
{
	(void)state;
	assert_good(run(pass_thrice));
	assert_string_equal(log_read(), "passed toy.commit.before\npassed toy.put.orders\n");
}

/* --- actions -------------------------------------------------------------------------------- */

static void error_once(void)
{
	want(FAILPOINT("commit", "before") == -EIO);
	pass_commit();
	want(FAILPOINT("commit", "after") == 0);
}

static void an_error_comes_at_the_first_pass_and_once(void **state)
{
	(void)state;
	rules_write("toy.commit.before=error\n");
	assert_good(run(error_once));
	assert_string_equal(log_read(),
		"passed toy.commit.before\nerror toy.commit.before\npassed toy.commit.after\n");
}

static void error_at_the_third(void)
{
	for (int i = 1; i <= 6; i++)
		want(FAILPOINT("commit", "before") == (i == 3 ? -EIO : 0));
}

static void it_comes_at_the_hit_that_was_named(void **state)
{
	(void)state;
	rules_write("toy.commit.before=error:3\n");
	assert_good(run(error_at_the_third));
}

static void several(void)
{
	want(FAILPOINT("put", "orders") == -EIO);
	want(FAILPOINT("put", "events") == 0);
	want(FAILPOINT("put", "events") == -EIO);
	want(FAILPOINT("put") == 0);
	want(FAILPOINT("put", "orders", "more") == 0);
}

static void rules_stand_beside_each_other_and_mean_whole_names(void **state)
{
	(void)state;
	rules_write("\n  toy.put.orders=error\n \ntoy.put.events=error:2 \nother.put=error\n");
	assert_good(run(several));
}

static void kill_kills_at_the_second_pass_and_says_so_before(void **state)
{
	int status;

	(void)state;
	rules_write("toy.commit.before=kill:2\n");
	status = run(pass_thrice);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_string_equal(log_read(), "passed toy.commit.before\nkill toy.commit.before\n");
}

static void stop_stands_still_until_it_is_continued(void **state)
{
	pid_t child;
	int status;

	(void)state;
	rules_write("toy.commit.before=stop\n");
	child = start(pass_thrice);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	assert_string_equal(log_read(), "passed toy.commit.before\nstop toy.commit.before\n");
	assert_int_equal(kill(child, SIGCONT), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_good(status);
	assert_non_null(strstr(log_read(), "passed toy.put.orders"));
}

/* --- rules that change ---------------------------------------------------------------------- */

static void change_rules(void)
{
	pass_commit();
	rules_write("toy.commit.before=error:2\n");
	pass_commit();
	want(FAILPOINT("commit", "before") == -EIO);
	rules_write("");
	pass_commit();
}

static void other_rules_count_anew_and_note_anew(void **state)
{
	(void)state;
	rules_write("toy.commit.before=kill:2\n");
	assert_good(run(change_rules));
	assert_string_equal(log_read(),
		"passed toy.commit.before\npassed toy.commit.before\nerror toy.commit.before\n"
		"passed toy.commit.before\n");
}

/* --- bad input ------------------------------------------------------------------------------ */

static void what_is_no_rule_ends_the_process(void **state)
{
	static const char *const bad[] = { "toy.put", "toy.put=", "=kill", "toy.put=burn",
		"toy.put=killer", "toy.put=kill:0", "toy.put=kill:-1",
		"toy.put=kill:", "toy.put=kill:two", "toy.put=kill:2x", "toy.put=kill now",
		"toy put=kill" };
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rules_write(bad[i]);
		status = run(pass_commit);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_USAGE)
			fail_msg("%s was taken", bad[i]);
	}
}

static void rules_write_many(int count)
{
	char rules[1024] = "";

	for (int i = 0; i < count; i++)
		snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules), "toy.%d=kill\n", i);
	rules_write(rules);
}

static void too_many_rules_are_refused(void **state)
{
	int status;

	(void)state;
	rules_write_many(RULES_MAX);
	assert_good(run(pass_commit));
	rules_write_many(RULES_MAX + 1);
	status = run(pass_commit);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_USAGE);
}

#define FAILPOINT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAILPOINT_TEST(without_the_variable_they_are_off),
		FAILPOINT_TEST(without_rules_nothing_acts_and_each_site_is_noted_once),
		FAILPOINT_TEST(an_error_comes_at_the_first_pass_and_once),
		FAILPOINT_TEST(it_comes_at_the_hit_that_was_named),
		FAILPOINT_TEST(rules_stand_beside_each_other_and_mean_whole_names),
		FAILPOINT_TEST(kill_kills_at_the_second_pass_and_says_so_before),
		FAILPOINT_TEST(stop_stands_still_until_it_is_continued),
		FAILPOINT_TEST(other_rules_count_anew_and_note_anew),
		FAILPOINT_TEST(what_is_no_rule_ends_the_process),
		FAILPOINT_TEST(too_many_rules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
