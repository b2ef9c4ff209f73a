#include "toy_bench.h"

#include "unread.h"

/* What clients have not read, by itself. */

#define KIB 1024
#define MIB (1024 * KIB)

static struct unread *unread;
static char filling[MIB];
static struct unread_answer *answers[1024];
static size_t answer_count;

static int begin(void **state)
{
	(void)state;
	unread = unread_new();
	answer_count = 0;
	return unread ? 0 : -1;
}

static void read_all(void)
{
	while (answer_count > 0)
		unread_answer_free(NULL, answers[--answer_count]);
}

static int end(void **state)
{
	(void)state;
	read_all();
	unread_free(unread);
	return 0;
}

static struct route client(unsigned number)
{
	struct route route = { .identity_size = sizeof(number) };

	memcpy(route.identity, &number, sizeof(number));
	return route;
}

static void send_to(unsigned number, size_t size)
{
	struct route route = client(number);
	struct unread_answer *answer = unread_answer_new(unread, &route, filling, size);

	assert_non_null(answer);
	assert_memory_equal(unread_answer_data(answer), filling, size);
	answers[answer_count++] = answer;
}

static bool is_too_much(unsigned number)
{
	struct route route = client(number);

	return unread_is_too_much(unread, &route);
}

static void one_who_does_not_read_has_too_much_before_others_do(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < UNREAD_MAX_BYTES; bytes += MIB) {
		assert_false(is_too_much(1));
		send_to(1, MIB);
	}
	send_to(2, KIB);
	assert_true(is_too_much(1));
	assert_false(is_too_much(2));
	assert_false(is_too_much(3));
	read_all();
	assert_false(is_too_much(1));
}

static void of_a_crowd_only_who_has_few_unread_is_served(void **state)
{
	unsigned number = 0;

	(void)state;
	for (size_t bytes = 0; bytes <= UNREAD_ALL_MAX_BYTES; bytes += MIB)
		send_to(++number, MIB);
	send_to(1000, KIB);
	for (; number > 0; number--)
		assert_true(is_too_much(number));
	assert_false(is_too_much(1000));
	read_all();
	assert_false(is_too_much(1));
}

static void who_has_read_everything_is_forgotten(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 100 * KIB; number++) {
		send_to(number, 1);
		read_all();
	}
	send_to(1, KIB);
	assert_false(is_too_much(1));
}

#define UNREAD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNREAD_TEST(one_who_does_not_read_has_too_much_before_others_do),
		UNREAD_TEST(of_a_crowd_only_who_has_few_unread_is_served),
		UNREAD_TEST(who_has_read_everything_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
