#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "sim.h"

/* What travels between daemons and from clients. Every message takes a time of its own, so that any
 * two may overtake each other; in a time of trouble it may be lost, doubled or late. */

#define SILENT_ROUTE 'D' /* first byte of a daemon's identity; a client's is 'C' */

void message_free(struct parcel *message)
{
	free(message->data);
	free(message);
}

static int by_time(const struct parcel *a, const struct parcel *b)
{
	return a->at_ms < b->at_ms ? -1 : a->at_ms > b->at_ms;
}

static struct parcel *message_copy(const struct parcel *from)
{
	struct parcel *message = malloc(sizeof(*message));

	if (!message)
		abort();
	*message = *from;
	message->data = malloc(from->size > 0 ? from->size : 1);
	if (!message->data)
		abort();
	if (from->size > 0)
		memcpy(message->data, from->data, from->size);
	return message;
}

static void message_enqueue(struct sim *sim, const struct parcel *from, int64_t delay_ms)
{
	struct parcel *message = message_copy(from);

	message->at_ms = sim->now_ms + delay_ms;
	DL_INSERT_INORDER(sim->messages, message, by_time);
}

/* --- trouble -------------------------------------------------------------------------------- */

static const struct window *window_find(const struct sim *sim, enum item_kind kind,
	const struct parcel *message)
{
	for (size_t i = 0; i < sim->window_count; i++) {
		const struct window *window = &sim->windows[i];
		bool forth = window->from == message->from && window->to == message->to;
		bool back = window->from == message->to && window->to == message->from;

		if (window->kind == kind && window->until_ms > sim->now_ms &&
			(window->from == PLACES || forth || (kind == ITEM_CUT && back)))
			return window;
	}
	return NULL;
}

void bus_trouble(struct sim *sim, const struct item *item)
{
	static const enum place ways[][2] = { { ORDERD, STOCKD }, { STOCKD, ORDERD },
		{ ORDERD, CATALOGD }, { CATALOGD, ORDERD }, { REAPERD, ORDERD },
		{ ORDERD, REAPERD }, { CLIENTS, ORDERD }, { ORDERD, STOCKD }, { STOCKD, ORDERD },
		{ PLACES, PLACES } };
	struct random random = random_from(item->seed, 2);
	const enum place *way = ways[random_below(&random, 10)];
	struct window window = {
		.kind = item->kind,
		.from = way[0],
		.to = way[1],
		.until_ms = sim->now_ms + random_between(&random, 5, 6000),
		.percent = random_between(&random, 10, 100),
		.delay_ms = random_chance(&random, 60) ? 40 : 8000,
	};

	if (item->kind == ITEM_CUT)
		window.percent = 100;
	if (sim->window_count == WINDOWS_MAX)
		sim->window_count = 0;
	sim->windows[sim->window_count++] = window;
	sim_trace(sim, "%s %s -> %s, %lld %%, until %lld", item_names[item->kind],
		way[0] == PLACES ? "all" : place_names[way[0]],
		way[1] == PLACES ? "all" : place_names[way[1]], (long long)window.percent,
		(long long)window.until_ms);
}

static bool strikes(struct sim *sim, enum item_kind kind, const struct parcel *message,
	struct random *random)
{
	const struct window *window = window_find(sim, kind, message);

	return window && random_chance(random, window->percent);
}

/* A request that says no key is nobody's to double: no transport does that. */
static bool may_double(struct sim *sim, const struct parcel *message)
{
	const struct frame *frame = message->frame > 0 ? frame_find(sim, message->frame) : NULL;

	return message->kind != MESSAGE_SILENCE && (!frame || frame->once_only);
}

static void message_send(struct sim *sim, const struct parcel *message)
{
	uint64_t way = (uint64_t)message->from * PLACES + message->to;
	struct random random =
		random_from(sim->seed ^ (way << 40), sim->sent[message->from][message->to]++);
	int64_t delay_ms = random_chance(&random, 70) ? 0 : random_between(&random, 1, 3);
	const struct window *late = window_find(sim, ITEM_DELAY, message);

	if (window_find(sim, ITEM_CUT, message) || strikes(sim, ITEM_DROP, message, &random)) {
		sim_trace(sim, "lost: %s -> %s", place_names[message->from],
			place_names[message->to]);
		return;
	}
	if (late && random_chance(&random, late->percent))
		delay_ms = random_below(&random, late->delay_ms);
	message_enqueue(sim, message, delay_ms);
	if (may_double(sim, message) && strikes(sim, ITEM_DOUBLE, message, &random))
		message_enqueue(sim, message, random_below(&random, 2000));
}

/* --- clients -------------------------------------------------------------------------------- */

void bus_ask(struct sim *sim, enum place to, const struct parcel *request)
{
	struct parcel message = *request;

	message.from = CLIENTS;
	message.to = to;
	message_send(sim, &message);
}

void bus_silence(struct sim *sim, uint64_t frame, int64_t after_ms)
{
	struct parcel message = {
		.kind = MESSAGE_SILENCE, .from = CLIENTS, .to = CLIENTS, .frame = frame
	};

	message_enqueue(sim, &message, after_ms);
}

/* --- daemons -------------------------------------------------------------------------------- */

/* False: the daemon has crashed before this frame. */
static bool may_leave(struct node *node)
{
	if (node->muted)
		return false;
	if (node->frames_left != INT64_MAX && --node->frames_left == 0)
		node->muted = true;
	return true;
}

static enum place place_of(const struct sim *sim, const char *socket)
{
	for (int i = 0; i < DAEMONS; i++)
		if (strcmp(sim->nodes[i].program->socket, socket) == 0)
			return (enum place)i;
	return PLACES;
}

static bool node_send(void *argument, unsigned peer, const void *data, size_t size)
{
	struct node *node = argument;
	struct sim *sim = node->sim;
	enum place to = place_of(sim, node->program->peers[peer].socket);
	struct parcel message = {
		.kind = MESSAGE_REQUEST,
		.from = node->place,
		.to = to,
		.route = { .identity_size = 3, .uid = geteuid(), .known = true },
		.data = (void *)data,
		.size = size,
	};

	if (!may_leave(node))
		return true;
	if (to == PLACES)
		sim_fail(sim, "%s sends to an unknown socket", node->program->name);
	if (!sim->nodes[to].service)
		return false;
	message.route.identity[0] = SILENT_ROUTE;
	message.route.identity[1] = (uint8_t)node->place;
	message.route.identity[2] = (uint8_t)peer;
	message.route.gid = node->run;
	message_send(sim, &message);
	return true;
}

static void node_reply(void *argument, const struct route *route, const void *data, size_t size)
{
	struct node *node = argument;
	struct sim *sim = node->sim;
	struct parcel message = {
		.kind = MESSAGE_RESULT,
		.from = node->place,
		.to = (enum place)route->identity[1],
		.run = route->gid,
		.peer = route->identity[2],
		.data = (void *)data,
		.size = size,
	};

	if (!may_leave(node))
		return;
	if (route->identity[0] != SILENT_ROUTE) {
		sim_trace(sim, "%s answers: %s", node->program->name, sim_show(sim, data, size));
		oracle_look(sim);
		answer_judge(sim, node, route->identity[1], data, size);
		return;
	}
	result_judge(sim, data, size);
	message_send(sim, &message);
}

static void node_publish(void *argument, const void *data, size_t size)
{
	struct node *node = argument;
	struct sim *sim = node->sim;
	struct orderd_event event;
	const struct value *map;
	const char *why;

	if (!may_leave(node))
		return;
	oracle_look(sim);
	arena_reset(sim->arena);
	if (codec_parse(sim->arena, data, size, &map) < 0 ||
		fields_from_map(sim->arena, &event_record, map, &event, &why) != 0)
		sim_fail(sim, "what was published is no event");
	if (event.seq <= sim->published)
		sim_fail(sim, "event %llu was published after %llu", (unsigned long long)event.seq,
			(unsigned long long)sim->published);
	if (event.seq > sim->last_event)
		sim_fail(sim, "event %llu was published and is not in the log",
			(unsigned long long)event.seq);
	sim->published = event.seq;
}

const struct bus bus_of_nodes = {
	.reply = node_reply,
	.send = node_send,
	.publish = node_publish,
};
