#pragma once

#include "condition.h"

/* What orderctl top shows: two samples make rates, many make a history. Drawn the same way on a
 * screen and, without one, as lines. */

#define TOP_HISTORY 24
#define TOP_OPERATIONS_MAX 32 /* of a daemon */

struct top_counter {
	uint64_t before;
	double rate; /* a second, between the last two samples */
};

/* The mean of what came between the last two samples. */
struct top_mean {
	double sum_before;
	uint64_t count_before;
	double value; /* 0: nothing came */
};

struct top_history {
	double values[TOP_HISTORY]; /* the newest last */
};

struct top_operation {
	char name[40];
	struct top_counter handled, refused;
	struct top_mean latency_us;
	uint64_t p99_us; /* since the daemon's start */
	struct top_history rates;
};

struct top_daemon {
	struct condition condition;
	int64_t started_at; /* of the sample before: a restart begins all counts again */
	double work_rate; /* elements of all operations but health and stats: looking is no work */
	struct top_counter refused;
	struct top_mean batch, commit_us;
	struct top_operation operations[TOP_OPERATIONS_MAX];
	size_t operation_count;
};

struct top {
	struct ctl *ctl;
	struct arena *arena; /* of one sample */
	int64_t interval_ms;
	bool has_keys;
	int64_t sampled_us; /* monotonic; 0: not yet */
	struct top_daemon daemons[MEMBERS_MAX];
	size_t count;
	struct top_history orders, refused, sagas;
};

/* Asks all daemons. */
void top_sample(struct top *top);

/* How a piece of text stands out. */
enum top_look { LOOK_PLAIN, LOOK_HEAD, LOOK_GOOD, LOOK_WARN, LOOK_BAD, LOOK_FAINT };

/* Where it is drawn: row by row, from left to right. */
struct top_canvas {
	int rows, columns;
	void (*put)(void *context, int row, int column, enum top_look look, const char *text);
	void *context;
};
void top_draw(const struct top *top, const struct top_canvas *canvas);

/* Shows it until q is pressed or a signal ends it. 0, or -ENOTTY where
 * the terminal is not good enough for it. */
int top_screen(struct top *top);
