#pragma once

#include <stdint.h>

#include "protocol.h"

/* What the processes of a suite have used: asked of the daemons (their pids, their commits) and of
 * /proc. */

enum { METER_ORDERD, METER_STOCKD, METER_CATALOGD, METER_REAPERD, METER_CLIENT, METER_COUNT };

extern const char *const meter_names[METER_COUNT];

struct meter {
	double cpu_s[METER_COUNT];
	uint64_t write_bytes; /* of all daemons */
	uint64_t syncs;       /* of the disk, likewise */
	uint64_t last_event;  /* the newest seq of the event log */
};

/* 0 or -errno. A daemon that does not answer counts as nothing, but for orderd. */
int meter_read(const char *runtime_dir, struct meter *ret);

/* What the event log says from `after` on. */
struct tally {
	uint64_t made, cancelled;
	uint64_t first_id, last_id; /* of the orders made */
	int64_t last_made;          /* wall clock, ms */
	uint64_t last_event;
};

/* Adds the events after tally->last_event to the tally, calling `heard` (may be NULL) for each.
 * 0 or -errno. */
int tally_read(const char *runtime_dir, struct tally *tally,
	void (*heard)(void *argument, const struct orderd_event *event), void *argument);

/* Reads a page of a list and sets the cursor behind it. 0; -ENODATA: nothing follows it; -errno. */
int page_next(const char *runtime_dir, struct order_query *query);

/* The order whose change was the last: of those there are, about the newest. 0; -ENOMSG: there is
 * none; -errno. */
int newest_order(const char *runtime_dir, uint64_t *ret_order_id);

/* Open sagas of orderd: what stockd has not confirmed yet; -errno. */
int64_t open_sagas(const char *runtime_dir);
