#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "top.h"
#include "value.h"

#define KEYS_COLUMN 58

/* --- pieces ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6))) static void put(const struct top_canvas *canvas, int row,
	int column, enum top_look look, const char *format, ...)
{
	char text[512];
	va_list list;

	if (row >= canvas->rows || column >= canvas->columns)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	canvas->put(canvas->context, row, column, look, text);
}

static const char *rate_print(char text[24], double rate)
{
	if (rate >= 99999.5)
		snprintf(text, 24, "%.0fk", rate / 1000);
	else
		snprintf(text, 24, rate < 9.95 && rate > 0 ? "%.1f" : "%.0f", rate);
	return text;
}

static const char *time_print(char text[24], double us)
{
	if (us <= 0)
		return "-";
	if (us < 999.5)
		snprintf(text, 24, "%.0fus", us);
	else if (us < 999950)
		snprintf(text, 24, "%.1fms", us / 1000);
	else
		snprintf(text, 24, "%.1fs", us / 1e6);
	return text;
}

/* A bar for each value, the highest of them as high as a line; what is not 0 is never flat. */
static const char *spark_print(char text[TOP_HISTORY * 3 + 1], const struct top_history *history)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double most = 0;

	for (size_t i = 0; i < TOP_HISTORY; i++)
		most = history->values[i] > most ? history->values[i] : most;
	text[0] = '\0';
	for (size_t i = 0; i < TOP_HISTORY; i++) {
		double value = history->values[i];
		int bar = value > 0 ? 1 + (int)(value / most * 7 + 0.5) : 0;

		strcat(text, bars[bar > 8 ? 8 : bar]);
	}
	return text;
}

static enum top_look state_look(enum condition_state state)
{
	static const enum top_look looks[] = { LOOK_GOOD, LOOK_WARN, LOOK_BAD, LOOK_BAD };

	return looks[state];
}

/* --- parts of the screen ---------------------------------------------------------------------- */

static int head_draw(const struct top *top, const struct top_canvas *canvas)
{
	time_t now = time(NULL);
	struct tm parts;
	int row = 0, ill = 0;

	gmtime_r(&now, &parts);
	for (size_t i = 0; i < top->count; i++)
		ill += top->daemons[i].condition.state != CONDITION_UP;
	put(canvas, row, 0, LOOK_HEAD, "orderd  %02d:%02d:%02d UTC", parts.tm_hour, parts.tm_min,
		parts.tm_sec);
	if (ill)
		put(canvas, row, 24, LOOK_BAD, "%d of %zu daemons want attention", ill, top->count);
	else
		put(canvas, row, 24, LOOK_GOOD, "all well");
	if (canvas->columns >= KEYS_COLUMN + 21)
		put(canvas, row, KEYS_COLUMN, LOOK_FAINT, "every %s%s",
			value_print_span(top->arena, top->interval_ms),
			top->has_keys ? ", q ends" : "");
	row++;
	for (size_t i = 0; i < top->count; i++) {
		const struct condition *condition = &top->daemons[i].condition;

		if (condition->state != CONDITION_UP)
			put(canvas, row++, 0, state_look(condition->state), "%s%s: %s",
				condition->name,
				condition->state == CONDITION_DOWN ? " does not answer" : "",
				condition->reason ? condition->reason : "it does not say why");
	}
	return row + 1;
}

static void daemon_draw(const struct top *top, const struct top_canvas *canvas, int row,
	const struct top_daemon *daemon)
{
	const struct condition *condition = &daemon->condition;
	const struct health *health = &condition->health;
	char work[24], refused[24], commit[24];
	int64_t full = health->store_size_max_bytes > 0
		? health->store_used_bytes * 100 / health->store_size_max_bytes
		: 0;

	put(canvas, row, 0, LOOK_PLAIN, "%.12s", condition->name);
	put(canvas, row, 13, state_look(condition->state), "%s", condition->state_name);
	if (condition->state == CONDITION_DOWN)
		return;
	put(canvas, row, 23, LOOK_PLAIN, "%6s %7" PRId64 " %8s %9s %6.1f %8s",
		value_print_span(top->arena, (int64_t)time(NULL) * 1000 - health->started_at),
		health->backlog, rate_print(work, daemon->work_rate),
		rate_print(refused, daemon->refused.rate), daemon->batch.value,
		time_print(commit, daemon->commit_us.value));
	put(canvas, row, 73, full >= STORE_FULL_PERCENT ? LOOK_WARN : LOOK_PLAIN, "%6" PRId64 "%%",
		full);
}

static int daemons_draw(const struct top *top, const struct top_canvas *canvas, int row)
{
	put(canvas, row++, 0, LOOK_HEAD, "%-12s %-9s %6s %7s %8s %9s %6s %8s %7s", "DAEMON",
		"STATE", "SINCE", "IN HAND", "DONE/S", "REFUSED/S", "BATCH", "COMMIT", "STORE");
	for (size_t i = 0; i < top->count; i++)
		daemon_draw(top, canvas, row++, &top->daemons[i]);
	return row + 1;
}

static void trend_draw(const struct top_canvas *canvas, int row, const char *name,
	const struct top_history *history, enum top_look look)
{
	char spark[TOP_HISTORY * 3 + 1], last[24];

	put(canvas, row, 0, LOOK_PLAIN, "%s", name);
	put(canvas, row, 15, look, "%s", spark_print(spark, history));
	put(canvas, row, 15 + TOP_HISTORY, LOOK_PLAIN, " %8s",
		rate_print(last, history->values[TOP_HISTORY - 1]));
}

static int trends_draw(const struct top *top, const struct top_canvas *canvas, int row)
{
	const struct condition *orderd = &top->daemons[ORDERD].condition;
	int64_t due_ms = orderd->health.next_deadline_at;

	trend_draw(canvas, row++, "orders made/s", &top->orders, LOOK_GOOD);
	trend_draw(canvas, row++, "refused/s", &top->refused, LOOK_WARN);
	trend_draw(canvas, row, "open sagas", &top->sagas, LOOK_PLAIN);
	if (orderd->saga_age_ms)
		put(canvas, row, 50, orderd->saga_age_ms >= SAGA_OLD_MS ? LOOK_WARN : LOOK_PLAIN,
			"the oldest for %s", value_print_span(top->arena, orderd->saga_age_ms));
	row++;
	if (orderd->deadline_late_ms)
		put(canvas, row++, 0,
			orderd->deadline_late_ms >= DEADLINE_LATE_MS ? LOOK_WARN : LOOK_PLAIN,
			"the next deadline is %s late",
			value_print_span(top->arena, orderd->deadline_late_ms));
	else if (due_ms)
		put(canvas, row++, 0, LOOK_PLAIN, "the next deadline is in %s",
			value_print_span(top->arena, due_ms - (int64_t)time(NULL) * 1000));
	return row + 1;
}

/* --- operations, the busiest first ------------------------------------------------------------ */

struct busy {
	const char *daemon;
	const struct top_operation *operation;
	double sum; /* over the history */
};

static int busy_compare(const void *a, const void *b)
{
	const struct busy *one = a, *other = b;

	if (one->sum != other->sum)
		return one->sum < other->sum ? 1 : -1;
	return strcmp(one->operation->name, other->operation->name);
}

/* Looking is no work: what this asks itself is left out. */
static size_t busy_collect(const struct top *top,
	struct busy list[MEMBERS_MAX * TOP_OPERATIONS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < top->count; i++) {
		for (size_t j = 0; j < top->daemons[i].operation_count; j++) {
			const struct top_operation *operation = &top->daemons[i].operations[j];
			struct busy busy = { top->daemons[i].condition.name, operation, 0 };

			if (!operation->handled.before || !strchr(operation->name, '.'))
				continue;
			for (size_t k = 0; k < TOP_HISTORY; k++)
				busy.sum += operation->rates.values[k];
			list[count++] = busy;
		}
	}
	qsort(list, count, sizeof(list[0]), busy_compare);
	return count;
}

static void operation_draw(const struct top_canvas *canvas, int row, const struct busy *busy)
{
	const struct top_operation *operation = busy->operation;
	char spark[TOP_HISTORY * 3 + 1], rate[24], refused[24], mean[24], p99[24];
	const char *instance = strchr(busy->daemon, '@');

	put(canvas, row, 0, LOOK_PLAIN, "%.*s%.5s", instance ? 13 : 18, operation->name,
		instance ? instance : "");
	put(canvas, row, 19, LOOK_GOOD, "%s", spark_print(spark, &operation->rates));
	put(canvas, row, 19 + TOP_HISTORY, LOOK_PLAIN, " %8s",
		rate_print(rate, operation->handled.rate));
	put(canvas, row, 28 + TOP_HISTORY, operation->refused.rate > 0 ? LOOK_WARN : LOOK_PLAIN,
		" %9s", rate_print(refused, operation->refused.rate));
	put(canvas, row, 38 + TOP_HISTORY, LOOK_PLAIN, " %8s %8s",
		time_print(mean, operation->latency_us.value),
		time_print(p99, (double)operation->p99_us));
}

static void operations_draw(const struct top *top, const struct top_canvas *canvas, int row)
{
	struct busy list[MEMBERS_MAX * TOP_OPERATIONS_MAX];
	size_t count = busy_collect(top, list);

	put(canvas, row++, 0, LOOK_HEAD, "%-18s %*s %8s %9s %8s %8s", "OPERATION", TOP_HISTORY, "",
		"NOW/S", "REFUSED/S", "MEAN", "P99");
	for (size_t i = 0; i < count && row < canvas->rows; i++)
		operation_draw(canvas, row++, &list[i]);
}

void top_draw(const struct top *top, const struct top_canvas *canvas)
{
	int row = head_draw(top, canvas);

	row = daemons_draw(top, canvas, row);
	row = trends_draw(top, canvas, row);
	operations_draw(top, canvas, row);
}
