#include <errno.h>

#include "events_fixture.h"

/* liborderd's events from a log of `level` events, of which some are published and some are not.
 * Events of a log that was restored have other orders: their levels lie RESTORED higher. */

#define RESTORED 1000000

#define EVENT_FIELDS 5

static void pack_event(struct buffer *frame, uint64_t seq)
{
	pack_map(frame, EVENT_FIELDS);
	pack_number(frame, "seq", (int64_t)(seq % RESTORED));
	pack_number(frame, "order_id", (int64_t)(1000 + seq));
	pack_text(frame, "to", "PENDING");
	pack_text(frame, "actor", "uid:1000");
	pack_number(frame, "user_id", 1);
}

static void answer_log(struct router *router, const struct value *request)
{
	uint64_t after = asked_number(request, "after"), last = router->level % RESTORED;
	uint64_t end = after + 500 < last ? after + 500 : last;
	uint64_t restored = router->level - last;
	struct buffer frame = reply_begin(request, 0, 3);

	pack_number(&frame, "last", (int64_t)last);
	pack_number(&frame, "next", end < last ? (int64_t)end : 0);
	pack_str(&frame, "events");
	pack_array(&frame, end > after ? (uint32_t)(end - after) : 0);
	for (uint64_t seq = after + 1; seq <= end; seq++)
		pack_event(&frame, restored + seq);
	router_reply(router, &frame);
}

/* order.get N publishes what the log grows by up to N; order.cancel N is silent about it. */
static void serve_log(struct router *router, const struct value *request)
{
	uint64_t level = asked_number(request, "order_id");

	if (asked_for(request, "event.list")) {
		answer_log(router, request);
		return;
	}
	for (uint64_t seq = router->level + 1; asked_for(request, "order.get") && seq <= level;
		seq++) {
		struct buffer frame = { 0 };

		pack_event(&frame, seq);
		zmq_send(router->publisher, frame.at, frame.size, 0);
		buffer_done(&frame);
	}
	router->level = level;
	router_reply_order(router, request, 17, "PENDING");
}

static void grow_aloud(struct bench *bench, uint64_t level)
{
	assert_int_equal(orderd_get(bench->client, level, NULL, NULL), 0);
}

static void grow_in_silence(struct bench *bench, uint64_t level)
{
	assert_int_equal(orderd_cancel(bench->client, level, NULL, NULL), 0);
}

static void open_after(struct bench *bench, uint64_t after)
{
	assert_int_equal(orderd_events_open(bench->client, after, &bench->events), 0);
}

static void assert_next(struct bench *bench, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++) {
		const struct orderd_event *event;

		assert_int_equal(orderd_events_next(bench->events, 10000, &event), 0);
		assert_int_equal(event->seq, seq);
		assert_int_equal(event->order_id, 1000 + seq);
		assert_int_equal(event->from, ORDERD_ANY);
		assert_int_equal(event->to, ORDERD_PENDING);
		assert_string_equal(event->actor, "uid:1000");
		assert_null(event->reason);
	}
}

static void assert_none(struct bench *bench, int64_t timeout_ms)
{
	const struct orderd_event *event;

	assert_int_equal(orderd_events_next(bench->events, timeout_ms, &event), -EAGAIN);
}

static void the_log_is_read_page_by_page(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 1200;
	router_start(bench->router, serve_log);
	open_after(bench, 0);
	assert_next(bench, 1, 1200);
	assert_none(bench, 0);
	assert_none(bench, 50);
}

static void it_begins_after_the_event_that_was_named(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 1200;
	router_start(bench->router, serve_log);
	open_after(bench, 1190);
	assert_next(bench, 1191, 1200);
	assert_none(bench, 20);
}

static void after_the_log_come_live_events(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 3;
	router_start(bench->router, serve_log);
	open_after(bench, 0);
	assert_next(bench, 1, 3);
	for (uint64_t level = 4; level < 200; level++) {
		grow_aloud(bench, level);
		assert_next(bench, level, level);
	}
	grow_aloud(bench, 5000);
	assert_next(bench, 200, 5000);
	assert_none(bench, 20);
}

static void events_that_were_not_heard_are_found_in_the_log(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_log);
	open_after(bench, 0);
	assert_none(bench, 100);
	grow_in_silence(bench, 5);
	assert_next(bench, 1, 5);
	assert_none(bench, 100);
	grow_in_silence(bench, 9);
	grow_aloud(bench, 12);
	assert_next(bench, 6, 12);
	assert_none(bench, 100);
}

static void a_restart_is_survived(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_log);
	open_after(bench, 0);
	grow_aloud(bench, 4);
	assert_next(bench, 1, 4);
	router_stop(bench->router);
	assert_none(bench, 1500);
	bench->router->level = 7;
	router_start(bench->router, serve_log);
	assert_next(bench, 5, 7);
	grow_aloud(bench, 12);
	assert_next(bench, 8, 12);
	assert_none(bench, 20);
}

static void assert_stale(struct bench *bench)
{
	const struct orderd_event *event;

	assert_int_equal(orderd_events_next(bench->events, 10000, &event), -ESTALE);
	assert_int_equal(orderd_events_next(bench->events, 0, &event), -ESTALE);
}

/* What is followed up to 30 restarts with a log of this level. */
static void restart_with(struct bench *bench, uint64_t level)
{
	bench->router->level = 30;
	router_start(bench->router, serve_log);
	open_after(bench, 0);
	assert_next(bench, 1, 30);
	router_stop(bench->router);
	bench->router->level = level;
	router_start(bench->router, serve_log);
}

static void a_log_that_was_restored_shorter_is_told(void **state)
{
	restart_with(*state, 10);
	assert_stale(*state);
	grow_aloud(*state, 35);
	assert_stale(*state);
}

static void a_log_that_was_restored_and_has_grown_is_told(void **state)
{
	restart_with(*state, RESTORED + 35);
	assert_stale(*state);
}

static void live_events_of_a_log_that_was_restored_are_told(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_log);
	open_after(bench, 0);
	for (uint64_t level = 1; level <= 200; level++) {
		grow_aloud(bench, level);
		assert_next(bench, level, level);
	}
	bench->router->level = RESTORED + 100;
	grow_aloud(bench, RESTORED + 250);
	assert_stale(bench);
}

static void an_event_that_the_log_does_not_have_is_told(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 5;
	router_start(bench->router, serve_log);
	open_after(bench, 6);
	assert_stale(bench);
	orderd_events_close(bench->events);
	open_after(bench, 5);
	assert_none(bench, 50);
	grow_in_silence(bench, RESTORED + 8);
	assert_stale(bench);
}

static void a_suite_that_was_never_met_is_told(void **state)
{
	struct bench *bench = *state;
	const struct orderd_event *event;

	open_after(bench, 0);
	assert_none(bench, 0);
	assert_none(bench, 100);
	assert_int_equal(orderd_events_next(bench->events, 1200, &event), -ENOENT);
	bench->router->level = 2;
	router_start(bench->router, serve_log);
	assert_next(bench, 1, 2);
}

static void without_waiting_events_come_all_the_same(void **state)
{
	struct bench *bench = *state;
	const struct orderd_event *event;
	uint64_t seq = 0;

	bench->router->level = 600;
	router_start(bench->router, serve_log);
	open_after(bench, 0);
	for (int i = 0; i < 20000 && seq < 600; i++) {
		int result = orderd_events_next(bench->events, 0, &event);

		assert_true(result == 0 || result == -EAGAIN);
		if (result == 0)
			assert_int_equal(event->seq, ++seq);
		else
			wait_ms(1);
	}
	assert_int_equal(seq, 600);
}

static void the_iterator_outlives_its_client(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 2;
	router_start(bench->router, serve_log);
	open_after(bench, 0);
	orderd_close(bench->client);
	bench->client = NULL;
	assert_next(bench, 1, 2);
}

static void serve_trouble(struct router *router, const struct value *request)
{
	if (router->requests == 1)
		router_refuse(router, request, 42900, "busy");
	else if (router->requests == 2)
		answer_log(router, request);
	else if (router->requests == 3)
		router_refuse(router, request, 50000, "corrupt_record");
	else
		router_send(router, "what?", 5);
}

static void what_the_log_refuses_is_told(void **state)
{
	struct bench *bench = *state;
	const struct orderd_event *event;

	bench->router->level = 1;
	router_start(bench->router, serve_trouble);
	open_after(bench, 0);
	assert_next(bench, 1, 1);
	assert_int_equal(orderd_events_next(bench->events, 10000, &event), 50000);
	assert_int_equal(orderd_events_next(bench->events, 10000, &event), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_log_is_read_page_by_page),
		TEST(it_begins_after_the_event_that_was_named),
		TEST(after_the_log_come_live_events),
		TEST(events_that_were_not_heard_are_found_in_the_log),
		TEST(a_restart_is_survived),
		TEST(a_log_that_was_restored_shorter_is_told),
		TEST(a_log_that_was_restored_and_has_grown_is_told),
		TEST(live_events_of_a_log_that_was_restored_are_told),
		TEST(an_event_that_the_log_does_not_have_is_told),
		TEST(a_suite_that_was_never_met_is_told),
		TEST(without_waiting_events_come_all_the_same),
		TEST(the_iterator_outlives_its_client),
		TEST(what_the_log_refuses_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
