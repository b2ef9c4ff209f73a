#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemons/catalogd/operations.h"
#include "daemons/orderd/operations.h"
#include "daemons/reaperd/sweep.h"
#include "daemons/stockd/operations.h"
#include "option.h"

#define CALLER UINT64_MAX /* the client number of host_call */
#define CALL_MAX_MS 60000

struct seat {
	struct host *host;
	enum host_daemon which;
	void *settings;
	struct service *service;
	struct event *queue;
	size_t queued, room;
	int64_t wake_ms; /* monotonic; -1: not before something arrives */
};

struct host {
	char dir[256];
	int64_t now_ms, monotonic_ms;
	struct seat seats[HOST_DAEMONS];
	host_heard *heard;
	void *argument;

	/* host_call */
	struct buffer reply;
	bool replied;
	char error[64];
};

static const struct program *const programs[HOST_DAEMONS] = {
	[HOST_CATALOGD] = &catalogd_program,
	[HOST_STOCKD] = &stockd_program,
	[HOST_ORDERD] = &orderd_program,
	[HOST_REAPERD] = &reaperd_program,
};

const struct program *host_program(enum host_daemon which)
{
	return programs[which];
}

/* --- the bus -------------------------------------------------------------------------------- */

/* Clients and daemons are told apart by the first byte of their identity. */
static struct route route_of_client(uint64_t client)
{
	struct route route = { .identity = "c", .uid = geteuid(), .gid = getegid(), .known = true };

	memcpy(route.identity + 1, &client, sizeof(client));
	route.identity_size = 1 + sizeof(client);
	return route;
}

static void bus_reply(void *argument, const struct route *route, const void *data, size_t size)
{
	struct host *host = ((struct seat *)argument)->host;
	uint64_t client;

	if (route->identity[0] == 'd') {
		host_queue(host, route->identity[1],
			(struct event){ .kind = EVENT_RESULT,
				.peer = route->identity[2],
				.data = data,
				.size = size });
		return;
	}
	memcpy(&client, route->identity + 1, sizeof(client));
	if (client == CALLER) {
		buffer_reset(&host->reply);
		buffer_append(&host->reply, data, size);
		host->replied = true;
	} else if (host->heard) {
		host->heard(host->argument, client, data, size);
	}
}

static bool bus_send(void *argument, unsigned peer, const void *data, size_t size)
{
	struct seat *seat = argument;
	const char *socket = programs[seat->which]->peers[peer].socket;
	struct event event = { .kind = EVENT_REQUEST, .data = data, .size = size };

	event.route = route_of_client(0);
	event.route.identity[0] = 'd';
	event.route.identity[1] = (uint8_t)seat->which;
	event.route.identity[2] = (uint8_t)peer;
	for (unsigned i = 0; i < HOST_DAEMONS; i++) {
		if (strcmp(programs[i]->socket, socket) != 0 || !seat->host->seats[i].service)
			continue;
		host_queue(seat->host, i, event);
		return true;
	}
	return false;
}

static void bus_publish(void *argument, const void *data, size_t size)
{
	(void)argument, (void)data, (void)size;
}

/* --- begin and end -------------------------------------------------------------------------- */

static void *settings_new(const struct program *program)
{
	const struct option_table *tables[] = { &suite_options, program->options };
	void *settings = calloc(1, program->settings_size);
	union option_value value;

	for (size_t t = 0; settings && t < 2; t++) {
		for (size_t i = 0; tables[t] && i < tables[t]->count; i++) {
			const struct option_row *row = &tables[t]->rows[i];

			if (option_parse(row, row->otherwise, &value))
				option_store(row, &value, settings);
		}
	}
	return settings;
}

static bool seat_init(struct host *host, enum host_daemon which, int64_t store_size_max_bytes)
{
	struct seat *seat = &host->seats[which];
	struct suite_settings *suite = seat->settings = settings_new(programs[which]);

	seat->host = host;
	seat->which = which;
	if (!suite)
		return false;
	suite->runtime_dir = suite->state_dir = host->dir;
	suite->store_size_max_bytes = store_size_max_bytes;
	return true;
}

struct host *host_new(const char *dir, int64_t store_size_max_bytes)
{
	struct host *host = calloc(1, sizeof(*host));
	bool good = host != NULL;

	if (!host)
		return NULL;
	snprintf(host->dir, sizeof(host->dir), "%s", dir);
	host->now_ms = INT64_C(1700000000000);
	host->monotonic_ms = 1000000;
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		good = seat_init(host, i, store_size_max_bytes) && good;
	if (good)
		return host;
	host_free(host);
	return NULL;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	for (unsigned i = HOST_DAEMONS; i-- > 0;) {
		host_stop(host, i);
		free(host->seats[i].settings);
		free(host->seats[i].queue);
	}
	buffer_done(&host->reply);
	free(host);
}

void host_listen(struct host *host, host_heard *heard, void *argument)
{
	host->heard = heard;
	host->argument = argument;
}

void host_set_clock(struct host *host, int64_t now_ms)
{
	host->now_ms = now_ms;
}

int64_t host_now(const struct host *host)
{
	return host->now_ms;
}

void *host_settings(struct host *host, enum host_daemon which)
{
	return host->seats[which].settings;
}

int host_start(struct host *host, enum host_daemon which)
{
	struct seat *seat = &host->seats[which];
	struct bus bus = { seat, bus_reply, bus_send, bus_publish, NULL };

	seat->wake_ms = host->monotonic_ms;
	return service_open(&seat->service, programs[which], seat->settings, &bus, host->now_ms,
		host->monotonic_ms);
}

int host_start_all(struct host *host)
{
	int result = 0;

	for (unsigned i = 0; i < HOST_DAEMONS && result == 0; i++)
		if (!host->seats[i].service)
			result = host_start(host, i);
	return result;
}

static void queue_drop(struct event *queue, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((void *)queue[i].data);
}

void host_stop(struct host *host, enum host_daemon which)
{
	struct seat *seat = &host->seats[which];

	service_close(seat->service);
	seat->service = NULL;
	queue_drop(seat->queue, seat->queued);
	seat->queued = 0;
}

bool host_runs(const struct host *host, enum host_daemon which)
{
	return host->seats[which].service;
}

size_t host_parked(const struct host *host, enum host_daemon which)
{
	return host->seats[which].service ? service_counts(host->seats[which].service).parked : 0;
}

/* --- asking --------------------------------------------------------------------------------- */

static bool queue_has_room(struct seat *seat)
{
	size_t room = seat->room ? 2 * seat->room : 16;
	struct event *queue = seat->queue;

	if (seat->queued < seat->room)
		return true;
	queue = room > EVENTS_MAX ? NULL : reallocarray(queue, room, sizeof(*queue));
	if (!queue)
		return false;
	seat->queue = queue;
	seat->room = room;
	return true;
}

void host_queue(struct host *host, enum host_daemon which, struct event event)
{
	struct seat *seat = &host->seats[which];
	void *copy = event.data ? malloc(event.size + 1) : NULL;

	if (!seat->service || (event.data && !copy) || !queue_has_room(seat)) {
		free(copy);
		return;
	}
	if (copy)
		event.data = memcpy(copy, event.data, event.size);
	seat->queue[seat->queued++] = event;
}

void host_send(struct host *host, enum host_daemon which, uint64_t client, const void *frame,
	size_t size)
{
	host_queue(host, which,
		(struct event){ .kind = EVENT_REQUEST,
			.route = route_of_client(client),
			.data = frame,
			.size = size });
}

void host_ask(struct host *host, enum host_daemon which, uint64_t client, const char *op,
	const struct record *record, const void *request)
{
	struct buffer frame = { 0 };
	size_t map = pack_open_map(&frame);

	pack_str(&frame, "v");
	pack_u64(&frame, PROTOCOL_VERSION);
	pack_str(&frame, "id");
	pack_u64(&frame, client & INT64_MAX);
	pack_str(&frame, "op");
	pack_str(&frame, op);
	pack_close(&frame, map, 3 + fields_to_map(&frame, record, request));
	host_send(host, which, client, frame.at, frame.size);
	buffer_done(&frame);
}

/* --- time ----------------------------------------------------------------------------------- */

int host_tick(struct host *host, enum host_daemon which)
{
	struct seat *seat = &host->seats[which];
	struct event *events = calloc(seat->queued + 1, sizeof(*events));
	size_t count = events ? seat->queued : 0;
	int64_t wait_ms = -1;
	int result;

	if (count > 0)
		memcpy(events, seat->queue, count * sizeof(*events));
	seat->queued -= count;
	result = service_tick(seat->service, events, count, host->now_ms, host->monotonic_ms,
		&wait_ms);
	seat->wake_ms = wait_ms < 0 ? -1 : host->monotonic_ms + wait_ms;
	queue_drop(events, count);
	free(events);
	if (result < 0)
		host_stop(host, which);
	return result;
}

bool host_turn(struct host *host)
{
	bool worked = false;

	for (unsigned i = 0; i < HOST_DAEMONS; i++) {
		struct seat *seat = &host->seats[i];

		if (!seat->service ||
			(seat->queued == 0 &&
				(seat->wake_ms < 0 || seat->wake_ms > host->monotonic_ms)))
			continue;
		host_tick(host, i);
		worked = true;
	}
	return worked;
}

static void clock_move(struct host *host, int64_t ms)
{
	host->now_ms += ms;
	host->monotonic_ms += ms;
}

/* To the next time somebody is due, at most so far. */
static void clock_move_on(struct host *host, int64_t most_ms)
{
	for (unsigned i = 0; i < HOST_DAEMONS; i++) {
		const struct seat *seat = &host->seats[i];
		int64_t wait_ms = seat->wake_ms - host->monotonic_ms;

		if (seat->service && seat->wake_ms >= 0 && wait_ms < most_ms)
			most_ms = wait_ms > 0 ? wait_ms : 1;
	}
	clock_move(host, most_ms);
}

/* A daemon may want to be called at once again; time goes on all the same. */
void host_drain(struct host *host)
{
	for (int i = 0; i < 100 && host_turn(host); i++)
		;
}

void host_pass(struct host *host, int64_t ms)
{
	int64_t end_ms = host->monotonic_ms + ms;

	for (;;) {
		host_drain(host);
		if (host->monotonic_ms >= end_ms)
			return;
		clock_move_on(host, end_ms - host->monotonic_ms);
	}
}

static int reply_read(struct host *host, struct arena *arena, const struct record *record,
	void *reply)
{
	const struct value *map, *code, *error;
	const char *why = NULL;
	void *bytes = arena_text(arena, (const char *)host->reply.at, host->reply.size);

	if (!bytes || codec_parse(arena, bytes, host->reply.size, &map) < 0 ||
		map->type != VALUE_MAP)
		return -EBADMSG;
	code = value_find(map, "code");
	error = value_find(map, "error");
	if (!code || code->type != VALUE_UINT)
		return -EBADMSG;
	if (error && error->type == VALUE_STR)
		snprintf(host->error, sizeof(host->error), "%.*s", (int)error->str.size,
			error->str.at);
	if (code->u64 == 0 && fields_from_map(arena, record, map, reply, &why) != OUTCOME_OK) {
		snprintf(host->error, sizeof(host->error), "%s", why ? why : "");
		return -EBADMSG;
	}
	return (int)code->u64;
}

int host_call(struct host *host, enum host_daemon which, const char *op,
	const struct record *request_record, const void *request, struct arena *arena,
	const struct record *reply_record, void *reply)
{
	int64_t end_ms = host->monotonic_ms + CALL_MAX_MS;

	host->replied = false;
	host->error[0] = '\0';
	host_ask(host, which, CALLER, op, request_record, request);
	if (host->seats[which].service)
		host_tick(host, which);
	while (!host->replied && host->seats[which].service && host->monotonic_ms < end_ms) {
		if (!host_turn(host))
			clock_move_on(host, end_ms - host->monotonic_ms);
	}
	return host->replied ? reply_read(host, arena, reply_record, reply) : -ETIME;
}

const char *host_error(const struct host *host)
{
	return host->error;
}
