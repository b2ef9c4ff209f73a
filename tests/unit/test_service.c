#include "toy_bench.h"

/* The tick: everything or nothing of it, and only after the commit does anything get out. */

static void assert_stored(uint64_t number, const char *text)
{
	const struct value *reply = ask_toy("toy.get", number, NULL);

	if (!text) {
		assert_error(reply, "book_not_found");
		return;
	}
	assert_good(reply);
	assert_text(reply, "text", text);
}

static void assert_nothing_got_out(void)
{
	assert_int_equal(bench->frame_count, 0);
	assert_int_equal(bench->published_count, 0);
	assert_int_equal(bench->state->changes, 0);
}

/* --- all at once ---------------------------------------------------------------------------- */

static void a_tick_handles_all_and_commits_once(void **state)
{
	struct service_counts before = service_counts(bench->f->service), after;

	(void)state;
	for (uint64_t i = 0; i < EVENTS_MAX; i++)
		queue_toy('a', "toy.put", i, "x");
	bench_tick();
	after = service_counts(bench->f->service);
	assert_int_equal(bench->told_count, EVENTS_MAX);
	assert_int_equal(after.ticks - before.ticks, 1);
	assert_int_equal(after.commits - before.commits, 1);
	assert_int_equal(after.requests - before.requests, EVENTS_MAX);
	assert_stored(EVENTS_MAX - 1, "x");
}

static void a_later_request_of_a_tick_sees_what_an_earlier_one_wrote(void **state)
{
	(void)state;
	queue_toy('a', "toy.get", 1, NULL);
	queue_toy('b', "toy.put", 1, "x");
	queue_toy('c', "toy.get", 1, NULL);
	bench_tick();
	assert_error(reply_to('a'), "book_not_found");
	assert_text(reply_to('c'), "text", "x");
	assert_int_equal(bench->told[0].client, 'a');
	assert_int_equal(bench->told[2].client, 'c');
}

static void what_a_handler_wants_out_gets_out_once(void **state)
{
	const struct value *job;

	(void)state;
	assert_good(ask_toy("toy.tell", 5, "hello"));
	assert_int_equal(bench->published_count, 1);
	assert_text(bench->published[0], "text", "hello");
	assert_int_equal(bench->state->changes, 1);
	assert_int_equal(bench->frame_count, 1);
	assert_text(bench->frames[0], "op", "other.do");
	job = list_of(bench->frames[0], "jobs", 1);
	assert_int_equal(number_of(job, "ref"), 5);
	assert_text(job, "text", "hello");
	bench_tick();
	assert_int_equal(bench->frame_count + bench->published_count, 0);
	assert_int_equal(bench->state->changes, 1);
}

static void a_store_outlives_its_service(void **state)
{
	(void)state;
	assert_good(ask_toy("toy.put", 1, "x"));
	bench_close();
	assert_int_equal(bench_try_open(&toy_program), 0);
	assert_stored(1, "x");
}

static void a_service_that_cannot_open_leaves_nothing(void **state)
{
	struct service *service;

	(void)state;
	bench_close();
	bench->settings.state_dir = "/nonexistent/orderd";
	service = bench->f->service;
	assert_true(bench_try_open(&toy_program) < 0);
	assert_ptr_equal(bench->f->service, service);
}

/* --- refusals ------------------------------------------------------------------------------- */

static void a_refusal_carries_its_number_name_and_message(void **state)
{
	const struct value *reply;

	(void)state;
	reply = ask_toy("toy.refuse", 7, NULL);
	assert_int_equal(number_of(reply, "code"), 40900);
	assert_error(reply, "not_due");
	assert_text(reply, "message", "number 7 is not due");
	assert_null(value_find(reply, "number"));
	reply = ask_toy("toy.get", 7, NULL);
	assert_text(reply, "message", outcome_text(OUTCOME_BOOK_NOT_FOUND));
}

static void a_failure_of_ours_is_told_as_internal_and_nothing_more(void **state)
{
	(void)state;
	queue_toy('a', "toy.fail", 1, NULL);
	queue_toy('b', "toy.put", 1, "x");
	bench_tick();
	assert_error(reply_to('a'), "internal");
	assert_int_equal(number_of(reply_to('a'), "code"), 50000);
	assert_good(reply_to('b'));
}

static void a_refusal_after_a_write_is_undone_and_told_as_internal(void **state)
{
	(void)state;
	assert_error(ask_toy("toy.spoil", 1, "x"), "internal");
	assert_nothing_got_out();
	assert_stored(1, NULL);
}

static void the_others_of_an_undone_tick_succeed(void **state)
{
	(void)state;
	queue_toy('a', "toy.put", 1, "before");
	queue_toy('b', "toy.spoil", 2, "x");
	queue_toy('c', "toy.put", 3, "between");
	queue_toy('d', "toy.spoil", 4, "x");
	queue_toy('e', "toy.put", 5, "after");
	bench_tick();
	assert_int_equal(bench->told_count, 5);
	assert_good(reply_to('a'));
	assert_error(reply_to('b'), "internal");
	assert_good(reply_to('c'));
	assert_error(reply_to('d'), "internal");
	assert_good(reply_to('e'));
	assert_nothing_got_out();
	assert_stored(1, "before");
	assert_stored(2, NULL);
	assert_stored(5, "after");
}

static void one_element_of_many_is_undone_alone(void **state)
{
	struct buffer frame = many_begin("toy.spoil", 3);
	const struct value *results;

	(void)state;
	pack_toy(&frame, 1, 1);
	pack_toy(&frame, 2, 2);
	pack_map(&frame, 1);
	pack_number(&frame, "number", -1);
	queue_frame('a', &frame);
	queue_toy('b', "toy.put", 9, "x");
	bench_tick();
	results = list_of(reply_to('a'), "results", 3);
	assert_error(&results[0], "internal");
	assert_error(&results[1], "internal");
	assert_error(&results[2], "bad_request");
	assert_good(reply_to('b'));
	assert_stored(1, NULL);
	assert_stored(9, "x");
}

static void parked_calls_survive_an_undone_tick_once(void **state)
{
	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	queue_toy('b', "toy.spoil", 2, "x");
	bench_tick();
	assert_error(reply_to('b'), "internal");
	assert_int_equal(parked(), 1);
	assert_int_equal(bench->state->count, 1);
	assert_good(ask_toy("toy.wake", 0, NULL));
	assert_int_equal(told_to('a'), 1);
	assert_int_equal(parked(), 0);
}

static void after_too_many_undoings_the_rest_of_a_tick_is_busy(void **state)
{
	size_t internal = 0, busy = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		queue_toy('a', "toy.spoil", i, "x");
	queue_toy('b', "toy.put", 200, "x");
	bench_tick();
	assert_int_equal(bench->told_count, 101);
	for (size_t i = 0; i < 100; i++) {
		uint64_t code = number_of(bench->told[i].map, "code");

		internal += code == 50000;
		busy += code == 42900;
	}
	assert_int_equal(internal + busy, 100);
	assert_true(internal > 0 && busy > 0);
	assert_error(reply_to('b'), "busy");
	assert_nothing_got_out();
	assert_good(ask_toy("toy.put", 200, "x"));
}

/* --- damage --------------------------------------------------------------------------------- */

static void damage(uint64_t number)
{
	struct db_spec spec = { .tables = toy_tables, .size_max_bytes = STORE_MAX_BYTES };
	struct key key = toy_key(number);
	struct slice value;
	struct txn *txn;
	struct db *db;
	char path[80];
	uint8_t *bytes;

	bench_close();
	snprintf(path, sizeof(path), "%s/toyd", bench->f->dir);
	assert_int_equal(db_open(&db, path, &spec, DB_OWN), 0);
	assert_int_equal(txn_begin(db, true, &txn), 0);
	assert_true(txn_get(txn, 0, &key, &value));
	bytes = arena_take(bench->f->arena, value.size);
	memcpy(bytes, value.at, value.size);
	bytes[value.size - 1] ^= 1;
	txn_put(txn, 0, &key, bytes, value.size);
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
	assert_int_equal(bench_try_open(&toy_program), 0);
}

static void a_damaged_record_is_told_as_such_and_the_others_are_served(void **state)
{
	(void)state;
	ask_toy("toy.put", 1, "one");
	ask_toy("toy.put", 2, "two");
	damage(1);
	queue_toy('a', "toy.get", 1, NULL);
	queue_toy('b', "toy.put", 3, "three");
	queue_toy('c', "toy.get", 2, NULL);
	bench_tick();
	assert_error(reply_to('a'), "corrupt_record");
	assert_int_equal(number_of(reply_to('a'), "code"), 50000);
	assert_good(reply_to('b'));
	assert_text(reply_to('c'), "text", "two");
	assert_says(record_damage(), "table toys");
}

static void a_damaged_record_may_be_written_over(void **state)
{
	(void)state;
	ask_toy("toy.put", 1, "one");
	damage(1);
	assert_good(ask_toy("toy.put", 1, "new"));
	assert_stored(1, "new");
}

/* --- the program's own time ----------------------------------------------------------------- */

static int64_t write_and_wait(struct tick *tick)
{
	struct toy toy = { 77, "on time" };

	toy_put(tick, &toy, &toy);
	return 1234;
}

static int64_t read_number_one(struct tick *tick)
{
	struct toy toy = { .number = 1 };

	toy_get(tick, &toy, &toy);
	return 1234;
}

static void the_program_does_in_its_time_what_is_due_and_says_when_next(void **state)
{
	(void)state;
	bench_tick();
	assert_int_equal(bench->wait_ms, -1);
	bench->on_time = write_and_wait;
	bench_tick();
	assert_int_equal(bench->wait_ms, 1234);
	bench->wake_ms = 10;
	bench_tick();
	assert_int_equal(bench->wait_ms, 10);
	bench->wake_ms = 5000;
	bench_tick();
	assert_int_equal(bench->wait_ms, 1234);
	bench->on_time = NULL;
	bench_tick();
	assert_int_equal(bench->wait_ms, 5000);
	assert_stored(77, "on time");
}

static void damage_met_in_the_programs_time_costs_no_request(void **state)
{
	(void)state;
	ask_toy("toy.put", 1, "one");
	damage(1);
	bench->on_time = read_number_one;
	assert_good(ask_toy("toy.put", 2, "two"));
	assert_true(bench->wait_ms >= 0 && bench->wait_ms < 1234);
	assert_stored(2, "two");
}

/* --- health --------------------------------------------------------------------------------- */

static void health_tells_what_the_service_knows(void **state)
{
	struct buffer frame;
	const struct value *map;

	(void)state;
	ask_toy("toy.put", 1, "x");
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	frame = request_begin("health", 0);
	queue_frame('h', &frame);
	bench_tick();
	map = reply_to('h');
	assert_good(map);
	assert_text(map, "name", "toyd");
	assert_true(value_find(map, "ready")->boolean);
	assert_int_equal(number_of(map, "pid"), getpid());
	assert_int_equal(number_of(map, "started_at"), NOW_MS);
	assert_int_equal(number_of(map, "backlog"), 1);
	assert_int_equal(number_of(map, "requests"), 3);
	assert_int_equal(number_of(map, "ticks"), 3);
	assert_int_equal(number_of(map, "commits"), 1);
	assert_int_equal(number_of(map, "store_size_max_bytes"), STORE_MAX_BYTES);
	assert_true(number_of(map, "store_used_bytes") > 0);
	assert_int_equal(number_of(map, "store_room_bytes"),
		STORE_MAX_BYTES - number_of(map, "store_used_bytes"));
	assert_null(value_find(map, "open_sagas"));
}

static void a_service_without_a_store_answers_too(void **state)
{
	static const struct operation operations[] = { TOY("toy.who", ACCESS_READ, toy_who),
		{ 0 } };
	struct program program = { .name = "bare", .operations = operations };
	struct buffer frame;

	(void)state;
	bench_close();
	assert_int_equal(bench_try_open(&program), 0);
	assert_text(ask_toy("toy.who", 1, "me"), "text", "me");
	frame = request_begin("health", 0);
	queue_frame('h', &frame);
	bench_tick();
	assert_true(value_find(reply_to('h'), "ready")->boolean);
	assert_null(value_find(reply_to('h'), "store_used_bytes"));
	bench_close();
}

/* --- stopping ------------------------------------------------------------------------------- */

static int64_t wake_the_first(struct tick *tick)
{
	toy_wake(tick, &(struct toy){ .number = 0 }, NULL);
	return -1;
}

static void a_service_that_stops_answers_what_it_has_and_puts_off_the_rest(void **state)
{
	(void)state;
	queue_toy('a', "toy.wait", 1, NULL);
	bench_tick();
	service_stop(bench->f->service);
	queue_toy('b', "toy.put", 2, "x");
	queue_toy('c', "toy.get", 2, NULL);
	bench_tick();
	assert_error(reply_to('b'), "busy");
	assert_true(number_of(reply_to('b'), "retry_after_ms") > 0);
	assert_error(reply_to('c'), "busy");
	assert_int_equal(parked(), 1);
	bench->on_time = wake_the_first;
	bench_tick();
	assert_good(reply_to('a'));
	assert_int_equal(parked(), 0);
	bench->on_time = NULL;
	bench_close();
	assert_int_equal(bench_try_open(&toy_program), 0);
	assert_stored(2, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_tick_handles_all_and_commits_once),
		BENCH_TEST(a_later_request_of_a_tick_sees_what_an_earlier_one_wrote),
		BENCH_TEST(what_a_handler_wants_out_gets_out_once),
		BENCH_TEST(a_store_outlives_its_service),
		BENCH_TEST(a_service_that_cannot_open_leaves_nothing),
		BENCH_TEST(a_refusal_carries_its_number_name_and_message),
		BENCH_TEST(a_failure_of_ours_is_told_as_internal_and_nothing_more),
		BENCH_TEST(a_refusal_after_a_write_is_undone_and_told_as_internal),
		BENCH_TEST(the_others_of_an_undone_tick_succeed),
		BENCH_TEST(one_element_of_many_is_undone_alone),
		BENCH_TEST(parked_calls_survive_an_undone_tick_once),
		BENCH_TEST(after_too_many_undoings_the_rest_of_a_tick_is_busy),
		BENCH_TEST(a_damaged_record_is_told_as_such_and_the_others_are_served),
		BENCH_TEST(a_damaged_record_may_be_written_over),
		BENCH_TEST(the_program_does_in_its_time_what_is_due_and_says_when_next),
		BENCH_TEST(damage_met_in_the_programs_time_costs_no_request),
		BENCH_TEST(health_tells_what_the_service_knows),
		BENCH_TEST(a_service_without_a_store_answers_too),
		BENCH_TEST(a_service_that_stops_answers_what_it_has_and_puts_off_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
