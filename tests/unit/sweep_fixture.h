#pragma once

#include "daemon_fixture.h"
#include "daemons/reaperd/sweep.h"

/* reaperd over a store that the test fills as orderd would, with a bus that writes down what it
 * proposes. */

static const char *const store_tables[] = {
	"meta",
	"orders",
	"users",
	"deadlines",
	"keys",
	"sagas",
	"events",
	NULL,
};
#define DEADLINES 3

struct bench {
	struct fixture *f;
	int64_t now_ms;   /* since NOW_MS; both clocks */
	int64_t moved_ms; /* of the wall clock */
	bool absent;      /* orderd */
	size_t frames;
	uint64_t proposed[2 * SWEEP_BATCH]; /* in the last tick */
	size_t count;
	int64_t wait_ms; /* what the last tick returned */
};

static inline void note_reply(void *argument, const struct route *route, const void *data,
	size_t size)
{
	struct bench *bench = argument;

	reply_take(bench->f, route, data, size);
}

static inline bool note_proposals(void *argument, unsigned peer, const void *data, size_t size)
{
	struct bench *bench = argument;
	const struct value *map, *orders;
	void *copy = arena_text(bench->f->arena, data, size);

	assert_int_equal(peer, 0);
	assert_int_equal(codec_parse(bench->f->arena, copy, size, &map), 0);
	assert_text(map, "op", "order.expire");
	orders = value_find(map, "orders");
	assert_non_null(orders);
	for (uint32_t i = 0; i < orders->list.count; i++) {
		uint64_t order_id = number_of(&orders->list.at[i], "order_id");

		assert_int_equal(number_of(&orders->list.at[i], "ref"), order_id);
		assert_true(bench->count < 2 * SWEEP_BATCH);
		bench->proposed[bench->count++] = order_id;
	}
	bench->frames++;
	return !bench->absent;
}

/* --- begin and end -------------------------------------------------------------------------- */

static inline void bench_start(struct bench *bench)
{
	static struct suite_settings settings;
	struct bus bus = { .argument = bench, .reply = note_reply, .send = note_proposals };

	settings = (struct suite_settings){
		.runtime_dir = bench->f->dir,
		.state_dir = bench->f->dir,
		.log_level = "error",
		.store_size_max_bytes = STORE_MAX_BYTES,
	};
	assert_int_equal(service_open(&bench->f->service, &reaperd_program, &settings, &bus, NOW_MS,
				 0),
		0);
}

static inline void store_make(struct bench *bench)
{
	struct db_spec spec = { .tables = store_tables, .size_max_bytes = STORE_MAX_BYTES };
	char path[80];

	snprintf(path, sizeof(path), "%s/orderd", bench->f->dir);
	assert_int_equal(db_open(&bench->f->db, path, &spec, DB_OWN), 0);
}

static inline int begin_without_store(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->f = fixture_new();
	bench_start(bench);
	*state = bench;
	return 0;
}

static inline int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->f = fixture_new();
	store_make(bench);
	bench_start(bench);
	*state = bench;
	return 0;
}

static inline int end(void **state)
{
	struct bench *bench = *state;
	void *fixture = bench->f;

	free(bench);
	return fixture_free(&fixture);
}

/* --- orderd's part -------------------------------------------------------------------------- */

static inline struct key deadline_key(int64_t due_ms, uint64_t order_id)
{
	struct key key = { 0 };

	key_add_u64(&key, (uint64_t)(NOW_MS + due_ms));
	key_add_u64(&key, order_id);
	return key;
}

/* Orders `first` and following get or lose the deadline. */
static inline void deadlines_change(struct bench *bench, bool put, int64_t due_ms, uint64_t first,
	size_t count)
{
	struct txn *txn;

	assert_int_equal(txn_begin(bench->f->db, true, &txn), 0);
	for (uint64_t i = 0; i < count; i++) {
		struct key key = deadline_key(due_ms, first + i);

		if (put)
			txn_put(txn, DEADLINES, &key, "", 0);
		else
			assert_true(txn_delete(txn, DEADLINES, &key));
	}
	assert_int_equal(txn_commit(txn), 0);
}

static inline void deadline_put(struct bench *bench, int64_t due_ms, uint64_t order_id)
{
	deadlines_change(bench, true, due_ms, order_id, 1);
}

static inline void deadline_delete(struct bench *bench, int64_t due_ms, uint64_t order_id)
{
	deadlines_change(bench, false, due_ms, order_id, 1);
}

/* --- ticks ---------------------------------------------------------------------------------- */

static inline void tick_with(struct bench *bench, const struct event *events, size_t count)
{
	bench->count = 0;
	bench->frames = 0;
	assert_int_equal(service_tick(bench->f->service, events, count,
				 NOW_MS + bench->now_ms + bench->moved_ms, bench->now_ms,
				 &bench->wait_ms),
		0);
}

static inline void tick_at(struct bench *bench, int64_t now_ms)
{
	bench->now_ms = now_ms;
	tick_with(bench, NULL, 0);
}

static inline void pack_result(struct buffer *frame, uint64_t order_id, int64_t code,
	const char *error)
{
	pack_map(frame, 4);
	pack_number(frame, "code", code);
	pack_number(frame, "ref", (int64_t)order_id);
	if (code > 0) {
		pack_text(frame, "error", error);
		pack_text(frame, "message", "no");
		return;
	}
	pack_number(frame, "order_id", (int64_t)order_id);
	pack_text(frame, "status", "CANCELLED");
}

/* A tick in which orderd answers for these orders. */
static inline void tick_with_answers(struct bench *bench, int64_t now_ms, const uint64_t *order_ids,
	size_t count, int64_t code, const char *error)
{
	struct buffer frame = { 0 };
	struct event event = { .kind = EVENT_RESULT, .peer = 0 };

	pack_map(&frame, 4);
	pack_number(&frame, "v", 1);
	pack_number(&frame, "id", 1);
	pack_number(&frame, "code", 0);
	pack_str(&frame, "results");
	pack_array(&frame, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		pack_result(&frame, order_ids[i], code, error);
	assert_int_equal(frame.error, 0);
	event.data = frame.at;
	event.size = frame.size;
	bench->now_ms = now_ms;
	tick_with(bench, &event, 1);
	buffer_done(&frame);
}

static inline const struct value *health_at(struct bench *bench, int64_t now_ms)
{
	struct buffer frame = request_begin("health", 0);
	struct event event = {
		.kind = EVENT_REQUEST,
		.route = { .identity = "c", .identity_size = 1 },
		.data = frame.at,
		.size = frame.size,
	};

	bench->now_ms = now_ms;
	bench->f->reply_count = 0;
	tick_with(bench, &event, 1);
	buffer_done(&frame);
	assert_int_equal(bench->f->reply_count, 1);
	return bench->f->reply;
}

static inline void assert_proposed(const struct bench *bench, uint64_t order_id)
{
	assert_int_equal(bench->count, 1);
	assert_int_equal(bench->proposed[0], order_id);
}
