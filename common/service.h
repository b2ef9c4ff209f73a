#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "db.h"
#include "error.h"
#include "fields.h"
#include "log.h"
#include "protocol.h"
#include "settings.h"

/* A daemon without its sockets: operations, the tick, what goes out.
 *
 * One tick takes the events that have arrived, runs every handler in one write transaction,
 * commits once, and only then lets anything out: answers, messages to peers, published events,
 * changes of memory. So one sync pays for a whole tick, an answer is durable by construction, and
 * what a failed commit has touched is exactly nothing. The one exception is tick_answer_early, for
 * what another daemon's commit has made durable.
 *
 * A handler is a function of (transaction, request, now). It sees no socket, does not commit, does
 * not log and waits for nobody. It decides by the transaction alone, checks first and writes then:
 * a handler that refuses after a write is a defect that the tick turns into OUTCOME_INTERNAL by
 * undoing the whole tick and running it again without that request. When the store is full
 * the tick is undone and run again with ACCESS_GROW refused, then with only ACCESS_READ let in.
 *
 * The loop with the sockets is daemon.h; a simulator may drive services just as well. */

struct service;

struct tick {
	struct txn *txn;     /* of its own store; NULL: it has none */
	struct txn *watched; /* a snapshot of the watched store; NULL: none, or it is not there */
	struct arena *arena; /* until the tick ends */
	int64_t now_ms;      /* wall clock, the same for the whole tick */
	int64_t monotonic_ms;
	uint64_t began_us; /* monotonic, by a finer clock: for tick_duration and for nothing else */
	void *state;       /* the program's memory, as `open` made it */
	const void *settings;
	uint64_t serial; /* of this run: a tick that is undone and run again gets another */
	struct service *service;
};

enum access {
	ACCESS_READ,
	ACCESS_SETTLE, /* writes that bring work to its end: pay, cancel, release, expire */
	ACCESS_GROW,   /* writes that bring new work: refused first when room runs out */
};

enum who {
	WHO_USER,    /* whoever may order; permit.h says who that is */
	WHO_ADMIN,   /* whoever administers */
	WHO_ANYBODY, /* whoever may connect */
};

struct operation {
	const char *name;
	enum access access;
	enum who who;
	/* The many-form: a request with a list of this name holds one request in each element and is
	 * answered with `results`, one map {code, [error, message,] [ref,] ...} each in the same order;
	 * every element is handled on its own. An element's `ref` (uint64) is echoed. NULL: none. */
	const char *many;
	const struct record *request;
	const struct record *reply;
	/* 0: *reply (zeroed before) is answered. An outcome, best through tick_refuse: the client is
	 * told. OUTCOME_LATER after tick_park. Negative errno: OUTCOME_INTERNAL, logged. */
	int (*handle)(struct tick *tick, const void *request, void *reply);
	bool parks; /* it may answer later: then it needs room among the calls in hand */
	bool apart; /* it does not see what the program has put off: `settle` need not come first */
};

/* A daemon that this one asks: always one operation in its many-form, one frame a tick. */
struct peer {
	const char *name;   /* "stockd" */
	const char *socket; /* in the runtime directory */
	const char *operation;
	const char *many;
	const struct record *item;
	const struct record *result;
	/* One result; `result` is NULL unless outcome is 0, `message` is then the peer's or
	 * NULL. A frame that was lost, or refused as a whole, does not arrive: the program
	 * repeats. Returns 0 or a negative errno. */
	int (*handle)(struct tick *tick, uint64_t ref, int outcome, const char *message,
		const void *result);
	/* A frame was refused as a whole. May be NULL. */
	void (*refused)(struct tick *tick, int outcome);
};

#define PEERS_MAX 4

struct repair_plan;

struct program {
	const char *name;    /* "stockd"; also the settings section and the store's directory */
	const char *summary; /* for --help */
	const char *socket;
	const char *events_socket; /* NULL: publishes nothing */
	const struct option_table *options;
	size_t settings_size; /* starts with a struct suite_settings */
	const char *store;    /* its own, a directory under state_dir; NULL: none */
	const char *const *tables;
	const char *watches; /* another daemon's, read only, likewise; NULL: none */
	const char *const *watched_tables;
	const struct operation *operations; /* ends with a row without name */
	const struct peer *peers;           /* likewise; NULL: none */
	/* Builds the memory from the store at start, in a tick of its own. May be NULL. */
	int (*open)(struct tick *tick, void **ret_state);
	void (*close)(void *state);
	/* Writes what was put off, before the tick's first operation that could tell the difference.
	 * May be NULL. */
	void (*settle)(struct tick *tick);
	/* Runs in every tick, last: does what is due; returns in how many ms it wants to be called
	 * again, -1 for not before something arrives. May be NULL. */
	int64_t (*on_time)(struct tick *tick);
	/* After the commit: in how many ms the memory wants on_time, -1 for not before something
	 * arrives. May be NULL. */
	int64_t (*wake)(const void *state, int64_t monotonic_ms);
	/* Names of what tick_duration measures, as an enum's: [0] is "", ends with NULL. May be
	 * NULL. */
	const char *const *durations;
	const struct repair_plan *repair; /* of its store; NULL: it has none */
	/* Fills in what only the program knows of its health. May be NULL. */
	void (*describe)(struct tick *tick, struct health *health);
	/* The program that serves under these settings, instead of this one; NULL after having
	 * logged what is wrong with them. May be NULL: always this one. */
	const struct program *(*choose)(const void *settings);
};

/* --- for handlers --------------------------------------------------------------------------- */

/* Sets the message of a refusal (NULL: the outcome's own text) and returns the outcome. */
int tick_refuse(struct tick *tick, int outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Who asks: "uid:1000", or `given` where that is not NULL. Arena text, never NULL. */
const char *tick_actor(struct tick *tick, const char *given);

/* Whether the store has room for new work: false in a run that only settles. */
bool tick_may_grow(const struct tick *tick);

/* Whether anything may be written: false in a run that only reads. */
bool tick_may_settle(const struct tick *tick);

/* When the asker stops waiting, on the monotonic clock; 0: it did not say. */
int64_t tick_deadline(const struct tick *tick);

/* Somebody who waits for an answer; call 0: nobody. */
struct waiter {
	uint64_t call;
	uint32_t part;
};

/* Keeps the current request's call open; the handler then returns OUTCOME_LATER. */
struct waiter tick_park(struct tick *tick);

/* Answers a parked call, in this or a later tick. A waiter is answered once; more are ignored.
 * `message` NULL: the outcome's own text. `reply` may be NULL when the outcome is not 0. */
void tick_answer(struct tick *tick, struct waiter waiter, int outcome, const char *message,
	const struct record *record, const void *reply);

/* The same before the commit: only for what is durable already in a neighbour's store, so that
 * nothing is lost with this tick. It leaves once, even when the tick is undone and run again; who
 * began to wait in this very tick hears after the commit. */
void tick_answer_early(struct tick *tick, struct waiter waiter, const struct record *record,
	const void *reply);

/* Sends an item to peer number `peer` of the program's table after the commit. */
void tick_send(struct tick *tick, unsigned peer, uint64_t ref, const void *item);

/* False while messages to that peer find no connection. */
bool tick_peer_is_up(const struct tick *tick, unsigned peer);

/* Publishes a record on the events socket after the commit. */
void tick_publish(struct tick *tick, const struct record *record, const void *from);

/* Runs fn(state, argument) after the commit and not at all when the tick is undone: the only way
 * to change the program's memory. `argument` may be arena memory. */
void tick_after(struct tick *tick, void (*fn)(void *state, void *argument), void *argument);

/* Counts for the operation `stats`, after the commit, that what is called durations[which] took
 * from `since_us`, the began_us of the tick it began in, until this tick. */
void tick_duration(struct tick *tick, unsigned which, uint64_t since_us);
/* Lets nothing in or out for so long (at most TICK_HOLD_MAX_MS) once this tick is committed and
 * sent, and returns until when, on the monotonic clock. For copies of all stores that agree. */
#define TICK_HOLD_MAX_MS 1000
int64_t tick_hold(struct tick *tick, int64_t hold_ms);

/* Logs what happened to an order, after the commit, and not at all when the tick is undone; only
 * where the setting log_orders asks for it. `about` and its texts must outlive the tick. */
void tick_note(struct tick *tick, enum message message, const struct log_about *about,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Logs, likewise, which damaged record the operation has passed over, as record_damage named it. */
void tick_damage(struct tick *tick, const char *text);

/* --- for the loop and the simulator --------------------------------------------------------- */

/* Where a request came from and its answer goes. */
struct route {
	uint8_t identity[255];
	uint8_t identity_size;
	bool delimiter; /* an empty frame stood before the body: a REQ socket */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	int socket; /* its connection when the request was read; 0: not known */
	bool known; /* uid and gid are known */
};

enum event_kind {
	EVENT_REQUEST,   /* from a client: route, data */
	EVENT_MALFORMED, /* from a client, of the wrong shape; data NULL: only to be refused */
	EVENT_RESULT,    /* from peer number `peer` */
};

struct event {
	enum event_kind kind;
	unsigned peer;
	struct route route;
	bool crowded; /* its client has left too much unread: it is told to come again */
	const void *data;
	size_t size;
};

/* How frames leave. Called only after a commit (or for what needs none). */
struct bus {
	void *argument;
	void (*reply)(void *argument, const struct route *route, const void *data, size_t size);
	bool (*send)(void *argument, unsigned peer, const void *data,
		size_t size); /* false: no way */
	void (*publish)(void *argument, const void *data, size_t size);
	/* Whether a message to that peer would find a connection now. NULL: only sending tells. */
	bool (*reaches)(void *argument, unsigned peer);
};

/* Opens the store and the program's memory. 0 or -errno; *ret untouched on failure. */
int service_open(struct service **ret, const struct program *program, const void *settings,
	const struct bus *bus, int64_t now_ms, int64_t monotonic_ms);
void service_close(struct service *service);

/* From now on requests are answered OUTCOME_BUSY, while what is in hand goes on to its answer. */
void service_stop(struct service *service);

/* Until when the loop has to leave the service and its sockets alone; 0: not at all. */
int64_t service_held_until(const struct service *service);

/* To be called when live settings have changed. */
void service_reload(struct service *service);

#define EVENTS_MAX 1024

/* One tick of at most EVENTS_MAX events. 0, or -errno: the process must exit and recover.
 * *ret_wait_ms: call again at the latest after so many ms even if nothing arrives, -1: no need.
 * Strings in events need only live until it returns. */
int service_tick(struct service *service, const struct event *events, size_t count, int64_t now_ms,
	int64_t monotonic_ms, int64_t *ret_wait_ms);

struct service_counts {
	uint64_t ticks;
	uint64_t commits; /* ticks that wrote */
	uint64_t requests;
	size_t parked; /* parts of requests in hand */
	size_t room;   /* for parts of new work */
};
struct service_counts service_counts(const struct service *service);
