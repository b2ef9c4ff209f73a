#include <errno.h>

#include "client_fixture.h"

/* The client with many requests at once, many on their way, and with events. */

/* --- many at once --------------------------------------------------------------------------- */

/* Odd orders are there; of a third frame nothing is heard, if that was asked for. */
static void serve_many(struct router *router, const struct value *request)
{
	const struct value *orders = value_find(request, "orders");
	struct buffer frame = reply_begin(request, 0, 1);

	router->numbers[router->requests] = orders->list.count;
	pack_str(&frame, "results");
	pack_array(&frame, orders->list.count);
	for (uint32_t i = 0; i < orders->list.count; i++) {
		uint64_t order_id = asked_number(&orders->list.at[i], "order_id");

		pack_map(&frame, order_id % 2 ? 1 + ORDER_FIELDS : 3);
		pack_number(&frame, "code", order_id % 2 ? 0 : 40400);
		if (order_id % 2) {
			pack_order(&frame, order_id, "PAID");
			continue;
		}
		pack_text(&frame, "error", "order_not_found");
		pack_text(&frame, "message", "no such order");
	}
	router_reply(router, &frame);
}

static void serve_two_frames_of_many(struct router *router, const struct value *request)
{
	if (router->requests <= 2)
		serve_many(router, request);
}

static void serve_busy_to_second(struct router *router, const struct value *request)
{
	if (router->requests == 1)
		serve_many(router, request);
	else
		router_refuse(router, request, 42900, "busy");
}

static void serve_too_few(struct router *router, const struct value *request)
{
	struct buffer frame = reply_begin(request, 0, 1);

	pack_str(&frame, "results");
	pack_array(&frame, 0);
	router_reply(router, &frame);
}

#define MANY 600

struct many {
	struct order_ref refs[MANY];
	struct orderd_order orders[MANY];
	struct answer answers[MANY];
	size_t done;
};

static struct many *get_many(struct bench *bench, const char *order_no, int64_t timeout_ms,
	int expected)
{
	struct many *many = arena_take(bench->arena, sizeof(*many));

	assert_non_null(many);
	for (size_t i = 0; i < MANY; i++)
		many->refs[i] = (struct order_ref){ .order_id = i + 1, .order_no = order_no };
	assert_int_equal(connection_call_many(bench->connection, bench->arena, "order.get",
				 "orders", &order_ref_record, many->refs, MANY, timeout_ms,
				 &order_record, many->orders, many->answers, &many->done),
		expected);
	return many;
}

static void many_requests_are_answered_one_by_one(void **state)
{
	struct bench *bench = *state;
	struct many *many;

	router_start(bench->router, serve_many);
	many = get_many(bench, NULL, 10000, 0);
	assert_int_equal(many->done, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(many->answers[i].code, i % 2 ? 40400 : 0);
		if (i % 2)
			assert_string_equal(many->answers[i].error, "order_not_found");
		else
			assert_int_equal(many->orders[i].order_id, i + 1);
	}
	router_stop(bench->router);
	assert_int_equal(bench->router->requests, 3);
	assert_int_equal(bench->router->numbers[1], 256);
}

static void many_large_requests_are_split_by_their_size(void **state)
{
	struct bench *bench = *state;
	char *text = arena_take(bench->arena, 1001);

	memset(text, 'x', 1000);
	router_start(bench->router, serve_many);
	assert_int_equal(get_many(bench, text, 10000, 0)->done, MANY);
	router_stop(bench->router);
	assert_in_range(bench->router->requests, 10, 12);
	assert_in_range(bench->router->numbers[1], 60, 64);
}

/* Each with a router of its own: what is sent to one that goes may be lost. */
static void of_many_it_is_known_how_far_they_came_in_time(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_two_frames_of_many);
	assert_int_equal(get_many(bench, NULL, 1000, -ETIMEDOUT)->done, 512);
}

static void of_many_it_is_known_how_far_they_came_until_one_was_refused(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_busy_to_second);
	assert_int_equal(get_many(bench, NULL, 10000, 42900)->done, 256);
}

static void of_many_none_is_done_by_an_answer_with_too_few_or_in_too_large_a_frame(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_too_few);
	assert_int_equal(get_many(bench, NULL, 10000, -EBADMSG)->done, 0);
	assert_int_equal(get_many(bench, arena_print(bench->arena, "%70000d", 1), 10000, -EMSGSIZE)
				 ->done,
		0);
}

/* --- pipelining ----------------------------------------------------------------------------- */

#define PIPELINED 100

static void serve_backwards(struct router *router, const struct value *request)
{
	const struct value *id = value_find(request, "id");
	unsigned count = router->requests;

	buffer_append(&router->ids[count], id->raw, id->raw_size);
	router->numbers[count] = asked_number(request, "order_id");
	for (; router->requests == PIPELINED && count > 0; count--) {
		struct buffer frame = reply_with_id(router->ids[count].at, router->ids[count].size,
			0, ORDER_FIELDS);

		pack_order(&frame, router->numbers[count], "PAID");
		router_reply(router, &frame);
	}
}

static void send_get(struct bench *bench, uint64_t order_id, int64_t timeout_ms, uint64_t ref)
{
	struct order_ref request = { .order_id = order_id };

	assert_int_equal(connection_send(bench->connection, "order.get", &order_ref_record,
				 &request, timeout_ms, ref),
		0);
}

static int take(struct bench *bench, int64_t timeout_ms, uint64_t *ret_ref)
{
	return connection_take(bench->connection, bench->arena, timeout_ms, &order_record,
		&bench->order, ret_ref, &bench->answer);
}

static void pipelined_answers_come_with_their_ref(void **state)
{
	struct bench *bench = *state;
	uint64_t ref = 0;

	router_start(bench->router, serve_backwards);
	for (uint64_t i = 1; i <= PIPELINED; i++)
		send_get(bench, i, 10000, 1000 + i);
	for (uint64_t i = PIPELINED; i > 0; i--) {
		assert_int_equal(take(bench, 5000, &ref), 0);
		assert_int_equal(ref, 1000 + i);
		assert_int_equal(bench->order.order_id, i);
	}
	assert_int_equal(take(bench, 0, &ref), -EAGAIN);
	assert_int_equal(take(bench, 20, &ref), -EAGAIN);
}

static void a_pipelined_answer_that_was_given_up_is_dropped(void **state)
{
	struct bench *bench = *state;
	uint64_t ref = 0;

	router_start(bench->router, serve_first_late);
	send_get(bench, 17, 20, 1);
	wait_ms(40);
	send_get(bench, 18, 5000, 2);
	assert_int_equal(take(bench, 5000, &ref), 0);
	assert_int_equal(ref, 2);
	assert_int_equal(bench->order.order_id, 18);
}

static void a_wrong_pipelined_answer_tells_its_ref(void **state)
{
	struct bench *bench = *state;
	uint64_t ref = 0;

	router_start(bench->router, serve_too_few);
	send_get(bench, 17, 5000, 7);
	assert_int_equal(take(bench, 5000, &ref), -EBADMSG);
	assert_int_equal(ref, 7);
}

static void sending_without_time_does_not_wait_for_a_connection(void **state)
{
	struct bench *bench = *state;
	struct order_ref request = { .order_id = 17 };
	uint64_t ref = 0;
	int result = -ECONNREFUSED;

	router_start(bench->router, serve_order);
	for (int i = 0; i < 500 && result == -ECONNREFUSED; i++) {
		result = connection_send(bench->connection, "order.get", &order_ref_record,
			&request, 0, 3);
		wait_ms(2);
	}
	assert_int_equal(result, 0);
	assert_int_equal(take(bench, 5000, &ref), 0);
	assert_int_equal(ref, 3);
	router_stop(bench->router);
	assert_int_equal(bench->router->numbers[0], 0);
}

/* --- events --------------------------------------------------------------------------------- */

static void serve_events(struct router *router, const struct value *request)
{
	struct buffer frame = { 0 };

	pack_map(&frame, 4);
	pack_number(&frame, "seq", (int64_t)asked_number(request, "order_id"));
	pack_number(&frame, "order_id", 17);
	pack_text(&frame, "from", "PENDING");
	pack_text(&frame, "to", "PAID");
	zmq_send(router->publisher, frame.at, frame.size, 0);
	zmq_send(router->publisher, "\xc1", 1, 0);
	buffer_done(&frame);
	serve_order(router, request);
}

static void events_are_read_through_their_table(void **state)
{
	struct bench *bench = *state;
	struct subscription *subscription;
	struct orderd_event event = { 0 };
	int result = -EAGAIN;

	assert_int_equal(subscription_open(&subscription,
				 router_path(bench->router, SOCKET_EVENTS)),
		0);
	assert_int_equal(subscription_take(subscription, bench->arena, 0, &event_record, &event),
		-EAGAIN);
	router_start(bench->router, serve_events);
	for (uint64_t i = 1; i <= 200 && result == -EAGAIN; i++) {
		assert_int_equal(get_order(bench, i, 5000), 0);
		result = subscription_take(subscription, bench->arena, 25, &event_record, &event);
	}
	assert_int_equal(result, 0);
	assert_in_range(event.seq, 1, 200);
	assert_int_equal(event.from, ORDERD_PENDING);
	assert_int_equal(event.to, ORDERD_PAID);
	assert_int_equal(subscription_take(subscription, bench->arena, 5000, &event_record, &event),
		-EBADMSG);
	subscription_close(subscription);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_requests_are_answered_one_by_one),
		TEST(many_large_requests_are_split_by_their_size),
		TEST(of_many_it_is_known_how_far_they_came_in_time),
		TEST(of_many_it_is_known_how_far_they_came_until_one_was_refused),
		TEST(of_many_none_is_done_by_an_answer_with_too_few_or_in_too_large_a_frame),
		TEST(pipelined_answers_come_with_their_ref),
		TEST(a_pipelined_answer_that_was_given_up_is_dropped),
		TEST(a_wrong_pipelined_answer_tells_its_ref),
		TEST(sending_without_time_does_not_wait_for_a_connection),
		TEST(events_are_read_through_their_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
