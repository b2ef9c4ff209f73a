#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "service.h"

/* A daemon's sockets: a ROUTER for its clients, a DEALER for each peer, a PUB for events; and with
 * publisher.c and client_socket.c the only place that knows ZeroMQ.
 *
 * Messages taken in stay in the transport until transport_release, so that events may borrow
 * them; what was published meanwhile leaves then. A client that is gone or does not read loses its answers; it repeats. */

struct transport;

/* Makes the sockets and connects to the program's peers in `runtime_dir`. 0; -ENAMETOOLONG; -errno. */
int transport_open(struct transport **ret, const struct program *program, const char *runtime_dir);

/* Binds those for clients there, or takes them from the service manager. Whoever had bound them
 * loses them: not before the store is opened, and so nobody else's. Likewise. */
int transport_bind(struct transport *transport, const struct program *program,
	const char *runtime_dir);
void transport_close(struct transport *transport); /* gives what is queued 200 ms to leave */

struct bus transport_bus(struct transport *transport);

/* The descriptors to watch for reading, and how many (at most 1 + PEERS_MAX). They only say that
 * something may have changed: after any of them call transport_take. */
size_t transport_fds(struct transport *transport, int ret_fds[1 + PEERS_MAX]);

/* What has arrived, bounded in number and bytes; of the clients at most `clients` requests. */
size_t transport_take(struct transport *transport, size_t clients, const struct event **ret_events);
#define TRANSPORT_CLIENTS_MAX 768
void transport_release(struct transport *transport);

/* Whether something is left that no descriptor will announce. To be asked after sending. */
bool transport_has_more(struct transport *transport);
