#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "condition.h"
#include "value.h"

/* Of one daemon. */
struct measure {
	bool up;
	struct condition condition;
	struct stats_report stats;
};

enum metric_kind { GAUGE, COUNTER };

/* Numbers of which a daemon has one each; ms become seconds. */
static const struct metric {
	const char *name; /* a counter's without _total */
	const char *help;
	enum metric_kind kind;
	bool is_ms;
	struct field value;
} metrics[] = {
	{ "orderd_ready", "Whether the daemon serves.", GAUGE, false,
		{ "ready", FIELD_BOOL, 0, AT(measure, condition.health.ready) } },
	{ "orderd_start_time_seconds", "When the daemon started, since 1970.", GAUGE, true,
		{ "started_at", FIELD_TIME_MS, 0, AT(measure, condition.health.started_at) } },
	{ "orderd_calls_in_hand", "Requests that are not answered yet.", GAUGE, false,
		{ "backlog", FIELD_I64, 0, AT(measure, condition.health.backlog) } },
	{ "orderd_store_used_bytes", "What is in use of the store.", GAUGE, false,
		{ "used", FIELD_I64, 0, AT(measure, condition.health.store_used_bytes) } },
	{ "orderd_store_limit_bytes", "How large the store may grow.", GAUGE, false,
		{ "limit", FIELD_I64, 0, AT(measure, condition.health.store_size_max_bytes) } },
	{ "orderd_open_sagas", "Orders with something still to be settled.", GAUGE, false,
		{ "sagas", FIELD_I64, 0, AT(measure, condition.health.open_sagas) } },
	{ "orderd_oldest_saga_age_seconds", "Age of the oldest open saga, 0 without one.", GAUGE,
		true, { "age", FIELD_I64, 0, AT(measure, condition.saga_age_ms) } },
	{ "orderd_deadline_overdue_seconds", "How late the next deadline is, 0 when it is not.",
		GAUGE, true, { "late", FIELD_I64, 0, AT(measure, condition.deadline_late_ms) } },
	{ "orderd_requests", "Requests received.", COUNTER, false,
		{ "requests", FIELD_U64, 0, AT(measure, stats.requests) } },
	{ "orderd_refused", "Requests, and elements of many, answered with an error.", COUNTER,
		false, { "refused", FIELD_U64, 0, AT(measure, stats.refused) } },
	{ "orderd_events", "Requests and frames of results taken in.", COUNTER, false,
		{ "events", FIELD_U64, 0, AT(measure, stats.events) } },
	{ "orderd_ticks", "Ticks of the loop.", COUNTER, false,
		{ "ticks", FIELD_U64, 0, AT(measure, stats.ticks) } },
	{ "orderd_commits", "Ticks that wrote.", COUNTER, false,
		{ "commits", FIELD_U64, 0, AT(measure, stats.commits) } },
	{ "orderd_syncs", "Syncs of the disk.", COUNTER, false,
		{ "syncs", FIELD_U64, 0, AT(measure, stats.syncs) } },
};

struct writer {
	FILE *out;
	enum metrics_format format;
	const struct measure *measures;
	size_t count;
};

static void head_write(const struct writer *writer, const char *name, const char *type,
	const char *help)
{
	/* OpenMetrics names a counter's family without the ending of its samples. */
	const char *ending =
		!strcmp(type, "counter") && writer->format == METRICS_PROMETHEUS ? "_total" : "";

	fprintf(writer->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, ending, help, name, ending,
		type);
}

static void number_write(const struct writer *writer, const struct metric *metric,
	const struct measure *measure)
{
	const struct field *field = &metric->value;
	uint64_t number = field->type == FIELD_BOOL ? value_bool(field, measure)
						    : value_number(field, measure);

	if (metric->is_ms)
		fprintf(writer->out, "%" PRIu64 ".%03u\n", number / 1000,
			(unsigned)(number % 1000));
	else
		fprintf(writer->out, "%" PRIu64 "\n", number);
}

static void metric_write(const struct writer *writer, const struct metric *metric)
{
	bool counts = metric->kind == COUNTER;

	head_write(writer, metric->name, counts ? "counter" : "gauge", metric->help);
	for (size_t i = 0; i < writer->count; i++) {
		if (!writer->measures[i].up)
			continue;
		fprintf(writer->out, "%s%s{daemon=\"%s\"} ", metric->name, counts ? "_total" : "",
			writer->measures[i].condition.name);
		number_write(writer, metric, &writer->measures[i]);
	}
}

static void up_write(const struct writer *writer)
{
	head_write(writer, "orderd_up", "gauge", "Whether the daemon answers.");
	for (size_t i = 0; i < writer->count; i++)
		fprintf(writer->out, "orderd_up{daemon=\"%s\"} %d\n",
			writer->measures[i].condition.name, writer->measures[i].up);
	head_write(writer, "orderd_build_info", "gauge", "Which version runs.");
	for (size_t i = 0; i < writer->count; i++)
		if (writer->measures[i].up)
			fprintf(writer->out, "orderd_build_info{daemon=\"%s\",version=\"%s\"} 1\n",
				writer->measures[i].condition.name,
				writer->measures[i].condition.health.version);
}

/* Since the daemon's start; `labels` are those of every sample. */
static void spread_write(const struct writer *writer, const char *name, const char *labels,
	const struct spread *spread, double unit)
{
	const struct {
		const char *quantile;
		uint64_t value;
	} rows[] = {
		{ "0.5", spread->p50 },
		{ "0.9", spread->p90 },
		{ "0.99", spread->p99 },
		{ "0.999", spread->p999 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(writer->out, "%s{%s,quantile=\"%s\"} %.6f\n", name, labels,
			rows[i].quantile, (double)rows[i].value * unit);
	fprintf(writer->out, "%s_sum{%s} %.6f\n%s_count{%s} %" PRIu64 "\n", name, labels,
		(double)spread->mean * (double)spread->count * unit, name, labels, spread->count);
}

static void daemon_spreads_write(const struct writer *writer)
{
	char labels[128];

	head_write(writer, "orderd_tick_events", "summary", "Events that one tick took.");
	for (size_t i = 0; i < writer->count; i++) {
		snprintf(labels, sizeof(labels), "daemon=\"%s\"",
			writer->measures[i].condition.name);
		if (writer->measures[i].up)
			spread_write(writer, "orderd_tick_events", labels,
				&writer->measures[i].stats.batch, 1);
	}
	head_write(writer, "orderd_commit_seconds", "summary", "How long a commit took.");
	for (size_t i = 0; i < writer->count; i++) {
		snprintf(labels, sizeof(labels), "daemon=\"%s\"",
			writer->measures[i].condition.name);
		if (writer->measures[i].up)
			spread_write(writer, "orderd_commit_seconds", labels,
				&writer->measures[i].stats.commit_us, 1e-6);
	}
}

/* Calls `take` for each operation of each daemon that was asked for. */
static void operations_walk(const struct writer *writer,
	void (*take)(const struct writer *writer, const char *labels,
		const struct operation_stats *operation))
{
	char labels[128];

	for (size_t i = 0; i < writer->count; i++) {
		const struct stats_report *stats = &writer->measures[i].stats;

		for (size_t j = 0; writer->measures[i].up && j < stats->operation_count; j++) {
			if (!stats->operations[j].handled)
				continue;
			snprintf(labels, sizeof(labels), "daemon=\"%s\",operation=\"%s\"",
				writer->measures[i].condition.name, stats->operations[j].operation);
			take(writer, labels, &stats->operations[j]);
		}
	}
}

static void handled_write(const struct writer *writer, const char *labels,
	const struct operation_stats *operation)
{
	fprintf(writer->out, "orderd_operation_handled_total{%s} %" PRIu64 "\n", labels,
		operation->handled);
}

static void refused_write(const struct writer *writer, const char *labels,
	const struct operation_stats *operation)
{
	fprintf(writer->out, "orderd_operation_refused_total{%s} %" PRIu64 "\n", labels,
		operation->refused);
}

static void latency_write(const struct writer *writer, const char *labels,
	const struct operation_stats *operation)
{
	spread_write(writer, "orderd_operation_latency_seconds", labels, &operation->latency_us,
		1e-6);
}

static void operations_write(const struct writer *writer)
{
	head_write(writer, "orderd_operation_handled", "counter", "Requests by operation.");
	operations_walk(writer, handled_write);
	head_write(writer, "orderd_operation_refused", "counter",
		"Requests answered with an error, by operation.");
	operations_walk(writer, refused_write);
	head_write(writer, "orderd_operation_latency_seconds", "summary",
		"From the tick that took a request in until its answer left.");
	operations_walk(writer, latency_write);
}

static void steps_write(const struct writer *writer)
{
	const struct measure *measure = &writer->measures[ORDERD];
	char labels[128];

	head_write(writer, "orderd_saga_step_seconds", "summary", "How long a step of sagas took.");
	for (size_t i = 0; measure->up && i < measure->stats.duration_count; i++) {
		snprintf(labels, sizeof(labels), "step=\"%s\"", measure->stats.durations[i].step);
		spread_write(writer, "orderd_saga_step_seconds", labels,
			&measure->stats.durations[i].time_us, 1e-6);
	}
}

static void measure_take(struct ctl *ctl, enum neighbour who, struct measure *ret)
{
	char nothing = 0;

	condition_ask(ctl, who, &ret->condition);
	ret->up = ret->condition.state != CONDITION_DOWN &&
		!ctl_try(ctl, who, "stats", &empty_record, &nothing, &stats_record, &ret->stats,
			NULL);
}

void metrics_write(struct ctl *ctl, enum metrics_format format, FILE *out)
{
	struct measure measures[MEMBERS_MAX] = { 0 };
	struct writer writer = { out, format, measures, ctl_members(ctl) };

	if (!ctl->timeout_ms)
		ctl->timeout_ms = HEALTH_TIMEOUT_MS;
	for (enum neighbour who = 0; who < writer.count; who++)
		measure_take(ctl, who, &measures[who]);
	up_write(&writer);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		metric_write(&writer, &metrics[i]);
	daemon_spreads_write(&writer);
	operations_write(&writer);
	steps_write(&writer);
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Who reads the file meanwhile reads the old one or the new one as a whole. What is no file, a
 * device for one, is not replaced by one. */
static int file_write(struct ctl *ctl, enum metrics_format format, const char *path)
{
	char *temporary = arena_print(ctl->arena, "%s.XXXXXX", path);
	bool written = false;
	struct stat there;
	FILE *out;
	int fd;

	if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
		return usage_refuse(ctl,
			"--output %s: not a plain file; leave --output out to"
			" write to standard output",
			path);
	fd = temporary ? mkstemp(temporary) : -1;
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out) {
		metrics_write(ctl, format, out);
		written = fchmod(fd, 0644) == 0 && !ferror(out);
		written = fclose(out) == 0 && written && rename(temporary, path) == 0;
	}
	if (written)
		return STATUS_DONE;
	fprintf(stderr, "orderctl: %s cannot be written: %s\n", path, strerror(errno));
	if (fd >= 0)
		unlink(temporary);
	return STATUS_REFUSED;
}

int metrics_show(struct ctl *ctl)
{
	const char *output = ctl_option(ctl, "output");
	const char *wanted = ctl_option(ctl, "format");
	enum metrics_format format = output ? METRICS_PROMETHEUS : METRICS_OPENMETRICS;

	if (wanted && !strcmp(wanted, "prometheus"))
		format = METRICS_PROMETHEUS;
	else if (wanted && !strcmp(wanted, "openmetrics"))
		format = METRICS_OPENMETRICS;
	else if (wanted)
		return usage_refuse(ctl, "--format %s: neither openmetrics nor prometheus", wanted);
	if (ctl_option(ctl, "http"))
		return metrics_serve(ctl);
	if (output)
		return file_write(ctl, format, output);
	metrics_write(ctl, format, stdout);
	return STATUS_DONE;
}
