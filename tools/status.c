#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "condition.h"
#include "output.h"
#include "value.h"

#define AGAIN_MS 600 /* longer than from one try of a connection to the next */

/* Programs get times as they are, people how long ago. */
static const struct field program_fields[] = {
	{ "name", FIELD_TEXT, 0, AT(condition, name) },
	{ "state", FIELD_TEXT, 0, AT(condition, state_name) },
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
	{ "store_room_bytes", FIELD_I64, FIELD_SPARSE, AT(condition, health.store_room_bytes) },
	{ "open_sagas", FIELD_I64, 0, AT(condition, health.open_sagas) },
	{ "oldest_saga_at", FIELD_TIME_MS, FIELD_SPARSE, AT(condition, health.oldest_saga_at) },
	{ "next_deadline_at", FIELD_TIME_MS, FIELD_SPARSE, AT(condition, health.next_deadline_at) },
	{ "reason", FIELD_TEXT, 0, AT(condition, reason) },
};
static const struct record program_record = RECORD(condition, program_fields);

struct shown {
	struct condition condition;
	const char *since, *sagas, *oldest, *deadline;
};
static const struct field shown_fields[] = {
	{ "name", FIELD_TEXT, 0, AT(shown, condition.name) },
	{ "state", FIELD_TEXT, 0, AT(shown, condition.state_name) },
	{ "version", FIELD_TEXT, 0, AT(shown, condition.health.version) },
	{ "since", FIELD_TEXT, 0, AT(shown, since) },
	{ "in_hand", FIELD_I64, 0, AT(shown, condition.health.backlog) },
	{ "store_bytes", FIELD_I64, FIELD_SPARSE, AT(shown, condition.health.store_used_bytes) },
	{ "room_bytes", FIELD_I64, FIELD_SPARSE, AT(shown, condition.health.store_room_bytes) },
	{ "sagas", FIELD_TEXT, 0, AT(shown, sagas) },
	{ "oldest", FIELD_TEXT, 0, AT(shown, oldest) },
	{ "deadline", FIELD_TEXT, 0, AT(shown, deadline) },
};
static const struct record shown_record = RECORD(shown, shown_fields);

static void line_add(struct rows *rows, struct arena *arena, const struct condition *condition)
{
	const struct health *health = &condition->health;
	int64_t now_ms = clock_wall_ms();
	struct shown shown = { .condition = *condition };

	if (condition->state != CONDITION_DOWN)
		shown.since = value_print_span(arena, now_ms - health->started_at);
	if (health->open_sagas) {
		shown.sagas = arena_print(arena, "%" PRId64, health->open_sagas);
		shown.oldest = value_print_span(arena, condition->saga_age_ms);
	}
	if (health->next_deadline_at)
		shown.deadline = condition->deadline_late_ms
			? arena_print(arena, "%s late",
				  value_print_span(arena, condition->deadline_late_ms))
			: arena_print(arena, "in %s",
				  value_print_span(arena, health->next_deadline_at - now_ms));
	rows_add(rows, &shown);
}

static int conditions_print(struct ctl *ctl, const struct condition *conditions, size_t count)
{
	const struct record *record = output_is_json() ? &program_record : &shown_record;
	struct rows *rows = rows_begin(record, NULL);

	if (!rows)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	for (size_t i = 0; i < count; i++) {
		if (output_is_json())
			rows_add(rows, &conditions[i]);
		else
			line_add(rows, ctl->arena, &conditions[i]);
	}
	rows_end(rows);
	return STATUS_DONE;
}

/* What is amiss, in words; returns the status to end with. */
static int condition_tell(struct ctl *ctl, enum neighbour who, const struct condition *condition)
{
	if (condition->state == CONDITION_UP)
		return STATUS_DONE;
	if (condition->state == CONDITION_DOWN && condition->result == -ETIMEDOUT) {
		fprintf(stderr,
			"orderctl: %s does not answer within %" PRId64 " ms: it hangs, has too much"
			" to do,\nor cannot start; journalctl -xu %s says which. One that hangs is"
			" ended and started\nagain by its watchdog.\n",
			condition->name, ctl_timeout_ms(ctl), condition->name);
		return STATUS_UNREACHABLE;
	}
	if (condition->state == CONDITION_DOWN) {
		ctl_failed(ctl, who, condition->result, &condition->answer);
		return STATUS_UNREACHABLE;
	}
	if (!output_is_json())
		printf("%s is %s: %s\n", condition->name, condition->state_name,
			condition->reason ? condition->reason : "it does not say why");
	return STATUS_REFUSED;
}

/* Neighbours of which one has just started have not found each other yet: who is degraded is asked
 * once more a little later. */
static void conditions_ask(struct ctl *ctl, struct condition *conditions, size_t count)
{
	bool again = false;

	for (enum neighbour who = 0; who < count; who++) {
		condition_ask(ctl, who, &conditions[who]);
		again = again || conditions[who].state == CONDITION_DEGRADED;
	}
	if (!again)
		return;
	nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000L }, NULL);
	for (enum neighbour who = 0; who < count; who++)
		if (conditions[who].state == CONDITION_DEGRADED)
			condition_ask(ctl, who, &conditions[who]);
}

int status_show(struct ctl *ctl)
{
	struct condition conditions[MEMBERS_MAX];
	size_t count = ctl_members(ctl);
	int status;

	if (!ctl->timeout_ms)
		ctl->timeout_ms = HEALTH_TIMEOUT_MS;
	conditions_ask(ctl, conditions, count);
	status = conditions_print(ctl, conditions, count);
	fflush(stdout);
	for (enum neighbour who = 0; who < count; who++) {
		int found = condition_tell(ctl, who, &conditions[who]);

		status = found > status ? found : status;
	}
	return status;
}
