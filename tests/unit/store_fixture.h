#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "db.h"
#include "scratch.h"

/* For tests of the store: one in a directory of its own, and a second process. */

#define MIB (INT64_C(1) << 20)

enum { COLOURS, SHAPES };
static const char *const tables[] = { "colours", "shapes", NULL };
static const struct db_spec spec = { tables, 64 * MIB };
static const struct db_spec small_spec = { tables, MIB };

static struct scratch scratch;

static inline const char *store(void)
{
	return scratch_at(&scratch, "store");
}

static inline struct db *db_of(enum db_mode mode, const struct db_spec *with)
{
	struct db *db = NULL;

	assert_int_equal(db_open(&db, store(), with, mode), 0);
	return db;
}

static inline struct txn *txn_of(struct db *db, bool write)
{
	struct txn *txn = NULL;

	assert_int_equal(txn_begin(db, write, &txn), 0);
	return txn;
}

static inline struct key key_of(uint64_t number)
{
	struct key key = { 0 };

	key_add_u64(&key, number);
	return key;
}

static inline void put(struct txn *txn, unsigned table, uint64_t number, const char *text)
{
	struct key key = key_of(number);

	txn_put(txn, table, &key, text, strlen(text));
}

static inline bool holds(struct txn *txn, unsigned table, uint64_t number, const char *text)
{
	struct key key = key_of(number);
	struct slice value;

	return txn_get(txn, table, &key, &value) && value.size == strlen(text) &&
		memcmp(value.at, text, value.size) == 0;
}

static inline bool lacks(struct txn *txn, unsigned table, uint64_t number)
{
	struct key key = key_of(number);
	struct slice value;

	return !txn_get(txn, table, &key, &value) && txn_error(txn) == 0;
}

static inline void put_committed(struct db *db, unsigned table, uint64_t number, const char *text)
{
	struct txn *txn = txn_of(db, true);

	put(txn, table, number, text);
	assert_int_equal(txn_commit(txn), 0);
}

/* --- another process ------------------------------------------------------------------------ */

/* Started before the test opens anything: LMDB's environments do not bear a fork. It does what it
 * is asked, one letter and a number at a time, and ends with the test. */
struct peer {
	pid_t pid;
	int to;
	int from;
};

struct ask {
	char what;
	int64_t number;
};

static struct peer peer;

static inline int64_t peer_get(struct txn *txn, int64_t number)
{
	struct key key = key_of((uint64_t)number);
	struct slice value;

	return txn_get(txn, COLOURS, &key, &value) ? (int64_t)value.size : -1;
}

static inline int mount_read_only(const char *dir)
{
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(dir, dir, NULL, MS_BIND, NULL) < 0)
		return -1;
	return mount(dir, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

static inline int64_t peer_do(const struct ask *ask)
{
	static struct db *db;
	static struct txn *txn;
	struct db_spec own = spec;
	int64_t result;

	switch (ask->what) {
	case 'o': /* own */
	case 'w': /* watch */
		if (ask->number)
			own.size_max_bytes = ask->number;
		return db_open(&db, store(), &own, ask->what == 'o' ? DB_OWN : DB_WATCH);
	case 'c': /* close */
		db_close(db);
		return 0;
	case 'b': /* begin to read */
		return txn_begin(db, false, &txn);
	case 'r': /* size of a value in what was begun, -1: not there */
		return peer_get(txn, ask->number);
	case 'e': /* end reading */
		txn_abort(txn);
		return 0;
	case 'g': /* the same in a transaction of its own */
		result = txn_begin(db, false, &txn);
		if (result == 0) {
			result = peer_get(txn, ask->number);
			txn_abort(txn);
		}
		return result;
	case 'm': /* see the directory on a read-only mount */
		return mount_read_only(scratch.path);
	case 'u': /* become another user */
		return setresuid((uid_t)ask->number, (uid_t)ask->number, (uid_t)ask->number);
	default:
		return -1000;
	}
}

static inline void peer_start(void)
{
	int to[2], from[2];
	struct ask ask;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	peer.pid = fork();
	assert_true(peer.pid >= 0);
	if (peer.pid == 0) {
		alarm(60);
		close(to[1]);
		while (read(to[0], &ask, sizeof(ask)) == sizeof(ask)) {
			int64_t result = peer_do(&ask);
			if (write(from[1], &result, sizeof(result)) != sizeof(result))
				break;
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	peer.to = to[1];
	peer.from = from[0];
}

static inline int64_t peer_ask(char what, int64_t number)
{
	struct ask ask;
	int64_t result = 0;

	memset(&ask, 0, sizeof(ask));
	ask.what = what;
	ask.number = number;
	assert_int_equal(write(peer.to, &ask, sizeof(ask)), sizeof(ask));
	assert_int_equal(read(peer.from, &result, sizeof(result)), sizeof(result));
	return result;
}

static inline void peer_kill(void)
{
	if (peer.pid <= 0)
		return;
	kill(peer.pid, SIGKILL);
	waitpid(peer.pid, NULL, 0);
	close(peer.to);
	close(peer.from);
	peer.pid = 0;
}

static inline int peer_setup(void **state)
{
	(void)state;
	scratch = scratch_make();
	peer_start();
	return 0;
}

static inline int peer_teardown(void **state)
{
	(void)state;
	peer_kill();
	scratch_remove(&scratch);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
