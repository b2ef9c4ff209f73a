#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "orderctl.h"
#include "output.h"

#define HEALTH_TIMEOUT_MS 2000 /* a daemon that is well answers in no time */

/* A daemon's health, and what there is to say about one that does not answer. */
struct condition {
	const char *name;
	const char *state; /* up, not ready, down */
	struct health health;
	const char *reason;
};

static const struct field condition_fields[] = {
	{ "name", FIELD_TEXT, 0, AT(condition, name) },
	{ "state", FIELD_TEXT, 0, AT(condition, state) },
	{ "ready", FIELD_BOOL, 0, AT(condition, health.ready) },
	{ "version", FIELD_TEXT, 0, AT(condition, health.version) },
	{ "pid", FIELD_I64, FIELD_SPARSE, AT(condition, health.pid) },
	{ "started_at", FIELD_TIME_MS, FIELD_SPARSE, AT(condition, health.started_at) },
	{ "backlog", FIELD_I64, 0, AT(condition, health.backlog) },
	{ "requests", FIELD_U64, 0, AT(condition, health.requests) },
	{ "ticks", FIELD_U64, 0, AT(condition, health.ticks) },
	{ "store_used_bytes", FIELD_I64, FIELD_SPARSE, AT(condition, health.store_used_bytes) },
	{ "store_size_max_bytes", FIELD_I64, FIELD_SPARSE,
		AT(condition, health.store_size_max_bytes) },
	{ "open_sagas", FIELD_I64, 0, AT(condition, health.open_sagas) },
	{ "oldest_saga_at", FIELD_TIME_MS, FIELD_SPARSE, AT(condition, health.oldest_saga_at) },
	{ "next_deadline_at", FIELD_TIME_MS, FIELD_SPARSE, AT(condition, health.next_deadline_at) },
	{ "reason", FIELD_TEXT, 0, AT(condition, reason) },
};
static const struct record condition_record = RECORD(condition, condition_fields);

#define CONDITION_COLUMNS \
	"name state version started_at backlog store_used_bytes store_size_max_bytes open_sagas " \
	"reason"

/* Returns what the call returned. */
static int condition_ask(struct ctl *ctl, enum neighbour who, struct condition *condition,
	struct answer *answer)
{
	char nothing = 0;
	int result = ctl_try(ctl, who, "health", &empty_record, &nothing, &health_record,
		&condition->health, answer);

	condition->name = neighbour_name(who);
	if (result) {
		condition->state = "down";
		condition->reason = result > 0 ? answer->message : strerror(-result);
		return result;
	}
	condition->state = condition->health.ready ? "up" : "not ready";
	condition->reason = condition->health.reason;
	return 0;
}

int status_show(struct ctl *ctl)
{
	struct rows *rows = rows_begin(&condition_record, CONDITION_COLUMNS);
	struct condition conditions[NEIGHBOURS] = { 0 };
	struct answer answers[NEIGHBOURS] = { 0 };
	int results[NEIGHBOURS], status = STATUS_DONE;

	if (!rows)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	if (!ctl->timeout_ms)
		ctl->timeout_ms = HEALTH_TIMEOUT_MS;
	for (enum neighbour who = 0; who < NEIGHBOURS; who++) {
		results[who] = condition_ask(ctl, who, &conditions[who], &answers[who]);
		rows_add(rows, &conditions[who]);
		if (!results[who] && !conditions[who].health.ready)
			status = STATUS_REFUSED;
	}
	rows_end(rows);
	fflush(stdout);
	for (enum neighbour who = 0; who < NEIGHBOURS; who++)
		if (results[who]) {
			ctl_failed(ctl, who, results[who], &answers[who]);
			status = STATUS_UNREACHABLE;
		}
	return status;
}
