#include "toy_bench.h"

/* Answers that may leave before the commit, what is put off until somebody could miss it, and
 * another daemon's store that is watched. */

#define SMALL_BYTES (INT64_C(5) << 20)
#define PUT_OFF 777

static size_t settled; /* how often the program was told to write what it put off */
static uint64_t commits_at[EVENTS_MAX]; /* when each answer left */
static char text[3001];

/* --- the program ---------------------------------------------------------------------------- */

static int early_wake(struct tick *tick, const void *request, void *reply)
{
	const struct toy *toy = request;
	struct toy_state *state = tick->state;

	(void)reply;
	tick_answer_early(tick, state->waiters[toy->number], &toy_record, toy);
	return OUTCOME_OK;
}

static int early_itself(struct tick *tick, const void *request, void *reply)
{
	(void)reply;
	tick_answer_early(tick, tick_park(tick), &toy_record, request);
	return OUTCOME_LATER;
}

static int look(struct tick *tick, const void *request, void *reply)
{
	struct toy *toy = reply;

	(void)request;
	if (!tick->watched)
		return OUTCOME_BOOK_NOT_FOUND;
	toy->number = counter_get(tick->watched, 0, "version");
	return OUTCOME_OK;
}

static void settle(struct tick *tick)
{
	struct toy toy = { PUT_OFF, "put off" };

	settled++;
	toy_put(tick, &toy, &toy);
}

static const struct operation operations[] = {
	TOY("toy.get", ACCESS_READ, toy_get),
	TOY("toy.put", ACCESS_GROW, toy_put),
	TOY("toy.spoil", ACCESS_SETTLE, toy_spoil),
	{ "apart.get", ACCESS_READ, WHO_USER, "toys", &toy_record, &toy_record, toy_get, false,
		true },
	{ "apart.put", ACCESS_GROW, WHO_USER, "toys", &toy_record, &toy_record, toy_put, false,
		true },
	{ "apart.look", ACCESS_READ, WHO_USER, NULL, &toy_record, &toy_record, look, false, true },
	{ "wait", ACCESS_SETTLE, WHO_USER, "toys", &toy_record, &toy_record, toy_wait, true, true },
	{ "wake", ACCESS_SETTLE, WHO_USER, "toys", &toy_record, &toy_record, early_wake, false,
		true },
	{ "itself", ACCESS_SETTLE, WHO_USER, "toys", &toy_record, &toy_record, early_itself, true,
		true },
	{ 0 },
};

static const char *const watched_tables[] = { "meta", NULL };

static const struct program program = {
	.name = "toyd",
	.settings_size = sizeof(struct suite_settings),
	.store = "toyd",
	.tables = toy_tables,
	.operations = operations,
	.peers = toy_peers,
	.watches = "other",
	.watched_tables = watched_tables,
	.open = toy_open,
	.close = free,
	.settle = settle,
	.on_time = toy_on_time,
	.wake = toy_when,
};

static void note_told(void *argument, const struct route *route, const void *data, size_t size)
{
	commits_at[bench->told_count] = service_counts(bench->f->service).commits;
	note_reply(argument, route, data, size);
}

static int begin_sized(void **state, int64_t size_bytes)
{
	struct bus bus = { NULL, note_told, note_frame, note_event, NULL };

	bench_new(size_bytes);
	settled = 0;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(service_open(&bench->f->service, &program, &bench->settings, &bus,
				 bench->now_ms, bench->monotonic_ms),
		0);
	*state = bench;
	return 0;
}

static int begin(void **state)
{
	return begin_sized(state, STORE_MAX_BYTES);
}

static int begin_small(void **state)
{
	return begin_sized(state, SMALL_BYTES);
}

static uint64_t commits(void)
{
	return service_counts(bench->f->service).commits;
}

/* Client 'w' waits, as number 0. */
static void wait_for_it(void)
{
	queue_toy('w', "wait", 1, NULL);
	bench_tick();
	assert_int_equal(bench->told_count, 0);
}

/* --- early answers -------------------------------------------------------------------------- */

static void an_early_answer_leaves_before_the_commit_and_others_after_it(void **state)
{
	uint64_t before;

	(void)state;
	wait_for_it();
	before = commits();
	queue_toy('a', "apart.put", 1, "x");
	queue_toy('b', "wake", 0, NULL);
	bench_tick();
	assert_int_equal(bench->told_count, 3);
	assert_int_equal(bench->told[0].client, 'w');
	assert_int_equal(commits_at[0], before);
	assert_int_equal(commits_at[1], before + 1);
	assert_int_equal(commits_at[2], before + 1);
	assert_int_equal(parked(), 0);
}

static void who_came_in_this_tick_hears_after_the_commit(void **state)
{
	uint64_t before = commits();

	(void)state;
	queue_toy('a', "apart.put", 1, "x");
	queue_toy('b', "itself", 5, NULL);
	bench_tick();
	assert_int_equal(number_of(reply_to('b'), "number"), 5);
	assert_int_equal(bench->told[0].client, 'a');
	assert_int_equal(commits_at[1], before + 1);
	assert_int_equal(parked(), 0);
}

static void a_tick_that_is_undone_answers_early_once(void **state)
{
	(void)state;
	wait_for_it();
	queue_toy('a', "wake", 0, NULL);
	queue_toy('b', "toy.spoil", 2, "x");
	queue_toy('c', "apart.put", 3, "x");
	bench_tick();
	assert_int_equal(told_to('w'), 1);
	assert_error(reply_to('b'), "internal");
	assert_good(reply_to('c'));
	queue_toy('a', "wake", 0, NULL);
	bench_tick();
	assert_int_equal(told_to('w'), 0);
}

static void a_full_store_answers_early_once_and_in_any_case(void **state)
{
	(void)state;
	wait_for_it();
	for (uint64_t i = 0; i < 600; i++) {
		queue_toy('a', "apart.put", i, text);
		bench_tick();
	}
	queue_toy('a', "wake", 0, NULL);
	for (uint64_t i = 0; i < 1000; i++)
		queue_toy('b', "apart.put", 5000 + i, text);
	bench_tick();
	assert_int_equal(told_to('w'), 1);
	assert_int_equal(told_to('b'), 1000);
	assert_error(bench->told[bench->told_count - 1].map, "storage_full");
}

static void a_part_of_many_that_is_early_waits_for_the_others(void **state)
{
	struct buffer frame = many_begin("wait", 2);
	const struct value *results;

	(void)state;
	pack_toy(&frame, 11, 1);
	pack_toy(&frame, 12, 2);
	queue_frame('w', &frame);
	bench_tick();
	queue_toy('a', "wake", 1, NULL);
	bench_tick();
	assert_int_equal(told_to('w'), 0);
	queue_toy('a', "wake", 1, NULL);
	queue_toy('a', "wake", 0, NULL);
	bench_tick();
	results = list_of(reply_to('w'), "results", 2);
	assert_int_equal(number_of(&results[0], "ref"), 11);
	assert_int_equal(number_of(&results[0], "number"), 0);
	assert_int_equal(number_of(&results[1], "number"), 1);
	assert_int_equal(parked(), 0);
}

/* --- what was put off ----------------------------------------------------------------------- */

static void what_was_put_off_is_written_before_the_first_that_could_miss_it(void **state)
{
	(void)state;
	queue_toy('a', "apart.get", PUT_OFF, NULL);
	queue_toy('b', "toy.get", PUT_OFF, NULL);
	queue_toy('c', "toy.get", PUT_OFF, NULL);
	queue_toy('d', "apart.get", PUT_OFF, NULL);
	bench_tick();
	assert_error(reply_to('a'), "book_not_found");
	assert_text(reply_to('b'), "text", "put off");
	assert_text(reply_to('c'), "text", "put off");
	assert_text(reply_to('d'), "text", "put off");
	assert_int_equal(settled, 1);
}

static void for_those_that_stand_apart_nothing_is_written(void **state)
{
	(void)state;
	queue_toy('a', "apart.put", 1, "x");
	queue_toy('b', "no.such", 1, NULL);
	bench_tick();
	assert_int_equal(settled, 0);
}

static void in_a_tick_that_is_undone_it_is_written_again(void **state)
{
	(void)state;
	queue_toy('a', "toy.get", PUT_OFF, NULL);
	queue_toy('b', "toy.spoil", 2, "x");
	bench_tick();
	assert_text(reply_to('a'), "text", "put off");
	assert_int_equal(settled, 2);
}

static void what_was_put_off_is_not_the_requests_own_writing(void **state)
{
	(void)state;
	queue_toy('a', "toy.get", 12345, NULL);
	bench_tick();
	assert_error(reply_to('a'), "book_not_found");
	assert_int_equal(settled, 1);
}

static void without_room_to_write_reading_goes_on(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		queue_toy('a', "apart.put", i, text);
		bench_tick();
		if (value_find(reply_to('a'), "error"))
			break;
	}
	for (uint64_t j = 0; j < 1000; j++) /* what settling may still take, too */
		queue_toy('a', "toy.put", 5000 + j, text);
	queue_toy('b', "toy.get", 0, NULL);
	bench_tick();
	assert_text(reply_to('b'), "text", text);
}

/* --- the store of another ------------------------------------------------------------------- */

static struct db *other_open(const char *name)
{
	struct db_spec spec = { .tables = watched_tables, .size_max_bytes = STORE_MAX_BYTES };
	struct db *db;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", bench->f->dir, name);
	assert_int_equal(db_open(&db, path, &spec, DB_OWN), 0);
	return db;
}

static void other_set(struct db *db, uint64_t version)
{
	struct txn *txn;

	assert_int_equal(txn_begin(db, true, &txn), 0);
	counter_put(txn, 0, "version", version);
	assert_int_equal(txn_commit(txn), 0);
}

static void move_dir(const char *from, const char *to)
{
	char old[96], new[96];

	snprintf(old, sizeof(old), "%s/%s", bench->f->dir, from);
	snprintf(new, sizeof(new), "%s/%s", bench->f->dir, to);
	assert_int_equal(rename(old, new), 0);
}

static uint64_t seen(void)
{
	return number_of(ask_toy("apart.look", 0, NULL), "number");
}

static void a_store_that_comes_later_is_found_and_read_as_committed(void **state)
{
	struct db *db;

	(void)state;
	assert_error(ask_toy("apart.look", 0, NULL), "book_not_found");
	assert_in_range(bench->wait_ms, 1, 500);
	db = other_open("other");
	other_set(db, 1);
	bench->monotonic_ms += 500;
	assert_int_equal(seen(), 1);
	other_set(db, 2);
	assert_int_equal(seen(), 2);
	db_close(db);
	assert_int_equal(seen(), 2);
}

static void while_it_is_away_the_program_is_still_woken_on_time(void **state)
{
	(void)state;
	bench->wake_ms = 4;
	queue_toy('a', "apart.get", 0, NULL);
	bench_tick();
	assert_int_equal(bench->wait_ms, 4);
}

static void a_store_that_goes_away_or_is_replaced_is_not_read_any_more(void **state)
{
	struct db *db = other_open("other");

	(void)state;
	other_set(db, 1);
	db_close(db);
	db = other_open("restored");
	other_set(db, 7);
	db_close(db);
	bench->monotonic_ms += 500;
	assert_int_equal(seen(), 1);
	move_dir("other", "old");
	assert_error(ask_toy("apart.look", 0, NULL), "book_not_found");
	move_dir("restored", "other");
	bench->monotonic_ms += 500;
	assert_int_equal(seen(), 7);
	move_dir("other", "restored");
	move_dir("old", "other");
	bench->monotonic_ms += 500;
	assert_int_equal(seen(), 1);
}

#define EARLY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, bench_end)
#define SMALL_TEST(name) cmocka_unit_test_setup_teardown(name, begin_small, bench_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EARLY_TEST(an_early_answer_leaves_before_the_commit_and_others_after_it),
		EARLY_TEST(who_came_in_this_tick_hears_after_the_commit),
		EARLY_TEST(a_tick_that_is_undone_answers_early_once),
		SMALL_TEST(a_full_store_answers_early_once_and_in_any_case),
		EARLY_TEST(a_part_of_many_that_is_early_waits_for_the_others),
		EARLY_TEST(what_was_put_off_is_written_before_the_first_that_could_miss_it),
		EARLY_TEST(for_those_that_stand_apart_nothing_is_written),
		EARLY_TEST(in_a_tick_that_is_undone_it_is_written_again),
		EARLY_TEST(what_was_put_off_is_not_the_requests_own_writing),
		SMALL_TEST(without_room_to_write_reading_goes_on),
		EARLY_TEST(a_store_that_comes_later_is_found_and_read_as_committed),
		EARLY_TEST(while_it_is_away_the_program_is_still_woken_on_time),
		EARLY_TEST(a_store_that_goes_away_or_is_replaced_is_not_read_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
