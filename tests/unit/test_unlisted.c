#include <signal.h>
#include <sys/resource.h>

#include "daemons/orderd/unlisted.h"
#include "orderd_steps.h"

/* Under load the entries of users' lists are gathered and written later: nobody can tell. */

#define CROWD 40 /* more than are listed at once */
#define USERS 3

/* So many orders held in one tick and answered. The users' ids lie so far apart. */
static void crowd_apart(struct shop *shop, uint64_t apart)
{
	for (uint64_t i = 0; i < CROWD; i++)
		ask_create(shop, 'm', 1 + i % USERS * apart, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(answers_to(shop, 'm'), CROWD);
}

static void crowd(struct shop *shop)
{
	crowd_apart(shop, 1);
}

static void assert_listed(struct shop *shop, uint64_t user_id, enum orderd_status status,
	size_t count)
{
	struct order_query query = {
		.user_id = user_id, .status = status, .page = 1, .page_size = PAGE_SIZE_MAX
	};
	struct order_list list;

	shop_ask(shop, 'l', "order.list", &order_query_record, &query);
	shop_tick(shop);
	answer_read(shop, 'l', &order_list_record, &list);
	assert_int_equal(list.total, count);
	assert_int_equal(list.count, count < PAGE_SIZE_MAX ? count : PAGE_SIZE_MAX);
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(list.orders[i].user_id, user_id);
		assert_true(i == 0 || list.orders[i].order_id < list.orders[i - 1].order_id);
	}
}

static void assert_all_listed(struct shop *shop)
{
	for (uint64_t user_id = 1; user_id <= USERS; user_id++)
		assert_listed(shop, user_id, ORDERD_ANY, CROWD / USERS + (user_id == 1));
}

static void a_list_has_what_is_gathered(void **state)
{
	crowd(*state);
	assert_listed(*state, 2, ORDERD_PENDING, CROWD / USERS);
	shop_settle(*state);
	assert_all_listed(*state);
}

static void users_of_one_chain_are_told_apart(void **state)
{
	crowd_apart(*state, UNLISTED_CHAINS);
	for (uint64_t i = 0; i < USERS; i++)
		assert_listed(*state, 1 + i * UNLISTED_CHAINS, ORDERD_PENDING,
			CROWD / USERS + (i == 0));
}

static void a_start_finds_what_was_gathered(void **state)
{
	crowd(*state);
	shop_settle(*state);
	shop_restart(*state);
	shop_fence(*state);
	assert_all_listed(*state);
}

/* While others are held nothing is written; then all of it, in slices. */
static void a_start_between_two_slices_finds_the_rest(void **state)
{
	struct shop *shop = *state;
	int crowds = 0;

	for (; crowds < 9; crowds++)
		crowd(shop);
	shop_wait(shop, GATHER_MS);
	shop_wait(shop, 20); /* the first slice */
	shop_restart(shop);
	shop_fence(shop);
	for (uint64_t user_id = 1; user_id <= USERS; user_id++)
		assert_listed(shop, user_id, ORDERD_PENDING,
			(size_t)crowds * (CROWD / USERS + (user_id == 1)));
}

static void a_start_finds_what_one_slice_did_not_hold(void **state)
{
	crowd(*state);
	shop_settle(*state);
	assert_listed(*state, 3, ORDERD_ANY, CROWD / USERS);
	shop_restart(*state);
	shop_fence(*state);
	assert_all_listed(*state);
}

static void what_is_gathered_is_written_while_nothing_else_is(void **state)
{
	struct shop *shop = *state;
	uint64_t commits;

	crowd(shop);
	shop_settle(shop);
	commits = service_counts(shop->f->service).commits;
	for (int i = 0; i < 10; i++)
		shop_wait(shop, 20);
	assert_true(service_counts(shop->f->service).commits > commits);
	commits = service_counts(shop->f->service).commits;
	for (int i = 0; i < 10; i++)
		shop_wait(shop, 20);
	assert_int_equal(service_counts(shop->f->service).commits, commits);
	assert_all_listed(shop);
}

static void an_order_that_moves_meanwhile_is_counted_once(void **state)
{
	crowd(*state);
	shop_settle(*state);
	move_order(*state, 2, ORDERD_PAID);
	move_order(*state, 5, ORDERD_CANCELLED);
	for (int i = 0; i < 10; i++)
		shop_wait(*state, 20);
	assert_listed(*state, 2, ORDERD_PAID, 1);
	assert_listed(*state, 2, ORDERD_CANCELLED, 1);
	assert_listed(*state, 2, ORDERD_PENDING, CROWD / USERS - 2);
	assert_all_listed(*state);
}

static void list_without_room(struct shop *shop)
{
	struct rlimit saved, none;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	none = saved;
	none.rlim_cur = 0;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	ask_list(shop, 'l', 2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	shop_tick(shop);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, handler);
	assert_refused(shop, 'l', "storage_full");
}

static void without_room_for_entries_a_list_is_refused_and_not_cut_short(void **state)
{
	crowd(*state);
	shop_settle(*state);
	list_without_room(*state);
	assert_all_listed(*state);
}

static void without_room_for_records_a_list_is_refused_and_not_cut_short(void **state)
{
	crowd(*state);
	list_without_room(*state);
	assert_all_listed(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_list_has_what_is_gathered),
		SHOP_TEST(users_of_one_chain_are_told_apart),
		SHOP_TEST(a_start_finds_what_was_gathered),
		SHOP_TEST(a_start_between_two_slices_finds_the_rest),
		SHOP_TEST(a_start_finds_what_one_slice_did_not_hold),
		SHOP_TEST(what_is_gathered_is_written_while_nothing_else_is),
		SHOP_TEST(an_order_that_moves_meanwhile_is_counted_once),
		SHOP_TEST(without_room_for_entries_a_list_is_refused_and_not_cut_short),
		SHOP_TEST(without_room_for_records_a_list_is_refused_and_not_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
