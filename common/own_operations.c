#include "service_inside.h"

#include <string.h>
#include <unistd.h>

static bool peer_is_reached(const struct service *service, unsigned peer)
{
	const struct bus *bus = &service->bus;

	return bus->reaches ? bus->reaches(bus->argument, peer) : service->peer_up[peer];
}

/* A neighbour that is asked in two ways has two rows, one after the other. */
static bool is_the_same(const struct peer *peers, unsigned peer)
{
	return peer > 0 && strcmp(peers[peer].name, peers[peer - 1].name) == 0;
}

/* Which neighbours are away; NULL: none. */
static const char *absent_name(struct tick *tick)
{
	const struct peer *peers = tick->service->program->peers;
	const char *why = NULL;

	for (unsigned i = 0; peers && peers[i].name; i++)
		if (!is_the_same(peers, i) && !peer_is_reached(tick->service, i))
			why = arena_print(tick->arena, "%s%s%s cannot be reached: is it started?",
				why ? why : "", why ? " " : "", peers[i].name);
	return why;
}

static int handle_health(struct tick *tick, const void *request, void *reply)
{
	struct service *service = tick->service;
	struct service_counts counts = service_counts(service);
	struct health *health = reply;
	struct db_usage usage;

	(void)request;
	health->name = service->program->name;
	health->version = PACKAGE_VERSION;
	health->pid = getpid();
	health->started_at = service->started_at_ms;
	health->ready = tick->txn || !service->program->watches || tick->watched;
	if (!health->ready)
		health->reason = "the store is not there yet";
	else if (service->access_max < ACCESS_GROW)
		health->reason =
			service->full ? service->full : "the store is full: new work is refused";
	else
		health->reason = absent_name(tick);
	health->backlog = (int64_t)counts.parked;
	health->requests = counts.requests;
	health->ticks = counts.ticks;
	health->commits = counts.commits;
	if (service->db && db_usage(service->db, &usage) == 0) {
		health->store_used_bytes = usage.used_bytes;
		health->store_size_max_bytes = usage.size_max_bytes;
		health->store_room_bytes = service_room(service, &usage);
	}
	if (service->program->describe)
		service->program->describe(tick, health);
	return OUTCOME_OK;
}

static int handle_stats(struct tick *tick, const void *request, void *reply)
{
	const struct service *service = tick->service;
	struct stats_report *report = reply;

	(void)request;
	report->name = service->program->name;
	report->started_at = service->started_at_ms;
	return stats_report(service->stats, tick->arena, report);
}

/* clang-format off */
const struct operation common_operations[] = {
	{ "health", ACCESS_READ, WHO_ANYBODY, NULL, &empty_record, &health_record,
		.handle = handle_health, .apart = true },
	{ "stats", ACCESS_READ, WHO_ANYBODY, NULL, &empty_record, &stats_record,
		.handle = handle_stats, .apart = true },
	{ 0 },
};
/* clang-format on */
