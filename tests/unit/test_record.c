#include "store_fixture.h"

#include "record.h"

struct part {
	uint64_t book_id;
	int64_t quantity;
	const char *title;
};
static const struct field part_fields[] = {
	{ "book_id", FIELD_U64, AT(part, book_id) },
	{ "quantity", FIELD_I64, AT(part, quantity) },
	{ "title", FIELD_TEXT, AT(part, title) },
};
static const struct record part_record = RECORD(part, part_fields);

struct basket {
	uint64_t user_id;
	bool paid;
	const char *note;
	struct part *parts;
	size_t part_count;
	int64_t weight;
};
static const struct field basket_fields[] = {
	{ "user_id", FIELD_U64, AT(basket, user_id) },
	{ "paid", FIELD_BOOL, AT(basket, paid) },
	{ "note", FIELD_TEXT, AT(basket, note) },
	{ "parts", FIELD_LIST, AT(basket, parts), COUNT_AT(basket, part_count), .of = &part_record,
		.max = 100 },
	{ "weight", FIELD_I64, AT(basket, weight), .otherwise = 7 },
};
static const struct record basket_record = RECORD(basket, basket_fields);

/* The basket before weight was appended to it. */
static const struct record old_basket_record = {
	"basket",
	sizeof(struct basket),
	basket_fields,
	4,
};

static struct part some_parts[] = {
	{ 1, 2, "Go语言编程" },
	{ UINT64_MAX, -5, "深入理解计算机系统" },
};
static const struct basket some_basket = { 42, true, "zwölf Boxkämpfer", some_parts, 2, -9 };

static struct db *db;
static struct arena *arena;

static int setup(void **state)
{
	peer_setup(state);
	db = db_of(DB_OWN, &spec);
	arena = arena_new();
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	arena_free(arena);
	db_close(db);
	return peer_teardown(state);
}

static void basket_put(uint64_t number)
{
	struct txn *txn = txn_of(db, true);
	struct key key = key_of(number);

	record_put(txn, COLOURS, &key, &basket_record, &some_basket);
	assert_int_equal(txn_writes(txn), 1);
	assert_int_equal(txn_commit(txn), 0);
}

static void basket_check(const struct basket *basket)
{
	assert_int_equal(basket->user_id, 42);
	assert_true(basket->paid);
	assert_string_equal(basket->note, some_basket.note);
	assert_int_equal(basket->part_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(basket->parts[i].book_id, some_parts[i].book_id);
		assert_int_equal(basket->parts[i].quantity, some_parts[i].quantity);
		assert_string_equal(basket->parts[i].title, some_parts[i].title);
	}
}

static void a_record_comes_back_as_it_was_put_and_outlives_the_transaction(void **state)
{
	struct basket basket = { 0 };
	struct key key = key_of(1);

	(void)state;
	basket_put(1);
	struct txn *txn = txn_of(db, true);
	assert_true(record_get(txn, arena, COLOURS, &key, &basket_record, &basket));
	put(txn, COLOURS, 1, "something else");
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
	db = NULL;
	basket_check(&basket);
	assert_int_equal(basket.weight, -9);
}

static void a_record_that_is_not_there_is_no_error(void **state)
{
	struct basket basket = { .user_id = 5 };
	struct key key = key_of(2);

	(void)state;
	basket_put(1);
	struct txn *txn = txn_of(db, false);
	assert_false(record_get(txn, arena, COLOURS, &key, &basket_record, &basket));
	assert_int_equal(txn_error(txn), 0);
	assert_int_equal(basket.user_id, 5);
	txn_abort(txn);
}

static void a_scan_reads_records_too(void **state)
{
	struct basket basket;
	uint64_t count = 0;

	(void)state;
	for (uint64_t number = 1; number <= 3; number++)
		basket_put(number);
	struct txn *txn = txn_of(db, false);
	struct scan scan = scan_from(txn, COLOURS, NULL);
	while (scan_next(&scan)) {
		assert_int_equal(key_read_u64(scan.key, 0), ++count);
		assert_true(record_read(txn, arena, COLOURS, scan.key, scan.value, &basket_record,
			&basket));
		basket_check(&basket);
	}
	scan_end(&scan);
	assert_int_equal(count, 3);
	assert_int_equal(txn_commit(txn), 0);
}

static void a_field_appended_later_has_its_otherwise_in_older_records(void **state)
{
	struct basket basket = { 0 };
	struct key key = key_of(1);
	struct txn *txn = txn_of(db, true);

	(void)state;
	record_put(txn, COLOURS, &key, &old_basket_record, &some_basket);
	assert_true(record_get(txn, arena, COLOURS, &key, &basket_record, &basket));
	basket_check(&basket);
	assert_int_equal(basket.weight, 7);
	assert_int_equal(txn_commit(txn), 0);
}

/* --- damage --------------------------------------------------------------------------------- */

/* The value as it is stored. */
static size_t raw_get(uint64_t number, uint8_t *raw, size_t room)
{
	struct txn *txn = txn_of(db, false);
	struct key key = key_of(number);
	struct slice value;

	assert_true(txn_get(txn, COLOURS, &key, &value));
	assert_true(value.size <= room);
	memcpy(raw, value.at, value.size);
	txn_abort(txn);
	return value.size;
}

/* Puts a raw value, reads it as a basket, undoes both: what the reading ended with. */
static int raw_read(unsigned table, uint64_t number, const uint8_t *raw, size_t size)
{
	struct txn *txn = txn_of(db, true);
	struct key key = key_of(number);
	struct basket basket;

	txn_put(txn, table, &key, raw, size);
	bool there = record_get(txn, arena, table, &key, &basket_record, &basket);
	int error = txn_error(txn);
	assert_true(there == !error);
	txn_abort(txn);
	arena_reset(arena);
	return error;
}

static void every_flipped_bit_is_found(void **state)
{
	uint8_t raw[256];

	(void)state;
	basket_put(1);
	size_t size = raw_get(1, raw, sizeof(raw));
	assert_int_equal(raw_read(COLOURS, 1, raw, size), 0);
	for (size_t bit = 0; bit < size * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(raw_read(COLOURS, 1, raw, size), -EUCLEAN);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(raw_read(COLOURS, 1, raw, size), 0);
}

static void every_value_cut_short_or_grown_is_found(void **state)
{
	uint8_t raw[256] = { 0 };

	(void)state;
	basket_put(1);
	size_t size = raw_get(1, raw, sizeof(raw) - 1);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(raw_read(COLOURS, 1, raw, cut), -EUCLEAN);
	assert_int_equal(raw_read(COLOURS, 1, raw, size + 1), -EUCLEAN);
}

static void a_value_in_another_place_is_found(void **state)
{
	uint8_t raw[256];

	(void)state;
	basket_put(1);
	size_t size = raw_get(1, raw, sizeof(raw));
	assert_int_equal(raw_read(COLOURS, 2, raw, size), -EUCLEAN);
	assert_string_equal(record_damage(),
		"table colours, key 0000000000000002: checksum differs");
	assert_int_equal(raw_read(SHAPES, 1, raw, size), -EUCLEAN);
	assert_string_equal(record_damage(),
		"table shapes, key 0000000000000001: checksum differs");
	assert_int_equal(raw_read(SHAPES, 1, raw, 4), -EUCLEAN);
	assert_string_equal(record_damage(), "table shapes, key 0000000000000001: too short");
	raw[0]++;
	assert_int_equal(raw_read(SHAPES, 1, raw, size), -EUCLEAN);
	assert_string_equal(record_damage(), "table shapes, key 0000000000000001: unknown version");
}

static void a_sound_record_of_another_kind_is_found(void **state)
{
	struct key key = key_of(1);
	struct txn *txn = txn_of(db, true);
	struct basket basket;

	(void)state;
	record_put(txn, COLOURS, &key, &part_record, &some_parts[0]);
	assert_false(record_get(txn, arena, COLOURS, &key, &basket_record, &basket));
	assert_string_equal(record_damage(),
		"table colours, key 0000000000000001: not such a record");
	assert_int_equal(txn_commit(txn), -EUCLEAN);
}

static void damage_under_the_longest_key_is_named_whole(void **state)
{
	struct txn *txn = txn_of(db, true);
	struct key key = { .size = sizeof(key.bytes) };
	struct basket basket;

	(void)state;
	memset(key.bytes, 0xab, sizeof(key.bytes));
	txn_put(txn, COLOURS, &key, "x", 1);
	assert_false(record_get(txn, arena, COLOURS, &key, &basket_record, &basket));
	const char *behind = strrchr(record_damage(), 'b');
	assert_string_equal(behind, "b: too short");
	assert_int_equal(behind - record_damage(), strlen("table colours, key ") + 255);
	txn_abort(txn);
}

static void after_damage_the_transaction_serves_and_takes_nothing(void **state)
{
	struct key one = key_of(1), two = key_of(2);
	struct basket basket;
	uint8_t raw[256];

	(void)state;
	basket_put(1);
	basket_put(2);
	size_t size = raw_get(1, raw, sizeof(raw));
	raw[size - 1] ^= 1;
	struct txn *txn = txn_of(db, true);
	txn_put(txn, COLOURS, &one, raw, size);
	assert_false(record_get(txn, arena, COLOURS, &one, &basket_record, &basket));
	assert_false(record_get(txn, arena, COLOURS, &two, &basket_record, &basket));
	struct slice key = { two.bytes, two.size };
	assert_false(record_read(txn, arena, COLOURS, key, key, &basket_record, &basket));
	uint64_t writes = txn_writes(txn);
	record_put(txn, COLOURS, &two, &basket_record, &some_basket);
	counter_put(txn, SHAPES, "next", 9);
	assert_int_equal(counter_get(txn, SHAPES, "next"), 0);
	assert_int_equal(txn_writes(txn), writes);
	assert_int_equal(txn_commit(txn), -EUCLEAN);
}

static void a_record_too_large_to_pack_fails_the_transaction(void **state)
{
	size_t size = (size_t)17 << 20;
	char *note = malloc(size + 1);
	struct key key = key_of(1);

	(void)state;
	assert_non_null(note);
	memset(note, 'x', size);
	note[size] = '\0';
	struct basket basket = { .note = note };
	struct txn *txn = txn_of(db, true);
	record_put(txn, COLOURS, &key, &basket_record, &basket);
	assert_int_equal(txn_writes(txn), 0);
	assert_int_equal(txn_commit(txn), -EMSGSIZE);
	free(note);
	basket_put(1);
}

/* --- counters ------------------------------------------------------------------------------- */

static void counters_start_at_0_and_keep_what_was_put(void **state)
{
	struct txn *txn = txn_of(db, true);

	(void)state;
	assert_int_equal(counter_get(txn, SHAPES, "next"), 0);
	counter_put(txn, SHAPES, "next", 17);
	counter_put(txn, SHAPES, "next_event", UINT64_MAX);
	assert_int_equal(counter_get(txn, SHAPES, "next"), 17);
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
	db = db_of(DB_OWN, &spec);
	txn = txn_of(db, false);
	assert_int_equal(counter_get(txn, SHAPES, "next"), 17);
	assert_int_equal(counter_get(txn, SHAPES, "next_event"), UINT64_MAX);
	assert_int_equal(counter_get(txn, SHAPES, "nex"), 0);
	assert_int_equal(txn_commit(txn), 0);
}

static void a_damaged_counter_is_found_and_not_taken_for_0(void **state)
{
	struct key key = { 0 };
	struct slice value;
	uint8_t raw[13];

	(void)state;
	key_add_bytes(&key, "next", 4);
	struct txn *txn = txn_of(db, true);
	counter_put(txn, SHAPES, "next", 17);
	assert_true(txn_get(txn, SHAPES, &key, &value));
	assert_int_equal(value.size, sizeof(raw));
	memcpy(raw, value.at, sizeof(raw));
	assert_int_equal(txn_commit(txn), 0);
	for (size_t bit = 0; bit < sizeof(raw) * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		txn = txn_of(db, true);
		txn_put(txn, SHAPES, &key, raw, sizeof(raw));
		assert_int_equal(counter_get(txn, SHAPES, "next"), 0);
		assert_int_equal(txn_commit(txn), -EUCLEAN);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	txn = txn_of(db, true);
	txn_put(txn, SHAPES, &key, raw, sizeof(raw) - 1);
	assert_int_equal(counter_get(txn, SHAPES, "next"), 0);
	assert_int_equal(txn_error(txn), -EUCLEAN);
	assert_string_equal(record_damage(), "table shapes, key 6e657874: not a counter");
	txn_abort(txn);
}

#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RECORD_TEST(a_record_comes_back_as_it_was_put_and_outlives_the_transaction),
		RECORD_TEST(a_record_that_is_not_there_is_no_error),
		RECORD_TEST(a_scan_reads_records_too),
		RECORD_TEST(a_field_appended_later_has_its_otherwise_in_older_records),
		RECORD_TEST(every_flipped_bit_is_found),
		RECORD_TEST(every_value_cut_short_or_grown_is_found),
		RECORD_TEST(a_value_in_another_place_is_found),
		RECORD_TEST(a_sound_record_of_another_kind_is_found),
		RECORD_TEST(damage_under_the_longest_key_is_named_whole),
		RECORD_TEST(after_damage_the_transaction_serves_and_takes_nothing),
		RECORD_TEST(a_record_too_large_to_pack_fails_the_transaction),
		RECORD_TEST(counters_start_at_0_and_keep_what_was_put),
		RECORD_TEST(a_damaged_counter_is_found_and_not_taken_for_0),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
