#include <sys/resource.h>

#include "store_fixture.h"

/* --- durability ----------------------------------------------------------------------------- */

static void what_was_committed_survives_reopening(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	put_committed(db, SHAPES, 1, "round");
	db_close(db);
	db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, false);
	assert_true(holds(txn, COLOURS, 1, "red"));
	assert_true(holds(txn, SHAPES, 1, "round"));
	assert_true(lacks(txn, SHAPES, 2));
	txn_abort(txn);
	db_close(db);
}

static void what_was_aborted_or_never_ended_leaves_nothing(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, true);

	(void)state;
	put(txn, COLOURS, 1, "red");
	assert_true(holds(txn, COLOURS, 1, "red"));
	txn_abort(txn);
	txn = txn_of(db, true);
	assert_true(lacks(txn, COLOURS, 1));
	put(txn, COLOURS, 2, "blue");
	db_close(db);
	db = db_of(DB_OWN, &spec);
	txn = txn_of(db, false);
	assert_true(lacks(txn, COLOURS, 1));
	assert_true(lacks(txn, COLOURS, 2));
	db_close(db);
}

static void file_head(unsigned char head[8192])
{
	int fd = open(scratch_at(&scratch, "store/data.mdb"), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, head, 8192, 0), 8192);
	close(fd);
}

static void a_commit_that_wrote_nothing_touches_no_file(void **state)
{
	unsigned char before[8192], after[8192];
	struct db *db = db_of(DB_OWN, &spec);
	struct key absent = key_of(9);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	file_head(before);
	struct txn *txn = txn_of(db, true);
	assert_true(holds(txn, COLOURS, 1, "red"));
	assert_false(txn_delete(txn, COLOURS, &absent));
	assert_int_equal(txn_writes(txn), 0);
	assert_int_equal(txn_commit(txn), 0);
	file_head(after);
	assert_memory_equal(before, after, sizeof(before));
	put_committed(db, COLOURS, 2, "blue");
	file_head(after);
	assert_memory_not_equal(before, after, sizeof(before));
	db_close(db);
}

/* --- room ----------------------------------------------------------------------------------- */

/* Puts large values until the transaction refuses; how many it took. */
static uint64_t fill(struct txn *txn, size_t bytes)
{
	char *large = calloc(1, bytes);
	uint64_t number = 0;

	assert_non_null(large);
	while (!txn_error(txn) && number < 100000) {
		struct key key = key_of(1000 + number++);
		txn_put(txn, COLOURS, &key, large, bytes);
	}
	free(large);
	return number;
}

static void a_full_map_refuses_the_transaction_and_keeps_the_store(void **state)
{
	struct db *db = db_of(DB_OWN, &small_spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	struct txn *txn = txn_of(db, true);
	put(txn, COLOURS, 2, "blue");
	assert_in_range(fill(txn, 3000), 100, 400);
	assert_int_equal(txn_error(txn), -ENOSPC);
	assert_true(!holds(txn, COLOURS, 2, "blue"));
	assert_int_equal(txn_commit(txn), -ENOSPC);

	put_committed(db, SHAPES, 1, "round");
	db_close(db);
	db = db_of(DB_OWN, &small_spec);
	txn = txn_of(db, false);
	assert_true(holds(txn, COLOURS, 1, "red"));
	assert_true(holds(txn, SHAPES, 1, "round"));
	assert_true(lacks(txn, COLOURS, 2));
	assert_true(lacks(txn, COLOURS, 1000));
	db_close(db);
}

static void a_map_filled_commit_by_commit_stays_readable_and_can_be_emptied(void **state)
{
	struct db *db = db_of(DB_OWN, &small_spec);
	char value[2000] = { 0 };
	uint64_t number = 0;
	int error = 0;

	(void)state;
	for (; !error && number < 1000; number++) {
		struct txn *txn = txn_of(db, true);
		struct key key = key_of(number);
		txn_put(txn, COLOURS, &key, value, sizeof(value));
		error = txn_commit(txn);
	}
	assert_int_equal(error, -ENOSPC);
	assert_in_range(number, 100, 600);
	struct txn *txn = txn_of(db, false);
	assert_int_equal(txn_count(txn, COLOURS), number - 1);
	txn_abort(txn);
	db_close(db);
	db = db_of(DB_OWN, &spec);
	put_committed(db, COLOURS, number, "there is room again");
	db_close(db);
}

static void a_full_disk_refuses_the_commit_and_keeps_the_store(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct rlimit saved, tight;
	struct txn *txn;

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	tight = saved;
	tight.rlim_cur = 200000;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	txn = txn_of(db, true);
	char *large = calloc(1, MIB);
	struct key key = key_of(2);
	txn_put(txn, COLOURS, &key, large, MIB);
	free(large);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	int error = txn_commit(txn);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(error, -ENOSPC);
	put_committed(db, COLOURS, 3, "blue");
	db_close(db);
	db = db_of(DB_OWN, &spec);
	txn = txn_of(db, false);
	assert_true(holds(txn, COLOURS, 1, "red"));
	assert_true(lacks(txn, COLOURS, 2));
	assert_true(holds(txn, COLOURS, 3, "blue"));
	db_close(db);
}

static void usage_grows_with_what_is_put_and_shrinks_with_what_is_deleted(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct db_usage empty, full, freed;
	char value[100] = { 0 };

	(void)state;
	assert_int_equal(db_usage(db, &empty), 0);
	assert_int_equal(empty.size_max_bytes, 64 * MIB);
	struct txn *txn = txn_of(db, true);
	for (uint64_t i = 0; i < 10000; i++) {
		struct key key = key_of(i);
		txn_put(txn, COLOURS, &key, value, sizeof(value));
	}
	assert_int_equal(txn_commit(txn), 0);
	assert_int_equal(db_usage(db, &full), 0);
	assert_in_range(full.used_bytes - empty.used_bytes, 1000000, 3000000);
	txn = txn_of(db, true);
	for (uint64_t i = 0; i < 10000; i++) {
		struct key key = key_of(i);
		assert_true(txn_delete(txn, COLOURS, &key));
	}
	assert_int_equal(txn_writes(txn), 10000);
	assert_int_equal(txn_commit(txn), 0);
	txn = txn_of(db, false);
	assert_int_equal(db_usage(db, &freed), 0);
	assert_true(freed.used_bytes < empty.used_bytes + 100000);
	assert_true(lacks(txn, COLOURS, 1));
	db_close(db);
}

/* --- transactions --------------------------------------------------------------------------- */

static void the_first_error_sticks_and_nothing_happens_after_it(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct slice key_slice, value;
	struct key one = key_of(1);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	struct txn *txn = txn_of(db, true);
	put(txn, COLOURS, 2, "blue");
	assert_int_equal(txn_error(txn), 0);
	txn_fail(txn, -EUCLEAN);
	txn_fail(txn, -ENOMEM);
	assert_int_equal(txn_error(txn), -EUCLEAN);
	assert_false(txn_get(txn, COLOURS, &one, &value));
	assert_false(txn_delete(txn, COLOURS, &one));
	assert_false(txn_last(txn, COLOURS, &key_slice, &value));
	assert_int_equal(txn_count(txn, COLOURS), 0);
	put(txn, COLOURS, 3, "green");
	assert_int_equal(txn_writes(txn), 1);
	struct scan scan = scan_from(txn, COLOURS, NULL);
	assert_false(scan_next(&scan));
	scan_end(&scan);
	assert_int_equal(txn_commit(txn), -EUCLEAN);

	txn = txn_of(db, true);
	assert_int_equal(txn_error(txn), 0);
	assert_int_equal(txn_writes(txn), 0);
	assert_true(holds(txn, COLOURS, 1, "red"));
	assert_true(lacks(txn, COLOURS, 2));
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
}

static void a_failed_read_transaction_says_so_at_its_commit(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, false);

	(void)state;
	txn_fail(txn, -EUCLEAN);
	assert_int_equal(txn_commit(txn), -EUCLEAN);
	txn = txn_of(db, false);
	assert_int_equal(txn_commit(txn), 0);
	txn_abort(NULL);
	db_close(db);
	db_close(NULL);
}

static void an_error_ends_a_scan_that_has_begun(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);

	(void)state;
	put_committed(db, COLOURS, 1, "red");
	put_committed(db, COLOURS, 2, "blue");
	struct txn *txn = txn_of(db, false);
	struct scan scan = scan_from(txn, COLOURS, NULL);
	assert_true(scan_next(&scan));
	txn_fail(txn, -ENOMEM);
	assert_false(scan_next(&scan));
	scan_end(&scan);
	txn_abort(txn);
	db_close(db);
}

static void a_value_may_be_empty_replaced_and_deleted(void **state)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, true);
	struct key one = key_of(1);
	struct slice value = { 0 };

	(void)state;
	txn_put(txn, COLOURS, &one, NULL, 0);
	assert_true(txn_get(txn, COLOURS, &one, &value));
	assert_int_equal(value.size, 0);
	put(txn, COLOURS, 1, "a longer one");
	put(txn, COLOURS, 1, "short");
	assert_true(holds(txn, COLOURS, 1, "short"));
	assert_int_equal(txn_count(txn, COLOURS), 1);
	assert_true(txn_delete(txn, COLOURS, &one));
	assert_false(txn_delete(txn, COLOURS, &one));
	assert_int_equal(txn_writes(txn), 4);
	assert_int_equal(txn_count(txn, COLOURS), 0);
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
}

/* --- order ---------------------------------------------------------------------------------- */

static const uint64_t sorted[] = { 0, 1, 255, 256, 65535, 65536, UINT64_C(1) << 32,
	(UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, UINT64_MAX };
#define SORTED (sizeof(sorted) / sizeof(sorted[0]))

static struct db *db_of_sorted(void)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, true);

	for (size_t i = 0; i < SORTED; i++)
		put(txn, COLOURS, sorted[i * 7 % SORTED], "x");
	assert_int_equal(txn_count(txn, COLOURS), SORTED);
	assert_int_equal(txn_commit(txn), 0);
	return db;
}

static void scan_expect(struct txn *txn, const struct key *from, size_t first)
{
	struct scan scan = scan_from(txn, COLOURS, from);

	for (size_t i = first; i < SORTED; i++) {
		assert_true(scan_next(&scan));
		assert_int_equal(scan.key.size, 8);
		assert_int_equal(key_read_u64(scan.key, 0), sorted[i]);
		assert_int_equal(scan.value.size, 1);
	}
	assert_false(scan_next(&scan));
	assert_false(scan_next(&scan));
	scan_end(&scan);
	scan_end(&scan);
}

static void a_scan_goes_in_the_order_of_numbers_from_where_it_was_told(void **state)
{
	struct db *db = db_of_sorted();
	struct txn *txn = txn_of(db, false);
	struct key none = { 0 };

	(void)state;
	scan_expect(txn, NULL, 0);
	scan_expect(txn, &none, 0);
	for (size_t i = 0; i < SORTED; i++) {
		struct key key = key_of(sorted[i]);
		scan_expect(txn, &key, i);
	}
	struct key between = key_of(257);
	scan_expect(txn, &between, 4);
	struct key behind = key_of(UINT64_MAX);
	key_add_bytes(&behind, "", 1);
	scan_expect(txn, &behind, SORTED);
	struct scan empty = scan_from(txn, SHAPES, NULL);
	assert_false(scan_next(&empty));
	scan_end(&empty);
	assert_int_equal(txn_error(txn), 0);
	db_close(db);
}

static void the_last_entry_is_found_without_a_scan(void **state)
{
	struct db *db = db_of_sorted();
	struct txn *txn = txn_of(db, false);
	struct slice key = { 0 }, value = { 0 };

	(void)state;
	assert_true(txn_last(txn, COLOURS, &key, &value));
	assert_int_equal(key_read_u64(key, 0), UINT64_MAX);
	assert_int_equal(value.size, 1);
	assert_false(txn_last(txn, SHAPES, &key, &value));
	assert_int_equal(txn_error(txn), 0);
	db_close(db);
}

static void keys_are_built_of_parts_and_read_back(void **state)
{
	struct key key = { 0 };

	(void)state;
	key_add_u64(&key, UINT64_C(0x0102030405060708));
	key_add_bytes(&key, "ab", 2);
	key_add_bytes(&key, NULL, 0);
	key_add_u64(&key, 9);
	static const uint8_t expected[] = "\1\2\3\4\5\6\7\10ab\0\0\0\0\0\0\0\11";
	assert_int_equal(key.size, 18);
	assert_memory_equal(key.bytes, expected, 18);
	struct slice slice = { key.bytes, key.size };
	assert_int_equal(key_read_u64(slice, 0), UINT64_C(0x0102030405060708));
	assert_int_equal(key_read_u64(slice, 10), 9);
	assert_int_equal(key_read_u64(slice, 11), 0);
	assert_int_equal(key_read_u64(slice, SIZE_MAX), 0);
	assert_int_equal(key_read_u64((struct slice){ key.bytes, 7 }, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_committed_survives_reopening),
		TEST(what_was_aborted_or_never_ended_leaves_nothing),
		TEST(a_commit_that_wrote_nothing_touches_no_file),
		TEST(a_full_map_refuses_the_transaction_and_keeps_the_store),
		TEST(a_map_filled_commit_by_commit_stays_readable_and_can_be_emptied),
		TEST(a_full_disk_refuses_the_commit_and_keeps_the_store),
		TEST(usage_grows_with_what_is_put_and_shrinks_with_what_is_deleted),
		TEST(the_first_error_sticks_and_nothing_happens_after_it),
		TEST(a_failed_read_transaction_says_so_at_its_commit),
		TEST(an_error_ends_a_scan_that_has_begun),
		TEST(a_value_may_be_empty_replaced_and_deleted),
		TEST(a_scan_goes_in_the_order_of_numbers_from_where_it_was_told),
		TEST(the_last_entry_is_found_without_a_scan),
		TEST(keys_are_built_of_parts_and_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
