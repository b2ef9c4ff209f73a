#include "service_inside.h"

#include <unistd.h>

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
		health->reason = "the store is full: new work is refused";
	health->backlog = (int64_t)counts.parked;
	health->requests = counts.requests;
	health->ticks = counts.ticks;
	health->commits = counts.commits;
	if (service->db && db_usage(service->db, &usage) == 0) {
		health->store_used_bytes = usage.used_bytes;
		health->store_size_max_bytes = usage.size_max_bytes;
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
