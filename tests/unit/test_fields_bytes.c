#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "error.h"
#include "fields.h"

/* Bytes that are carried and not looked into. */

struct parcel {
	uint64_t number;
	const void *bytes;
	size_t size;
	const void *extra;
	size_t extra_size;
};

static const struct field parcel_fields[] = {
	{ "number", FIELD_U64, 0, AT(parcel, number) },
	{ "bytes", FIELD_BYTES, FIELD_REQUIRED, AT(parcel, bytes), 2, 300, COUNT_AT(parcel, size) },
	{ "extra", FIELD_BYTES, FIELD_SPARSE, AT(parcel, extra), 0, 4,
		COUNT_AT(parcel, extra_size) },
};
static const struct record parcel_record = RECORD(parcel, parcel_fields);

static const struct value *value_of(struct buffer *buffer)
{
	const struct value *value = NULL;

	assert_int_equal(buffer->error, 0);
	assert_int_equal(codec_parse(arena, buffer->at, buffer->size, &value), 0);
	return value;
}

/* A map with `bytes` of that size, then more that the caller packs. */
static size_t parcel_begin(struct buffer *buffer, const void *bytes, size_t size)
{
	size_t map = pack_open_map(buffer);

	pack_str(buffer, "bytes");
	pack_bin(buffer, bytes, size);
	return map;
}

static int parcel_read(struct buffer *buffer, struct parcel *ret, const char **why)
{
	return fields_from_map(arena, &parcel_record, value_of(buffer), ret, why);
}

static void every_size_is_written_in_its_shortest_form_and_read_back(void **state)
{
	static const struct {
		size_t size;
		uint8_t first, head;
	} forms[] = { { 0, 0xc4, 2 }, { 255, 0xc4, 2 }, { 256, 0xc5, 3 }, { 65535, 0xc5, 3 },
		{ 65536, 0xc6, 5 } };
	static uint8_t bytes[65536];
	struct buffer buffer = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct value *value;

		buffer_reset(&buffer);
		pack_bin(&buffer, bytes, forms[i].size);
		assert_int_equal(buffer.at[0], forms[i].first);
		assert_int_equal(buffer.size, forms[i].head + forms[i].size);
		value = value_of(&buffer);
		assert_int_equal(value->type, VALUE_BIN);
		assert_int_equal(value->str.size, forms[i].size);
		assert_memory_equal(value->str.at, bytes, forms[i].size);
	}
	buffer_done(&buffer);
}

static void more_than_msgpack_can_count_is_an_error(void **state)
{
	struct buffer buffer = { 0 };

	(void)state;
	pack_bin(&buffer, "", (size_t)UINT32_MAX + 1);
	assert_int_not_equal(buffer.error, 0);
	buffer_done(&buffer);
}

static void bytes_come_as_they_were_sent(void **state)
{
	struct buffer buffer = { 0 };
	struct parcel parcel;
	const char *why;
	size_t map = parcel_begin(&buffer, "a\0\xff", 3);

	(void)state;
	pack_close(&buffer, map, 1);
	assert_int_equal(parcel_read(&buffer, &parcel, &why), 0);
	assert_int_equal(parcel.size, 3);
	assert_memory_equal(parcel.bytes, "a\0\xff", 3);
	assert_null(parcel.extra);
	assert_int_equal(parcel.extra_size, 0);
	buffer_done(&buffer);
}

static void bytes_must_be_within_their_bounds(void **state)
{
	static const uint8_t bytes[301];
	static const size_t sizes[] = { 0, 1, 301 };
	struct buffer buffer = { 0 };
	struct parcel parcel;
	const char *why;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buffer_reset(&buffer);
		pack_close(&buffer, parcel_begin(&buffer, bytes, sizes[i]), 1);
		assert_int_equal(parcel_read(&buffer, &parcel, &why), OUTCOME_BAD_REQUEST);
		assert_non_null(strstr(why, "bytes: "));
		assert_non_null(strstr(why, "within 2 to 300"));
	}
	buffer_done(&buffer);
}

static void a_text_or_nil_is_no_bytes_and_they_may_be_required(void **state)
{
	struct buffer buffer = { 0 };
	struct parcel parcel;
	const char *why;
	size_t map;

	(void)state;
	for (int i = 0; i < 3; i++) {
		buffer_reset(&buffer);
		map = pack_open_map(&buffer);
		if (i < 2)
			pack_str(&buffer, "bytes");
		if (i == 0)
			pack_str(&buffer, "text");
		else if (i == 1)
			pack_nil(&buffer);
		pack_close(&buffer, map, i < 2);
		assert_int_equal(parcel_read(&buffer, &parcel, &why), OUTCOME_BAD_REQUEST);
		assert_non_null(strstr(why, "bytes: "));
	}
	buffer_done(&buffer);
}

/* The frame is gone when a stored record is still read. */
static void stored_bytes_are_kept_whatever_becomes_of_the_frame(void **state)
{
	struct parcel parcel = { .number = 5, .bytes = "abc", .size = 3 }, back;
	struct buffer buffer = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		buffer_reset(&buffer);
		fields_to_array(&buffer, &parcel_record, &parcel);
		assert_int_equal(fields_from_array(arena, &parcel_record, buffer.at, buffer.size,
					 &back),
			0);
		memset(buffer.at, 0xc1, buffer.size);
		assert_int_equal(back.number, 5);
		assert_int_equal(back.size, 3);
		assert_memory_equal(back.bytes, "abc", 3);
		assert_int_equal(back.extra_size, parcel.extra_size);
		if (i > 0)
			assert_memory_equal(back.extra, "xy", 2);
		parcel.extra = "xy";
		parcel.extra_size = 2;
	}
	buffer_done(&buffer);
}

static void none_are_left_out_where_they_are_sparse(void **state)
{
	struct parcel parcel = { .number = 5, .bytes = "abc", .size = 3 };
	struct buffer buffer = { 0 };
	const struct value *map;
	size_t opened = pack_open_map(&buffer);

	(void)state;
	pack_close(&buffer, opened, fields_to_map(&buffer, &parcel_record, &parcel));
	map = value_of(&buffer);
	assert_int_equal(map->list.count, 2);
	assert_null(value_find(map, "extra"));
	assert_int_equal(value_find(map, "bytes")->type, VALUE_BIN);
	buffer_done(&buffer);
}

#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(every_size_is_written_in_its_shortest_form_and_read_back),
		ARENA_TEST(more_than_msgpack_can_count_is_an_error),
		ARENA_TEST(bytes_come_as_they_were_sent),
		ARENA_TEST(bytes_must_be_within_their_bounds),
		ARENA_TEST(a_text_or_nil_is_no_bytes_and_they_may_be_required),
		ARENA_TEST(stored_bytes_are_kept_whatever_becomes_of_the_frame),
		ARENA_TEST(none_are_left_out_where_they_are_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
