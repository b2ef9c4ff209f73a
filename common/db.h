#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key.h"

/* The store: ordered tables in one LMDB environment, and the only place that knows LMDB.
 *
 * One process writes an environment; others may read it, and so may the owner's own process:
 * LMDB forbids opening an environment twice in a process, so a watcher there shares the owner's.
 * All sync flags are LMDB's defaults: a transaction that txn_commit said 0 for survives a power
 * cut.
 *
 * A transaction keeps its first error. Later calls on it do nothing and find nothing; the
 * caller checks txn_error once, or leaves it to txn_commit. Bytes that a get or a scan returns
 * belong to the transaction and are valid until its next put or delete, or its end. */

struct db;
struct txn;

enum db_mode {
	DB_OWN,   /* read and write, created when absent; a second owner is refused */
	DB_WATCH, /* read only, of a running or stopped owner's environment */
};

/* Tables are named by their index in this list; names are at most 31 bytes. */
struct db_spec {
	const char *const *tables; /* NULL-terminated; at most 16 */
	int64_t size_max_bytes;    /* the map's size, a multiple of the page size */
};

/* Opens `dir` (one environment: data.mdb, lock.mdb, and owner.lock for DB_OWN).
 * A first start is safe against a power cut: it is made beside, synced, then renamed.
 * 0; -ENOENT: DB_WATCH and the store or one of the tables is not there (yet); -EBUSY: it has an
 * owner, perhaps in this process; -EROFS, -EACCES: lock.mdb cannot be opened for writing;
 * -ENOTEMPTY: `dir` holds something that is no store; -EUCLEAN: data.mdb is no store's;
 * -EINVAL, -EIO, -ENOMEM ... Not to be used across a fork. */
int db_open(struct db **ret, const char *dir, const struct db_spec *spec, enum db_mode mode);
void db_close(struct db *db);

/* Whether `dir` still holds the store that was opened there: a watched one may have been replaced
 * by a restored copy. */
bool db_is_current(const struct db *db, const char *dir);

/* Drops reader slots of dead processes; their number or -errno. To be called now and then. */
int db_check_readers(struct db *db);

struct db_usage {
	int64_t used_bytes; /* pages in use as last committed, free ones not counted */
	int64_t size_max_bytes;
	int64_t end_bytes; /* where the last page of the file ends */
};
int db_usage(struct db *db, struct db_usage *ret);

/* Copies the store as it is now to `fd`, which may be a pipe; returns when all is written. The
 * snapshot is taken before the first byte. The owner goes on meanwhile, but does not use again what
 * it frees. `compact` leaves out the free pages, which takes longer. 0 or -errno. */
int db_copy(struct db *db, int fd, bool compact);

/* A write transaction waits for no one (there is one writer); a read one is a snapshot and is to
 * be kept short. A struct db has at most one of each open. */
int txn_begin(struct db *db, bool write, struct txn **ret);
void txn_abort(struct txn *txn); /* NULL is fine */

/* Ends the transaction either way. 0: durable (or nothing was written, and then nothing was
 * synced). A transaction that has an error is undone and the error returned. -ENOSPC: the map or
 * the disk is full and nothing of it was kept. Any other error that txn_error did not know before
 * is no verdict: the process must exit and recover. */
int txn_commit(struct txn *txn);
#define DB_SYNCS_A_COMMIT 2 /* the pages, then the meta page that makes them count */

int txn_error(const struct txn *txn);      /* the first error, 0 if none */
void txn_fail(struct txn *txn, int error); /* records a caller's error the same way */
/* Forgets that a record was found damaged, for a reader that passes it over. */
void txn_forgive(struct txn *txn);

uint64_t txn_writes(const struct txn *txn); /* puts, and deletes that found something */
const char *txn_table_name(const struct txn *txn, unsigned table); /* for messages */

bool txn_get(struct txn *txn, unsigned table, const struct key *key, struct slice *ret);
void txn_put(struct txn *txn, unsigned table, const struct key *key, const void *at, size_t size);
bool txn_delete(struct txn *txn, unsigned table, const struct key *key); /* true if it was there */
/* Deletes all entries, also those that a damaged key keeps from being found. */
void txn_empty(struct txn *txn, unsigned table);
uint64_t txn_count(struct txn *txn, unsigned table);
bool txn_last(struct txn *txn, unsigned table, struct slice *ret_key, struct slice *ret_value);

/* Entries in key order, from the first key at or after `from` (NULL: the table's first).
 *   struct scan scan = scan_from(txn, table, &key);
 *   while (scan_next(&scan)) use(scan.key, scan.value);
 *   scan_end(&scan);
 * Deleting or putting during a scan ends its validity: collect first, then write. */
struct scan {
	struct txn *txn;
	void *cursor;
	struct key start;
	bool started;
	struct slice key;
	struct slice value;
};
struct scan scan_from(struct txn *txn, unsigned table, const struct key *from);
bool scan_next(struct scan *scan);
void scan_end(struct scan *scan);
