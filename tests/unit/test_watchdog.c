#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "watchdog.h"

/* The manager's end of the notification socket. */

static struct scratch scratch;
static int manager = -1;

static int begin(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	scratch = scratch_make();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", scratch.path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (manager < 0 || bind(manager, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "2000000", 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	close(manager);
	scratch_remove(&scratch);
	return 0;
}

/* How often it was fed since the last look. */
static int feeds(void)
{
	char message[256];
	ssize_t size;
	int count = 0;

	while ((size = recv(manager, message, sizeof(message) - 1, 0)) >= 0) {
		message[size] = '\0';
		assert_string_equal(message, "WATCHDOG=1");
		count++;
	}
	assert_int_equal(errno, EAGAIN);
	return count;
}

static void it_is_fed_twice_in_the_managers_patience(void **state)
{
	struct watchdog watchdog;

	(void)state;
	watchdog_open(&watchdog, 0);
	for (int64_t now_ms = 0; now_ms <= 2030; now_ms += 10)
		watchdog_feed(&watchdog, 1, false, now_ms);
	assert_int_equal(feeds(), 2);
	watchdog_feed(&watchdog, 1, true, 3100);
	assert_int_equal(feeds(), 1);
}

static void an_idle_loop_wakes_up_to_feed_it(void **state)
{
	struct watchdog watchdog;

	(void)state;
	watchdog_open(&watchdog, 0);
	assert_int_equal(watchdog_wait(&watchdog, -1, 0), 1001);
	assert_int_equal(watchdog_wait(&watchdog, 20000, 500), 501);
	assert_int_equal(watchdog_wait(&watchdog, 7, 500), 7);
	assert_int_equal(watchdog_wait(&watchdog, -1, 5000), 0);
	watchdog_feed(&watchdog, 0, false, 1001);
	assert_int_equal(feeds(), 1);
	assert_int_equal(watchdog_wait(&watchdog, -1, 1001), 1001);
}

static void a_loop_that_leaves_its_input_is_not_fed(void **state)
{
	struct watchdog watchdog;

	(void)state;
	watchdog_open(&watchdog, 0);
	for (int64_t now_ms = 0; now_ms < 30000; now_ms += 100)
		watchdog_feed(&watchdog, 0, true, now_ms);
	assert_int_equal(feeds(), 0);
	watchdog_feed(&watchdog, 0, false, 30000);
	assert_int_equal(feeds(), 1);
}

static void without_a_manager_nobody_is_woken(void **state)
{
	struct watchdog watchdog;

	(void)state;
	unsetenv("WATCHDOG_USEC");
	watchdog_open(&watchdog, 0);
	assert_int_equal(watchdog_wait(&watchdog, -1, 0), -1);
	watchdog_feed(&watchdog, 1, false, 60000);
	assert_int_equal(feeds(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_fed_twice_in_the_managers_patience, begin,
			end),
		cmocka_unit_test_setup_teardown(an_idle_loop_wakes_up_to_feed_it, begin, end),
		cmocka_unit_test_setup_teardown(a_loop_that_leaves_its_input_is_not_fed, begin,
			end),
		cmocka_unit_test_setup_teardown(without_a_manager_nobody_is_woken, begin, end),
	};

	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
