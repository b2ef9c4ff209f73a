#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "top.h"

#define SAMPLE_TIMEOUT_MS 500

static void counter_take(struct top_counter *counter, uint64_t now, double seconds)
{
	counter->rate = seconds > 0 && now >= counter->before
		? (double)(now - counter->before) / seconds
		: 0;
	counter->before = now;
}

static void mean_take(struct top_mean *mean, const struct spread *spread)
{
	double sum = (double)spread->mean * (double)spread->count;
	uint64_t count = spread->count - mean->count_before;

	mean->value = spread->count > mean->count_before && sum > mean->sum_before
		? (sum - mean->sum_before) / (double)count
		: 0;
	mean->sum_before = sum;
	mean->count_before = spread->count;
}

static void history_take(struct top_history *history, double value)
{
	memmove(history->values, history->values + 1, sizeof(history->values) - sizeof(double));
	history->values[TOP_HISTORY - 1] = value;
}

static void operations_take(struct top_daemon *daemon, const struct stats_report *stats,
	double seconds)
{
	size_t count = stats->operation_count < TOP_OPERATIONS_MAX ? stats->operation_count
								   : TOP_OPERATIONS_MAX;

	daemon->operation_count = count;
	daemon->work_rate = 0;
	for (size_t i = 0; i < count; i++) {
		const struct operation_stats *from = &stats->operations[i];
		struct top_operation *to = &daemon->operations[i];

		snprintf(to->name, sizeof(to->name), "%s", from->operation);
		counter_take(&to->handled, from->handled, seconds);
		counter_take(&to->refused, from->refused, seconds);
		mean_take(&to->latency_us, &from->latency_us);
		to->p99_us = from->latency_us.p99;
		history_take(&to->rates, to->handled.rate);
		if (strchr(to->name, '.'))
			daemon->work_rate += to->handled.rate;
	}
}

/* Counts that begin again, or were not seen before, make no rate. */
static void daemon_forget(struct top_daemon *daemon)
{
	struct condition condition = daemon->condition;

	*daemon = (struct top_daemon){ .condition = condition };
}

static void daemon_take(struct top *top, enum neighbour who, double seconds)
{
	struct top_daemon *daemon = &top->daemons[who];
	struct stats_report stats = { 0 };
	char nothing = 0;
	bool known;

	condition_ask(top->ctl, who, &daemon->condition);
	if (daemon->condition.state == CONDITION_DOWN ||
		ctl_try(top->ctl, who, "stats", &empty_record, &nothing, &stats_record, &stats,
			NULL)) {
		daemon_forget(daemon);
		return;
	}
	known = daemon->started_at == daemon->condition.health.started_at;
	if (!known)
		daemon_forget(daemon);
	daemon->started_at = daemon->condition.health.started_at;
	seconds = known ? seconds : 0;
	counter_take(&daemon->refused, stats.refused, seconds);
	mean_take(&daemon->batch, &stats.batch);
	mean_take(&daemon->commit_us, &stats.commit_us);
	operations_take(daemon, &stats, seconds);
}

static const struct top_operation *operation_find(const struct top_daemon *daemon, const char *name)
{
	for (size_t i = 0; i < daemon->operation_count; i++)
		if (!strcmp(daemon->operations[i].name, name))
			return &daemon->operations[i];
	return NULL;
}

void top_sample(struct top *top)
{
	struct ctl *ctl = top->ctl;
	struct arena *kept = ctl->arena;
	int64_t now_us = (int64_t)clock_monotonic_us();
	double seconds = top->sampled_us ? (double)(now_us - top->sampled_us) / 1e6 : 0;
	const struct top_operation *create;

	arena_reset(top->arena);
	ctl->arena = top->arena;
	ctl->timeout_ms = SAMPLE_TIMEOUT_MS;
	top->count = ctl_members(ctl);
	for (enum neighbour who = 0; who < top->count; who++)
		daemon_take(top, who, seconds);
	ctl->arena = kept;
	top->sampled_us = now_us;
	create = operation_find(&top->daemons[ORDERD], "order.create");
	history_take(&top->orders, create ? create->handled.rate - create->refused.rate : 0);
	history_take(&top->refused, create ? create->refused.rate : 0);
	history_take(&top->sagas, (double)top->daemons[ORDERD].condition.health.open_sagas);
}
