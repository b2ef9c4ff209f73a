#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "events_fixture.h"

/* liborderd's handles in a process, in its child, and where there is no descriptor left. */

#define EVENTS 3

static void answer_log(struct router *router, const struct value *request)
{
	struct buffer frame = reply_begin(request, 0, 3);

	pack_number(&frame, "last", EVENTS);
	pack_number(&frame, "next", 0);
	pack_str(&frame, "events");
	pack_array(&frame, EVENTS);
	for (int seq = 1; seq <= EVENTS; seq++) {
		pack_map(&frame, 5);
		pack_number(&frame, "seq", seq);
		pack_number(&frame, "order_id", 17);
		pack_text(&frame, "to", "PENDING");
		pack_text(&frame, "actor", "uid:1000");
		pack_number(&frame, "user_id", 1);
	}
	router_reply(router, &frame);
}

static void serve(struct router *router, const struct value *request)
{
	if (asked_for(request, "event.list"))
		answer_log(router, request);
	else
		router_reply_order(router, request, 17, "PENDING");
}

static int get(struct orderd_client *client)
{
	return orderd_get(client, 17, NULL, NULL);
}

/* What `act` returns in a child, to which a minute is given: the number of the step that went
 * wrong. */
static int in_child(struct bench *bench, int (*act)(struct bench *bench))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		alarm(60);
		_exit(act(bench));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int work_with_a_handle_of_its_own(struct bench *bench)
{
	struct orderd_client *client;

	if (orderd_open(&client, bench->router->f->dir) != 0)
		return 1;
	if (get(client) != 0)
		return 2;
	orderd_close(client);
	return 0;
}

static bool is_inherited(const struct bench *bench, int result)
{
	return result == -ECHILD && strcmp(orderd_error(bench->client), "inherited") == 0;
}

static int try_the_inherited_one(struct bench *bench)
{
	struct orderd_query query = { .user_id = 1 };
	struct orderd_events *events;
	struct orderd_books *books;
	struct orderd_page *page;

	if (!is_inherited(bench, get(bench->client)))
		return 3;
	if (!is_inherited(bench, orderd_cancel(bench->client, 17, NULL, NULL)))
		return 4;
	if (!is_inherited(bench, orderd_list(bench->client, &query, &page)))
		return 5;
	if (!is_inherited(bench, orderd_book(bench->client, 1, NULL, &books)))
		return 6;
	return is_inherited(bench, orderd_events_open(bench->client, 0, &events)) ? 0 : 7;
}

static int close_the_inherited_one(struct bench *bench)
{
	int wrong = try_the_inherited_one(bench);

	orderd_close(bench->client);
	return wrong ? wrong : work_with_a_handle_of_its_own(bench);
}

static int use_both(struct bench *bench)
{
	int wrong = work_with_a_handle_of_its_own(bench);

	return wrong ? wrong : close_the_inherited_one(bench);
}

static int use_the_inherited_iterator(struct bench *bench)
{
	const struct orderd_event *event;
	int result = orderd_events_next(bench->events, -1, &event);

	orderd_events_close(bench->events);
	return result == -ECHILD ? 0 : 8;
}

static void a_child_opens_a_handle_of_its_own(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve);
	assert_int_equal(get(bench->client), 0);
	assert_int_equal(in_child(bench, work_with_a_handle_of_its_own), 0);
	assert_int_equal(get(bench->client), 0);
}

static void a_handle_belongs_to_the_process_that_opened_it(void **state)
{
	struct bench *bench = *state;
	int64_t began_ms = clock_monotonic_ms();

	router_start(bench->router, serve);
	assert_int_equal(in_child(bench, close_the_inherited_one), 0);
	assert_int_equal(get(bench->client), 0);
	assert_int_equal(in_child(bench, close_the_inherited_one), 0);
	assert_int_equal(in_child(bench, use_both), 0);
	assert_true(clock_monotonic_ms() - began_ms < 9000);
	assert_int_equal(get(bench->client), 0);
}

static void an_iterator_belongs_to_the_process_that_opened_it(void **state)
{
	struct bench *bench = *state;
	const struct orderd_event *event;

	router_start(bench->router, serve);
	assert_int_equal(orderd_events_open(bench->client, 0, &bench->events), 0);
	assert_int_equal(orderd_events_next(bench->events, 10000, &event), 0);
	assert_int_equal(in_child(bench, use_the_inherited_iterator), 0);
	assert_int_equal(orderd_events_next(bench->events, 10000, &event), 0);
	assert_int_equal(event->seq, 2);
}

/* --- descriptors ---------------------------------------------------------------------------- */

#define FDS_MAX 200
#define FDS_ENOUGH 12

static int fds_left; /* to a child */

static void leave_fds(int count)
{
	struct rlimit limit = { .rlim_cur = FDS_MAX, .rlim_max = FDS_MAX };
	int fd = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		_exit(9);
	for (int next = 0; next >= 0; next = fcntl(STDIN_FILENO, F_DUPFD, 0))
		fd = next;
	while (count-- > 0)
		close(fd--);
}

static bool is_without_fds(struct orderd_client *client, int result)
{
	return result == -EMFILE && strcmp(orderd_error(client), "no_descriptor") == 0 &&
		strstr(orderd_message(client), "no file descriptor left");
}

static int work_without_fds(struct bench *bench)
{
	struct orderd_client *client;
	struct orderd_books *books;
	int result;

	leave_fds(fds_left);
	result = orderd_open(&client, bench->router->f->dir);
	if (result != 0)
		return result == -EMFILE && fds_left < FDS_ENOUGH ? 0 : 10;
	result = get(client);
	if (result != 0 && (!is_without_fds(client, result) || fds_left >= FDS_ENOUGH))
		return 11;
	leave_fds(0);
	if (!is_without_fds(client, orderd_book(client, 1, NULL, &books)))
		return 12;
	orderd_close(client);
	return 0;
}

static void a_process_without_descriptors_is_told(void **state)
{
	struct bench *bench = *state;

	router_start(bench->router, serve);
	for (fds_left = 0; fds_left <= FDS_ENOUGH; fds_left++)
		assert_int_equal(in_child(bench, work_without_fds), 0);
}

/* --- requests for books --------------------------------------------------------------------- */

static void a_book_that_cannot_be_asked_for_is_not_catalogds_fault(void **state)
{
	struct bench *bench = *state;
	struct orderd_books *books;
	char *sku = calloc(1, 1 << 20);

	assert_non_null(sku);
	memset(sku, 'A', (1 << 20) - 1);
	router_start(bench->router, serve);
	assert_int_equal(symlink(SOCKET_ORDERD, router_path(bench->router, SOCKET_CATALOGD)), 0);
	assert_int_equal(orderd_book(bench->client, 0, sku, &books), -EMSGSIZE);
	assert_string_equal(orderd_error(bench->client), "too_large");
	assert_says(orderd_message(bench->client), "larger than");
	free(sku);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_opens_a_handle_of_its_own),
		TEST(a_handle_belongs_to_the_process_that_opened_it),
		TEST(an_iterator_belongs_to_the_process_that_opened_it),
		TEST(a_process_without_descriptors_is_told),
		TEST(a_book_that_cannot_be_asked_for_is_not_catalogds_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
