#include <time.h>

#include "store.h"
#include "store_fixture.h"

/* --- owners and watchers -------------------------------------------------------------------- */

static void a_second_owner_is_refused_until_the_first_has_gone(void **state)
{
	struct db *db, *second = NULL;

	(void)state;
	assert_int_equal(peer_ask('o', 0), 0);
	assert_int_equal(db_open(&second, store(), &spec, DB_OWN), -EBUSY);
	assert_null(second);
	assert_int_equal(peer_ask('c', 0), 0);
	db = db_of(DB_OWN, &spec);
	assert_int_equal(db_open(&second, store(), &spec, DB_OWN), -EBUSY);
	assert_int_equal(peer_ask('o', 0), -EBUSY);
	put_committed(db, COLOURS, 1, "red");
	db_close(db);
	assert_int_equal(peer_ask('o', 0), 0);
}

static void a_killed_owner_locks_nobody_out(void **state)
{
	(void)state;
	assert_int_equal(peer_ask('o', 0), 0);
	peer_kill();
	struct db *db = db_of(DB_OWN, &spec);
	put_committed(db, COLOURS, 1, "red");
	db_close(db);
}

static void a_watcher_sees_each_commit_and_no_less(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	assert_int_equal(peer_ask('w', 0), 0);
	assert_int_equal(peer_ask('g', 1), -1);
	struct txn *txn = txn_of(db, true);
	put(txn, COLOURS, 1, "red");
	assert_int_equal(peer_ask('g', 1), -1);
	assert_int_equal(txn_commit(txn), 0);
	assert_int_equal(peer_ask('g', 1), 3);
	db_close(db);
	assert_int_equal(peer_ask('g', 1), 3);
}

static void a_read_transaction_is_a_snapshot(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	assert_int_equal(peer_ask('w', 0), 0);
	put_committed(db, COLOURS, 1, "red");
	assert_int_equal(peer_ask('b', 0), 0);
	put_committed(db, COLOURS, 1, "green");
	assert_int_equal(peer_ask('r', 1), 3);
	assert_int_equal(peer_ask('e', 0), 0);
	assert_int_equal(peer_ask('b', 0), 0);
	assert_int_equal(peer_ask('r', 1), 5);
	db_close(db);
}

static void a_watcher_follows_a_store_that_outgrew_its_map(void **state)
{
	static char large[4 * MIB + 1];
	struct db *db = db_of(DB_OWN, &small_spec);

	(void)state;
	assert_int_equal(peer_ask('w', 0), 0);
	assert_int_equal(peer_ask('g', 1), -1);
	db_close(db);
	db = db_of(DB_OWN, &spec);
	memset(large, 'x', sizeof(large) - 1);
	put_committed(db, COLOURS, 1, large);
	assert_int_equal(peer_ask('g', 1), sizeof(large) - 1);
	db_close(db);
}

static void a_watcher_of_nothing_is_told_so(void **state)
{
	struct db *db = NULL;

	(void)state;
	assert_int_equal(db_open(&db, store(), &spec, DB_WATCH), -ENOENT);
	assert_null(db);
	assert_false(scratch_has(&scratch, "store"));
}

static void a_watcher_of_a_table_that_is_not_there_yet_is_told_so(void **state)
{
	static const char *const more[] = { "colours", "shapes", "sounds", NULL };
	static const struct db_spec more_spec = { more, 64 * MIB };
	struct db *db = NULL;

	(void)state;
	assert_int_equal(peer_ask('o', 0), 0);
	assert_int_equal(db_open(&db, store(), &more_spec, DB_WATCH), -ENOENT);
	assert_int_equal(peer_ask('c', 0), 0);
	db = db_of(DB_OWN, &more_spec);
	put_committed(db, 2, 1, "loud");
	db_close(db);
	db = db_of(DB_WATCH, &more_spec);
	struct txn *txn = txn_of(db, false);
	assert_true(holds(txn, 2, 1, "loud"));
	assert_string_equal(txn_table_name(txn, 2), "sounds");
	db_close(db);
}

static void a_watcher_without_write_access_to_the_lock_file_is_refused(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	db_close(db);
	assert_int_equal(chmod(scratch.path, 0755), 0);
	assert_int_equal(chmod(store(), 0755), 0);
	assert_int_equal(chmod(scratch_at(&scratch, "store/data.mdb"), 0444), 0);
	assert_int_equal(chmod(scratch_at(&scratch, "store/lock.mdb"), 0444), 0);
	if (geteuid() == 0)
		assert_int_equal(peer_ask('u', 65534), 0);
	assert_int_equal(peer_ask('w', 0), -EACCES);
	assert_int_equal(chmod(scratch_at(&scratch, "store/lock.mdb"), 0666), 0);
	assert_int_equal(peer_ask('w', 0), 0);
	assert_int_equal(peer_ask('g', 1), 3);
}

static void a_watcher_on_a_read_only_mount_is_refused(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	if (peer_ask('m', 0) < 0) {
		db_close(db);
		print_message("# not tried: this system lets nobody mount\n");
		return;
	}
	assert_int_equal(peer_ask('w', 0), -EROFS);
	db_close(db);
}

static void a_watcher_in_the_owners_process_outlives_the_owner(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct db *watcher = db_of(DB_WATCH, &spec);

	(void)state;
	for (int round = 0; round < 3; round++) {
		char text[] = { (char)('a' + round), '\0' };
		put_committed(db, COLOURS, 1, text);
		struct txn *txn = txn_of(watcher, false);
		assert_true(holds(txn, COLOURS, 1, text));
		txn_abort(txn);
		db_close(db);
		txn = txn_of(watcher, false);
		assert_true(holds(txn, COLOURS, 1, text));
		txn_abort(txn);
		assert_int_equal(peer_ask('o', 0), 0);
		assert_int_equal(peer_ask('c', 0), 0);
		db = db_of(DB_OWN, &spec);
	}
	db_close(watcher);
	assert_int_equal(peer_ask('o', 0), -EBUSY);
	put_committed(db, COLOURS, 2, "blue");
	db_close(db);
}

static void a_dead_readers_slot_is_given_back_once(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	assert_int_equal(peer_ask('w', 0), 0);
	assert_int_equal(peer_ask('b', 0), 0);
	assert_int_equal(db_check_readers(db), 0);
	peer_kill();
	assert_int_equal(db_check_readers(db), 1);
	assert_int_equal(db_check_readers(db), 0);
	db_close(db);
}

/* --- first start ---------------------------------------------------------------------------- */

static void a_first_start_clears_what_an_earlier_one_left_half_made(void **state)
{
	(void)state;
	assert_int_equal(mkdir(scratch_at(&scratch, "store.new"), 0700), 0);
	scratch_write(&scratch, "store.new/data.mdb", "half a page");
	scratch_write(&scratch, "store.new/lock.mdb", "");
	struct db *db = db_of(DB_OWN, &spec);
	assert_false(scratch_has(&scratch, "store.new"));
	assert_true(scratch_has(&scratch, "store/data.mdb"));
	put_committed(db, COLOURS, 1, "red");
	db_close(db);
}

static void a_first_start_that_fails_leaves_no_store(void **state)
{
	static const struct db_spec tiny = { tables, 8192 };
	struct db *db = NULL;

	(void)state;
	assert_int_equal(db_open(&db, store(), &tiny, DB_OWN), -ENOSPC);
	assert_null(db);
	assert_false(scratch_has(&scratch, "store"));
	assert_false(scratch_has(&scratch, "store.new/data.mdb"));
	db_close(db_of(DB_OWN, &spec));
	assert_false(scratch_has(&scratch, "store.new"));
}

static void a_first_start_killed_at_any_moment_is_repeated_well(void **state)
{
	(void)state;
	for (int round = 0; round < 40; round++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct db *db = NULL;
			db_open(&db, store(), &spec, DB_OWN);
			_exit(0);
		}
		nanosleep(&(struct timespec){ .tv_nsec = round * 100000 }, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (scratch_has(&scratch, "store"))
			db_close(db_of(DB_WATCH, &spec));
		struct db *db = db_of(DB_OWN, &spec);
		put_committed(db, COLOURS, 1, "red");
		db_close(db);
		tree_remove(store());
		if (scratch_has(&scratch, "store.new"))
			tree_remove(scratch_at(&scratch, "store.new"));
	}
}

static void a_directory_of_something_else_is_left_alone(void **state)
{
	struct db *db = NULL;

	(void)state;
	assert_int_equal(mkdir(store(), 0700), 0);
	scratch_write(&scratch, "store/letter.txt", "dear reader");
	assert_int_equal(db_open(&db, store(), &spec, DB_OWN), -ENOTEMPTY);
	assert_true(scratch_has(&scratch, "store/letter.txt"));
	assert_false(scratch_has(&scratch, "store/data.mdb"));
	assert_int_equal(remove(scratch_at(&scratch, "store/letter.txt")), 0);
	db_close(db_of(DB_OWN, &spec));
}

static void a_first_start_beside_another_one_is_refused(void **state)
{
	struct db *db = NULL;

	(void)state;
	assert_int_equal(peer_ask('o', 0), 0);
	assert_int_equal(rename(store(), scratch_at(&scratch, "store.new")), 0);
	assert_int_equal(db_open(&db, store(), &spec, DB_OWN), -EBUSY);
	assert_true(scratch_has(&scratch, "store.new/data.mdb"));
}

static void a_file_that_is_no_store_is_refused_and_kept(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	char letter[20000];

	(void)state;
	db_close(db);
	memset(letter, 'x', sizeof(letter));
	letter[sizeof(letter) - 1] = '\0';
	scratch_write(&scratch, "store/data.mdb", letter);
	db = NULL;
	assert_int_equal(db_open(&db, store(), &spec, DB_OWN), -EUCLEAN);
	assert_null(db);
	struct stat info;
	assert_int_equal(stat(scratch_at(&scratch, "store/data.mdb"), &info), 0);
	assert_int_equal(info.st_size, sizeof(letter) - 1);
}

static mode_t mode_of(const char *name)
{
	struct stat info;

	assert_int_equal(stat(scratch_at(&scratch, name), &info), 0);
	return info.st_mode & 07777;
}

static void modes_do_not_depend_on_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 077 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		mode_t saved = umask(masks[i]);
		db_close(db_of(DB_OWN, &spec));
		umask(saved);
		assert_int_equal(mode_of("store"), 0750);
		assert_int_equal(mode_of("store/data.mdb"), 0640);
		assert_int_equal(mode_of("store/lock.mdb"), 0660);
		assert_int_equal(remove(scratch_at(&scratch, "store/data.mdb")), 0);
		assert_int_equal(remove(scratch_at(&scratch, "store/lock.mdb")), 0);
		assert_int_equal(remove(scratch_at(&scratch, "store/owner.lock")), 0);
	}
}

static void a_slash_behind_the_directory_changes_nothing(void **state)
{
	struct db *db = NULL;

	(void)state;
	assert_int_equal(db_open(&db, scratch_at(&scratch, "store//"), &spec, DB_OWN), 0);
	assert_true(scratch_has(&scratch, "store/data.mdb"));
	assert_int_equal(peer_ask('o', 0), -EBUSY);
	db_close(db);
	assert_int_equal(db_open(&db, "", &spec, DB_OWN), -EINVAL);
	assert_int_equal(db_open(&db, scratch_at(&scratch, "no/store"), &spec, DB_OWN), -ENOENT);
}

static void room_on_the_disk_is_kept_and_the_file_stays_as_long_as_it_was(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct db_usage usage;
	struct stat before, after;
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/data.mdb", store());
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(db_usage(db, &usage), 0);
	assert_true(usage.end_bytes >= usage.used_bytes);
	assert_int_equal(store_reserve(store(), usage.end_bytes + (1 << 20)), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_true(after.st_blocks * 512 >= 1 << 20);
	assert_int_equal(store_reserve(store(), INT64_C(1) << 60), -ENOSPC);
	put_committed(db, COLOURS, 1, "red");
	db_close(db);
}

static void what_root_opens_stays_its_users(void **state)
{
	static const char *const names[] = { "store/lock.mdb", "store/owner.lock" };
	struct stat info;

	(void)state;
	if (geteuid() != 0)
		skip();
	db_close(db_of(DB_OWN, &spec));
	assert_int_equal(chown(scratch_at(&scratch, "store"), 1234, 1234), 0);
	assert_int_equal(remove(scratch_at(&scratch, names[0])), 0);
	assert_int_equal(remove(scratch_at(&scratch, names[1])), 0);
	db_close(db_of(DB_OWN, &spec));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(stat(scratch_at(&scratch, names[i]), &info), 0);
		assert_int_equal(info.st_uid, 1234);
		assert_int_equal(info.st_gid, 1234);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_second_owner_is_refused_until_the_first_has_gone),
		TEST(a_killed_owner_locks_nobody_out),
		TEST(a_watcher_sees_each_commit_and_no_less),
		TEST(a_read_transaction_is_a_snapshot),
		TEST(a_watcher_follows_a_store_that_outgrew_its_map),
		TEST(a_watcher_of_nothing_is_told_so),
		TEST(a_watcher_of_a_table_that_is_not_there_yet_is_told_so),
		TEST(a_watcher_without_write_access_to_the_lock_file_is_refused),
		TEST(a_watcher_on_a_read_only_mount_is_refused),
		TEST(a_watcher_in_the_owners_process_outlives_the_owner),
		TEST(a_dead_readers_slot_is_given_back_once),
		TEST(a_first_start_clears_what_an_earlier_one_left_half_made),
		TEST(a_first_start_that_fails_leaves_no_store),
		TEST(a_first_start_killed_at_any_moment_is_repeated_well),
		TEST(a_directory_of_something_else_is_left_alone),
		TEST(a_first_start_beside_another_one_is_refused),
		TEST(a_file_that_is_no_store_is_refused_and_kept),
		TEST(modes_do_not_depend_on_the_umask),
		TEST(what_root_opens_stays_its_users),
		TEST(a_slash_behind_the_directory_changes_nothing),
		TEST(room_on_the_disk_is_kept_and_the_file_stays_as_long_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
