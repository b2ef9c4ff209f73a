#pragma once

#include <lmdb.h>

#include "db.h"

/* What db.c, environments and transactions, and db_entries.c, keys and values, share of the store. */

#define TABLES_MAX 16

struct txn {
	struct db *db;
	MDB_txn *mdb; /* a reader's outlives the transaction: it is reset and renewed */
	bool write, active;
	int error;
	uint64_t writes;
};

struct db {
	MDB_env *env;
	enum db_mode mode;
	const char *const *tables;
	unsigned table_count;
	MDB_dbi dbis[TABLES_MAX];
	int owner_fd;
	struct txn writer, reader;
	struct db *next;
};

/* What an error of LMDB is here: 0 or -errno. */
int db_error_of(int rc);
