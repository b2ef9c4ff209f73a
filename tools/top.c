#include "top.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

#define INTERVAL_MS 2000
#define BATCH_ROWS 60

/* Where lines that are printed one after another stand. */
struct print {
	int row, column;
};

static void line_put(void *context, int row, int column, enum top_look look, const char *text)
{
	struct print *at = context;

	(void)look;
	for (; at->row < row; at->row++, at->column = 0)
		putchar('\n');
	for (; at->column < column; at->column++)
		putchar(' ');
	fputs(text, stdout);
	for (; *text; text++)
		at->column += (*text & 0xc0) != 0x80;
}

static void batch_print(const struct top *top)
{
	struct print at = { 0, 0 };
	struct top_canvas canvas = { BATCH_ROWS, 80, line_put, &at };

	top_draw(top, &canvas);
	fputs("\n\n", stdout);
	fflush(stdout);
}

static void interval_wait(const struct top *top)
{
	struct timespec pause = { top->interval_ms / 1000, top->interval_ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* The first sample alone has no rates. */
static int batch_run(struct top *top, int64_t count)
{
	top_sample(top);
	while (count-- > 0 && !ferror(stdout)) {
		interval_wait(top);
		top_sample(top);
		batch_print(top);
	}
	return STATUS_DONE;
}

int top_show(struct ctl *ctl)
{
	static struct top top; /* large */
	int64_t count = INT64_MAX;
	int status;

	if (ctl->json)
		return usage_refuse(ctl, "top has no JSON; see orderctl --json stats");
	top.ctl = ctl;
	top.interval_ms = INTERVAL_MS;
	status = ctl_option_duration(ctl, "interval", &top.interval_ms);
	if (!status)
		status = ctl_option_i64(ctl, "count", 1, INT64_MAX, &count);
	if (status)
		return status;
	if (top.interval_ms < 100)
		return usage_refuse(ctl, "--interval: not below 100ms");
	top.arena = arena_new();
	if (!top.arena)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	top.has_keys = !ctl_option(ctl, "batch") && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	if (!top.has_keys)
		status = batch_run(&top, count);
	else if (top_screen(&top))
		status = usage_refuse(ctl, "this terminal cannot show it; try --batch");
	arena_free(top.arena);
	return status;
}
