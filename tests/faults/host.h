#pragma once

#include "service.h"

/* The cores of the four daemons in one process: real stores, a bus in memory that loses nothing,
 * a clock that only the caller moves. A daemon whose tick fails is gone, as the process would be,
 * with all that was on its way to it, until it is started again. */

enum host_daemon { HOST_CATALOGD, HOST_STOCKD, HOST_ORDERD, HOST_REAPERD, HOST_DAEMONS };

struct host;

/* What clients hear: a whole frame; the client is the number that was given with the request. */
typedef void host_heard(void *argument, uint64_t client, const void *frame, size_t size);

/* Stores under `dir`, each of at most so many bytes. Nothing is started. NULL: no memory. */
struct host *host_new(const char *dir, int64_t store_size_max_bytes);
void host_free(struct host *host); /* closes what runs; the stores stay */

void host_listen(struct host *host, host_heard *heard, void *argument);
void host_set_clock(struct host *host, int64_t now_ms);
int64_t host_now(const struct host *host);

/* The settings of a daemon, at their defaults, to be changed before it starts. */
void *host_settings(struct host *host, enum host_daemon which);
const struct program *host_program(enum host_daemon which);

int host_start(struct host *host, enum host_daemon which); /* 0 or -errno of service_open */
int host_start_all(struct host *host);
void host_stop(struct host *host, enum host_daemon which); /* without a last word */
bool host_runs(const struct host *host, enum host_daemon which);
size_t host_parked(const struct host *host, enum host_daemon which);

/* Queues an event for the daemon's next tick; its data is copied. One for a daemon that does not
 * run is lost. */
void host_queue(struct host *host, enum host_daemon which, struct event event);
void host_send(struct host *host, enum host_daemon which, uint64_t client, const void *frame,
	size_t size);
void host_ask(struct host *host, enum host_daemon which, uint64_t client, const char *op,
	const struct record *record, const void *request);

/* One tick of one daemon with what is queued: 0, or what made it go. */
int host_tick(struct host *host, enum host_daemon which);

/* Ticks whoever has input or is due, once each. False: nobody had anything to do. */
bool host_turn(struct host *host);

/* Turns until nobody has anything to do at this time. */
void host_drain(struct host *host);

/* Lets so much time pass, with all that falls due in it. */
void host_pass(struct host *host, int64_t ms);

/* One request and its answer, within a minute of the host's time: the code on the wire (0: *reply
 * is filled), or -ETIME. Strings live in the arena. Its daemon is ticked first; the others go on, and
 * so does time, only where that does not bring the answer. */
int host_call(struct host *host, enum host_daemon which, const char *op,
	const struct record *request_record, const void *request, struct arena *arena,
	const struct record *reply_record, void *reply);

/* The error's name in the answer to the last host_call, "" where there was none. */
const char *host_error(const struct host *host);
