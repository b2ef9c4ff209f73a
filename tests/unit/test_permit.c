#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "permit.h"

#define STRANGER 54321
#define GROUP 43210

static struct permit *permit;

static int begin(void **state)
{
	(void)state;
	permit = permit_new();
	return permit ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	permit_free(permit);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static struct route route_of(uid_t uid, gid_t gid)
{
	return (struct route){ .known = true, .uid = uid, .gid = gid };
}

static bool allows(enum who who, uid_t uid, gid_t gid)
{
	struct route route = route_of(uid, gid);

	return permit_allows(permit, who, &route);
}

static void without_settings_root_and_the_own_user_administer_and_all_order(void **state)
{
	struct suite_settings settings = { 0 };

	(void)state;
	permit_read(permit, &settings);
	assert_true(allows(WHO_ADMIN, 0, 0));
	assert_true(allows(WHO_ADMIN, geteuid(), GROUP));
	assert_false(allows(WHO_ADMIN, STRANGER, GROUP));
	assert_true(allows(WHO_USER, STRANGER, GROUP));
}

static void who_is_not_known_may_only_what_everybody_may(void **state)
{
	struct suite_settings settings = { 0 };
	struct route route = { 0 };

	(void)state;
	permit_read(permit, &settings);
	assert_true(permit_allows(permit, WHO_USER, &route));
	assert_false(permit_allows(permit, WHO_ADMIN, &route));
	settings.order_users = "54321";
	permit_read(permit, &settings);
	assert_false(permit_allows(permit, WHO_USER, &route));
	assert_true(permit_allows(permit, WHO_ANYBODY, &route));
}

static void users_and_groups_are_named_or_numbered(void **state)
{
	struct suite_settings settings = {
		.admin_users = "daemon, 54321",
		.admin_groups = "bin,43210",
	};

	(void)state;
	permit_read(permit, &settings);
	assert_true(allows(WHO_ADMIN, STRANGER, 1000));
	assert_true(allows(WHO_ADMIN, 1, 1000)); /* daemon */
	assert_true(allows(WHO_ADMIN, 1000, 2)); /* bin */
	assert_true(allows(WHO_ADMIN, 1000, GROUP));
	assert_false(allows(WHO_ADMIN, 1000, 1000));
}

static void a_name_that_nobody_has_admits_nobody(void **state)
{
	struct suite_settings settings = { .order_users = "no-such-user-here" };

	(void)state;
	permit_read(permit, &settings);
	assert_false(allows(WHO_USER, STRANGER, GROUP));
	assert_true(allows(WHO_USER, 0, 0));
}

static void who_orders_is_narrowed_and_administrators_order_too(void **state)
{
	struct suite_settings settings = {
		.admin_users = "54322",
		.order_users = "54321",
		.order_groups = "43210",
	};

	(void)state;
	permit_read(permit, &settings);
	assert_true(allows(WHO_USER, STRANGER, 1000));
	assert_true(allows(WHO_USER, 1000, GROUP));
	assert_true(allows(WHO_USER, 54322, 1000));
	assert_true(allows(WHO_USER, geteuid(), 1000));
	assert_false(allows(WHO_USER, 1000, 1000));
	assert_false(allows(WHO_ADMIN, STRANGER, GROUP));
}

static void a_reload_forgets_what_was_named_before(void **state)
{
	struct suite_settings settings = { .admin_users = "54321" };

	(void)state;
	permit_read(permit, &settings);
	settings.admin_users = "";
	permit_read(permit, &settings);
	assert_false(allows(WHO_ADMIN, STRANGER, GROUP));
}

/* --- a real peer ---------------------------------------------------------------------------- */

/* Connects as a stranger who is a member of GROUP, waits until `done` is closed. */
static void be_a_peer(const struct sockaddr_un *address, int done)
{
	gid_t group = GROUP;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	if (setgroups(1, &group) < 0 || setgid(1000) < 0 || setuid(STRANGER) < 0 ||
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		_exit(1);
	_exit(read(done, &byte, 1) == 0 ? 0 : 1);
}

static void groups_beside_the_first_one_count(void **state)
{
	struct suite_settings settings = { .order_groups = "43210" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct route route = route_of(STRANGER, 1000);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), done[2];

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: only root can be somebody else\n");
		close(listener);
		skip();
	}
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "test_permit.%d", getpid());
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(pipe(done), 0);
	route.pid = fork();
	if (route.pid == 0) {
		close(done[1]);
		be_a_peer(&address, done[0]);
	}
	route.socket = accept(listener, NULL, NULL);
	assert_true(route.socket > 0);
	permit_read(permit, &settings);
	assert_true(permit_allows(permit, WHO_USER, &route));
	/* A socket that is another process's says nothing about this one. */
	route.pid++;
	assert_false(permit_allows(permit, WHO_USER, &route));
	close(done[1]);
	assert_int_equal(waitpid(route.pid - 1, NULL, 0), route.pid - 1);
	close(done[0]);
	close(route.socket);
	close(listener);
}

/* --- the log -------------------------------------------------------------------------------- */

static void one_user_and_operation_is_told_once_in_a_while(void **state)
{
	static const char *const operation = "stock.set";
	struct route route = route_of(STRANGER, GROUP);
	uint64_t before = 99;

	(void)state;
	assert_true(permit_tells(permit, &route, operation, 1000, &before));
	assert_int_equal(before, 0);
	for (int i = 0; i < 7; i++)
		assert_false(permit_tells(permit, &route, operation, 1000 + i, &before));
	assert_false(permit_tells(permit, &route, operation, 999 + PERMIT_LOG_MS, &before));
	assert_true(permit_tells(permit, &route, operation, 1000 + PERMIT_LOG_MS, &before));
	assert_int_equal(before, 8);
}

static void users_and_operations_are_told_apart(void **state)
{
	static const char *const one = "stock.set", *const other = "stock.add";
	struct route route = route_of(STRANGER, GROUP);
	uint64_t before;

	(void)state;
	assert_true(permit_tells(permit, &route, one, 1, &before));
	assert_true(permit_tells(permit, &route, other, 1, &before));
	route.uid++;
	assert_true(permit_tells(permit, &route, one, 1, &before));
	assert_false(permit_tells(permit, &route, one, 2, &before));
}

static void however_many_come_the_list_has_an_end(void **state)
{
	static const char *const operation = "stock.set";
	struct route route = route_of(0, GROUP);
	uint64_t before;

	(void)state;
	for (route.uid = 1; route.uid < 1000; route.uid++)
		assert_true(permit_tells(permit, &route, operation, route.uid, &before));
	route.uid = 999;
	assert_false(permit_tells(permit, &route, operation, 1000, &before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_settings_root_and_the_own_user_administer_and_all_order),
		TEST(who_is_not_known_may_only_what_everybody_may),
		TEST(users_and_groups_are_named_or_numbered),
		TEST(a_name_that_nobody_has_admits_nobody),
		TEST(who_orders_is_narrowed_and_administrators_order_too),
		TEST(a_reload_forgets_what_was_named_before),
		TEST(groups_beside_the_first_one_count),
		TEST(one_user_and_operation_is_told_once_in_a_while),
		TEST(users_and_operations_are_told_apart),
		TEST(however_many_come_the_list_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
