#include "db_inside.h"

#include <assert.h>

#include "failpoint.h"

static MDB_dbi table_dbi(const struct txn *txn, unsigned table)
{
	assert(txn->active);
	assert(table < txn->db->table_count);
	return txn->db->dbis[table];
}

static MDB_val val_of_key(const struct key *key)
{
	assert(key->size > 0 && key->size <= sizeof(key->bytes));
	return (MDB_val){ .mv_size = key->size, .mv_data = (void *)key->bytes };
}

static struct slice slice_of_val(MDB_val val)
{
	return (struct slice){ .at = val.mv_data, .size = val.mv_size };
}

/* True: found. Not found is no error. */
static bool txn_found(struct txn *txn, int rc)
{
	if (rc && rc != MDB_NOTFOUND)
		txn_fail(txn, db_error_of(rc));
	return rc == 0;
}

bool txn_get(struct txn *txn, unsigned table, const struct key *key, struct slice *ret)
{
	MDB_val at = val_of_key(key), value;

	if (txn->error || !txn_found(txn, mdb_get(txn->mdb, table_dbi(txn, table), &at, &value)))
		return false;
	*ret = slice_of_val(value);
	return true;
}

void txn_put(struct txn *txn, unsigned table, const struct key *key, const void *at, size_t size)
{
	MDB_val where = val_of_key(key), value = { .mv_size = size, .mv_data = (void *)at };

	assert(txn->write);
	txn_fail(txn, FAILPOINT("put", txn_table_name(txn, table)));
	if (txn->error)
		return;
	txn->writes++;
	txn_fail(txn, db_error_of(mdb_put(txn->mdb, table_dbi(txn, table), &where, &value, 0)));
}

bool txn_delete(struct txn *txn, unsigned table, const struct key *key)
{
	MDB_val at = val_of_key(key);

	assert(txn->write);
	txn_fail(txn, FAILPOINT("delete", txn_table_name(txn, table)));
	if (txn->error || !txn_found(txn, mdb_del(txn->mdb, table_dbi(txn, table), &at, NULL)))
		return false;
	txn->writes++;
	return true;
}

void txn_empty(struct txn *txn, unsigned table)
{
	assert(txn->write);
	if (txn->error)
		return;
	txn->writes++;
	txn_fail(txn, db_error_of(mdb_drop(txn->mdb, table_dbi(txn, table), 0)));
}

uint64_t txn_count(struct txn *txn, unsigned table)
{
	MDB_dbi dbi = table_dbi(txn, table);
	MDB_stat stat;

	return !txn->error && txn_found(txn, mdb_stat(txn->mdb, dbi, &stat)) ? stat.ms_entries : 0;
}

bool txn_last(struct txn *txn, unsigned table, struct slice *ret_key, struct slice *ret_value)
{
	struct scan scan = scan_from(txn, table, NULL);
	MDB_val key, value;
	bool found = false;

	if (scan.cursor)
		found = txn_found(txn, mdb_cursor_get(scan.cursor, &key, &value, MDB_LAST));
	scan_end(&scan);
	if (found) {
		*ret_key = slice_of_val(key);
		*ret_value = slice_of_val(value);
	}
	return found;
}

struct scan scan_from(struct txn *txn, unsigned table, const struct key *from)
{
	struct scan scan = { .txn = txn };
	MDB_dbi dbi = table_dbi(txn, table);
	MDB_cursor *cursor = NULL;

	if (!txn->error && txn_found(txn, mdb_cursor_open(txn->mdb, dbi, &cursor)))
		scan.cursor = cursor;
	if (from)
		scan.start = *from;
	return scan;
}

bool scan_next(struct scan *scan)
{
	MDB_val key = { .mv_size = scan->start.size, .mv_data = scan->start.bytes };
	MDB_cursor_op op = MDB_NEXT;
	MDB_val value;

	if (!scan->cursor || scan->txn->error)
		return false;
	if (!scan->started)
		op = scan->start.size > 0 ? MDB_SET_RANGE : MDB_FIRST;
	scan->started = true;
	if (!txn_found(scan->txn, mdb_cursor_get(scan->cursor, &key, &value, op)))
		return false;
	scan->key = slice_of_val(key);
	scan->value = slice_of_val(value);
	return true;
}

void scan_end(struct scan *scan)
{
	if (scan->cursor)
		mdb_cursor_close(scan->cursor);
	scan->cursor = NULL;
}
