#include "repair_store.h"

#include <errno.h>
#include <stdio.h>

#include "store.h"

static void tell(void *argument, const struct finding *finding)
{
	(void)argument;
	printf("%s\t%s\t%s\t%d\n", finding->table, finding->key, finding->what, finding->mended);
}

static int mend(struct db *db, const struct repair_plan *plan, bool write)
{
	struct repair repair = { .arena = arena_new(), .scratch = arena_new(), .found = tell };
	int result = repair.arena && repair.scratch ? txn_begin(db, true, &repair.txn) : -ENOMEM;

	if (result == 0) {
		plan->run(&repair);
		result = txn_error(repair.txn);
		if (result == 0 && write)
			result = txn_commit(repair.txn);
		else
			txn_abort(repair.txn);
	}
	repair_done(&repair);
	return result;
}

int repair_store(const struct repair_plan *plan, const struct suite_settings *suite, bool write)
{
	struct db_spec spec = { plan->tables, suite->store_size_max_bytes };
	char path[4096];
	struct db *db;
	bool there;
	int result;

	if (snprintf(path, sizeof(path), "%s/%s", suite->state_dir, plan->store) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	result = store_find(path, &there);
	if (result == 0)
		result = there ? db_open(&db, path, &spec, DB_OWN) : -ENOENT;
	if (result < 0)
		return result;
	result = mend(db, plan, write);
	db_close(db);
	return result;
}
