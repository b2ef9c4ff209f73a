#pragma once

#include "calls.h"
#include "outbox.h"
#include "permit.h"
#include "service.h"
#include "stats.h"
#include "watch.h"

/* An element that failed half way in this tick: in the next run it is refused unheard, and the
 * others of its frame and of the tick are not. After so many of them in one tick the rest of it is
 * busy: each costs another run. */
struct poison {
	size_t event;
	uint32_t part;
	int outcome;
};

#define POISONS_MAX 32
#define EVENT_TIME EVENTS_MAX

/* Shared by service.c (the tick), dispatch.c (the requests in it) and results.c (the peers'
 * answers), and by nobody else. */

struct service {
	const struct program *program;
	const void *settings;
	struct bus bus;
	struct db *db;
	char *store_dir;
	struct watch watch;
	char *watch_dir;
	struct calls *calls;
	struct outbox *outbox;
	struct permit *permit;
	struct tick tick;
	bool peer_up[PEERS_MAX];
	int64_t started_at_ms;
	int64_t readers_checked_ms; /* monotonic */
	int64_t room_checked_ms;    /* likewise */
	bool stopping;
	bool time_skipped;       /* on_time, in the run in hand */
	bool settled;            /* likewise: what was put off is written */
	int64_t reserved_bytes;  /* of the store's file, on the disk */
	const char *full;        /* NULL, or why new work is refused; the rest goes on */
	bool full_told;          /* in the log */
	int64_t full_tell_at_ms; /* monotonic: not again before */
	struct stats *stats;
	int64_t held_until_ms; /* monotonic */
	int64_t hold_asked_ms; /* likewise, by the tick in hand */

	/* The tick in hand. */
	enum access access_max; /* what the store has room for */
	uint64_t *tentative;    /* calls kept in this tick, dropped when it is undone */
	size_t tentative_count, tentative_room;
	struct poison poisons[POISONS_MAX + 1]; /* and on_time */
	size_t poison_count;

	/* The request in hand. */
	size_t event;  /* its index; EVENT_TIME in on_time */
	uint32_t part; /* of a many-form, or of a peer's results */
	struct call *call;
	bool parked;
	bool crowded;
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

/* Judges the transaction after a handler that returned `outcome` and began with `writes`. Returns
 * in *ret_outcome what the client is told; notes the element in hand when it is poison. */
enum verdict service_judge(struct service *service, int outcome, uint64_t writes, int *ret_outcome);

/* The outcome that the element in hand is to be refused with unheard, or 0. */
int service_poison(const struct service *service);

/* Looks whether the store and its disk have room for new work (room.c). */
void service_check_room(struct service *service);

/* How much more the store takes: up to its own limit, or until its disk is full. */
int64_t service_room(const struct service *service, const struct db_usage *usage);

/* Has the program write what it has put off, once a run and as far as there is room. */
enum verdict service_settle(struct service *service);

/* One request from a client, handled and answered into the outbox. */
enum verdict dispatch_request(struct service *service, const struct event *event);

/* What every service does: health, stats. Ends with a row without name. */
extern const struct operation common_operations[];

/* One frame of results from a peer. A poisoned one counts as lost; the program repeats. */
enum verdict dispatch_result(struct service *service, const struct event *event);
