#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <zmq.h>

#include "clock.h"
#include "daemon_fixture.h"

/* For tests of clients: a directory with the sockets of an orderd whose behaviour a test writes, in
 * a thread of its own. What `serve` notes is looked at after router_stop. */

#define NOTES_MAX 4096

struct router {
	struct fixture *f; /* its arena belongs to the test's thread */
	void (*serve)(struct router *router, const struct value *request);
	pthread_t thread;
	atomic_bool stop;
	bool running;
	void *context;
	void *socket;
	void *publisher;
	struct arena *arena;

	zmq_msg_t identity; /* of the request in hand */
	atomic_uint requests;
	atomic_ulong level; /* between test and behaviour, as they like */
	uint64_t numbers[NOTES_MAX];
	struct buffer ids[NOTES_MAX]; /* as they were packed */
	char texts[16][80];
};

static inline char *router_path(struct router *router, const char *file)
{
	return arena_print(router->f->arena, "%s/%s", router->f->dir, file);
}

/* --- answering ------------------------------------------------------------------------------ */

static inline void router_send(struct router *router, const void *at, size_t size)
{
	zmq_send(router->socket, zmq_msg_data(&router->identity), zmq_msg_size(&router->identity),
		ZMQ_SNDMORE);
	zmq_send(router->socket, at, size, 0);
}

/* Sends the frame and gives it back. */
static inline void router_reply(struct router *router, struct buffer *frame)
{
	router_send(router, frame->at, frame->size);
	buffer_done(frame);
}

/* A reply's envelope; `fields` more pairs are to follow. */
static inline struct buffer reply_with_id(const void *id, size_t size, int64_t code,
	uint32_t fields)
{
	struct buffer frame = { 0 };

	pack_map(&frame, 3 + fields);
	pack_number(&frame, "v", 1);
	pack_str(&frame, "id");
	buffer_append(&frame, id, size);
	pack_number(&frame, "code", code);
	return frame;
}

static inline struct buffer reply_begin(const struct value *request, int64_t code, uint32_t fields)
{
	const struct value *id = value_find(request, "id");

	return reply_with_id(id->raw, id->raw_size, code, fields);
}

static inline void router_refuse(struct router *router, const struct value *request, int64_t code,
	const char *error)
{
	struct buffer frame = reply_begin(request, code, 3);

	pack_text(&frame, "error", error);
	pack_text(&frame, "message", "the reason in words");
	pack_number(&frame, "retry_after_ms", 20);
	router_reply(router, &frame);
}

#define ORDER_FIELDS 6

static inline void pack_order(struct buffer *frame, uint64_t order_id, const char *status)
{
	pack_number(frame, "order_id", (int64_t)order_id);
	pack_text(frame, "order_no", "20231114221320000017");
	pack_number(frame, "user_id", 1);
	pack_number(frame, "total", 25700);
	pack_text(frame, "status", status);
	pack_str(frame, "items");
	pack_array(frame, 1);
	pack_map(frame, 4);
	pack_number(frame, "book_id", 1);
	pack_text(frame, "book_title", "深入理解计算机系统");
	pack_number(frame, "quantity", 2);
	pack_number(frame, "price", 12850);
}

static inline void router_reply_order(struct router *router, const struct value *request,
	uint64_t order_id, const char *status)
{
	struct buffer frame = reply_begin(request, 0, ORDER_FIELDS);

	pack_order(&frame, order_id, status);
	router_reply(router, &frame);
}

/* The request's number of that name; 0: it has none. */
static inline uint64_t asked_number(const struct value *request, const char *name)
{
	const struct value *value = value_find(request, name);

	return value && value->type == VALUE_UINT ? value->u64 : 0;
}

static inline bool asked_for(const struct value *request, const char *operation)
{
	const struct value *op = value_find(request, "op");

	return op->str.size == strlen(operation) &&
		memcmp(op->str.at, operation, op->str.size) == 0;
}

static inline void note_text(struct router *router, unsigned number, const struct value *request,
	const char *name)
{
	const struct value *value = value_find(request, name);

	if (value && value->type == VALUE_STR)
		snprintf(router->texts[number], sizeof(router->texts[0]), "%.*s",
			(int)value->str.size, value->str.at);
}

static inline void wait_ms(int64_t ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* --- begin and end -------------------------------------------------------------------------- */

static inline void router_handle(struct router *router)
{
	const struct value *request;
	zmq_msg_t body;

	zmq_msg_init(&body);
	zmq_msg_init(&router->identity);
	if (zmq_msg_recv(&router->identity, router->socket, 0) >= 0 &&
		zmq_msg_recv(&body, router->socket, 0) >= 0 &&
		codec_parse(router->arena, zmq_msg_data(&body), zmq_msg_size(&body), &request) ==
			0) {
		router->requests++;
		if (router->serve)
			router->serve(router, request);
	}
	zmq_msg_close(&body);
	zmq_msg_close(&router->identity);
	arena_reset(router->arena);
}

static inline void *router_run(void *argument)
{
	struct router *router = argument;
	zmq_pollitem_t item = { .socket = router->socket, .events = ZMQ_POLLIN };

	while (!router->stop)
		if (zmq_poll(&item, 1, 10) > 0)
			router_handle(router);
	return NULL;
}

static inline void *router_bind(struct router *router, int type, const char *file)
{
	void *socket = zmq_socket(router->context, type);
	int none = 0;

	assert_non_null(socket);
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
	assert_int_equal(zmq_bind(socket,
				 arena_print(router->f->arena, "ipc://%s/%s", router->f->dir,
					 file)),
		0);
	return socket;
}

static inline void router_start(struct router *router,
	void (*serve)(struct router *router, const struct value *request))
{
	router->serve = serve;
	router->context = zmq_ctx_new();
	router->arena = arena_new();
	assert_non_null(router->arena);
	router->socket = router_bind(router, ZMQ_ROUTER, SOCKET_ORDERD);
	router->publisher = router_bind(router, ZMQ_PUB, SOCKET_EVENTS);
	router->stop = false;
	assert_int_equal(pthread_create(&router->thread, NULL, router_run, router), 0);
	router->running = true;
}

static inline void router_stop(struct router *router)
{
	if (!router->running)
		return;
	router->stop = true;
	pthread_join(router->thread, NULL);
	router->running = false;
	zmq_close(router->socket);
	zmq_close(router->publisher);
	zmq_ctx_term(router->context);
	arena_free(router->arena);
}

static inline struct router *router_new(void)
{
	struct router *router = calloc(1, sizeof(*router));

	assert_non_null(router);
	router->f = fixture_new();
	return router;
}

static inline void router_free(struct router *router)
{
	void *fixture = router->f;

	router_stop(router);
	for (size_t i = 0; i < NOTES_MAX; i++)
		buffer_done(&router->ids[i]);
	free(router);
	fixture_free(&fixture);
}
