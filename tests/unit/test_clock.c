#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"
#include "tests/faults/audit.h"

/* The wall clock is set while orders wait for their payment, with all daemons on real stores. */

#define HOUR_MS (INT64_C(3600) * 1000)
#define YEARS_10_MS (10 * 365 * 24 * HOUR_MS)
#define PATIENCE_MS 2000 /* a jump is noticed by then */
#define LATE_MS 100

struct bench {
	struct scratch scratch;
	struct host *host;
	struct arena *arena;
};

static void ask(struct bench *bench, enum host_daemon which, const char *op,
	const struct record *asks, const void *request, const struct record *says, void *reply)
{
	assert_int_equal(host_call(bench->host, which, op, asks, request, bench->arena, says,
				 reply),
		0);
}

static int begin(void **state)
{
	struct book_put put = { .book_id = 1, .title = "A book", .price = 100, .active = true };
	struct level_set set = { .book_id = 1, .available = 100 };
	struct bench *bench = calloc(1, sizeof(*bench));
	struct book_put_reply book;
	struct level level;

	bench->scratch = scratch_make();
	bench->arena = arena_new();
	bench->host = host_new(bench->scratch.path, INT64_C(16) << 20);
	assert_int_equal(host_start_all(bench->host), 0);
	ask(bench, HOST_CATALOGD, "catalog.put", &book_put_record, &put, &book_put_reply_record,
		&book);
	ask(bench, HOST_STOCKD, "stock.set", &level_set_record, &set, &level_record, &level);
	*state = bench;
	return 0;
}

static int end(void **state)
{
	struct bench *bench = *state;

	host_free(bench->host);
	arena_free(bench->arena);
	scratch_remove(&bench->scratch);
	free(bench);
	return 0;
}

static struct orderd_order order_make(struct bench *bench, int64_t expires_in_ms)
{
	struct orderd_line line = { .book_id = 1, .quantity = 1 };
	struct orderd_create create = {
		.user_id = 1, .items = &line, .item_count = 1, .expires_in_ms = expires_in_ms
	};
	struct orderd_order order;

	ask(bench, HOST_ORDERD, "order.create", &create_record, &create, &order_record, &order);
	host_pass(bench->host, 100);
	return order;
}

static struct orderd_order order_get(struct bench *bench, uint64_t order_id)
{
	struct order_ref ref = { .order_id = order_id };
	struct orderd_order order;

	ask(bench, HOST_ORDERD, "order.get", &order_ref_record, &ref, &order_record, &order);
	return order;
}

static void clock_jump(struct bench *bench, int64_t by_ms)
{
	host_set_clock(bench->host, host_now(bench->host) + by_ms);
}

static void assert_sound(struct bench *bench)
{
	struct picture picture;

	assert_true(audit_wait_for_rest(bench->host, 30000));
	assert_int_equal(picture_take(bench->host, &picture), 0);
	if (!audit_at_rest(&picture))
		fail_msg("%s", picture.why);
	picture_done(&picture);
}

/* An order made now lives exactly as long as it was told to. */
static void assert_expiry_is_exact(struct bench *bench)
{
	struct orderd_order order = order_make(bench, 5000);

	host_pass(bench->host, order.expires_at - host_now(bench->host) - 1);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_PENDING);
	host_pass(bench->host, 1 + LATE_MS);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_CANCELLED);
	assert_sound(bench);
}

static void jump_forward(struct bench *bench, int64_t by_ms)
{
	struct orderd_order due = order_make(bench, by_ms / 2);
	struct orderd_order later = order_make(bench, by_ms / 2);
	struct order_change pay = { .order_id = later.order_id, .status = ORDERD_PAID };

	ask(bench, HOST_ORDERD, "order.set_status", &order_set_status_record, &pay, &order_record,
		&later);
	clock_jump(bench, by_ms);
	host_pass(bench->host, PATIENCE_MS);
	assert_int_equal(order_get(bench, due.order_id).status, ORDERD_CANCELLED);
	assert_int_equal(order_get(bench, later.order_id).status, ORDERD_PAID);
	assert_expiry_is_exact(bench);
}

static void jump_back(struct bench *bench, int64_t by_ms)
{
	struct orderd_order order = order_make(bench, 5000);

	clock_jump(bench, -by_ms);
	host_pass(bench->host, 5000 + PATIENCE_MS); /* it has not come to its deadline again */
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_PENDING);
	assert_expiry_is_exact(bench);
	clock_jump(bench, by_ms);
	host_pass(bench->host, PATIENCE_MS);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_CANCELLED);
	assert_expiry_is_exact(bench);
}

static void an_hour_forward_expires_what_is_due_and_nothing_else(void **state)
{
	jump_forward(*state, HOUR_MS);
}

static void ten_years_forward_expire_what_is_due_and_nothing_else(void **state)
{
	struct bench *bench = *state;
	struct orderd_order order = order_make(bench, 24 * HOUR_MS);

	clock_jump(bench, HOUR_MS);
	host_pass(bench->host, PATIENCE_MS);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_PENDING);
	clock_jump(bench, YEARS_10_MS);
	host_pass(bench->host, PATIENCE_MS);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_CANCELLED);
	assert_expiry_is_exact(bench);
}

static void an_hour_back_expires_nothing_early(void **state)
{
	jump_back(*state, HOUR_MS);
}

static void ten_years_back_expire_nothing_early(void **state)
{
	jump_back(*state, YEARS_10_MS);
}

static void a_restart_between_the_jumps_changes_nothing(void **state)
{
	struct bench *bench = *state;
	struct orderd_order order = order_make(bench, 5000);

	clock_jump(bench, -YEARS_10_MS);
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		host_stop(bench->host, i);
	assert_int_equal(host_start_all(bench->host), 0);
	host_pass(bench->host, 5000 + PATIENCE_MS);
	assert_int_equal(order_get(bench, order.order_id).status, ORDERD_PENDING);
	assert_expiry_is_exact(bench);
}

int main(void)
{
#define CLOCK_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CLOCK_TEST(an_hour_forward_expires_what_is_due_and_nothing_else),
		CLOCK_TEST(ten_years_forward_expire_what_is_due_and_nothing_else),
		CLOCK_TEST(an_hour_back_expires_nothing_early),
		CLOCK_TEST(ten_years_back_expire_nothing_early),
		CLOCK_TEST(a_restart_between_the_jumps_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
