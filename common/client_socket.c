#include "client_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "clock.h"
#include "protocol.h"

#define CONNECT_MAX_MS 1000 /* then it is asked whether anybody is there */
#define CONTEXT_FDS 6       /* that libzmq takes for a context and its first socket */
#define RECONNECT_MS 20
#define RECONNECT_MAX_MS 500
#define EVENTS_QUEUE 16384 /* events waiting to be taken */
#define SCHEME "ipc://"

struct client_socket {
	void *zmq;
	void *context; /* that it was made in */
	char *endpoint;
	bool connected;
};

/* --- opening -------------------------------------------------------------------------------- */

/* One context, so one thread of input and output, serves all connections of the process. */
static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static void *_Atomic context;
static size_t context_users;

/* In a child of fork() none of the context's threads runs, and whoever had the lock is not there.
 * Not even its end would come, so it is left as it is, and its address is never given again. */
static void context_forget(void)
{
	pthread_mutex_init(&context_lock, NULL);
	context = NULL;
	context_users = 0;
}

static int fd_new(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether so many descriptors are left, at most CONTEXT_FDS: libzmq ends the process when they run out
 * while it makes a context, and tries a connection for which there is none again and again, telling
 * nobody. */
static int fds_look(size_t count)
{
	int fds[CONTEXT_FDS];
	size_t taken = 0;
	int result;

	while (taken < count && (fds[taken] = fd_new()) >= 0)
		taken++;
	result = taken < count ? fds[taken] : 0;
	while (taken > 0)
		close(fds[--taken]);
	return result;
}

static void *context_new(void)
{
	static bool forks_watched;
	int result = fds_look(CONTEXT_FDS);

	if (result == 0 && !forks_watched)
		result = -pthread_atfork(NULL, NULL, context_forget);
	if (result < 0) {
		errno = -result;
		return NULL;
	}
	forks_watched = true;
	return zmq_ctx_new();
}

static void *context_hold(void)
{
	void *held;

	pthread_mutex_lock(&context_lock);
	if (!context)
		context = context_new();
	held = context;
	if (held)
		context_users++;
	pthread_mutex_unlock(&context_lock);
	return held;
}

static void context_release(void)
{
	pthread_mutex_lock(&context_lock);
	if (--context_users == 0) {
		while (zmq_ctx_term(context) < 0 && zmq_errno() == EINTR)
			;
		context = NULL;
	}
	pthread_mutex_unlock(&context_lock);
}

bool client_socket_is_inherited(const struct client_socket *client_socket)
{
	return client_socket->context != context;
}

static int option_set(struct client_socket *client_socket, int option, int value)
{
	return zmq_setsockopt(client_socket->zmq, option, &value, sizeof(value)) < 0 ? -zmq_errno()
										     : 0;
}

static int options_set(struct client_socket *client_socket)
{
	int64_t frame_max = REPLY_MANY_MAX_BYTES; /* a larger one ends the connection */
	int result = option_set(client_socket, ZMQ_LINGER, 0);

	if (result == 0)
		result = option_set(client_socket, ZMQ_IMMEDIATE, 1);
	if (result == 0)
		result = option_set(client_socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
	if (result == 0)
		result = option_set(client_socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
	if (result == 0 &&
		zmq_setsockopt(client_socket->zmq, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max)) <
			0)
		result = -zmq_errno();
	return result;
}

static int zmq_open(struct client_socket *client_socket, int type)
{
	void *held = context_hold();
	int result;

	if (!held)
		return -zmq_errno();
	client_socket->context = held;
	client_socket->zmq = zmq_socket(held, type);
	if (client_socket->zmq)
		return options_set(client_socket);
	result = -zmq_errno();
	context_release();
	return result;
}

static int open_as(struct client_socket **ret, const char *path, int type)
{
	struct client_socket *client_socket = calloc(1, sizeof(*client_socket));
	int result = -ENOMEM;

	if (!client_socket)
		return -ENOMEM;
	if (asprintf(&client_socket->endpoint, SCHEME "%s", path) < 0)
		client_socket->endpoint = NULL;
	else
		result = zmq_open(client_socket, type);
	if (result < 0) {
		client_socket_close(client_socket);
		return result;
	}
	*ret = client_socket;
	return 0;
}

int client_socket_open(struct client_socket **ret, const char *path)
{
	return open_as(ret, path, ZMQ_DEALER);
}

static int connect_once(struct client_socket *client_socket)
{
	if (!client_socket->connected &&
		zmq_connect(client_socket->zmq, client_socket->endpoint) < 0)
		return -zmq_errno();
	client_socket->connected = true;
	return 0;
}

int client_socket_open_events(struct client_socket **ret, const char *path)
{
	struct client_socket *client_socket;
	int result = open_as(&client_socket, path, ZMQ_SUB);

	if (result < 0)
		return result;
	result = option_set(client_socket, ZMQ_RCVHWM, EVENTS_QUEUE);
	if (result == 0 && zmq_setsockopt(client_socket->zmq, ZMQ_SUBSCRIBE, "", 0) < 0)
		result = -zmq_errno();
	if (result == 0)
		result = connect_once(client_socket);
	if (result < 0) {
		client_socket_close(client_socket);
		return result;
	}
	*ret = client_socket;
	return 0;
}

void client_socket_close(struct client_socket *client_socket)
{
	if (!client_socket)
		return;
	if (client_socket->zmq && !client_socket_is_inherited(client_socket)) {
		zmq_close(client_socket->zmq);
		context_release();
	}
	free(client_socket->endpoint);
	free(client_socket);
}

/* --- waiting -------------------------------------------------------------------------------- */

int64_t deadline_in(int64_t timeout_ms)
{
	int64_t now_ms = clock_monotonic_ms();

	return timeout_ms < 0 || timeout_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + timeout_ms;
}

int64_t deadline_left(int64_t deadline_ms)
{
	int64_t now_ms = clock_monotonic_ms();

	return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

/* 0 when it can be written or read; -EAGAIN: not by then. */
static int wait_for(struct client_socket *client_socket, short events, int64_t deadline_ms)
{
	zmq_pollitem_t item = { .socket = client_socket->zmq, .events = events };

	for (;;) {
		int64_t left_ms = deadline_left(deadline_ms);
		int ready = zmq_poll(&item, 1, left_ms < INT_MAX ? (long)left_ms : INT_MAX);

		if (ready > 0)
			return 0;
		if (ready < 0 && zmq_errno() != EINTR)
			return -zmq_errno();
		if (deadline_left(deadline_ms) == 0)
			return -EAGAIN;
	}
}

/* --- sending -------------------------------------------------------------------------------- */

int client_socket_look(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	bool listens;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ECONNREFUSED;
	fd = fd_new();
	if (fd < 0)
		return fd;
	strcpy(address.sun_path, path);
	listens = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
	close(fd);
	return listens ? 0 : -ECONNREFUSED;
}

/* The file tells first who need not be waited for. */
static int wait_for_daemon(struct client_socket *client_socket, int64_t deadline_ms)
{
	const char *path = client_socket->endpoint + strlen(SCHEME);
	int64_t soon_ms = deadline_in(CONNECT_MAX_MS);
	struct stat file;
	int result;

	if (stat(path, &file) < 0 || faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
		return -errno;
	result = connect_once(client_socket);
	if (result < 0)
		return result;
	result =
		wait_for(client_socket, ZMQ_POLLOUT, deadline_ms < soon_ms ? deadline_ms : soon_ms);
	if (result != -EAGAIN)
		return result;
	if (soon_ms >= deadline_ms) {
		result = fds_look(1);
		return result < 0 ? result : -ECONNREFUSED;
	}
	result = client_socket_look(path);
	if (result < 0)
		return result;
	result = wait_for(client_socket, ZMQ_POLLOUT, deadline_ms);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

/* A socket without a connection takes no message (ZMQ_IMMEDIATE), so nothing is sent into the
 * void and an absent daemon is noticed here. */
int client_socket_send(struct client_socket *client_socket, const void *at, size_t size,
	int64_t deadline_ms)
{
	for (;;) {
		int result =
			zmq_send(client_socket->zmq, at, size, ZMQ_DONTWAIT) < 0 ? -zmq_errno() : 0;

		if (result == -EAGAIN)
			result = wait_for_daemon(client_socket, deadline_ms);
		else if (result != -EINTR)
			return result;
		if (result < 0 && result != -EINTR)
			return result;
	}
}

/* --- taking --------------------------------------------------------------------------------- */

/* What the frames of one message come to. */
struct message {
	const void *body;
	size_t size;
	size_t bodies; /* an empty frame in front is none */
	bool more;
	int error;
};

static int frame_take(void *zmq, struct arena *arena, struct message *message)
{
	zmq_msg_t frame;
	int result;

	zmq_msg_init(&frame);
	do
		result = zmq_msg_recv(&frame, zmq, ZMQ_DONTWAIT) < 0 ? -zmq_errno() : 0;
	while (result == -EINTR);
	if (result == 0) {
		message->more = zmq_msg_more(&frame);
		message->size = zmq_msg_size(&frame);
	}
	if (result == 0 && (message->size > 0 || !message->more) && message->bodies++ == 0) {
		message->body = arena_text(arena, zmq_msg_data(&frame), message->size);
		message->error = message->body ? 0 : -ENOMEM;
	}
	zmq_msg_close(&frame);
	return result;
}

static int message_take(void *zmq, struct arena *arena, const struct value **ret_map)
{
	struct message message = { .more = true };
	const struct value *map;
	int result;

	while (message.more) {
		result = frame_take(zmq, arena, &message);
		if (result < 0)
			return result;
	}
	if (message.error < 0)
		return message.error;
	if (message.bodies != 1)
		return -EBADMSG;
	result = codec_parse(arena, message.body, message.size, &map);
	if (result < 0)
		return result;
	if (map->type != VALUE_MAP)
		return -EBADMSG;
	*ret_map = map;
	return 0;
}

int client_socket_take(struct client_socket *client_socket, struct arena *arena,
	int64_t deadline_ms, const struct value **ret_map)
{
	int result = message_take(client_socket->zmq, arena, ret_map);

	while (result == -EAGAIN) {
		result = wait_for(client_socket, ZMQ_POLLIN, deadline_ms);
		if (result < 0)
			return result;
		result = message_take(client_socket->zmq, arena, ret_map);
	}
	return result;
}
