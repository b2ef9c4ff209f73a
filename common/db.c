#include "db_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "failpoint.h"
#include "store.h"

#define READERS_MAX 126
#define FILE_MODE 0660 /* store_settle has the last word */

/* LMDB's locks do not bear a second opening, or even a closing, of their file in one process: all
 * that a process has open of one store share an environment. */
static struct db *opened;

int db_error_of(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case EDQUOT: /* the file may not grow, whoever forbids it */
	case EFBIG:
		return -ENOSPC;
	case MDB_INVALID:
		return -EUCLEAN;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_READERS_FULL:
		return -EUSERS;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

/* --- environment ---------------------------------------------------------------------------- */

static int env_open(MDB_env **ret, const char *dir, int64_t size_max_bytes, unsigned flags)
{
	MDB_env *env;

	int rc = mdb_env_create(&env);
	if (rc)
		return db_error_of(rc);
	if (size_max_bytes > 0)
		rc = mdb_env_set_mapsize(env, (size_t)size_max_bytes);
	if (!rc)
		rc = mdb_env_set_maxdbs(env, TABLES_MAX);
	if (!rc)
		rc = mdb_env_set_maxreaders(env, READERS_MAX);
	if (!rc)
		rc = mdb_env_open(env, dir, MDB_NOTLS | flags, FILE_MODE);
	if (rc)
		mdb_env_close(env);
	else
		*ret = env;
	return db_error_of(rc);
}

static int env_fd(MDB_env *env)
{
	mdb_filehandle_t fd = -1;

	mdb_env_get_fd(env, &fd);
	return fd;
}

/* The environment that this process has open on the store, or NULL. */
static MDB_env *env_find(const char *dir)
{
	for (struct db *db = opened; db; db = db->next) {
		if (store_has(dir, env_fd(db->env)))
			return db->env;
	}
	return NULL;
}

/* Handles opened in a transaction stay valid for the environment's life once it is committed. */
static int tables_open(MDB_env *env, const char *const *tables, bool own, MDB_dbi *dbis)
{
	MDB_txn *txn;

	int rc = mdb_txn_begin(env, NULL, own ? 0 : MDB_RDONLY, &txn);
	if (rc)
		return db_error_of(rc);
	for (unsigned i = 0; !rc && tables[i]; i++)
		rc = mdb_dbi_open(txn, tables[i], own ? MDB_CREATE : 0, &dbis[i]);
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return db_error_of(rc);
}

static int store_fill(const char *dir, const void *argument)
{
	const struct db_spec *spec = argument;
	MDB_dbi dbis[TABLES_MAX];
	MDB_env *env;

	int error = env_open(&env, dir, spec->size_max_bytes, 0);
	if (error)
		return error;
	error = tables_open(env, spec->tables, true, dbis);
	mdb_env_close(env);
	return error;
}

static int store_own(struct db *db, const char *dir, const struct db_spec *spec)
{
	unsigned flags = 0;
	bool there;

	int error = store_find(dir, &there);
	if (error)
		return error;
	if (there)
		error = store_lock(dir, &db->owner_fd);
	else
		error = store_create(dir, store_fill, spec, &db->owner_fd);
	if (error)
		return error;
	db->env = env_find(dir);
	if (!db->env)
		error = env_open(&db->env, dir, spec->size_max_bytes, 0);
	else if (mdb_env_get_flags(db->env, &flags) || flags & MDB_RDONLY)
		error = -EBUSY;
	if (!error)
		error = store_settle(dir);
	if (!error)
		error = tables_open(db->env, spec->tables, true, db->dbis);
	return error ? error : db_check_readers(db);
}

/* LMDB itself would go on without a lock file on a read-only mount, and its snapshots tear. The
 * map's size is the owner's: LMDB keeps it in the file. */
static int store_watch(struct db *db, const char *dir, const struct db_spec *spec)
{
	int error = 0;

	db->env = env_find(dir);
	if (!db->env)
		error = store_probe(dir);
	if (!error && !db->env)
		error = env_open(&db->env, dir, 0, MDB_RDONLY);
	return error ? error : tables_open(db->env, spec->tables, false, db->dbis);
}

int db_open(struct db **ret, const char *dir, const struct db_spec *spec, enum db_mode mode)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db)
		return -ENOMEM;
	db->mode = mode;
	db->tables = spec->tables;
	while (spec->tables[db->table_count])
		db->table_count++;
	assert(db->table_count <= TABLES_MAX);
	db->owner_fd = -1;
	db->writer = (struct txn){ .db = db, .write = true };
	db->reader = (struct txn){ .db = db };
	int error = mode == DB_OWN ? store_own(db, dir, spec) : store_watch(db, dir, spec);
	db->next = opened;
	opened = db;
	if (error < 0) {
		db_close(db);
		return error;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	struct db **at = &opened;
	bool shared = false;

	if (!db)
		return;
	while (*at != db)
		at = &(*at)->next;
	*at = db->next;
	for (const struct db *other = opened; other; other = other->next)
		shared = shared || other->env == db->env;
	if (db->writer.active)
		txn_abort(&db->writer);
	mdb_txn_abort(db->reader.mdb);
	if (db->env && !shared)
		mdb_env_close(db->env);
	if (db->owner_fd >= 0)
		close(db->owner_fd);
	free(db);
}

bool db_is_current(const struct db *db, const char *dir)
{
	return store_has(dir, env_fd(db->env));
}

int db_check_readers(struct db *db)
{
	int dead = 0, rc = mdb_reader_check(db->env, &dead);

	return rc ? db_error_of(rc) : dead;
}

/* Pages in use, or -errno: the two meta pages, the tables of free pages and of names, and ours. */
static int64_t pages_count(struct db *db, MDB_txn *mdb)
{
	size_t pages = 2;
	MDB_stat stat;

	for (unsigned i = 0; i < db->table_count + 2; i++) {
		int rc = mdb_stat(mdb, i < 2 ? (MDB_dbi)i : db->dbis[i - 2], &stat);
		if (rc)
			return db_error_of(rc);
		pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
	}
	return (int64_t)pages;
}

int db_usage(struct db *db, struct db_usage *ret)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct txn *txn = &db->reader;

	bool mine = !txn->active;
	int error = mine ? txn_begin(db, false, &txn) : 0;
	if (error)
		return error;
	int64_t pages = pages_count(db, txn->mdb);
	if (mine)
		txn_abort(txn);
	if (pages < 0)
		return (int)pages;
	int rc = mdb_env_info(db->env, &info);
	if (!rc)
		rc = mdb_env_stat(db->env, &stat);
	if (rc)
		return db_error_of(rc);
	*ret = (struct db_usage){
		.used_bytes = pages * stat.ms_psize,
		.size_max_bytes = (int64_t)info.me_mapsize,
		.end_bytes = ((int64_t)info.me_last_pgno + 1) * stat.ms_psize,
	};
	return 0;
}

int db_copy(struct db *db, int fd, bool compact)
{
	return db_error_of(mdb_env_copyfd2(db->env, fd, compact ? MDB_CP_COMPACT : 0));
}

/* --- transactions --------------------------------------------------------------------------- */

static int mdb_begin(struct db *db, struct txn *txn)
{
	if (!txn->write && txn->mdb)
		return mdb_txn_renew(txn->mdb);
	return mdb_txn_begin(db->env, NULL, txn->write ? 0 : MDB_RDONLY, &txn->mdb);
}

int txn_begin(struct db *db, bool write, struct txn **ret)
{
	struct txn *txn = write ? &db->writer : &db->reader;

	assert(!txn->active);
	assert(!write || db->mode == DB_OWN);
	int rc = mdb_begin(db, txn);
	if (rc == MDB_MAP_RESIZED) {
		rc = mdb_env_set_mapsize(db->env, 0);
		rc = rc ? rc : mdb_begin(db, txn);
	}
	if (rc)
		return db_error_of(rc);
	txn->active = true;
	txn->error = 0;
	txn->writes = 0;
	*ret = txn;
	return 0;
}

void txn_abort(struct txn *txn)
{
	if (!txn)
		return;
	assert(txn->active);
	txn->active = false;
	if (txn->write)
		mdb_txn_abort(txn->mdb);
	else
		mdb_txn_reset(txn->mdb);
}

/* What a failed commit was about. A disk that took only a part makes LMDB say EIO, though no system
 * call has failed then. Nothing is kept of a commit that lacked room, unless that showed as late as
 * at the meta page: LMDB then lets nobody write any more, and only a restart tells. */
static int commit_error(struct db *db, int rc)
{
	MDB_txn *mdb;
	int error = rc == EIO && errno == 0 ? -ENOSPC : db_error_of(rc);

	if (error != -ENOSPC)
		return error;
	if (mdb_txn_begin(db->env, NULL, 0, &mdb))
		return -EIO;
	mdb_txn_abort(mdb);
	return -ENOSPC;
}

int txn_commit(struct txn *txn)
{
	int error = txn->error;

	assert(txn->active);
	if (error || !txn->write || txn->writes == 0) {
		txn_abort(txn);
		return error;
	}
	txn->active = false;
	errno = 0;
	return commit_error(txn->db, mdb_txn_commit(txn->mdb));
}

int txn_error(const struct txn *txn)
{
	return txn->error;
}

void txn_fail(struct txn *txn, int error)
{
	txn->error = txn->error ? txn->error : error;
}

void txn_forgive(struct txn *txn)
{
	if (txn->error == -EUCLEAN)
		txn->error = 0;
}

uint64_t txn_writes(const struct txn *txn)
{
	return txn->writes;
}

const char *txn_table_name(const struct txn *txn, unsigned table)
{
	assert(table < txn->db->table_count);
	return txn->db->tables[table];
}
