#pragma once

#include "calls.h"
#include "outbox.h"
#include "service.h"

/* Shared by service.c (the tick) and dispatch.c (the requests in it), and by nobody else. */

struct service {
	const struct program *program;
	const void *settings;
	struct bus bus;
	struct db *db;
	char *store_dir;
	struct calls *calls;
	struct outbox *outbox;
	struct tick tick;
	bool peer_up[PEERS_MAX];
	int64_t started_at_ms;
	int64_t readers_checked_ms; /* monotonic */
	struct service_counts counts;

	/* The tick in hand. */
	enum access access_max;       /* what the store has room for */
	uint64_t *tentative;          /* calls kept in this tick, dropped when it is undone */
	size_t tentative_count, tentative_room;
	/* Events that failed half way, by index: 0, or the outcome they are refused with. */
	uint8_t poisoned[EVENTS_MAX];
	bool skip_on_time; /* it met a damaged record */

	/* The request in hand. */
	struct call *call;
	uint32_t part;
	bool parked;
	int poison; /* what service_judge said of it */
	const struct operation *operation;
	const struct route *route;
	int64_t deadline_ms; /* monotonic */
	const char *message;
};

/* What a handler left of the tick. */
enum verdict {
	VERDICT_GOOD,
	VERDICT_FULL,   /* undo and run again with less access */
	VERDICT_POISON, /* undo and run again with this event refused */
	VERDICT_FATAL,  /* the process must exit */
};

/* Judges the transaction after a handler that returned `result` and began with `writes`; says in
 * *ret_outcome what the client of a poisoned request is told. */
enum verdict service_judge(struct service *service, int result, uint64_t writes,
	int *ret_outcome);

/* One request from a client, handled and answered into the outbox. `poison` is 0, or the outcome
 * to refuse it with unheard. Of a request that fails half way *ret_poison says that outcome. */
enum verdict dispatch_request(struct service *service, const struct event *event, int poison,
	int *ret_poison);

/* One frame of results from a peer. */
enum verdict dispatch_result(struct service *service, const struct event *event, int *ret_poison);
