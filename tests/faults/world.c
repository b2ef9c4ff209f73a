#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemons/catalogd/operations.h"
#include "daemons/orderd/operations.h"
#include "daemons/orderd/order.h"
#include "daemons/reaperd/sweep.h"
#include "daemons/stockd/operations.h"
#include "sim.h"

/* Daemons and time. A daemon that is up has a tick when something has arrived or its own wait is
 * over; one that is down comes back. */

#define NEVER INT64_MAX

const char *const place_names[PLACES] = { "orderd", "stockd", "catalogd", "reaperd", "client" };

static struct orderd_settings orderd_settings;
static struct suite_settings other_settings[DAEMONS];

/* --- settings ------------------------------------------------------------------------------- */

static void settings_default(const struct program *program, void *ret)
{
	char name[] = "sim", option[] = "--config", file[] = "/dev/null";
	char *argv[] = { name, option, file, NULL };
	const struct option_table *const tables[] = { &suite_options, program->options };

	memset(ret, 0, program->settings_size);
	if (settings_load(3, argv, program->name, "", tables, 2, ret) != 0)
		abort();
}

static void settings_make(struct sim *sim)
{
	static bool loaded;
	struct suite_settings suite;

	if (!loaded) {
		settings_default(&orderd_program, &orderd_settings);
		settings_default(&stockd_program, &other_settings[STOCKD]);
		loaded = true;
	}
	suite = other_settings[STOCKD];
	suite.runtime_dir = suite.state_dir = sim->dir;
	suite.log_level = "error";
	suite.store_size_max_bytes = INT64_C(64) << 20;
	for (int i = 0; i < DAEMONS; i++)
		other_settings[i] = suite;
	orderd_settings.suite = suite;
	orderd_settings.payment_timeout_ms = sim->plan.payment_timeout_ms;
	orderd_settings.complete_after_ms = 8000;
	orderd_settings.lines_max = LINES_MAX;
	orderd_settings.quantity_max = 99;
	orderd_settings.catalog_timeout_ms = sim->plan.catalog_timeout_ms;
	orderd_settings.stock_timeout_ms = sim->plan.stock_timeout_ms;
	orderd_settings.key_retention_ms = INT64_C(24) * 3600 * 1000;
	orderd_settings.settle_wait_ms = sim->plan.settle_wait_ms;
}

/* --- a daemon's life ------------------------------------------------------------------------ */

static void inbox_drop(struct node *node)
{
	struct parcel *message, *next;

	DL_FOREACH_SAFE(node->inbox, message, next) {
		DL_DELETE(node->inbox, message);
		message_free(message);
	}
	node->inbox_count = 0;
}

void node_stop(struct node *node, int64_t down_ms)
{
	if (!node->service)
		return;
	sim_trace(node->sim, "%s crashes, back in %lld ms", node->program->name,
		(long long)down_ms);
	service_close(node->service);
	node->service = NULL;
	inbox_drop(node);
	node->back_at_ms = node->sim->now_ms + down_ms;
	node->crash = CRASH_NONE;
	node->stalled_until_ms = 0;
}

/* What has left is counted from here; a crash to come mutes the rest. */
static void node_enter(struct node *node, enum crash when)
{
	node->frames_left = node->crash == when ? node->crash_after : INT64_MAX;
	node->muted = node->frames_left == 0;
	node->sim->ticking = node;
}

static void node_leave(struct node *node, enum crash when, int result)
{
	bool crashes = node->crash == when;

	node->sim->ticking = NULL;
	node->muted = false;
	oracle_look(node->sim);
	if (crashes)
		node_stop(node, node->crash_down_ms);
	else if (result < 0)
		node_stop(node, 20);
}

static void node_start(struct node *node)
{
	struct sim *sim = node->sim;
	struct bus bus = bus_of_nodes;
	int result;

	bus.argument = node;
	node->run++;
	node->heard_stockd = false;
	node->started_ms = sim->now_ms;
	sim_trace(sim, "%s starts", node->program->name);
	node_enter(node, CRASH_AT_START);
	result = service_open(&node->service, node->program, node->settings, &bus, sim_wall(sim),
		sim->now_ms);
	if (result < 0) {
		sim->ticking = NULL;
		node->muted = false;
		node->back_at_ms = sim->now_ms + 100;
		if (node->full_commits == 0 && node->broken_commits == 0 && result != -ENOSPC &&
			result != -EIO)
			sim_fail(sim, "%s does not start: %s", node->program->name,
				strerror(-result));
		return;
	}
	node->ready_ms = node->wake_ms = sim->now_ms;
	node_leave(node, CRASH_AT_START, 0);
}

/* --- a tick --------------------------------------------------------------------------------- */

static size_t events_take(struct node *node, struct event *events, struct parcel **ret_taken)
{
	struct random random = random_from(node->sim->seed, node->sim->step);
	size_t most = EVENTS_MAX, count = 0;

	if (random_chance(&random, 15))
		most = (size_t)random_between(&random, 1, 3);
	while (node->inbox && count < most) {
		struct parcel *message = node->inbox;

		DL_DELETE(node->inbox, message);
		node->inbox_count--;
		ret_taken[count] = message;
		events[count++] = (struct event){
			.kind = message->kind == MESSAGE_RESULT      ? EVENT_RESULT
				: message->kind == MESSAGE_MALFORMED ? EVENT_MALFORMED
								     : EVENT_REQUEST,
			.peer = message->peer,
			.route = message->route,
			.data = message->data,
			.size = message->size,
		};
		if (message->kind == MESSAGE_RESULT && message->from == STOCKD)
			node->heard_stockd = true;
	}
	return count;
}

static void node_tick(struct node *node)
{
	static struct event events[EVENTS_MAX];
	static struct parcel *taken[EVENTS_MAX];
	struct sim *sim = node->sim;
	size_t count = events_take(node, events, taken);
	int64_t wait_ms = -1;
	int result;

	sim->coverage->ticks++;
	for (size_t i = 0; i < count; i++)
		sim_trace(sim, "%s takes from %s: %s", node->program->name,
			place_names[taken[i]->from], sim_show(sim, taken[i]->data, taken[i]->size));
	node_enter(node, CRASH_IN_TICK);
	result = service_tick(node->service, events, count, sim_wall(sim), sim->now_ms, &wait_ms);
	for (size_t i = 0; i < count; i++)
		message_free(taken[i]);
	node->wake_ms = wait_ms < 0 ? -1 : sim->now_ms + (wait_ms > 0 ? wait_ms : 1);
	node->ready_ms = sim->now_ms + 1;
	node_leave(node, CRASH_IN_TICK, result);
}

/* --- what is next --------------------------------------------------------------------------- */

/* When the node wants something, NEVER if not. */
static int64_t node_due(const struct node *node)
{
	int64_t due_ms = NEVER;

	if (!node->service)
		return node->back_at_ms;
	if (node->inbox)
		due_ms = node->ready_ms;
	if (node->wake_ms >= 0 && node->wake_ms < due_ms)
		due_ms = node->wake_ms;
	return due_ms < node->stalled_until_ms ? node->stalled_until_ms : due_ms;
}

static struct node *node_first(struct sim *sim, int64_t *ret_due_ms)
{
	struct node *first = &sim->nodes[0];

	for (int i = 1; i < DAEMONS; i++)
		if (node_due(&sim->nodes[i]) < node_due(first))
			first = &sim->nodes[i];
	*ret_due_ms = node_due(first);
	return first;
}

static void message_deliver(struct sim *sim, struct parcel *message)
{
	struct node *node = message->to == CLIENTS ? NULL : &sim->nodes[message->to];

	DL_DELETE(sim->messages, message);
	if (message->kind == MESSAGE_SILENCE) {
		clients_repeat(sim, message->frame);
		message_free(message);
		return;
	}
	if (!node->service || (message->kind == MESSAGE_RESULT && message->run != node->run)) {
		message_free(message);
		return;
	}
	sim->coverage->messages++;
	if (message->frame > 0) {
		struct frame *frame = frame_find(sim, message->frame);

		frame->delivered++;
		frame->to_place = node->place;
		frame->run = node->run;
		if (frame->wish) {
			frame->wish->delivered++;
			frame->wish->delivered_run = node->run;
		}
	}
	if (!node->inbox && node->ready_ms < sim->now_ms) {
		struct random random = random_from(sim->seed, sim->step);

		node->ready_ms = sim->now_ms + random_below(&random, 3);
	}
	DL_APPEND(node->inbox, message);
	node->inbox_count++;
}

static void item_do(struct sim *sim, const struct item *item)
{
	if (item->left_out)
		return;
	sim->coverage->items[item->kind]++;
	sim_trace(sim, "--- %td: %s", item - sim->plan.items, item_names[item->kind]);
	if (item->kind < ITEM_FAULTS)
		clients_do(sim, item);
	else
		world_fault(sim, item);
}

void world_run(struct sim *sim, int64_t until_ms)
{
	for (;;) {
		int64_t node_ms;
		struct node *node = node_first(sim, &node_ms);
		int64_t message_ms = sim->messages ? sim->messages->at_ms : NEVER;
		int64_t item_ms = sim->next_item < sim->plan.count && !sim->resting
			? sim->plan.items[sim->next_item].at_ms
			: NEVER;
		int64_t next_ms = node_ms < message_ms ? node_ms : message_ms;

		if (item_ms < next_ms)
			next_ms = item_ms;
		if (next_ms > until_ms)
			break;
		if (next_ms > sim->now_ms)
			sim->now_ms = next_ms;
		sim->step++;
		if (item_ms == next_ms)
			item_do(sim, &sim->plan.items[sim->next_item++]);
		else if (message_ms == next_ms)
			message_deliver(sim, sim->messages);
		else if (node->service)
			node_tick(node);
		else
			node_start(node);
	}
	sim->now_ms = until_ms;
}

/* --- faults --------------------------------------------------------------------------------- */

static int64_t outage_ms(struct random *random)
{
	return random_chance(random, 70) ? random_between(random, 1, 100)
					 : random_between(random, 100, 9000);
}

static void crash_plan(struct node *node, struct random *random)
{
	int64_t how = random_below(random, 4);

	if (how == 0 || !node->service) {
		node_stop(node, outage_ms(random));
	} else {
		node->crash = CRASH_IN_TICK;
		node->crash_after = random_below(random, 3) * random_below(random, 3);
		node->crash_down_ms = outage_ms(random);
	}
	if (how != 3)
		return;
	node_stop(node, outage_ms(random));
	node->crash = CRASH_AT_START;
	node->crash_after = random_below(random, 2);
	node->crash_down_ms = outage_ms(random);
}

static void clock_jump(struct sim *sim, struct random *random)
{
	static const int64_t jumps_ms[] = { 1000, -1000, 20, -20, 3600000, -3600000 };
	int64_t years_ms = INT64_C(3652) * 24 * 3600000;
	int64_t jump_ms = jumps_ms[random_below(random, 6)];

	if (sim->plan.ageing)
		jump_ms = random_chance(random, 50) ? years_ms : -years_ms;
	sim->keys_aged = sim->keys_aged || jump_ms == years_ms;
	sim->clock_jumped = true;
	sim->wall_offset_ms += jump_ms;
	sim_trace(sim, "the clock jumps by %lld ms", (long long)jump_ms);
}

static void commits_break(struct node *node, struct random *random)
{
	node->broken_commits = 1;
	node->broken_keeps = random_chance(random, 50);
}

void world_fault(struct sim *sim, const struct item *item)
{
	struct random random = random_from(item->seed, 1);
	enum place place = (enum place)random_below(&random, DAEMONS);
	struct node *node = &sim->nodes[place];

	switch (item->kind) {
	case ITEM_CRASH:
		crash_plan(node, &random);
		break;
	case ITEM_STALL:
		node->stalled_until_ms = sim->now_ms + outage_ms(&random);
		sim_trace(sim, "%s stalls until %lld", node->program->name,
			(long long)node->stalled_until_ms);
		break;
	case ITEM_CLOCK:
		clock_jump(sim, &random);
		break;
	case ITEM_FULL:
		node->full_commits = (int)random_between(&random, 1, 8);
		break;
	case ITEM_BROKEN:
		commits_break(node, &random);
		break;
	default:
		bus_trouble(sim, item);
	}
}

void world_heal(struct sim *sim)
{
	sim->resting = true;
	sim->window_count = 0;
	for (int i = 0; i < DAEMONS; i++) {
		struct node *node = &sim->nodes[i];

		node->crash = CRASH_NONE;
		node->full_commits = node->broken_commits = 0;
		node->stalled_until_ms = 0;
		if (!node->service)
			node->back_at_ms = sim->now_ms;
	}
	sim_trace(sim, "--- the faults stop");
}

/* --- begin and end -------------------------------------------------------------------------- */

void world_begin(struct sim *sim)
{
	static const struct program *const programs[DAEMONS] = { &orderd_program, &stockd_program,
		&catalogd_program, &reaperd_program };

	settings_make(sim);
	for (int i = 0; i < DAEMONS; i++) {
		struct node *node = &sim->nodes[i];

		node->sim = sim;
		node->place = (enum place)i;
		node->program = programs[i];
		node->settings = i == ORDERD ? (void *)&orderd_settings : &other_settings[i];
		node->wake_ms = -1;
	}
	/* A process has one opening of a store, and reaperd's would be read-only: the oracle's, made
	 * while the owner is there, keeps it writable over all crashes. */
	for (int i = 0; i < DAEMONS; i++) {
		node_start(&sim->nodes[i]);
		if (i != REAPERD)
			txn_abort(oracle_txn(sim, (enum place)i));
	}
}

void world_end(struct sim *sim)
{
	struct parcel *message, *next;

	for (int i = 0; i < DAEMONS; i++) {
		service_close(sim->nodes[i].service);
		inbox_drop(&sim->nodes[i]);
	}
	DL_FOREACH_SAFE(sim->messages, message, next) {
		DL_DELETE(sim->messages, message);
		message_free(message);
	}
}
