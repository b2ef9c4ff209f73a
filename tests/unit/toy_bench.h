#pragma once

#include "toy_fixture.h"

/* The loop around the small program: a bus that writes down what goes out, and ticks. */

/* --- the bus -------------------------------------------------------------------------------- */

static inline const struct value *bench_read(const void *data, size_t size)
{
	const struct value *map;
	void *copy = arena_text(bench->f->arena, data, size);

	assert_non_null(copy);
	assert_int_equal(codec_parse(bench->f->arena, copy, size, &map), 0);
	return map;
}

static inline void note_reply(void *argument, const struct route *route, const void *data,
	size_t size)
{
	(void)argument;
	assert_true(bench->told_count < EVENTS_MAX);
	bench->told[bench->told_count++] =
		(struct told){ (char)route->identity[0], bench_read(data, size) };
}

static inline bool note_frame(void *argument, unsigned peer, const void *data, size_t size)
{
	(void)argument;
	assert_int_equal(peer, 0);
	assert_true(size <= REQUEST_MAX_BYTES);
	assert_true(bench->frame_count < 256);
	bench->frames[bench->frame_count++] = bench_read(data, size);
	return !bench->peer_down;
}

static inline void note_event(void *argument, const void *data, size_t size)
{
	(void)argument;
	bench->published[bench->published_count++] = bench_read(data, size);
}

/* --- begin and end -------------------------------------------------------------------------- */

static inline int bench_try_open(const struct program *program)
{
	struct bus bus = { bench, note_reply, note_frame, note_event, NULL };

	return service_open(&bench->f->service, program, &bench->settings, &bus, bench->now_ms,
		bench->monotonic_ms);
}

static inline void bench_close(void)
{
	service_close(bench->f->service);
	bench->f->service = NULL;
}

static inline void bench_new(int64_t store_size_max_bytes)
{
	bench = calloc(1, sizeof(*bench));
	assert_non_null(bench);
	bench->f = fixture_new();
	bench->now_ms = NOW_MS;
	bench->wake_ms = -1;
	bench->settings = (struct suite_settings){ .runtime_dir = bench->f->dir,
		.state_dir = bench->f->dir,
		.log_level = "error",
		.store_size_max_bytes = store_size_max_bytes };
}

static inline int bench_begin(void **state)
{
	bench_new(STORE_MAX_BYTES);
	assert_int_equal(bench_try_open(&toy_program), 0);
	*state = bench;
	return 0;
}

static inline int bench_end(void **state)
{
	void *fixture = bench->f;

	(void)state;
	free(bench);
	bench = NULL;
	return fixture_free(&fixture);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_begin, bench_end)

/* --- ticks ---------------------------------------------------------------------------------- */

static inline void queue_event(struct event event, const void *data, size_t size)
{
	assert_true(bench->queued < EVENTS_MAX);
	event.size = size;
	event.data = data ? arena_text(bench->f->arena, data, size) : NULL;
	bench->queue[bench->queued++] = event;
}

static inline struct event request_from(char client, uid_t uid)
{
	struct event event = {
		.kind = EVENT_REQUEST,
		.route = { .identity_size = 1, .uid = uid, .known = true },
	};

	event.route.identity[0] = (uint8_t)client;
	return event;
}

static inline void queue_frame(char client, struct buffer *frame)
{
	assert_int_equal(frame->error, 0);
	queue_event(request_from(client, geteuid()), frame->at, frame->size);
	buffer_done(frame);
}

static inline void queue_toy(char client, const char *op, uint64_t number, const char *text)
{
	struct buffer frame = request_begin(op, text ? 2 : 1);

	pack_number(&frame, "number", (int64_t)number);
	if (text)
		pack_text(&frame, "text", text);
	queue_frame(client, &frame);
}

/* The head of a many-form; so many maps are to follow. */
static inline struct buffer many_begin(const char *op, uint32_t count)
{
	struct buffer frame = request_begin(op, 1);

	pack_str(&frame, "toys");
	pack_array(&frame, count);
	return frame;
}

static inline void pack_toy(struct buffer *frame, uint64_t ref, uint64_t number)
{
	pack_map(frame, 2);
	pack_number(frame, "ref", (int64_t)ref);
	pack_number(frame, "number", (int64_t)number);
}

static inline int bench_try(void)
{
	size_t queued = bench->queued;

	bench->queued = bench->told_count = bench->frame_count = bench->published_count = 0;
	return service_tick(bench->f->service, bench->queue, queued, bench->now_ms,
		bench->monotonic_ms, &bench->wait_ms);
}

static inline void bench_tick(void)
{
	assert_int_equal(bench_try(), 0);
}

static inline size_t told_to(char client)
{
	size_t count = 0;

	for (size_t i = 0; i < bench->told_count; i++)
		count += bench->told[i].client == client;
	return count;
}

/* The one answer that the last tick gave to that client. */
static inline const struct value *reply_to(char client)
{
	const struct value *map = NULL;

	if (told_to(client) != 1)
		fail_msg("%zu answers to %c", told_to(client), client);
	for (size_t i = 0; i < bench->told_count; i++)
		if (bench->told[i].client == client)
			map = bench->told[i].map;
	return map;
}

static inline const struct value *ask_toy(const char *op, uint64_t number, const char *text)
{
	queue_toy('q', op, number, text);
	bench_tick();
	return reply_to('q');
}

static inline void assert_good(const struct value *map)
{
	if (number_of(map, "code") != 0)
		fail_msg("refused: %.*s", (int)value_find(map, "error")->str.size,
			value_find(map, "error")->str.at);
}

static inline void assert_error(const struct value *map, const char *error)
{
	if (!value_find(map, "error"))
		fail_msg("accepted instead of %s", error);
	assert_text(map, "error", error);
}

static inline size_t parked(void)
{
	return service_counts(bench->f->service).parked;
}
