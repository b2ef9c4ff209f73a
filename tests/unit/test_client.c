#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client_fixture.h"

/* The client against an orderd that answers, is silent, answers late, answers nonsense. */

/* --- one request ---------------------------------------------------------------------------- */

static void an_answer_is_read_through_its_table(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_order);
	assert_int_equal(get_order(bench, 17, 5000), 0);
	assert_int_equal(bench->order.order_id, 17);
	assert_int_equal(bench->order.total, 25700);
	assert_int_equal(bench->order.status, ORDERD_PENDING);
	assert_int_equal(bench->order.item_count, 1);
	assert_string_equal(bench->order.items[0].book_title, "深入理解计算机系统");
	assert_int_equal(bench->answer.code, 0);
	assert_string_equal(bench->answer.error, "");
	assert_non_null(value_find(bench->answer.map, "order_no"));
}

static void the_daemon_is_told_a_little_less_than_is_waited(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_order);
	assert_int_equal(get_order(bench, 17, 5000), 0);
	router_stop(bench->router);
	assert_int_equal(bench->router->numbers[0], 4900);
}

static void serve_refusal(struct router *router, const struct value *request)
{
	router_refuse(router, request, 40400, "order_not_found");
}

static void a_refusal_brings_code_name_and_reason(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_refusal);
	bench->order.total = 5;
	assert_int_equal(get_order(bench, 17, 5000), 40400);
	assert_int_equal(bench->answer.code, 40400);
	assert_string_equal(bench->answer.error, "order_not_found");
	assert_string_equal(bench->answer.message, "the reason in words");
	assert_int_equal(bench->order.total, 5);
}

static void a_request_larger_than_a_frame_is_not_sent(void **state)
{
	struct bench *bench = *state;
	struct order_ref ref = { .order_no = arena_take(bench->arena, REQUEST_MAX_BYTES + 1) };

	memset((char *)ref.order_no, 'x', REQUEST_MAX_BYTES);
	router_start(bench->router, serve_order);
	assert_int_equal(connection_call(bench->connection, bench->arena, "order.get",
				 &order_ref_record, &ref, 1000, &order_record, &bench->order, NULL),
		-EMSGSIZE);
	assert_int_equal(get_order(bench, 17, 5000), 0);
	router_stop(bench->router);
	assert_int_equal(bench->router->requests, 1);
}

/* --- nobody there --------------------------------------------------------------------------- */

static void without_a_socket_file_it_does_not_wait(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(get_order(bench, 17, 30000), -ENOENT);
	assert_true(bench->took_ms < 5000);
}

static void a_socket_of_others_is_not_waited_for(void **state)
{
	struct bench *bench = *state;
	const char *path = router_path(bench->router, SOCKET_ORDERD);
	int result;

	router_start(bench->router, serve_order);
	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	result = get_order(bench, 17, 30000);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(result, -EACCES);
	assert_true(bench->took_ms < 5000);
}

static void a_file_with_nobody_behind_it_refuses_within_a_second_or_so(void **state)
{
	struct bench *bench = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, router_path(bench->router, SOCKET_ORDERD));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(get_order(bench, 17, 50), -ECONNREFUSED);
	assert_int_equal(get_order(bench, 17, 30000), -ECONNREFUSED);
	assert_in_range(bench->took_ms, 900, 10000);
	router_start(bench->router, serve_order);
	assert_int_equal(get_order(bench, 17, 5000), 0);
}

static void serve_nothing(struct router *router, const struct value *request)
{
	(void)router, (void)request;
}

static void silence_ends_with_the_time(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_nothing);
	assert_int_equal(get_order(bench, 17, 150), -ETIMEDOUT);
	assert_in_range(bench->took_ms, 150, 5000);
	assert_int_equal(bench->router->requests, 1);
}

static void note_signal(int number)
{
	(void)number;
}

static void signals_neither_end_nor_stretch_the_wait(void **state)
{
	struct bench *bench = *state;
	struct sigaction action = { .sa_handler = note_signal };
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } }, never = { { 0, 0 }, { 0, 0 } };
	int result;

	router_start(bench->router, serve_nothing);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	result = get_order(bench, 17, 150);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(result, -ETIMEDOUT);
	assert_in_range(bench->took_ms, 150, 5000);
}

/* A request that goes out on the dying connection is lost: its sender asks again. */
static void a_daemon_that_was_restarted_is_found_again(void **state)
{
	struct bench *bench = *state;

	for (int i = 0; i < 3; i++) {
		int result = -ETIMEDOUT;

		router_start(bench->router, serve_order);
		for (int tries = 0; tries < 5 && result < 0; tries++)
			result = get_order(bench, 17, 2000);
		assert_int_equal(result, 0);
		router_stop(bench->router);
	}
}

/* --- late and wrong answers ----------------------------------------------------------------- */

static void an_answer_that_comes_late_is_not_taken_for_the_next_one(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_first_late);
	assert_int_equal(get_order(bench, 17, 50), -ETIMEDOUT);
	assert_int_equal(get_order(bench, 18, 5000), 0);
	assert_int_equal(bench->order.order_id, 18);
}

static void send_text(struct router *router, const char *text)
{
	router_send(router, text, strlen(text));
}

static struct buffer reply_of(const struct value *request, int64_t version, const char *missing)
{
	const struct value *id = value_find(request, "id");
	struct buffer frame = { 0 };

	pack_map(&frame, 9);
	pack_number(&frame, "v", version);
	pack_str(&frame, strcmp(missing, "id") ? "id" : "di");
	buffer_append(&frame, id->raw, id->raw_size);
	pack_number(&frame, strcmp(missing, "code") ? "code" : "edoc", 0);
	pack_order(&frame, 17, strcmp(missing, "status") ? "PENDING" : "PONDERING");
	return frame;
}

static void serve_garbage(struct router *router, const struct value *request)
{
	struct buffer frame = { 0 };
	unsigned number = router->requests;

	switch (number) {
	case 1:
		send_text(router, "\xc1");
		return;
	case 2:
		send_text(router, "");
		return;
	case 3:
		send_text(router, "\x90");
		return;
	case 4:
		frame = reply_of(request, 1, "id");
		break;
	case 5:
		frame = reply_of(request, 1, "code");
		break;
	case 6:
		frame = reply_of(request, 1, "status");
		break;
	case 7:
		frame = reply_of(request, 2, "");
		break;
	case 8:
		frame = reply_begin(request, -1, 0);
		break;
	case 9:
		frame = reply_begin(request, 0, 0);
		break;
	case 10:
		zmq_send(router->socket, zmq_msg_data(&router->identity),
			zmq_msg_size(&router->identity), ZMQ_SNDMORE);
		zmq_send(router->socket, "\x80", 1, ZMQ_SNDMORE);
		zmq_send(router->socket, "\x80", 1, 0);
		return;
	default:
		frame = reply_of(request, 1, "");
		break;
	}
	router_reply(router, &frame);
}

static void nonsense_is_recognised_and_the_next_answer_read(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_garbage);
	bench->order.total = 5;
	for (int i = 1; i <= 10; i++)
		assert_int_equal(get_order(bench, 17, 5000), -EBADMSG);
	assert_int_equal(bench->order.total, 5);
	assert_int_equal(get_order(bench, 17, 5000), 0);
	assert_int_equal(bench->order.order_id, 17);
}

static void serve_in_two_frames(struct router *router, const struct value *request)
{
	struct buffer frame = reply_of(request, 1, "");

	zmq_send(router->socket, zmq_msg_data(&router->identity), zmq_msg_size(&router->identity),
		ZMQ_SNDMORE);
	zmq_send(router->socket, "", 0, ZMQ_SNDMORE);
	zmq_send(router->socket, frame.at, frame.size, 0);
	buffer_done(&frame);
}

static void an_empty_frame_in_front_does_no_harm(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve_in_two_frames);
	assert_int_equal(get_order(bench, 17, 5000), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_read_through_its_table),
		TEST(the_daemon_is_told_a_little_less_than_is_waited),
		TEST(a_refusal_brings_code_name_and_reason),
		TEST(a_request_larger_than_a_frame_is_not_sent),
		TEST(without_a_socket_file_it_does_not_wait),
		TEST(a_socket_of_others_is_not_waited_for),
		TEST(a_file_with_nobody_behind_it_refuses_within_a_second_or_so),
		TEST(silence_ends_with_the_time),
		TEST(signals_neither_end_nor_stretch_the_wait),
		TEST(a_daemon_that_was_restarted_is_found_again),
		TEST(an_answer_that_comes_late_is_not_taken_for_the_next_one),
		TEST(nonsense_is_recognised_and_the_next_answer_read),
		TEST(an_empty_frame_in_front_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
