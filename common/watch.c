#include "watch.h"

#include "failpoint.h"

void watch_done(struct watch *watch)
{
	db_close(watch->db);
	watch->db = NULL;
}

static bool watch_open(struct watch *watch, int64_t monotonic_ms)
{
	struct db_spec spec = { .tables = watch->tables };

	if (monotonic_ms < watch->again_at_ms)
		return false;
	watch->again_at_ms = monotonic_ms + WATCH_RETRY_MS;
	FAILPOINT("watch");
	return db_open(&watch->db, watch->dir, &spec, DB_WATCH) == 0;
}

struct txn *watch_begin(struct watch *watch, int64_t monotonic_ms)
{
	struct txn *txn;

	if (watch->db && !db_is_current(watch->db, watch->dir))
		watch_done(watch);
	if (!watch->db && !watch_open(watch, monotonic_ms))
		return NULL;
	if (txn_begin(watch->db, false, &txn) == 0)
		return txn;
	watch_done(watch);
	return NULL;
}
