#include "meter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "protocol.h"

#define PATIENCE_MS 5000

const char *const meter_names[METER_COUNT] = {
	[METER_ORDERD] = "orderd",
	[METER_STOCKD] = "stockd",
	[METER_CATALOGD] = "catalogd",
	[METER_REAPERD] = "reaperd",
	[METER_CLIENT] = "client",
};

static double cpu_of(int64_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		    &system) != 2)
		user = system = 0;
	fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t written_by(int64_t pid)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/io", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "write_bytes: %" SCNu64, &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

static int ask(const char *runtime_dir, const char *name, struct arena *arena,
	const char *operation, const struct record *asked, const void *request,
	const struct record *record, void *ret_reply)
{
	struct connection *connection;
	char path[512];
	int result;

	snprintf(path, sizeof(path), "%s/%s.sock", runtime_dir, name);
	result = arena ? connection_open(&connection, path) : -ENOMEM;
	if (result != 0)
		return result;
	result = connection_call(connection, arena, operation, asked, request, PATIENCE_MS, record,
		ret_reply, NULL);
	connection_close(connection);
	return result > 0 ? -EACCES : result;
}

static void processes_read(const char *runtime_dir, struct arena *arena, struct meter *meter)
{
	for (int i = METER_ORDERD; i < METER_CLIENT; i++) {
		struct health health = { 0 };
		struct stats_report stats = { 0 };

		if (ask(runtime_dir, meter_names[i], arena, "health", &empty_record, NULL,
			    &health_record, &health))
			continue;
		meter->cpu_s[i] = cpu_of(health.pid);
		meter->write_bytes += written_by(health.pid);
		if (ask(runtime_dir, meter_names[i], arena, "stats", &empty_record, NULL,
			    &stats_record, &stats) == 0)
			meter->syncs += stats.syncs;
	}
}

static int events_ask(const char *runtime_dir, struct arena *arena, const struct range *range,
	struct event_list *ret)
{
	return ask(runtime_dir, "orderd", arena, "event.list", &range_record, range,
		&event_list_record, ret);
}

int meter_read(const char *runtime_dir, struct meter *ret)
{
	struct arena *arena = arena_new();
	struct meter meter = { .cpu_s[METER_CLIENT] = cpu_of(getpid()) };
	struct event_list events = { 0 };
	struct range range = { .limit = 1 };
	int result = events_ask(runtime_dir, arena, &range, &events);

	if (result == 0) {
		meter.last_event = events.last;
		processes_read(runtime_dir, arena, &meter);
		*ret = meter;
	}
	arena_free(arena);
	return result;
}

static void tally_add(struct tally *tally, const struct orderd_event *event)
{
	if (event->from == ORDERD_ANY) {
		if (tally->made++ == 0 || event->order_id < tally->first_id)
			tally->first_id = event->order_id;
		if (event->order_id > tally->last_id)
			tally->last_id = event->order_id;
		tally->last_made = event->at;
	}
	tally->cancelled += event->to == ORDERD_CANCELLED;
	tally->last_event = event->seq;
}

int tally_read(const char *runtime_dir, struct tally *tally,
	void (*heard)(void *argument, const struct orderd_event *event), void *argument)
{
	struct arena *arena = arena_new();
	struct event_list list = { .count = 1 };
	int result = 0;

	while (result == 0 && list.count > 0) {
		struct range range = { .after = tally->last_event, .limit = LIST_LIMIT_MAX };

		result = events_ask(runtime_dir, arena, &range, &list);
		for (size_t i = 0; result == 0 && i < list.count; i++) {
			tally_add(tally, &list.events[i]);
			if (heard)
				heard(argument, &list.events[i]);
		}
		if (arena)
			arena_reset(arena);
	}
	arena_free(arena);
	return result;
}

int newest_order(const char *runtime_dir, uint64_t *ret_order_id)
{
	struct arena *arena = arena_new();
	struct event_list events = { 0 };
	struct range range = { .limit = 1 };
	int result = events_ask(runtime_dir, arena, &range, &events);

	range.after = events.last > 0 ? events.last - 1 : 0;
	if (result == 0)
		result = events_ask(runtime_dir, arena, &range, &events);
	if (result == 0 && events.count == 0)
		result = -ENOMSG;
	if (result == 0)
		*ret_order_id = events.events[0].order_id;
	arena_free(arena);
	return result;
}

int page_next(const char *runtime_dir, struct order_query *query)
{
	struct arena *arena = arena_new();
	struct order_list list = { 0 };
	int result = ask(runtime_dir, "orderd", arena, "order.list", &order_query_record, query,
		&order_list_record, &list);

	query->after = list.next;
	arena_free(arena);
	if (result < 0)
		return result;
	return list.next > 0 ? 0 : -ENODATA;
}

int64_t open_sagas(const char *runtime_dir)
{
	struct arena *arena = arena_new();
	struct health health = { 0 };
	int result = ask(runtime_dir, "orderd", arena, "health", &empty_record, NULL,
		&health_record, &health);

	arena_free(arena);
	return result < 0 ? result : health.open_sagas;
}
