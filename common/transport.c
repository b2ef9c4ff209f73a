#include "transport.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <zmq.h>

#include "passed.h"
#include "publisher.h"
#include "relief.h"
#include "unread.h"

#define LINGER_MS 200
#define HANDSHAKE_MS 2000
/* Answers waiting for one client to read. libzmq counts those that were taken only every half of
 * this, so the other half is what a client may leave unread without losing one. */
#define CLIENT_QUEUE 2048
#define EVENTS_QUEUE 16384 /* events waiting for one subscriber; it reads lost ones from the log */
#define PEER_FRAMES_MAX 64 /* results taken from one peer a tick */
_Static_assert(TRANSPORT_CLIENTS_MAX <= EVENTS_MAX - PEERS_MAX * PEER_FRAMES_MAX, "room");
#define CLIENT_TAKE_BYTES (1024 * 1024) /* of requests in one tick: bounds what a tick unpacks */
#define FRAME_MAX_BYTES (2 * REPLY_MAX_BYTES) /* larger ones end their connection */
#define SOCKET_MODE 0660
/* ZMQ_ZERO_COPY_RECV, which zmq.h shows only to those who build with drafts. Where it is on, a small
 * frame keeps the whole block of 18 KiB it was read into. */
#define ZERO_COPY_RECV 10

/* A socket that is read. Its descriptor announces only what comes after the socket was found empty,
 * and not what libzmq takes in at another call. */
struct port {
	void *socket;
	int fd;
	bool unsure; /* there may be input that the descriptor does not announce */
};

struct transport {
	void *context;
	void *events_out; /* until the publisher has it */
	struct publisher *publisher;
	struct unread *unread;
	struct relief *relief;
	struct port router;
	struct port peers[PEERS_MAX];
	size_t peer_count;
	struct event events[EVENTS_MAX];
	zmq_msg_t bodies[EVENTS_MAX];
	size_t count;
};

/* --- opening -------------------------------------------------------------------------------- */

static int endpoint_print(char *ret, size_t size, const char *dir, const char *file)
{
	int length = snprintf(ret, size, "ipc://%s/%s", dir, file);
	size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (length < 0 || (size_t)length >= size || (size_t)length - strlen("ipc://") >= path_max)
		return -ENAMETOOLONG;
	return 0;
}

static void set(void *socket, int option, int value)
{
	int result = zmq_setsockopt(socket, option, &value, sizeof(value));

	assert(result == 0);
	(void)result;
}

static void *socket_new(struct transport *transport, int type)
{
	int64_t frame_max = FRAME_MAX_BYTES;
	void *socket = zmq_socket(transport->context, type);

	if (!socket)
		return NULL;
	set(socket, ZMQ_LINGER, LINGER_MS);
	zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max));
	return socket;
}

static int socket_fd(void *socket)
{
	int fd = -1;
	size_t size = sizeof(fd);

	zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
	return fd;
}

static struct port port_new(struct transport *transport, int type)
{
	void *socket = socket_new(transport, type);

	return (struct port){ socket, socket ? socket_fd(socket) : -1, true };
}

/* libzmq leaves the file alone when it is given the socket. */
static int bind_in(void *socket, const char *dir, const char *file)
{
	char endpoint[256];
	const char *path = endpoint + strlen("ipc://");
	int result = endpoint_print(endpoint, sizeof(endpoint), dir, file);
	int fd;

	if (result < 0)
		return result;
	fd = passed_take(path);
	if (fd >= 0)
		set(socket, ZMQ_USE_FD, fd);
	if (zmq_bind(socket, endpoint) < 0)
		return -zmq_errno();
	return fd < 0 && chmod(path, SOCKET_MODE) < 0 ? -errno : 0;
}

static int router_open(struct transport *transport)
{
	transport->router = port_new(transport, ZMQ_ROUTER);
	void *socket = transport->router.socket;

	if (!socket)
		return -zmq_errno();
	set(socket, ZMQ_ROUTER_MANDATORY, 1);
	set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	set(socket, ZMQ_SNDHWM, CLIENT_QUEUE);
	return 0;
}

static int events_open(struct transport *transport)
{
	transport->events_out = socket_new(transport, ZMQ_PUB);
	if (!transport->events_out)
		return -zmq_errno();
	set(transport->events_out, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	set(transport->events_out, ZMQ_SNDHWM, EVENTS_QUEUE);
	return 0;
}

static int peer_open(struct transport *transport, const char *dir, const struct peer *peer)
{
	char endpoint[256];
	struct port port = port_new(transport, ZMQ_DEALER);
	void *socket = port.socket;
	int result = endpoint_print(endpoint, sizeof(endpoint), dir, peer->socket);

	if (!socket)
		return -zmq_errno();
	transport->peers[transport->peer_count++] = port;
	set(socket, ZMQ_IMMEDIATE, 1);
	set(socket, ZMQ_RECONNECT_IVL, 20);
	set(socket, ZMQ_RECONNECT_IVL_MAX, 500);
	if (result == 0 && zmq_connect(socket, endpoint) < 0)
		result = -zmq_errno();
	return result;
}

int transport_open(struct transport **ret, const struct program *program, const char *runtime_dir)
{
	struct transport *transport = calloc(1, sizeof(*transport));
	int result;

	if (!transport)
		return -ENOMEM;
	transport->context = zmq_ctx_new();
	transport->unread = unread_new();
	result = transport->context && transport->unread ? 0 : -ENOMEM;
	if (result == 0)
		zmq_ctx_set(transport->context, ZERO_COPY_RECV, 0);
	if (result == 0 && program->events_socket)
		result = events_open(transport);
	if (result == 0)
		result = router_open(transport);
	for (const struct peer *peer = program->peers; result == 0 && peer && peer->name; peer++)
		result = peer_open(transport, runtime_dir, peer);
	if (result == 0)
		result = relief_open(&transport->relief);
	if (result < 0) {
		transport_close(transport);
		return result;
	}
	*ret = transport;
	return 0;
}

static int publisher_start(struct transport *transport, const char *dir, const char *file)
{
	int result = bind_in(transport->events_out, dir, file);

	if (result == 0)
		result = publisher_open(&transport->publisher, transport->events_out,
			transport->relief);
	if (result == 0)
		transport->events_out = NULL;
	return result;
}

int transport_bind(struct transport *transport, const struct program *program,
	const char *runtime_dir)
{
	int result = 0;

	if (program->events_socket)
		result = publisher_start(transport, runtime_dir, program->events_socket);
	if (result == 0)
		result = bind_in(transport->router.socket, runtime_dir, program->socket);
	return result == 0 ? passed_check() : result;
}

static void socket_close(void *socket)
{
	if (socket)
		zmq_close(socket);
}

void transport_close(struct transport *transport)
{
	if (!transport)
		return;
	transport_release(transport);
	publisher_close(transport->publisher);
	relief_close(transport->relief);
	socket_close(transport->router.socket);
	socket_close(transport->events_out);
	for (size_t i = 0; i < transport->peer_count; i++)
		socket_close(transport->peers[i].socket);
	if (transport->context)
		zmq_ctx_term(transport->context);
	unread_free(transport->unread);
	free(transport);
}

/* --- taking in ------------------------------------------------------------------------------ */

static struct port *port_at(struct transport *transport, size_t i)
{
	return i == 0 ? &transport->router : &transport->peers[i - 1];
}

/* Keeps the frame in `body` if it is the message's only one, and skips the rest. False: the
 * message had another shape. */
static bool body_take(void *socket, zmq_msg_t *body, bool *ret_delimiter)
{
	bool good;

	*ret_delimiter = zmq_msg_size(body) == 0 && zmq_msg_more(body);
	if (*ret_delimiter && zmq_msg_recv(body, socket, ZMQ_DONTWAIT) < 0)
		return false;
	good = !zmq_msg_more(body);
	while (zmq_msg_more(body))
		if (zmq_msg_recv(body, socket, ZMQ_DONTWAIT) < 0)
			return false;
	return good;
}

/* The first frame of a message. False: none is there, and the descriptor announces the next. */
static bool frame_take(struct port *port, zmq_msg_t *frame)
{
	zmq_msg_init(frame);
	if (zmq_msg_recv(frame, port->socket, ZMQ_DONTWAIT) >= 0)
		return true;
	zmq_msg_close(frame);
	port->unsure = false;
	return false;
}

/* The number behind the colon at *at, and where it ends; digits only. False: none is there. */
static bool credential_read(const char **at, uint32_t *ret)
{
	const char *digit = *at;
	uint64_t number = 0;

	if (!digit || *digit++ != ':' || *digit < '0' || *digit > '9')
		return false;
	for (; *digit >= '0' && *digit <= '9' && number <= UINT32_MAX; digit++)
		number = 10 * number + (uint64_t)(*digit - '0');
	if (number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	*at = digit;
	return true;
}

/* libzmq writes the peer's credentials as "localhost:UID:GID:PID", on the body frame only. */
static void route_read_credentials(struct route *route, zmq_msg_t *body)
{
	const char *address = zmq_msg_gets(body, "Peer-Address");
	const char *at = address ? strchr(address, ':') : NULL;
	uint32_t pid = 0;

	route->known = credential_read(&at, &route->uid) && credential_read(&at, &route->gid);
	if (!route->known)
		return;
	credential_read(&at, &pid);
	route->pid = (pid_t)pid;
	route->socket = zmq_msg_get(body, ZMQ_SRCFD);
}

static bool client_take(struct transport *transport)
{
	struct event *event = &transport->events[transport->count];
	zmq_msg_t *body = &transport->bodies[transport->count];
	void *socket = transport->router.socket;
	zmq_msg_t identity;
	bool good;

	if (!frame_take(&transport->router, &identity))
		return false;
	event->route.identity_size = (uint8_t)zmq_msg_size(&identity);
	memcpy(event->route.identity, zmq_msg_data(&identity), event->route.identity_size);
	zmq_msg_init(body);
	good = zmq_msg_more(&identity) && zmq_msg_recv(body, socket, ZMQ_DONTWAIT) >= 0 &&
		body_take(socket, body, &event->route.delimiter);
	zmq_msg_close(&identity);
	event->kind = good ? EVENT_REQUEST : EVENT_MALFORMED;
	event->data = good ? zmq_msg_data(body) : NULL;
	event->size = good ? zmq_msg_size(body) : 0;
	route_read_credentials(&event->route, body);
	event->crowded = unread_is_too_much(transport->unread, &event->route);
	transport->count++;
	return true;
}

static void result_take(struct transport *transport, unsigned peer)
{
	struct event *event = &transport->events[transport->count];
	zmq_msg_t *body = &transport->bodies[transport->count];
	struct port *port = &transport->peers[peer];
	bool delimiter;

	if (!frame_take(port, body))
		return;
	if (!body_take(port->socket, body, &delimiter)) {
		zmq_msg_close(body);
		return;
	}
	event->kind = EVENT_RESULT;
	event->peer = peer;
	event->data = zmq_msg_data(body);
	event->size = zmq_msg_size(body);
	transport->count++;
}

/* One call of the system's for all sockets; libzmq makes two for each that is asked in vain. */
static void ports_listen(struct transport *transport)
{
	struct pollfd fds[1 + PEERS_MAX];
	size_t count = transport->peer_count;

	for (size_t i = 0; i <= count; i++)
		fds[i] = (struct pollfd){ port_at(transport, i)->fd, POLLIN, 0 };
	if (poll(fds, count + 1, 0) <= 0)
		return;
	for (size_t i = 0; i <= count; i++)
		if (fds[i].revents)
			port_at(transport, i)->unsure = true;
}

static void clients_take(struct transport *transport, size_t max)
{
	for (size_t i = 0, bytes = 0; i < max && bytes < CLIENT_TAKE_BYTES; i++) {
		if (!client_take(transport))
			break;
		bytes += transport->events[transport->count - 1].size;
	}
}

size_t transport_take(struct transport *transport, size_t clients, const struct event **ret_events)
{
	assert(transport->count == 0);
	ports_listen(transport);
	for (unsigned peer = 0; peer < transport->peer_count; peer++)
		for (size_t i = 0; i < PEER_FRAMES_MAX && transport->peers[peer].unsure; i++)
			result_take(transport, peer);
	if (transport->router.unsure)
		clients_take(transport, clients);
	*ret_events = transport->events;
	return transport->count;
}

void transport_release(struct transport *transport)
{
	for (size_t i = 0; i < transport->count; i++)
		zmq_msg_close(&transport->bodies[i]);
	transport->count = 0;
	if (transport->publisher)
		publisher_go(transport->publisher);
}

static bool port_has(struct port *port, int event)
{
	int events = 0;
	size_t size = sizeof(events);

	port->unsure = true;
	return zmq_getsockopt(port->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & event);
}

bool transport_has_more(struct transport *transport)
{
	bool more = false;

	for (size_t i = 0; i <= transport->peer_count; i++) {
		struct port *port = port_at(transport, i);

		if (port->unsure)
			port->unsure = port_has(port, ZMQ_POLLIN);
		more = more || port->unsure;
	}
	return more;
}

size_t transport_fds(struct transport *transport, int ret_fds[1 + PEERS_MAX])
{
	for (size_t i = 0; i <= transport->peer_count; i++)
		ret_fds[i] = port_at(transport, i)->fd;
	return transport->peer_count + 1;
}

/* --- sending -------------------------------------------------------------------------------- */

/* The answer as libzmq gets it, made before its client is named: a message that is begun has to be
 * ended. False: no memory. */
static bool answer_make(struct transport *transport, const struct route *route, const void *data,
	size_t size, zmq_msg_t *ret)
{
	struct unread_answer *answer = unread_answer_new(transport->unread, route, data, size);

	if (!answer)
		return false;
	if (zmq_msg_init_data(ret, unread_answer_data(answer), size, unread_answer_free, answer) ==
		0)
		return true;
	unread_answer_free(NULL, answer);
	return false;
}

static void bus_reply(void *argument, const struct route *route, const void *data, size_t size)
{
	struct transport *transport = argument;
	void *router = transport->router.socket;
	zmq_msg_t answer;

	transport->router.unsure = true;
	if (!answer_make(transport, route, data, size, &answer))
		return;
	if (zmq_send(router, route->identity, route->identity_size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >=
			0 &&
		(!route->delimiter || zmq_send(router, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0) &&
		zmq_msg_send(&answer, router, ZMQ_DONTWAIT) >= 0)
		return;
	zmq_msg_close(&answer);
}

static bool bus_send(void *argument, unsigned peer, const void *data, size_t size)
{
	struct port *port = &((struct transport *)argument)->peers[peer];

	port->unsure = true;
	return zmq_send(port->socket, data, size, ZMQ_DONTWAIT) >= 0;
}

static void bus_publish(void *argument, const void *data, size_t size)
{
	struct transport *transport = argument;

	if (transport->publisher)
		publisher_add(transport->publisher, data, size);
}

static bool bus_reaches(void *argument, unsigned peer)
{
	struct transport *transport = argument;

	return port_has(&transport->peers[peer], ZMQ_POLLOUT);
}

struct bus transport_bus(struct transport *transport)
{
	return (struct bus){
		.argument = transport,
		.reply = bus_reply,
		.send = bus_send,
		.publish = bus_publish,
		.reaches = bus_reaches,
	};
}
