#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "error.h"
#include "fields.h"

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_BLUE };
static const char *const colour_names[] = { "", "RED", "BLUE", NULL };

struct part {
	uint64_t part_id;
	bool spare;
};

struct thing {
	uint64_t thing_id;
	int64_t balance;
	int64_t made_at;
	bool open;
	bool ready;
	const char *title;
	const char *note;
	enum colour colour;
	struct part main_part;
	struct part *parts;
	size_t part_count;
	uint64_t *marks;
	size_t mark_count;
	uint64_t secret;
};

static const struct field part_fields[] = {
	{ "part_id", FIELD_U64, FIELD_REQUIRED, AT(part, part_id), 1, 100 },
	{ "spare", FIELD_BOOL, FIELD_SPARSE, AT(part, spare) },
};
static const struct record part_record = RECORD(part, part_fields);

static const struct field thing_fields[] = {
	{ "thing_id", FIELD_U64, FIELD_REQUIRED, AT(thing, thing_id), 1, 100 },
	{ "balance", FIELD_I64, FIELD_SPARSE, AT(thing, balance) },
	{ "made_at", FIELD_TIME_MS, 0, AT(thing, made_at) },
	{ "open", FIELD_BOOL, FIELD_SPARSE, AT(thing, open) },
	{ "ready", FIELD_BOOL, 0, AT(thing, ready) },
	{ "title", FIELD_TEXT, 0, AT(thing, title), 1, 5 },
	{ "note", FIELD_TEXT, FIELD_SPARSE, AT(thing, note) },
	{ "colour", FIELD_ENUM, 0, AT(thing, colour), .names = colour_names },
	{ "main_part", FIELD_RECORD, 0, AT(thing, main_part), .of = &part_record },
	{ "parts", FIELD_LIST, 0, AT(thing, parts), 1, 2, .of = &part_record,
		COUNT_AT(thing, part_count) },
	{ "marks", FIELD_LIST, FIELD_SPARSE, AT(thing, marks), COUNT_AT(thing, mark_count) },
	{ "secret", FIELD_U64, FIELD_HIDDEN, AT(thing, secret) },
};
static const struct record thing_record = RECORD(thing, thing_fields);

static struct part some_parts[] = { { 1, true }, { UINT64_MAX, false }, { 0, true } };
static uint64_t some_marks[] = { 0, 7, UINT64_MAX };

static const struct thing full = {
	.thing_id = UINT64_MAX,
	.balance = INT64_MIN,
	.made_at = -1,
	.open = true,
	.ready = true,
	.title = "longer than the protocol lets in",
	.note = "",
	.colour = COLOUR_BLUE,
	.main_part = { 5, true },
	.parts = some_parts,
	.part_count = 3,
	.marks = some_marks,
	.mark_count = 3,
	.secret = 99,
};

static const struct value *value_of(struct buffer *buffer)
{
	const struct value *value = NULL;

	assert_int_equal(buffer->error, 0);
	assert_int_equal(codec_parse(arena, buffer->at, buffer->size, &value), 0);
	return value;
}

static const struct value *map_of(struct buffer *buffer, const struct thing *thing)
{
	const struct value *map;
	uint32_t count;
	size_t opened;

	buffer_reset(buffer);
	opened = pack_open_map(buffer);
	count = fields_to_map(buffer, &thing_record, thing);
	pack_close(buffer, opened, count);
	map = value_of(buffer);
	assert_int_equal(map->list.count, count);
	return map;
}

static bool text_is(const struct value *value, const char *text)
{
	return value && value->type == VALUE_STR && value->str.size == strlen(text) &&
		!memcmp(value->str.at, text, value->str.size);
}

/* --- to the wire ---------------------------------------------------------------------------- */

static void a_full_record_shows_all_but_what_is_hidden_or_empty(void **state)
{
	struct buffer buffer = { 0 };
	const struct value *map = map_of(&buffer, &full), *parts;

	(void)state;
	assert_int_equal(map->list.count, 10);
	assert_true(value_find(map, "thing_id")->u64 == UINT64_MAX);
	assert_true(value_find(map, "balance")->i64 == INT64_MIN);
	assert_int_equal(value_find(map, "made_at")->i64, -1);
	assert_true(value_find(map, "open")->boolean);
	assert_true(text_is(value_find(map, "title"), full.title));
	assert_true(text_is(value_find(map, "colour"), "BLUE"));
	assert_null(value_find(map, "secret"));
	assert_null(value_find(map, "note"));
	assert_int_equal(value_find(value_find(map, "main_part"), "part_id")->u64, 5);
	parts = value_find(map, "parts");
	assert_int_equal(parts->list.count, 3);
	assert_int_equal(parts->list.at[0].list.count, 2);
	assert_int_equal(parts->list.at[1].list.count, 1);
	assert_true(value_find(&parts->list.at[2], "spare")->boolean);
	assert_true(value_find(map, "marks")->list.at[2].u64 == UINT64_MAX);
	buffer_done(&buffer);
}

static void an_empty_record_shows_its_zeros_but_no_absent_text_enum_or_sparse_field(void **state)
{
	const struct thing empty = { 0 };
	struct buffer buffer = { 0 };
	const struct value *map = map_of(&buffer, &empty);

	(void)state;
	assert_int_equal(map->list.count, 5);
	assert_int_equal(value_find(map, "thing_id")->u64, 0);
	assert_int_equal(value_find(map, "made_at")->u64, 0);
	assert_int_equal(value_find(map, "ready")->type, VALUE_BOOL);
	assert_false(value_find(map, "ready")->boolean);
	assert_int_equal(value_find(map, "main_part")->list.count, 1);
	assert_int_equal(value_find(map, "parts")->list.count, 0);
	buffer_done(&buffer);
}

static void fields_are_shown_in_the_order_of_the_table(void **state)
{
	struct buffer buffer = { 0 };
	const struct value *map = map_of(&buffer, &full);
	size_t last = 0;

	(void)state;
	for (uint32_t i = 1; i < map->list.count; i++) {
		const struct value *name = &map->list.at[2 * i];
		const char *text = arena_text(arena, name->str.at, name->str.size);
		size_t index = (size_t)(record_field(&thing_record, text) - thing_fields);

		assert_true(index > last);
		last = index;
	}
	buffer_done(&buffer);
}

/* --- to the store and back ------------------------------------------------------------------ */

static void a_stored_record_comes_back_whole_past_all_bounds(void **state)
{
	struct buffer buffer = { 0 };
	struct thing thing;

	(void)state;
	fields_to_array(&buffer, &thing_record, &full);
	memset(&thing, 0xa5, sizeof(thing));
	assert_int_equal(fields_from_array(arena, &thing_record, buffer.at, buffer.size, &thing),
		0);
	buffer_done(&buffer);
	assert_true(thing.thing_id == full.thing_id && thing.balance == full.balance);
	assert_true(thing.made_at == full.made_at && thing.open && thing.ready);
	assert_string_equal(thing.title, full.title);
	assert_string_equal(thing.note, "");
	assert_int_equal(thing.colour, COLOUR_BLUE);
	assert_int_equal(thing.main_part.part_id, 5);
	assert_true(thing.main_part.spare);
	assert_int_equal(thing.part_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(thing.parts[i].part_id == some_parts[i].part_id);
		assert_int_equal(thing.parts[i].spare, some_parts[i].spare);
	}
	assert_int_equal(thing.mark_count, 3);
	assert_memory_equal(thing.marks, some_marks, sizeof(some_marks));
	assert_int_equal(thing.secret, 99);
}

static void a_stored_record_is_an_array_with_nil_for_an_absent_text(void **state)
{
	static const char expected[] =
		"\x9c\x07\x00\x00\xc2\xc2\xc0\xc0\x00\x92\x00\xc2\x90\x90\x00";
	const struct thing thing = { .thing_id = 7 };
	struct buffer buffer = { 0 };
	struct thing back;

	(void)state;
	fields_to_array(&buffer, &thing_record, &thing);
	assert_int_equal(buffer.size, sizeof(expected) - 1);
	assert_memory_equal(buffer.at, expected, sizeof(expected) - 1);
	assert_int_equal(fields_from_array(arena, &thing_record, buffer.at, buffer.size, &back), 0);
	assert_null(back.title);
	assert_int_equal(back.part_count, 0);
	buffer_done(&buffer);
}

static int stored_error(const char *bytes, size_t size)
{
	struct thing thing;

	return fields_from_array(arena, &thing_record, bytes, size, &thing);
}

static void a_stored_record_of_an_older_version_leaves_new_fields_at_their_default(void **state)
{
	const struct field later_fields[] = {
		{ "thing_id", FIELD_U64, 0, AT(thing, thing_id) },
		{ "balance", FIELD_I64, 0, AT(thing, balance), .otherwise = -4 },
		{ "ready", FIELD_BOOL, 0, AT(thing, ready), .otherwise = true },
		{ "colour", FIELD_ENUM, 0, AT(thing, colour), .names = colour_names,
			.otherwise = COLOUR_RED },
		{ "title", FIELD_TEXT, 0, AT(thing, title) },
	};
	const struct record later = RECORD(thing, later_fields);
	struct thing thing;

	(void)state;
	assert_int_equal(fields_from_array(arena, &later, "\x91\x05", 2, &thing), 0);
	assert_int_equal(thing.thing_id, 5);
	assert_int_equal(thing.balance, -4);
	assert_true(thing.ready);
	assert_int_equal(thing.colour, COLOUR_RED);
	assert_null(thing.title);
	assert_int_equal(stored_error("\x90", 1), 0);
}

#define assert_stored(bytes, error) assert_int_equal(stored_error(bytes, sizeof(bytes) - 1), error)

static void what_is_not_that_record_is_not_read_as_one(void **state)
{
	(void)state;
	assert_stored("\x80", -EUCLEAN);
	assert_stored("\xc0", -EUCLEAN);
	assert_stored("\x91\xff", -EUCLEAN);
	assert_stored("\x91\xa1x", -EUCLEAN);
	assert_stored("\x91\xc0", -EUCLEAN);
	assert_stored("\x92\x01\xcf\x80\x00\x00\x00\x00\x00\x00\x00", -EUCLEAN);
	assert_stored("\x94\x01\x01\x01\x01", -EUCLEAN);
	assert_stored("\x96\x01\x01\x01\xc2\xc2\x05", -EUCLEAN);
	assert_stored("\x98\x01\x01\x01\xc2\xc2\xc0\xc0\x02", 0);
	assert_stored("\x98\x01\x01\x01\xc2\xc2\xc0\xc0\x03", -EUCLEAN);
	assert_stored("\x98\x01\x01\x01\xc2\xc2\xc0\xc0\xff", -EUCLEAN);
	assert_stored("\x98\x01\x01\x01\xc2\xc2\xc0\xc0\xa3RED", -EUCLEAN);
	assert_stored("\x99\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x81\x01\x01", -EUCLEAN);
	assert_stored("\x9a\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\xc0", -EUCLEAN);
	assert_stored("\x9a\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\x91\x05", -EUCLEAN);
	assert_stored("\x9b\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\x90\x91\xa1x", -EUCLEAN);
	assert_stored("\x9b\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\x90\x91\xff", -EUCLEAN);
	assert_stored("\x9c\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\x90\x90\x05", 0);
	assert_stored("\x9d\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\x90\x90\x05\x06", -EUCLEAN);
}

static void a_stored_record_fills_its_bytes_exactly(void **state)
{
	struct buffer buffer = { 0 };

	(void)state;
	fields_to_array(&buffer, &thing_record, &full);
	for (size_t size = 0; size < buffer.size; size++)
		assert_int_equal(stored_error((const char *)buffer.at, size), -EUCLEAN);
	pack_nil(&buffer);
	assert_int_equal(stored_error((const char *)buffer.at, buffer.size), -EUCLEAN);
	assert_stored("\x9a\x01\x01\x01\xc2\xc2\xc0\xc0\x00\x90\xdd\xff\xff\xff\xff", -EUCLEAN);
	assert_stored("\xdd\xff\xff\xff\xff", -EUCLEAN);
	buffer_done(&buffer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_record_shows_all_but_what_is_hidden_or_empty),
		TEST(an_empty_record_shows_its_zeros_but_no_absent_text_enum_or_sparse_field),
		TEST(fields_are_shown_in_the_order_of_the_table),
		TEST(a_stored_record_comes_back_whole_past_all_bounds),
		TEST(a_stored_record_is_an_array_with_nil_for_an_absent_text),
		TEST(a_stored_record_of_an_older_version_leaves_new_fields_at_their_default),
		TEST(what_is_not_that_record_is_not_read_as_one),
		TEST(a_stored_record_fills_its_bytes_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
