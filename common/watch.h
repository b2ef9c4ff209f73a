#pragma once

#include "db.h"

/* Another daemon's store, read only, for as long as it is there. It may come later than we do, go
 * away, and be replaced by a restored copy: a snapshot is always of the store that is there now. */

struct watch {
	const char *dir;
	const char *const *tables;
	struct db *db;       /* NULL: not there */
	int64_t again_at_ms; /* monotonic: when to look for it again */
};

#define WATCH_RETRY_MS 500

/* A snapshot of what its owner has committed by now, until txn_abort; NULL: the store is not there.
 * One at a time. */
struct txn *watch_begin(struct watch *watch, int64_t monotonic_ms);
void watch_done(struct watch *watch);
