#include <errno.h>

#include "orderd.h"
#include "router_fixture.h"

/* liborderd's calls against an orderd that loses answers, is busy, is away. */

struct bench {
	struct router *router;
	struct orderd_client *client;
	struct orderd_order *order; /* of the last call */
	int64_t began_ms;
};

static int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->router = router_new();
	assert_int_equal(orderd_open(&bench->client, bench->router->f->dir), 0);
	bench->began_ms = clock_monotonic_ms();
	*state = bench;
	return 0;
}

static int end(void **state)
{
	struct bench *bench = *state;

	orderd_order_free(bench->order);
	orderd_close(bench->client);
	router_free(bench->router);
	free(bench);
	return 0;
}

static int64_t took_ms(const struct bench *bench)
{
	return clock_monotonic_ms() - bench->began_ms;
}

static int create(struct bench *bench, const char *key)
{
	struct orderd_line lines[] = { { .book_id = 1, .quantity = 2 },
		{ .sku = "85123A", .quantity = 1 } };
	struct orderd_create create = {
		.user_id = 1,
		.items = lines,
		.item_count = 2,
		.idempotency_key = key,
	};

	orderd_order_free(bench->order);
	bench->order = NULL;
	return orderd_create(bench->client, &create, &bench->order);
}

/* --- create --------------------------------------------------------------------------------- */

static void answer_order(struct router *router, const struct value *request)
{
	router_reply_order(router, request, 17, "PENDING");
}

static void serve_orders(struct router *router, const struct value *request)
{
	note_text(router, router->requests, request, "idempotency_key");
	answer_order(router, request);
}

static void an_order_belongs_to_its_caller(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_orders);
	assert_int_equal(create(bench, NULL), 0);
	orderd_close(bench->client);
	bench->client = NULL;
	assert_int_equal(bench->order->order_id, 17);
	assert_string_equal(bench->order->order_no, "20231114221320000017");
	assert_int_equal(bench->order->status, ORDERD_PENDING);
	assert_int_equal(bench->order->item_count, 1);
	assert_null(bench->order->items[0].sku);
	assert_string_equal(bench->order->items[0].book_title, "深入理解计算机系统");
	assert_int_equal(bench->order->items[0].price, 12850);
}

static void each_create_has_a_key_of_its_own(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_orders);
	assert_int_equal(create(bench, NULL), 0);
	assert_int_equal(create(bench, NULL), 0);
	assert_int_equal(create(bench, "a key of mine"), 0);
	router_stop(bench->router);
	assert_int_equal(strlen(bench->router->texts[1]), 32);
	assert_int_equal(strspn(bench->router->texts[1], "0123456789abcdef"), 32);
	assert_string_not_equal(bench->router->texts[1], bench->router->texts[2]);
	assert_string_equal(bench->router->texts[3], "a key of mine");
}

static void serve_second(struct router *router, const struct value *request)
{
	note_text(router, router->requests, request, "idempotency_key");
	if (router->requests > 1)
		answer_order(router, request);
}

static void a_lost_answer_is_asked_for_again_under_the_same_key(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_second);
	assert_int_equal(create(bench, NULL), 0);
	assert_int_equal(bench->order->order_id, 17);
	assert_string_equal(orderd_error(bench->client), "");
	router_stop(bench->router);
	assert_int_equal(bench->router->requests, 2);
	assert_int_equal(strlen(bench->router->texts[1]), 32);
	assert_string_equal(bench->router->texts[1], bench->router->texts[2]);
}

static void serve_first_late(struct router *router, const struct value *request)
{
	if (router->requests == 1)
		wait_ms(700);
	router_reply_order(router, request, 16 + router->requests, "PENDING");
}

static void an_answer_to_the_first_try_may_come_after_the_second(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_first_late);
	assert_int_equal(create(bench, NULL), 0);
	assert_int_equal(bench->order->order_id, 17);
	assert_int_equal(create(bench, NULL), 0);
	assert_int_equal(bench->order->order_id, 19);
}

static void serve_nothing(struct router *router, const struct value *request)
{
	(void)router, (void)request;
}

static void without_an_answer_the_outcome_is_not_known(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_nothing);
	orderd_set_timeout(bench->client, 700);
	assert_int_equal(create(bench, NULL), -ETIMEDOUT);
	assert_in_range(took_ms(bench), 700, 5000);
	assert_null(bench->order);
	assert_string_equal(orderd_error(bench->client), "no_answer");
	assert_says(orderd_message(bench->client), "not known");
	assert_int_equal(bench->router->requests, 2);
}

/* --- busy, refused, away -------------------------------------------------------------------- */

static void serve_busy_twice(struct router *router, const struct value *request)
{
	if (router->requests <= 2)
		router_refuse(router, request, 42900, "busy");
	else
		answer_order(router, request);
}

static void serve_busy(struct router *router, const struct value *request)
{
	router_refuse(router, request, 42900, "busy");
}

static void serve_nothing_then_busy(struct router *router, const struct value *request)
{
	if (router->requests > 1)
		router_refuse(router, request, 42900, "busy");
}

static void a_busy_orderd_is_asked_again(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_busy_twice);
	assert_int_equal(create(bench, NULL), 0);
	assert_true(took_ms(bench) >= 40);
}

static void an_orderd_that_stays_busy_has_done_nothing(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_busy);
	orderd_set_timeout(bench->client, 300);
	assert_int_equal(create(bench, NULL), 42900);
	assert_string_equal(orderd_error(bench->client), "busy");
	assert_in_range(bench->router->requests, 5, 16);
}

static void busy_after_silence_leaves_the_outcome_open(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_nothing_then_busy);
	orderd_set_timeout(bench->client, 700);
	assert_int_equal(create(bench, NULL), -ETIMEDOUT);
}

static void serve_unavailable(struct router *router, const struct value *request)
{
	router_refuse(router, request, 50300, "stock_unavailable");
}

static void a_refusal_is_told_at_once(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_unavailable);
	assert_int_equal(create(bench, NULL), 50300);
	assert_string_equal(orderd_error(bench->client), "stock_unavailable");
	assert_string_equal(orderd_message(bench->client), "the reason in words");
	assert_int_equal(bench->router->requests, 1);
	assert_null(bench->order);
}

static void assert_tried(const struct orderd_client *client, const char *dir, const char *from)
{
	char tried[256];

	snprintf(tried, sizeof(tried), "tried %s/orderd.sock: ", dir);
	assert_non_null(strstr(orderd_message(client), tried));
	assert_non_null(strstr(orderd_message(client), from));
}

static void an_absent_suite_is_told_after_the_time(void **state)
{
	struct bench *bench = *state;

	orderd_set_timeout(bench->client, 250);
	assert_int_equal(create(bench, NULL), -ENOENT);
	assert_string_equal(orderd_error(bench->client), "not_running");
	assert_tried(bench->client, bench->router->f->dir, "named by the program");
	assert_in_range(took_ms(bench), 140, 5000);
}

static void *start_later(void *argument)
{
	wait_ms(300);
	router_start(argument, serve_orders);
	return NULL;
}

static void a_suite_that_starts_meanwhile_is_found(void **state)
{
	struct bench *bench = *state;
	pthread_t thread;
	int result;

	assert_int_equal(pthread_create(&thread, NULL, start_later, bench->router), 0);
	result = create(bench, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	assert_true(took_ms(bench) >= 300);
}

static void serve_garbage(struct router *router, const struct value *request)
{
	(void)request;
	router_send(router, "what?", 5);
}

static void nonsense_is_told_at_once(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_garbage);
	assert_int_equal(create(bench, NULL), -EBADMSG);
	assert_string_equal(orderd_error(bench->client), "bad_answer");
}

/* --- changes -------------------------------------------------------------------------------- */

/* The answer to the first change is lost; a repeat finds it done. */
static void serve_change(struct router *router, const struct value *request)
{
	if (asked_for(request, "order.get"))
		router_reply_order(router, request, 17, router->level ? "SHIPPED" : "PAID");
	else if (router->requests > 1)
		router_refuse(router, request, 40900, "invalid_transition");
}

static void a_change_whose_answer_was_lost_is_found_done(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_change);
	assert_int_equal(orderd_set_status(bench->client, 17, ORDERD_PAID, "cash", &bench->order),
		0);
	assert_int_equal(bench->order->status, ORDERD_PAID);
	assert_string_equal(orderd_error(bench->client), "");
	assert_int_equal(bench->router->requests, 3);
}

static void a_repeated_change_that_finds_another_state_is_refused(void **state)
{
	struct bench *bench = *state;

	bench->router->level = 1;
	router_start(bench->router, serve_change);
	assert_int_equal(orderd_cancel(bench->client, 17, NULL, &bench->order), 40900);
	assert_null(bench->order);
	assert_string_equal(orderd_error(bench->client), "invalid_transition");
	assert_string_equal(orderd_message(bench->client), "the reason in words");
}

static void serve_illegal(struct router *router, const struct value *request)
{
	note_text(router, 0, request, "status");
	note_text(router, 1, request, "reason");
	router_refuse(router, request, 40900, "invalid_transition");
}

static void a_change_refused_at_the_first_try_is_not_looked_after(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_illegal);
	assert_int_equal(orderd_set_status(bench->client, 17, ORDERD_SHIPPED, "by post", NULL),
		40900);
	router_stop(bench->router);
	assert_int_equal(bench->router->requests, 1);
	assert_string_equal(bench->router->texts[0], "SHIPPED");
	assert_string_equal(bench->router->texts[1], "by post");
}

/* --- reading -------------------------------------------------------------------------------- */

static void serve_page(struct router *router, const struct value *request)
{
	struct buffer frame = reply_begin(request, 0, 3);

	router->numbers[0] = asked_number(request, "user_id");
	router->numbers[1] = asked_number(request, "page_size");
	router->numbers[2] = asked_number(request, "after");
	note_text(router, 0, request, "status");
	pack_number(&frame, "total", 12);
	pack_number(&frame, "next", 18);
	pack_str(&frame, "orders");
	pack_array(&frame, 2);
	pack_map(&frame, ORDER_FIELDS);
	pack_order(&frame, 19, "PAID");
	pack_map(&frame, ORDER_FIELDS);
	pack_order(&frame, 18, "PAID");
	router_reply(router, &frame);
}

static void a_page_belongs_to_its_caller(void **state)
{
	struct bench *bench = *state;
	struct orderd_query query = {
		.user_id = 1,
		.status = ORDERD_PAID,
		.page_size = 2,
		.after = 20,
	};
	struct orderd_page *page;

	router_start(bench->router, serve_page);
	assert_int_equal(orderd_list(bench->client, &query, &page), 0);
	assert_int_equal(page->count, 2);
	assert_int_equal(page->total, 12);
	assert_int_equal(page->next, 18);
	assert_int_equal(page->orders[0]->order_id, 19);
	assert_int_equal(page->orders[1]->order_id, 18);
	assert_string_equal(page->orders[1]->items[0].book_title, "深入理解计算机系统");
	orderd_page_free(page);
	router_stop(bench->router);
	assert_int_equal(bench->router->numbers[0], 1);
	assert_int_equal(bench->router->numbers[1], 2);
	assert_int_equal(bench->router->numbers[2], 20);
	assert_string_equal(bench->router->texts[0], "PAID");
}

static void serve_get(struct router *router, const struct value *request)
{
	router->numbers[router->requests] = asked_number(request, "order_id");
	note_text(router, router->requests, request, "order_no");
	answer_order(router, request);
}

static void an_order_is_found_by_id_or_by_number(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_get);
	assert_int_equal(orderd_get(bench->client, 17, NULL, NULL), 0);
	assert_int_equal(orderd_get(bench->client, 0, "20231114221320000017", &bench->order), 0);
	router_stop(bench->router);
	assert_int_equal(bench->router->numbers[1], 17);
	assert_int_equal(bench->router->numbers[2], 0);
	assert_string_equal(bench->router->texts[2], "20231114221320000017");
}

static void arguments_that_cannot_be_sent_are_refused(void **state)
{
	struct bench *bench = *state;
	struct orderd_query query = { .user_id = 1, .status = (enum orderd_status)77 };
	struct orderd_page *page;
	char *key = calloc(1, 70000);

	memset(key, 'k', 69999);
	router_start(bench->router, serve_orders);
	assert_int_equal(orderd_list(bench->client, &query, &page), -EINVAL);
	assert_int_equal(orderd_set_status(bench->client, 17, ORDERD_ANY, NULL, NULL), -EINVAL);
	assert_string_equal(orderd_error(bench->client), "bad_argument");
	assert_int_equal(create(bench, key), -EMSGSIZE);
	assert_string_equal(orderd_error(bench->client), "too_large");
	assert_int_equal(bench->router->requests, 0);
	free(key);
}

static void the_runtime_directory_may_come_from_the_environment(void **state)
{
	struct bench *bench = *state;
	struct orderd_client *client;

	router_start(bench->router, serve_orders);
	setenv("ORDERD_RUNTIME_DIR", bench->router->f->dir, 1);
	assert_int_equal(orderd_open(&client, NULL), 0);
	unsetenv("ORDERD_RUNTIME_DIR");
	assert_int_equal(orderd_get(client, 17, NULL, &bench->order), 0);
	orderd_close(client);
}

static void whoever_names_the_directory_first_is_heard_and_told(void **state)
{
	struct bench *bench = *state;
	struct orderd_client *client;

	setenv("ORDERD_RUNTIME_DIR", "/nonexistent/by-environment", 1);
	assert_int_equal(orderd_open(&client, bench->router->f->dir), 0);
	orderd_set_timeout(client, 1);
	assert_int_equal(orderd_get(client, 17, NULL, &bench->order), -ENOENT);
	assert_tried(client, bench->router->f->dir, "named by the program");
	orderd_close(client);

	assert_int_equal(orderd_open(&client, NULL), 0);
	orderd_set_timeout(client, 1);
	assert_int_equal(orderd_get(client, 17, NULL, &bench->order), -ENOENT);
	assert_tried(client, "/nonexistent/by-environment", "named by ORDERD_RUNTIME_DIR");
	orderd_close(client);
	unsetenv("ORDERD_RUNTIME_DIR");
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(orderd_status_name(ORDERD_ANY), "");
	assert_string_equal(orderd_status_name(ORDERD_PENDING), "PENDING");
	assert_string_equal(orderd_status_name(ORDERD_CANCELLED), "CANCELLED");
	assert_string_equal(orderd_status_name((enum orderd_status)6), "");
	orderd_close(NULL);
	orderd_order_free(NULL);
	orderd_page_free(NULL);
	orderd_events_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_order_belongs_to_its_caller),
		TEST(each_create_has_a_key_of_its_own),
		TEST(a_lost_answer_is_asked_for_again_under_the_same_key),
		TEST(an_answer_to_the_first_try_may_come_after_the_second),
		TEST(without_an_answer_the_outcome_is_not_known),
		TEST(a_busy_orderd_is_asked_again),
		TEST(an_orderd_that_stays_busy_has_done_nothing),
		TEST(busy_after_silence_leaves_the_outcome_open),
		TEST(a_refusal_is_told_at_once),
		TEST(an_absent_suite_is_told_after_the_time),
		TEST(a_suite_that_starts_meanwhile_is_found),
		TEST(nonsense_is_told_at_once),
		TEST(a_change_whose_answer_was_lost_is_found_done),
		TEST(a_repeated_change_that_finds_another_state_is_refused),
		TEST(a_change_refused_at_the_first_try_is_not_looked_after),
		TEST(a_page_belongs_to_its_caller),
		TEST(an_order_is_found_by_id_or_by_number),
		TEST(arguments_that_cannot_be_sent_are_refused),
		TEST(the_runtime_directory_may_come_from_the_environment),
		TEST(whoever_names_the_directory_first_is_heard_and_told),
		TEST(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
