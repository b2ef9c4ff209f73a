#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/instances.h"

static void a_file_is_told_by_its_daemon_and_its_instance(void **state)
{
	(void)state;
	assert_int_equal(instance_in("catalogd.sock", "catalogd", ".sock"), 8);
	assert_int_equal(instance_in("catalogd@2.sock", "catalogd", ".sock"), 10);
	assert_int_equal(instance_in("catalogd@east_B-7.socket", "catalogd", ".socket"), 17);
}

static void other_files_are_none(void **state)
{
	static const char *const others[] = { "catalogd", "catalogd@2", "catalogd@.sock",
		"catalogd2.sock", "catalogd@2.lock", "catalogd@../x.sock", "catalogd@2.sock.old",
		"xcatalogd@2.sock", "stockd.sock", ".sock", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(instance_in(others[i], "catalogd", ".sock"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_told_by_its_daemon_and_its_instance),
		cmocka_unit_test(other_files_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
