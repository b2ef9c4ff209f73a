#include <stdio.h>

#include "orderctl.h"
#include "output.h"

/* What people see of the reports: a line for each daemon, for each operation that was asked for,
 * for each step of a saga that was gone through. Programs get the reports as they are. */

static const struct field daemon_fields[] = {
	{ "name", FIELD_TEXT, 0, AT(stats_report, name) },
	{ "requests", FIELD_U64, 0, AT(stats_report, requests) },
	{ "refused", FIELD_U64, 0, AT(stats_report, refused) },
	{ "ticks", FIELD_U64, 0, AT(stats_report, ticks) },
	{ "batch_mean", FIELD_U64, 0, AT(stats_report, batch.mean) },
	{ "batch_p99", FIELD_U64, 0, AT(stats_report, batch.p99) },
	{ "batch_max", FIELD_U64, 0, AT(stats_report, batch.max) },
	{ "commits", FIELD_U64, 0, AT(stats_report, commits) },
	{ "commit_p50_us", FIELD_U64, 0, AT(stats_report, commit_us.p50) },
	{ "commit_p99_us", FIELD_U64, 0, AT(stats_report, commit_us.p99) },
	{ "commit_max_us", FIELD_U64, 0, AT(stats_report, commit_us.max) },
};
static const struct record daemon_record = RECORD(stats_report, daemon_fields);

#define TIMES(type, spread) \
	{ "mean_us", FIELD_U64, 0, AT(type, spread.mean) }, \
		{ "p50_us", FIELD_U64, 0, AT(type, spread.p50) }, \
		{ "p90_us", FIELD_U64, 0, AT(type, spread.p90) }, \
		{ "p99_us", FIELD_U64, 0, AT(type, spread.p99) }, \
		{ "p999_us", FIELD_U64, 0, AT(type, spread.p999) }, \
	{ \
		"max_us", FIELD_U64, 0, AT(type, spread.max) \
	}

static const struct field operation_fields[] = {
	{ "operation", FIELD_TEXT, 0, AT(operation_stats, operation) },
	{ "handled", FIELD_U64, 0, AT(operation_stats, handled) },
	{ "refused", FIELD_U64, 0, AT(operation_stats, refused) },
	TIMES(operation_stats, latency_us),
};
static const struct record operation_record = RECORD(operation_stats, operation_fields);

static const struct field step_fields[] = {
	{ "step", FIELD_TEXT, 0, AT(duration_stats, step) },
	{ "count", FIELD_U64, 0, AT(duration_stats, time_us.count) },
	TIMES(duration_stats, time_us),
};
static const struct record step_record = RECORD(duration_stats, step_fields);

static void daemons_print(const struct stats_report *reports, size_t count)
{
	struct rows *rows = rows_begin(&daemon_record, NULL);

	for (size_t i = 0; rows && i < count; i++)
		if (reports[i].name)
			rows_add(rows, &reports[i]);
	rows_end(rows);
}

static void operations_print(const struct stats_report *report)
{
	struct rows *rows = rows_begin(&operation_record, NULL);

	for (size_t i = 0; rows && i < report->operation_count; i++)
		if (report->operations[i].handled > 0)
			rows_add(rows, &report->operations[i]);
	rows_end(rows);
}

static void steps_print(const struct stats_report *report)
{
	struct rows *rows = rows_begin(&step_record, NULL);

	for (size_t i = 0; rows && i < report->duration_count; i++)
		if (report->durations[i].time_us.count > 0)
			rows_add(rows, &report->durations[i]);
	rows_end(rows);
}

static void reports_print(const struct stats_report *reports, size_t count)
{
	daemons_print(reports, count);
	for (size_t i = 0; i < count; i++) {
		if (!reports[i].name)
			continue;
		printf("\n%s, since its start:\n", reports[i].name);
		operations_print(&reports[i]);
		steps_print(&reports[i]);
	}
}

int stats_show(struct ctl *ctl)
{
	struct stats_report reports[MEMBERS_MAX] = { 0 };
	size_t count = ctl_members(ctl);
	int status = STATUS_DONE;
	char nothing = 0;

	for (enum neighbour who = 0; who < count; who++) {
		int failed = ctl_call(ctl, who, "stats", &empty_record, &nothing, &stats_record,
			&reports[who]);

		if (failed) {
			reports[who].name = NULL;
			status = failed;
		} else if (ctl->json) {
			output_record(&stats_record, &reports[who]);
		}
	}
	if (!ctl->json)
		reports_print(reports, count);
	return status;
}
