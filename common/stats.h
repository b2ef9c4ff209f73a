#pragma once

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "service.h"

/* What a service counts and times about itself since its start, for the operation `stats`. It
 * decides nothing. What an undone tick did is not counted; memory is bounded by the number of
 * operations and durations. */

struct stats;

/* One operation's. */
struct account {
	const struct operation *operation;
	uint64_t handled;       /* elements of the many-form each by themselves */
	uint64_t refused;       /* of these */
	struct histogram times; /* us from the tick that took a request in until its answer left */
};

/* `common`: operations of every service, likewise ending with a row without name. NULL: no
 * memory. */
struct stats *stats_new(const struct program *program, const struct operation *common);
void stats_free(struct stats *stats);

/* A tick begins, with these events; returns its time in us on the monotonic clock. */
uint64_t stats_begin(struct stats *stats, const struct event *events, size_t count);
void stats_committed(struct stats *stats, uint64_t since_us);

struct account *stats_account(struct stats *stats, const struct operation *operation);

/* One element was answered so; `account` NULL: no operation was found for it. */
void stats_handled(struct stats *stats, struct account *account, int outcome);

/* The answer to a whole request has left. */
void stats_answered(struct account *account, uint64_t since_us);

/* A duration of the program's own, by its index in program->durations. */
void stats_duration(struct stats *stats, unsigned which, uint64_t us);

/* Without what is parked, which the calls know. */
struct service_counts stats_counts(const struct stats *stats);

/* Lists are in the arena. 0 or -ENOMEM. */
int stats_report(const struct stats *stats, struct arena *arena, struct stats_report *ret);
