#include "daemons/orderd/stock_room.h"
#include "orderd_steps.h"

/* A stockd whose store or disk is full: clients hear it at once, and little is left to be given
 * back. */

static void tell_full(struct shop *shop, uint64_t order_id)
{
	peer_says(shop, STOCKD, order_id, OUTCOME_STORAGE_FULL, NULL, NULL);
	shop_tick(shop);
}

/* The frame itself is refused: stockd has no room even for what settles. */
static void refuse_frame(struct shop *shop, unsigned peer)
{
	struct event event = { .kind = EVENT_RESULT, .peer = peer };
	struct buffer frame = { 0 };

	pack_map(&frame, 5);
	pack_number(&frame, "v", 1);
	pack_number(&frame, "id", 1);
	pack_number(&frame, "code", outcome_code(OUTCOME_STORAGE_FULL));
	pack_text(&frame, "error", outcome_name(OUTCOME_STORAGE_FULL));
	pack_text(&frame, "message", "full");
	shop_queue(shop, event, &frame);
	shop_tick(shop);
}

/* Asked for an order whose prices are known, orderd asks stockd in the same tick or not at all. */
static size_t asks_stockd(struct shop *shop, char client)
{
	ask_create(shop, client, 1, NULL);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	return shop->sent_count[STOCKD];
}

static void the_client_hears_at_once_and_what_may_be_held_is_given_back(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	tell_full(shop, order_id);
	assert_refused(shop, 'a', "storage_full");
	assert_move(shop, order_id, 2, GOAL_RETURNED);
	stock_obeys(shop);
	shop_tick(shop);
	assert_at_rest(shop);
}

static void the_next_ones_are_not_asked_of_it_but_for_one_now_and_then(void **state)
{
	struct shop *shop = *state;

	tell_full(shop, make_intent(shop, 'a', NULL));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(asks_stockd(shop, 'b'), 0);
		assert_refused(shop, 'b', "storage_full");
	}
	shop_wait(shop, STOCK_ROOM_TRY_MS);
	assert_int_equal(asks_stockd(shop, 'c'), 1);
	assert_int_equal(asks_stockd(shop, 'd'), 0);
	assert_refused(shop, 'd', "storage_full");
}

static void when_it_has_room_again_all_are_asked_again(void **state)
{
	struct shop *shop = *state;

	tell_full(shop, make_intent(shop, 'a', NULL));
	stock_obeys(shop);
	shop_wait(shop, STOCK_ROOM_TRY_MS);
	make_order(shop, 1, NULL);
	make_order(shop, 1, NULL);
	shop_settle(shop);
	assert_at_rest(shop);
}

static void a_frame_refused_as_a_whole_is_heard_too(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	refuse_frame(shop, STOCKD);
	assert_int_equal(asks_stockd(shop, 'b'), 0);
	assert_refused(shop, 'b', "storage_full");
	shop_wait(shop, 200);
	assert_refused(shop, 'a', "storage_full");
	assert_move(shop, order_id, 2, GOAL_RETURNED);
}

static void a_fence_that_finds_no_room_is_told_as_such(void **state)
{
	struct shop *shop = *state;

	shop->fence_silent = true;
	shop_restart(shop);
	ask_create(shop, 'a', 1, NULL);
	shop_tick(shop);
	shop_wait(shop, shop->settings.catalog_timeout_ms - 1);
	refuse_frame(shop, FENCE);
	shop_wait(shop, 1);
	assert_refused(shop, 'a', "storage_full");
}

/* The answer to a repeat may be the second. */
static void what_is_held_already_is_not_given_up(void **state)
{
	struct shop *shop = *state;
	uint64_t order_id = make_intent(shop, 'a', NULL);

	stock_says(shop, order_id, 1, GOAL_HELD);
	tell_full(shop, order_id);
	assert_int_equal(order_to(shop, 'a').order_id, order_id);
	shop_settle(shop);
	assert_int_equal(get_order(shop, order_id).status, ORDERD_PENDING);
	assert_at_rest(shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(the_client_hears_at_once_and_what_may_be_held_is_given_back),
		SHOP_TEST(the_next_ones_are_not_asked_of_it_but_for_one_now_and_then),
		SHOP_TEST(when_it_has_room_again_all_are_asked_again),
		SHOP_TEST(a_frame_refused_as_a_whole_is_heard_too),
		SHOP_TEST(a_fence_that_finds_no_room_is_told_as_such),
		SHOP_TEST(what_is_held_already_is_not_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
