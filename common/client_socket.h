#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "codec.h"

/* The client's end of a daemon's sockets, and with transport.c the only place that knows ZeroMQ:
 * frames out, maps in, and whether anybody is there. client.h makes requests and answers of it. */

struct client_socket;

/* For requests to the daemon behind the socket file `path`; connects when it first sends.
 * 0; -ENOMEM; -EMFILE ... */
int client_socket_open(struct client_socket **ret, const char *path);

/* For events published there; connects at once, and again by itself whenever it must. */
int client_socket_open_events(struct client_socket **ret, const char *path);

/* Leaves alone what ZeroMQ has of one that is inherited. */
void client_socket_close(struct client_socket *client_socket);

/* Whether it was opened before a fork() that made this process: nobody works for it here, and all
 * that may be done with it is to close it. */
bool client_socket_is_inherited(const struct client_socket *client_socket);

/* 0: a process holds the socket `path`, be it too busy or stopped to shake hands. -ECONNREFUSED:
 * none does. -EMFILE, -ENFILE: there is no descriptor left to see it with. */
int client_socket_look(const char *path);

/* Deadlines are on the monotonic clock; a negative time-out is INT64_MAX, for ever. */
int64_t deadline_in(int64_t timeout_ms);
int64_t deadline_left(int64_t deadline_ms); /* ms; 0 when it has passed */

/* One frame. 0; -ENOENT: no such file; -EACCES: not ours to use; -ECONNREFUSED: no connection by
 * then, or within a second; -EMFILE: for want of a descriptor; -errno. What was sent may still be
 * lost with its receiver. */
int client_socket_send(struct client_socket *client_socket, const void *at, size_t size,
	int64_t deadline_ms);

/* The next message as a map, all of it in the arena. 0; -EAGAIN: none came by then; -EBADMSG: it
 * was not one frame of one map; -ENOMEM. */
int client_socket_take(struct client_socket *client_socket, struct arena *arena,
	int64_t deadline_ms, const struct value **ret_map);
