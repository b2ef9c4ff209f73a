#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "fields.h"

/* The asking side of the protocol: what liborderd and orderctl stand on.
 *
 * A connection talks to one daemon over one DEALER socket, connected lazily. Requests carry ids;
 * answers to requests that were given up are recognised and dropped. A call (or call_many) drops
 * the answers to pipelined requests that come in its time. Time-outs below 0 mean for ever. One
 * thread at a time uses a connection; a process may have many. */

struct connection;

/* `socket_path` is the socket's file. Waits for nothing. 0 or -errno. */
int connection_open(struct connection **ret, const char *socket_path);
void connection_close(struct connection *connection);

/* Whether it was opened before a fork() that made this process: it may only be closed here. */
bool connection_is_inherited(const struct connection *connection);

/* One request and its answer.
 * 0 or a positive wire code (40900): *ret_reply is filled through its table when the code is 0,
 * and *ret_answer (may be NULL) says code, error, message, and the whole map. Negative:
 * -ENOENT (no socket file), -EACCES, -ECONNREFUSED (nobody answers behind the file),
 * -EMFILE (no descriptor is left for a connection),
 * -ETIMEDOUT, -EBADMSG, -EMSGSIZE (the request fits no frame), -ENOMEM. Texts live in the arena. */
struct answer {
	int code;
	const char *error;   /* "" when code is 0 */
	const char *message; /* "" when code is 0 */
	const struct value *map;
};
int connection_call(struct connection *connection, struct arena *arena, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, struct answer *ret_answer);

/* The many-form of `operation`: `count` requests of request_record->size each, `replies` likewise,
 * `answers` one each (codes as above). Split over as many frames as the frame limit asks for.
 * Returns 0 when every frame was answered, or as connection_call for the first frame that was not;
 * *ret_done counts the elements answered. */
int connection_call_many(struct connection *connection, struct arena *arena, const char *operation,
	const char *many, const struct record *request_record, const void *requests, size_t count,
	int64_t timeout_ms, const struct record *reply_record, void *replies,
	struct answer *answers, size_t *ret_done);

/* Pipelining: a request is sent without waiting for its answer, answers are taken as they come.
 * `ref` comes back with its answer, for which the request's timeout_ms is the time it is good for
 * (0: for good, and no connection is waited for). connection_take: 0 or a code as above, -EAGAIN:
 * nothing within timeout_ms. *ret_ref is set whenever the answer could be told, -EBADMSG
 * included. */
int connection_send(struct connection *connection, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms, uint64_t ref);
int connection_take(struct connection *connection, struct arena *arena, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, uint64_t *ret_ref,
	struct answer *ret_answer);

/* A SUB socket on an events socket. subscription_take: 0 and an event through its table, -EAGAIN:
 * none within timeout_ms (-1: wait for ever), -errno. */
struct subscription;
int subscription_open(struct subscription **ret, const char *socket_path);
void subscription_close(struct subscription *subscription);
int subscription_take(struct subscription *subscription, struct arena *arena, int64_t timeout_ms,
	const struct record *record, void *ret_event);
