#include "stats.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

struct stats {
	uint64_t ticks;
	uint64_t requests;
	uint64_t refused;
	struct histogram events;  /* a tick, where there were any */
	struct histogram commits; /* us */
	struct account *accounts;
	size_t account_count;
	const char *const *duration_names;
	struct histogram *durations;
	size_t duration_count; /* with the one at 0 that has no name */
};

static size_t operations_count(const struct operation *operations)
{
	size_t count = 0;

	while (operations[count].name)
		count++;
	return count;
}

static size_t names_count(const char *const *names)
{
	size_t count = 0;

	while (names && names[count])
		count++;
	return count;
}

struct stats *stats_new(const struct program *program, const struct operation *common)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	size_t own = operations_count(program->operations);

	if (!stats)
		return NULL;
	stats->account_count = own + operations_count(common);
	stats->accounts = calloc(stats->account_count, sizeof(*stats->accounts));
	stats->duration_names = program->durations;
	stats->duration_count = names_count(program->durations);
	stats->durations = calloc(stats->duration_count + 1, sizeof(*stats->durations));
	if (!stats->accounts || !stats->durations) {
		stats_free(stats);
		return NULL;
	}
	for (size_t i = 0; i < stats->account_count; i++)
		stats->accounts[i].operation = i < own ? &program->operations[i] : &common[i - own];
	return stats;
}

void stats_free(struct stats *stats)
{
	if (!stats)
		return;
	free(stats->accounts);
	free(stats->durations);
	free(stats);
}

uint64_t stats_begin(struct stats *stats, const struct event *events, size_t count)
{
	stats->ticks++;
	for (size_t i = 0; i < count; i++)
		stats->requests += events[i].kind != EVENT_RESULT;
	if (count > 0)
		histogram_add(&stats->events, count);
	return clock_monotonic_us();
}

void stats_committed(struct stats *stats, uint64_t since_us)
{
	histogram_add(&stats->commits, clock_monotonic_us() - since_us);
}

struct account *stats_account(struct stats *stats, const struct operation *operation)
{
	for (size_t i = 0; i < stats->account_count; i++)
		if (stats->accounts[i].operation == operation)
			return &stats->accounts[i];
	return NULL;
}

void stats_handled(struct stats *stats, struct account *account, int outcome)
{
	stats->refused += outcome != OUTCOME_OK;
	if (!account)
		return;
	account->handled++;
	account->refused += outcome != OUTCOME_OK;
}

void stats_answered(struct account *account, uint64_t since_us)
{
	if (account)
		histogram_add(&account->times, clock_monotonic_us() - since_us);
}

void stats_duration(struct stats *stats, unsigned which, uint64_t us)
{
	if (which < stats->duration_count)
		histogram_add(&stats->durations[which], us);
}

struct service_counts stats_counts(const struct stats *stats)
{
	return (struct service_counts){
		.ticks = stats->ticks,
		.commits = stats->commits.count,
		.requests = stats->requests,
	};
}

static int operations_report(const struct stats *stats, struct arena *arena,
	struct stats_report *ret)
{
	struct operation_stats *list =
		arena_take(arena, stats->account_count * sizeof(*ret->operations));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < stats->account_count; i++) {
		const struct account *account = &stats->accounts[i];

		list[i] = (struct operation_stats){ account->operation->name, account->handled,
			account->refused, histogram_spread(&account->times) };
	}
	ret->operations = list;
	ret->operation_count = stats->account_count;
	return 0;
}

static int durations_report(const struct stats *stats, struct arena *arena,
	struct stats_report *ret)
{
	size_t count = stats->duration_count > 0 ? stats->duration_count - 1 : 0;
	struct duration_stats *list = arena_take(arena, (count + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct duration_stats){ stats->duration_names[i + 1],
			histogram_spread(&stats->durations[i + 1]) };
	ret->durations = list;
	ret->duration_count = count;
	return 0;
}

int stats_report(const struct stats *stats, struct arena *arena, struct stats_report *ret)
{
	int result = operations_report(stats, arena, ret);

	if (result == 0)
		result = durations_report(stats, arena, ret);
	if (result < 0)
		return result;
	ret->ticks = stats->ticks;
	ret->requests = stats->requests;
	ret->commits = stats->commits.count;
	ret->syncs = stats->commits.count * DB_SYNCS_A_COMMIT;
	ret->refused = stats->refused;
	ret->events = stats->events.sum;
	ret->batch = histogram_spread(&stats->events);
	ret->commit_us = histogram_spread(&stats->commits);
	return 0;
}
