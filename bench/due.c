#include "due.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "meter.h"

#define PATIENCE_MS 60000
#define LOOK_MS 2
#define SHOW_LOOKS 250     /* progress at every so-many-th look */
#define TRIAL 4000         /* orders that tell how long the others will take */
#define TRIAL_SHARE_MAX 10 /* of them, the trial's part */
#define LEAD_MS 2000       /* from the last order made to the storm, about */

struct watch {
	struct suite *suite;
	struct load_result *result;
	struct tally tally;
	int64_t storm_ms;
	int64_t lifetime_ms;
	int64_t until_ms; /* what is due later does not count */
	int64_t *made_at; /* by order, from first_id on */
	uint64_t first_id, count;
};

static void cancelled_note(struct watch *watch, int64_t due_ms, int64_t at_ms)
{
	watch->result->done++;
	if (at_ms < due_ms)
		watch->result->refused++;
	else
		histogram_add(&watch->result->times, (uint64_t)(at_ms - due_ms) * 1000);
}

static int watch_begin(struct watch *watch)
{
	struct meter meter;
	int error = meter_read(watch->suite->runtime_dir, &meter);

	watch->tally = (struct tally){ .last_event = meter.last_event };
	return error;
}

/* What the load left is the making's; from here on it is the cancelling's. */
static uint64_t result_turn(struct load_result *result)
{
	uint64_t made = result->done;

	memset(&result->times, 0, sizeof(result->times));
	result->done = result->refused = result->lost = 0;
	return made;
}

/* --- a storm -------------------------------------------------------------------------------- */

static void storm_heard(void *argument, const struct orderd_event *event)
{
	struct watch *watch = argument;

	if (event->to == ORDERD_CANCELLED)
		cancelled_note(watch, watch->storm_ms, event->at);
}

static int storm_watch(struct watch *watch, uint64_t made)
{
	const char *dir = watch->suite->runtime_dir;
	int64_t now_ms = clock_wall_ms();
	unsigned looks = 0;
	int error = 0;

	if (now_ms >= watch->storm_ms)
		return -ETIME; /* the making took too long: some were cancelled before the rest was made */
	if (!watch->suite->quiet)
		fprintf(stderr, "the storm comes in %.1f s",
			(double)(watch->storm_ms - now_ms) / 1000);
	usleep((useconds_t)(watch->storm_ms - now_ms) * 1000);
	while (error == 0 && clock_wall_ms() < watch->storm_ms + PATIENCE_MS &&
		(watch->tally.cancelled < made || open_sagas(dir) > 0)) {
		usleep(LOOK_MS * 1000);
		error = tally_read(dir, &watch->tally, storm_heard, watch);
		if (!watch->suite->quiet && looks++ % SHOW_LOOKS == 0)
			fprintf(stderr, "\r%llu of %llu cancelled       ",
				(unsigned long long)watch->tally.cancelled,
				(unsigned long long)made);
	}
	if (!watch->suite->quiet)
		fputs("\r                                        \r", stderr);
	watch->result->seconds = (double)(clock_wall_ms() - watch->storm_ms) / 1000;
	watch->result->lost = made - watch->tally.cancelled;
	return error;
}

/* How long the load will take, in ms. */
static int making_takes(struct suite *suite, struct load load, struct load_result *result,
	int64_t *ret_ms)
{
	uint64_t requests = load.requests;
	int error;

	load.requests = requests / TRIAL_SHARE_MAX < TRIAL ? requests / TRIAL_SHARE_MAX + 1 : TRIAL;
	load.what = "trial";
	error = suite_load(suite, "orderd", load, result);
	if (error == 0 && result->done == 0)
		error = -EBADE;
	if (error == 0)
		*ret_ms =
			(int64_t)(1000 * result->seconds * (double)requests / (double)result->done);
	return error;
}

int due_storm(struct suite *suite, struct load load, struct load_result *ret)
{
	struct watch watch = { .suite = suite, .result = ret };
	int64_t takes_ms = 0;
	int error = making_takes(suite, load, ret, &takes_ms);

	if (error == 0)
		error = watch_begin(&watch);
	watch.storm_ms = clock_wall_ms() + 2 * takes_ms + LEAD_MS;
	suite->draw.expire_at_ms = watch.storm_ms;
	load.what = "orders to fall due";
	if (error == 0)
		error = suite_load(suite, "orderd", load, ret);
	return error == 0 ? storm_watch(&watch, result_turn(ret)) : error;
}

/* --- a steady stream ------------------------------------------------------------------------ */

static int64_t *made_at(struct watch *watch, uint64_t order_id)
{
	if (watch->first_id == 0)
		watch->first_id = order_id;
	if (order_id < watch->first_id || order_id - watch->first_id >= watch->count)
		return NULL;
	return &watch->made_at[order_id - watch->first_id];
}

static void steady_heard(void *argument, const struct orderd_event *event)
{
	struct watch *watch = argument;
	int64_t *made_ms = made_at(watch, event->order_id);

	if (!made_ms)
		return;
	if (event->from == ORDERD_ANY)
		*made_ms = event->at;
	else if (event->to == ORDERD_CANCELLED && *made_ms > 0 &&
		*made_ms + watch->lifetime_ms <= watch->until_ms)
		cancelled_note(watch, *made_ms + watch->lifetime_ms, event->at);
}

/* The log is read when all is over: reading it is not part of what is measured. */
static int steady_watch(struct watch *watch, uint64_t made)
{
	struct tally counted = watch->tally;
	int64_t patience_ms = clock_wall_ms() + PATIENCE_MS;
	int error = 0;

	if (!watch->suite->quiet)
		fputs("\rthe last ones fall due\r", stderr);
	usleep((useconds_t)watch->lifetime_ms * 1000);
	while (error == 0 && counted.cancelled < made && clock_wall_ms() < patience_ms) {
		usleep(100000);
		error = tally_read(watch->suite->runtime_dir, &counted, NULL, NULL);
	}
	watch->result->lost = made - counted.cancelled;
	watch->until_ms = counted.last_made;
	if (error == 0)
		error = tally_read(watch->suite->runtime_dir, &watch->tally, steady_heard, watch);
	return error;
}

int due_steadily(struct suite *suite, struct load load, int64_t lifetime_ms,
	struct load_result *ret)
{
	struct watch watch = {
		.suite = suite,
		.result = ret,
		.lifetime_ms = lifetime_ms,
		.count = 2 * load.requests, /* ids have gaps where an order was refused */
		.made_at = calloc(2 * load.requests, sizeof(int64_t)),
	};
	int error = watch.made_at ? watch_begin(&watch) : -ENOMEM;

	suite->draw.lifetime_ms = lifetime_ms;
	load.what = "orders to fall due";
	if (error == 0)
		error = suite_load(suite, "orderd", load, ret);
	if (error == 0)
		error = steady_watch(&watch, result_turn(ret));
	free(watch.made_at);
	return error;
}
