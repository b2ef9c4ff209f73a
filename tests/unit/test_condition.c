#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/condition.h"

#define NOW_MS INT64_C(1700000000000)

static struct arena *arena;
static struct condition condition;

/* As a daemon is that serves, with nothing to be remarked. */
static const struct health well = {
	.ready = true,
	.store_used_bytes = 89 << 20,
	.store_size_max_bytes = 100 << 20,
	.next_deadline_at = NOW_MS + 1000,
};

static enum condition_state judge(struct health health)
{
	condition = (struct condition){ .health = health };
	condition_judge(&condition, arena, NOW_MS);
	return condition.state;
}

static void assert_degraded(struct health health, const char *why)
{
	assert_int_equal(judge(health), CONDITION_DEGRADED);
	assert_string_equal(condition.state_name, "degraded");
	assert_non_null(strstr(condition.reason, why));
}

static void a_daemon_that_serves_is_up(void **state)
{
	struct health health = well;

	(void)state;
	assert_int_equal(judge(health), CONDITION_UP);
	assert_null(condition.reason);
	health.open_sagas = 3;
	health.oldest_saga_at = NOW_MS - 59999;
	health.next_deadline_at = NOW_MS - 4999;
	assert_int_equal(judge(health), CONDITION_UP);
	assert_int_equal(condition.saga_age_ms, 59999);
	assert_int_equal(judge((struct health){ .ready = true }), CONDITION_UP);
}

static void what_wants_attention_makes_it_degraded(void **state)
{
	struct health full = well, stuck = well, late = well, told = well;

	(void)state;
	full.store_used_bytes = 92 << 20;
	assert_degraded(full, "store_size_max");
	stuck.oldest_saga_at = NOW_MS - 60000;
	assert_degraded(stuck, "a saga is open for 60 s");
	late.next_deadline_at = NOW_MS - 5000;
	assert_degraded(late, "5 s overdue");
	told.reason = "the disk is slow";
	assert_degraded(told, "the disk is slow");
}

static void one_that_does_not_serve_says_why_itself(void **state)
{
	struct health health = well;

	(void)state;
	health.ready = false;
	health.reason = "no store";
	health.store_used_bytes = health.store_size_max_bytes;
	assert_int_equal(judge(health), CONDITION_NOT_READY);
	assert_string_equal(condition.reason, "no store");
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_daemon_that_serves_is_up),
		cmocka_unit_test(what_wants_attention_makes_it_degraded),
		cmocka_unit_test(one_that_does_not_serve_says_why_itself),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
