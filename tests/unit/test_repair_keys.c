#include "repair.h"
#include "store_fixture.h"

/* Flipped bits in the keys of a store's pages: an entry then stands where no lookup finds it, and
 * hides others. */

#define ENTRIES 400 /* several pages */
#define VALUE "value"
#define KEY(i) (UINT64_C(0x5a6b7c8d9e0000) + (i)) /* like nothing else in the file */

struct told {
	size_t mended, left;
};

static void store_fill(void)
{
	struct db *db = db_of(DB_OWN, &spec);
	struct txn *txn = txn_of(db, true);
	char name[16];

	for (uint64_t i = 1; i <= ENTRIES; i++) {
		put(txn, COLOURS, KEY(i), VALUE);
		snprintf(name, sizeof(name), "counter-%03d", (int)i);
		counter_put(txn, SHAPES, name, i);
	}
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
}

/* Flips a bit of the byte `at` of each place where these bytes stand before the value, or before
 * anything else. How many there were. */
static size_t flip(const void *wanted, size_t size, bool before_value, int at, unsigned bit)
{
	int fd = open(scratch_at(&scratch, "store/data.mdb"), O_RDWR | O_CLOEXEC);
	size_t found = 0, file_size = (size_t)lseek(fd, 0, SEEK_END);
	uint8_t *bytes = malloc(file_size), *place = bytes;

	assert_true(fd >= 0 && bytes);
	assert_int_equal(pread(fd, bytes, file_size, 0), file_size);
	for (; (place = memmem(place, file_size - (size_t)(place - bytes), wanted, size));
		place += size) {
		uint8_t changed = place[at] ^ (uint8_t)(1U << bit);

		if ((memcmp(place + size, VALUE, strlen(VALUE)) == 0) != before_value)
			continue;
		assert_int_equal(pwrite(fd, &changed, 1, place - bytes + at), 1);
		found++;
	}
	close(fd);
	free(bytes);
	return found;
}

static void flip_key(uint64_t number, int at, unsigned bit)
{
	struct key key = key_of(KEY(number));

	assert_true(flip(key.bytes, key.size, true, at, bit) > 0);
}

static void store_anew(void)
{
	tree_remove(store());
	store_fill();
}

/* --- mending -------------------------------------------------------------------------------- */

static void found(void *argument, const struct finding *finding)
{
	struct told *told = argument;

	*(finding->mended ? &told->mended : &told->left) += 1;
}

static void mend_derived(struct repair *repair)
{
	for (uint64_t i = ENTRIES; i > 0; i--) {
		struct key key = key_of(KEY(i));

		repair_expect(repair, &key, VALUE, strlen(VALUE));
	}
	repair_table(repair, COLOURS);
}

static void mend_counters(struct repair *repair)
{
	repair_counters(repair, SHAPES);
}

static void look_at_records(struct repair *repair)
{
	repair_look(repair, SHAPES);
}

static struct told mend(void (*run)(struct repair *repair))
{
	struct told told = { 0 };
	struct db *db = db_of(DB_OWN, &spec);
	struct repair repair = { .txn = txn_of(db, true),
		.arena = arena_new(),
		.scratch = arena_new(),
		.found = found,
		.argument = &told };

	run(&repair);
	assert_int_equal(txn_commit(repair.txn), 0);
	repair_done(&repair);
	db_close(db);
	return told;
}

static void assert_derived_is_mended(void)
{
	struct told told = mend(mend_derived);
	struct db *db;
	struct txn *txn;

	assert_true(told.mended > 0);
	assert_int_equal(told.left, 0);
	told = mend(mend_derived);
	assert_int_equal(told.mended + told.left, 0);
	db = db_of(DB_OWN, &spec);
	txn = txn_of(db, false);
	assert_int_equal(txn_count(txn, COLOURS), ENTRIES);
	for (uint64_t i = 1; i <= ENTRIES; i++)
		assert_true(holds(txn, COLOURS, KEY(i), VALUE));
	txn_abort(txn);
	db_close(db);
}

/* --- tests ---------------------------------------------------------------------------------- */

static void a_flipped_key_of_a_derived_table_is_mended_in_truth(void **state)
{
	(void)state;
	for (uint64_t number = 1; number <= ENTRIES; number += 57)
		for (unsigned bit = 0; bit < 64; bit += 7) {
			store_anew();
			flip_key(number, (int)bit / 8, bit % 8);
			assert_derived_is_mended();
		}
}

/* The size of a key stands in the two bytes before it. */
static void a_key_of_no_length_or_too_long_is_damage_and_mended(void **state)
{
	(void)state;
	store_anew();
	flip_key(ENTRIES / 2, -2, 3);
	assert_derived_is_mended();
	store_anew();
	flip_key(ENTRIES / 2, -1, 0);
	assert_derived_is_mended();
}

static void a_flipped_key_above_the_leaves_is_mended(void **state)
{
	size_t above = 0;

	(void)state;
	for (uint64_t number = 2; number <= ENTRIES; number++) {
		struct key key = key_of(KEY(number));

		if (flip(key.bytes, key.size, false, 7, 4) == 0)
			continue;
		assert_derived_is_mended();
		store_anew(); /* without the pages that are free now */
		above++;
	}
	assert_true(above > 1);
}

static void a_flipped_counter_begins_again_and_the_others_stay(void **state)
{
	struct db *db;
	struct txn *txn;
	struct told told;

	(void)state;
	assert_true(flip("counter-200", strlen("counter-200"), false, 0, 0) > 0);
	told = mend(mend_counters);
	assert_int_equal(told.left, 0);
	assert_true(told.mended > 0);
	told = mend(mend_counters);
	assert_int_equal(told.mended + told.left, 0);
	db = db_of(DB_OWN, &spec);
	txn = txn_of(db, false);
	assert_int_equal(counter_get(txn, SHAPES, "counter-199"), 199);
	assert_int_equal(counter_get(txn, SHAPES, "counter-200"), 0);
	assert_int_equal(counter_get(txn, SHAPES, "counter-400"), 400);
	txn_abort(txn);
	db_close(db);
}

static void a_record_that_no_lookup_finds_is_named_and_left(void **state)
{
	struct told told;

	(void)state;
	assert_true(flip("counter-002", strlen("counter-002"), false, 0, 6) > 0);
	told = mend(look_at_records);
	assert_int_equal(told.mended, 0);
	assert_true(told.left >= 1);
	store_anew();
	assert_true(flip("counter-300", strlen("counter-300"), false, -1, 0) > 0);
	told = mend(look_at_records);
	assert_int_equal(told.mended, 0);
	assert_true(told.left >= 1);
}

static int begin(void **state)
{
	(void)state;
	scratch = scratch_make();
	store_fill();
	return 0;
}

static int end(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_TEST(a_flipped_key_of_a_derived_table_is_mended_in_truth),
		KEY_TEST(a_key_of_no_length_or_too_long_is_damage_and_mended),
		KEY_TEST(a_flipped_key_above_the_leaves_is_mended),
		KEY_TEST(a_flipped_counter_begins_again_and_the_others_stay),
		KEY_TEST(a_record_that_no_lookup_finds_is_named_and_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
