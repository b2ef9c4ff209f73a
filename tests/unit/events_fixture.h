#pragma once

#include "orderd.h"
#include "router_fixture.h"

/* A client of liborderd, and perhaps an iterator over events, in front of a router. */

struct bench {
	struct router *router;
	struct orderd_client *client;
	struct orderd_events *events;
};

static inline int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->router = router_new();
	assert_int_equal(orderd_open(&bench->client, bench->router->f->dir), 0);
	*state = bench;
	return 0;
}

static inline int end(void **state)
{
	struct bench *bench = *state;

	orderd_events_close(bench->events);
	orderd_close(bench->client);
	router_free(bench->router);
	free(bench);
	return 0;
}
