#pragma once

#include "client.h"
#include "router_fixture.h"

/* A connection to a router, and behaviours of the router that several tests want. */

struct bench {
	struct router *router;
	struct arena *arena;
	struct connection *connection;
	struct orderd_order order; /* of the last call */
	struct answer answer;      /* likewise */
	int64_t took_ms;           /* likewise */
};

static inline int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->router = router_new();
	bench->arena = arena_new();
	assert_non_null(bench->arena);
	assert_int_equal(connection_open(&bench->connection,
				 router_path(bench->router, SOCKET_ORDERD)),
		0);
	*state = bench;
	return 0;
}

static inline int end(void **state)
{
	struct bench *bench = *state;

	connection_close(bench->connection);
	arena_free(bench->arena);
	router_free(bench->router);
	free(bench);
	return 0;
}

static inline int get_order(struct bench *bench, uint64_t order_id, int64_t timeout_ms)
{
	struct order_ref ref = { .order_id = order_id };
	int64_t began_ms = clock_monotonic_ms();
	int result = connection_call(bench->connection, bench->arena, "order.get",
		&order_ref_record, &ref, timeout_ms, &order_record, &bench->order, &bench->answer);

	bench->took_ms = clock_monotonic_ms() - began_ms;
	return result;
}

static inline void serve_order(struct router *router, const struct value *request)
{
	router->numbers[0] = asked_number(request, "timeout_ms");
	router_reply_order(router, request, asked_number(request, "order_id"), "PENDING");
}

static inline void serve_first_late(struct router *router, const struct value *request)
{
	if (router->requests == 1)
		wait_ms(200);
	router_reply_order(router, request, asked_number(request, "order_id"), "PENDING");
}
