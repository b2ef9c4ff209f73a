#include "record.h"
#include "stock_fixture.h"

/* The fence before reservations: whose HELD counts, and what is told of those that are held. */

static char intent[INTENT_MAX_BYTES];

static int hold(struct stock *stock, uint64_t order_id, uint64_t epoch, size_t intent_size)
{
	struct stock_line line = { 1, 1 };
	struct move move = {
		.order_id = order_id,
		.version = 1,
		.goal = GOAL_HELD,
		.items = &line,
		.item_count = 1,
		.epoch = epoch,
		.intent = intent_size > 0 ? intent : NULL,
		.intent_size = intent_size,
	};
	struct move_reply reply;

	snprintf(intent, sizeof(intent), "order %d", (int)order_id);
	return stock_apply(stock, &move, &reply);
}

static void holds(struct stock *stock, uint64_t first, uint64_t last, size_t intent_size)
{
	for (uint64_t i = first; i <= last; i++)
		assert_int_equal(hold(stock, i, 0, intent_size), OUTCOME_OK);
}

static struct fence_reply state_epoch(struct stock *stock, uint64_t epoch, uint64_t after)
{
	struct fence_reply reply = { 0 };

	assert_int_equal(stock_fence(stock, &(struct fence){ epoch, after }, &reply), OUTCOME_OK);
	return reply;
}

static int begin_stocked(void **state)
{
	int result = begin(state);

	set(*state, 1, 100000);
	return result;
}

static void a_hold_of_another_epoch_is_refused(void **state)
{
	struct stock *stock = *state;
	uint64_t writes;

	state_epoch(stock, 7, 0);
	writes = txn_writes(stock->txn);
	assert_int_equal(hold(stock, 1, 6, 8), OUTCOME_FENCED);
	assert_int_equal(hold(stock, 1, 8, 8), OUTCOME_FENCED);
	assert_int_equal(txn_writes(stock->txn), writes);
	assert_int_equal(hold(stock, 1, 7, 8), OUTCOME_OK);
	assert_int_equal(hold(stock, 2, 0, 8), OUTCOME_OK); /* not checked */
	state_epoch(stock, 8, 0);
	assert_int_equal(hold(stock, 1, 7, 8), OUTCOME_FENCED); /* be it a repeat */
	assert_int_equal(hold(stock, 1, 8, 8), OUTCOME_OK);
}

static void what_settles_is_not_fenced(void **state)
{
	struct stock *stock = *state;
	struct move move = { .order_id = 1, .version = 2, .goal = GOAL_SOLD, .epoch = 3 };
	struct move_reply reply;

	state_epoch(stock, 7, 0);
	assert_int_equal(hold(stock, 1, 7, 8), OUTCOME_OK);
	assert_int_equal(stock_apply(stock, &move, &reply), OUTCOME_OK);
	move.goal = GOAL_RETURNED;
	move.version = 3;
	assert_int_equal(stock_apply(stock, &move, &reply), OUTCOME_OK);
}

static void the_epoch_only_rises(void **state)
{
	struct stock *stock = *state;
	struct fence_reply reply;
	uint64_t writes;

	holds(stock, 1, 2, 8);
	assert_int_equal(state_epoch(stock, 7, 0).epoch, 7);
	writes = txn_writes(stock->txn);
	reply = state_epoch(stock, 7, 0);
	assert_int_equal(reply.held_count, 2);
	reply = state_epoch(stock, 5, 0);
	assert_int_equal(reply.epoch, 7);
	assert_int_equal(reply.held_count, 0);
	assert_int_equal(reply.next, 0);
	assert_int_equal(txn_writes(stock->txn), writes);
	assert_int_equal(hold(stock, 9, 7, 8), OUTCOME_OK);
}

static void only_what_is_held_with_an_intent_is_told(void **state)
{
	struct stock *stock = *state;
	struct fence_reply reply;
	struct move_reply moved;
	struct stock_line line = { 2, 1 };

	holds(stock, 1, 1, 0);
	holds(stock, 2, 5, 8);
	assert_int_equal(apply(stock, 3, 2, GOAL_SOLD, NULL, 0, &moved), OUTCOME_OK);
	assert_int_equal(apply(stock, 4, 2, GOAL_RETURNED, NULL, 0, &moved), OUTCOME_OK);
	assert_int_equal(apply(stock, 6, 1, GOAL_HELD, &line, 1, &moved), OUTCOME_OK);
	assert_int_equal(moved.state, GOAL_REFUSED);
	reply = state_epoch(stock, 1, 0);
	assert_int_equal(reply.held_count, 2);
	assert_int_equal(reply.held[0].order_id, 2);
	assert_int_equal(reply.held[0].version, 1);
	assert_int_equal(reply.held[0].intent_size, 8);
	assert_memory_equal(reply.held[0].intent, "order 2", 8);
	assert_int_equal(reply.held[1].order_id, 5);
	assert_memory_equal(reply.held[1].intent, "order 5", 8);
	assert_int_equal(reply.last_order_id, 6);
	assert_int_equal(reply.next, 0);
	assert_int_equal(state_epoch(stock, 1, 2).held[0].order_id, 5);
	assert_int_equal(state_epoch(stock, 1, 5).held_count, 0);
}

static void an_intent_is_dropped_with_what_it_was_for(void **state)
{
	struct stock *stock = *state;
	struct reservation reservation;
	struct move_reply moved;

	for (int goal = GOAL_SOLD; goal <= GOAL_RETURNED; goal++) {
		uint64_t order_id = (uint64_t)goal;

		holds(stock, order_id, order_id, 8);
		assert_int_equal(stock_reservation(stock, &(struct reservation_ref){ order_id },
					 &reservation),
			OUTCOME_OK);
		assert_int_equal(reservation.intent_size, 8);
		assert_int_equal(apply(stock, order_id, 2, (enum goal)goal, NULL, 0, &moved),
			OUTCOME_OK);
		assert_int_equal(stock_reservation(stock, &(struct reservation_ref){ order_id },
					 &reservation),
			OUTCOME_OK);
		assert_int_equal(reservation.intent_size, 0);
	}
}

/* Follows `next` from page to page; how many were told. */
static size_t pages(struct stock *stock, size_t *ret_pages)
{
	struct fence_reply reply = { 0 };
	uint64_t last = 0;
	size_t count = 0;

	*ret_pages = 0;
	do {
		reply = state_epoch(stock, 1, reply.next);
		for (size_t i = 0; i < reply.held_count; i++) {
			assert_true(reply.held[i].order_id > last);
			last = reply.held[i].order_id;
		}
		count += reply.held_count;
		++*ret_pages;
	} while (reply.next > 0);
	return count;
}

static void pages_are_counted_and_weighed(void **state)
{
	struct stock *stock = *state;
	size_t count;

	holds(stock, 1, 64, 8);
	assert_int_equal(pages(stock, &count), 64);
	assert_int_equal(count, 1);
	holds(stock, 65, 65, 8);
	assert_int_equal(pages(stock, &count), 65);
	assert_int_equal(count, 2);
	holds(stock, 66, 89, INTENT_MAX_BYTES);
	assert_int_equal(pages(stock, &count), 89);
	assert_int_equal(count, 5);
}

/* As over the wire: the largest page is within what a reply may be. */
static void the_largest_page_fits_a_reply(void **state)
{
	struct stock *stock = *state;
	struct fence_reply reply;
	struct buffer frame = { 0 };

	holds(stock, 1, 10, INTENT_MAX_BYTES);
	reply = state_epoch(stock, 1, 0);
	assert_true(reply.next > 0);
	fields_to_map(&frame, &fence_reply_record, &reply);
	assert_int_equal(frame.error, 0);
	assert_in_range(frame.size, INTENT_MAX_BYTES, REPLY_MAX_BYTES / 2);
	buffer_done(&frame);
}

static void damage(struct stock *stock, uint64_t order_id)
{
	struct key key = { 0 };

	key_add_u64(&key, order_id);
	txn_put(stock->txn, TABLE_RESERVATIONS, &key, "damaged", 7);
}

static void a_damaged_reservation_is_named_and_passed_over(void **state)
{
	struct stock *stock = *state;
	struct fence_reply reply;
	size_t count;

	holds(stock, 1, 5, 8);
	damage(stock, 3);
	damage(stock, 5);
	reply = state_epoch(stock, 1, 0);
	assert_int_equal(reply.held_count, 2);
	assert_int_equal(reply.next, 3);
	assert_int_equal(reply.last_order_id, 5);
	assert_non_null(strstr(stock->damage, "table reservations, key 0000000000000003"));
	assert_int_equal(txn_error(stock->txn), 0);
	assert_int_equal(pages(stock, &count), 3);
	assert_int_equal(count, 3);
	assert_non_null(strstr(stock->damage, "key 0000000000000005"));
	assert_int_equal(hold(stock, 6, 1, 8), OUTCOME_OK);
}

#define STOCKED(name) cmocka_unit_test_setup_teardown(name, begin_stocked, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STOCKED(a_hold_of_another_epoch_is_refused),
		STOCKED(what_settles_is_not_fenced),
		STOCKED(the_epoch_only_rises),
		STOCKED(only_what_is_held_with_an_intent_is_told),
		STOCKED(an_intent_is_dropped_with_what_it_was_for),
		STOCKED(pages_are_counted_and_weighed),
		STOCKED(the_largest_page_fits_a_reply),
		STOCKED(a_damaged_reservation_is_named_and_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
