#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "arena_fixture.h"
#include "codec.h"
#include "error.h"
#include "protocol.h"
#include "text.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
#define MUTATIONS 200000

/* Parses a copy of exactly that size, so that the sanitizer sees a read past the end. The copy is
 * *ret_frame, to be freed. */
static int parse_copy(const void *bytes, size_t size, uint8_t **ret_frame, const struct value **ret)
{
	uint8_t *frame = malloc(size ? size : 1);

	assert_non_null(frame);
	memcpy(frame, bytes, size);
	*ret_frame = frame;
	return codec_parse(arena, frame, size, ret);
}

static int parse_error(const void *bytes, size_t size)
{
	const struct value *value;
	uint8_t *frame;
	int error = parse_copy(bytes, size, &frame, &value);

	free(frame);
	return error;
}

/* --- reading -------------------------------------------------------------------------------- */

struct sample {
	const char *bytes;
	size_t size;
	enum value_type type;
	uint64_t number; /* a number's bits, a text's size, a list's count */
};

#define SAMPLE(text, ...) \
	{ \
		text, sizeof(text) - 1, __VA_ARGS__ \
	}

static const struct sample samples[] = {
	SAMPLE("\xc0", VALUE_NIL, 0),
	SAMPLE("\xc2", VALUE_BOOL, 0),
	SAMPLE("\xc3", VALUE_BOOL, 1),
	SAMPLE("\x00", VALUE_UINT, 0),
	SAMPLE("\x7f", VALUE_UINT, 127),
	SAMPLE("\xcc\xff", VALUE_UINT, 255),
	SAMPLE("\xcd\x01\x02", VALUE_UINT, 0x102),
	SAMPLE("\xce\x01\x02\x03\x04", VALUE_UINT, 0x1020304),
	SAMPLE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", VALUE_UINT, UINT64_MAX),
	SAMPLE("\xcf\x00\x00\x00\x00\x00\x00\x00\x05", VALUE_UINT, 5),
	SAMPLE("\xe0", VALUE_INT, (uint64_t)-32),
	SAMPLE("\xff", VALUE_INT, (uint64_t)-1),
	SAMPLE("\xd0\x80", VALUE_INT, (uint64_t)-128),
	SAMPLE("\xd1\x80\x00", VALUE_INT, (uint64_t)-32768),
	SAMPLE("\xd2\xff\xff\xff\xfe", VALUE_INT, (uint64_t)-2),
	SAMPLE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", VALUE_INT, (uint64_t)INT64_MIN),
	SAMPLE("\xd0\x05", VALUE_UINT, 5),
	SAMPLE("\xd1\x7f\xff", VALUE_UINT, 0x7fff),
	SAMPLE("\xd2\x00\x00\x00\x00", VALUE_UINT, 0),
	SAMPLE("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", VALUE_UINT, INT64_MAX),
	SAMPLE("\xca\x3f\x80\x00\x00", VALUE_FLOAT, 0x3f800000),
	SAMPLE("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", VALUE_FLOAT, 0x3ff0000000000000),
	SAMPLE("\xa0", VALUE_STR, 0),
	SAMPLE("\xa3xyz", VALUE_STR, 3),
	SAMPLE("\xd9\x02xy", VALUE_STR, 2),
	SAMPLE("\xda\x00\x02xy", VALUE_STR, 2),
	SAMPLE("\xdb\x00\x00\x00\x02xy", VALUE_STR, 2),
	SAMPLE("\xc4\x01\xff", VALUE_BIN, 1),
	SAMPLE("\xc5\x00\x01\xff", VALUE_BIN, 1),
	SAMPLE("\xc6\x00\x00\x00\x01\xff", VALUE_BIN, 1),
	SAMPLE("\x90", VALUE_ARRAY, 0),
	SAMPLE("\x92\x01\x02", VALUE_ARRAY, 2),
	SAMPLE("\xdc\x00\x02\x01\x02", VALUE_ARRAY, 2),
	SAMPLE("\xdd\x00\x00\x00\x02\x01\x02", VALUE_ARRAY, 2),
	SAMPLE("\x80", VALUE_MAP, 0),
	SAMPLE("\x81\xa1k\x02", VALUE_MAP, 1),
	SAMPLE("\xde\x00\x01\xa1k\x02", VALUE_MAP, 1),
	SAMPLE("\xdf\x00\x00\x00\x01\xa1k\x02", VALUE_MAP, 1),
	SAMPLE("\xd4\x01\xff", VALUE_EXT, 0),
	SAMPLE("\xd5\x01\xff\xff", VALUE_EXT, 0),
	SAMPLE("\xd6\xff\x00\x00\x00\x00", VALUE_EXT, 0),
	SAMPLE("\xd7\x01\x00\x00\x00\x00\x00\x00\x00\x00", VALUE_EXT, 0),
	SAMPLE("\xd8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		VALUE_EXT, 0),
	SAMPLE("\xc7\x00\x01", VALUE_EXT, 0),
	SAMPLE("\xc8\x00\x01\x01\xff", VALUE_EXT, 0),
	SAMPLE("\xc9\x00\x00\x00\x01\x01\xff", VALUE_EXT, 0),
};

static void sample_check(const struct sample *sample, const struct value *value)
{
	assert_int_equal(value->type, sample->type);
	assert_int_equal(value->raw_size, sample->size);
	assert_memory_equal(value->raw, sample->bytes, sample->size);
	if (value->type == VALUE_BOOL)
		assert_int_equal(value->boolean, sample->number);
	else if (value->type == VALUE_STR || value->type == VALUE_BIN)
		assert_int_equal(value->str.size, sample->number);
	else if (value->type == VALUE_ARRAY || value->type == VALUE_MAP)
		assert_int_equal(value->list.count, sample->number);
	else if (value->type != VALUE_EXT)
		assert_true(value->u64 == sample->number);
}

static void every_form_of_msgpack_is_read_for_what_it_is(void **state)
{
	const struct value *value;
	uint8_t *frame;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		assert_int_equal(parse_copy(samples[i].bytes, samples[i].size, &frame, &value), 0);
		assert_ptr_equal(value->raw, frame);
		sample_check(&samples[i], value);
		free(frame);
	}
}

static void a_frame_cut_short_or_with_a_byte_too_many_is_refused(void **state)
{
	char bytes[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		for (size_t size = 0; size < samples[i].size; size++)
			assert_int_equal(parse_error(samples[i].bytes, size), -EBADMSG);
		memcpy(bytes, samples[i].bytes, samples[i].size);
		bytes[samples[i].size] = '\xc0';
		assert_int_equal(parse_error(bytes, samples[i].size + 1), -EBADMSG);
	}
}

static void a_count_beyond_the_frame_is_refused_and_gets_no_room(void **state)
{
	static const struct sample liars[] = {
		SAMPLE("\xdd\xff\xff\xff\xff", 0, 0),
		SAMPLE("\xdf\xff\xff\xff\xff\x01\x01", 0, 0),
		SAMPLE("\xdf\x80\x00\x00\x00\x01\x01", 0, 0),
		SAMPLE("\xdf\x00\x00\x00\x02\x01\x01\x01", 0, 0),
		SAMPLE("\xdb\xff\xff\xff\xffxyz", 0, 0),
		SAMPLE("\xc6\xff\xff\xff\xffxyz", 0, 0),
		SAMPLE("\xc9\xff\xff\xff\xff\x01xyz", 0, 0),
		SAMPLE("\xc1", 0, 0),
		SAMPLE("\x81\xa1k\xc1", 0, 0),
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(liars); i++) {
		const char *before = arena_take(arena, 0);
		const char *after;

		assert_int_equal(parse_error(liars[i].bytes, liars[i].size), -EBADMSG);
		after = arena_take(arena, 0);
		assert_in_range(after - before, 0,
			liars[i].size * (sizeof(struct value) + alignof(max_align_t)));
	}
}

static void nesting_of_eight_is_read_and_nine_refused(void **state)
{
	uint8_t frame[CODEC_NESTING_MAX + 2];
	const struct value *value;

	(void)state;
	memset(frame, 0x91, sizeof(frame));
	frame[CODEC_NESTING_MAX] = 0x07;
	assert_int_equal(codec_parse(arena, frame, CODEC_NESTING_MAX + 1, &value), 0);
	for (int i = 0; i < CODEC_NESTING_MAX; i++)
		value = value->list.at;
	assert_int_equal(value->u64, 7);
	frame[CODEC_NESTING_MAX] = 0x90;
	assert_int_equal(codec_parse(arena, frame, CODEC_NESTING_MAX + 1, &value), -EBADMSG);
	frame[CODEC_NESTING_MAX] = 0x80;
	assert_int_equal(codec_parse(arena, frame, CODEC_NESTING_MAX + 1, &value), -EBADMSG);
	frame[CODEC_NESTING_MAX] = 0x91;
	frame[CODEC_NESTING_MAX + 1] = 0x07;
	assert_int_equal(codec_parse(arena, frame, CODEC_NESTING_MAX + 2, &value), -EBADMSG);
}

static void a_refused_frame_leaves_the_result_alone(void **state)
{
	const struct value *value = (const struct value *)state;

	assert_int_equal(codec_parse(arena, "\xc1", 1, &value), -EBADMSG);
	assert_int_equal(codec_parse(arena, NULL, 0, &value), -EBADMSG);
	assert_ptr_equal(value, state);
}

static void values_know_their_bytes_in_the_frame(void **state)
{
	static const char frame[] =
		"\x83\xa2id\xa3x\0b\xa5items\x92\xce\x00\x00\x00\x07\x81\xa1x\xff\xa1z\x90";
	const struct value *map, *items;

	(void)state;
	assert_int_equal(codec_parse(arena, frame, sizeof(frame) - 1, &map), 0);
	assert_int_equal(value_find(map, "id")->raw_size, 4);
	assert_memory_equal(value_find(map, "id")->raw, "\xa3x\0b", 4);
	assert_memory_equal(value_find(map, "id")->str.at, "x\0b", 3);
	items = value_find(map, "items");
	assert_int_equal(items->raw_size, 1 + 5 + 4);
	assert_int_equal(items->list.at[0].raw_size, 5);
	assert_memory_equal(items->list.at[1].raw, "\x81\xa1x\xff", 4);
	assert_int_equal(value_find(&items->list.at[1], "x")->i64, -1);
	assert_ptr_equal(map->raw, frame);
}

static void a_value_is_found_by_its_whole_name_in_a_map_only(void **state)
{
	static const char frame[] = "\x85\x01\x02\xa2id\x03\xa1i\x04\xa3idx\x05\xa0\x06";
	const struct value *map;

	(void)state;
	assert_int_equal(codec_parse(arena, frame, sizeof(frame) - 1, &map), 0);
	assert_int_equal(value_find(map, "id")->u64, 3);
	assert_int_equal(value_find(map, "i")->u64, 4);
	assert_int_equal(value_find(map, "")->u64, 6);
	assert_null(value_find(map, "x"));
	assert_null(value_find(&map->list.at[3], "id"));
}

/* --- mutated frames ------------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static size_t request_pack(struct buffer *buffer)
{
	struct orderd_line lines[] = { { .book_id = 1, .quantity = 2 },
		{ .sku = "85123A", .quantity = 99 } };
	struct orderd_create create = { .user_id = 1001,
		.items = lines,
		.item_count = 2,
		.idempotency_key = "k-1",
		.expires_in_ms = 60000 };

	pack_map(buffer, 5);
	pack_str(buffer, "id");
	pack_i64(buffer, -5);
	assert_int_equal(fields_to_map(buffer, &create_record, &create), 4);
	assert_int_equal(buffer->error, 0);
	return buffer->size;
}

static size_t mutate(uint8_t *frame, size_t size, uint64_t *seed)
{
	for (uint64_t changes = random_next(seed) % 4; changes; changes--) {
		size_t at = random_next(seed) % size;

		switch (random_next(seed) % 4) {
		case 0:
			frame[at] = (uint8_t)random_next(seed);
			break;
		case 1:
			frame[at] ^= (uint8_t)(1 << random_next(seed) % 8);
			break;
		case 2:
			frame[at] = (uint8_t)(0xc0 + random_next(seed) % 0x20);
			break;
		default:
			size = at + 1;
			break;
		}
	}
	return size;
}

static bool bytes_match(const struct value *value, const char *at, uint32_t size)
{
	return value->str.size == size && !memcmp(value->str.at, at, size);
}

static bool object_matches(const struct value *value, const msgpack_object *object)
{
	uint32_t count = value->list.count;

	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		return value->type == VALUE_NIL;
	case MSGPACK_OBJECT_BOOLEAN:
		return value->type == VALUE_BOOL && value->boolean == object->via.boolean;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return value->type == VALUE_UINT && value->u64 == object->via.u64;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return value->type == VALUE_INT && value->i64 == object->via.i64;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return value->type == VALUE_FLOAT;
	case MSGPACK_OBJECT_STR:
		return value->type == VALUE_STR &&
			bytes_match(value, object->via.str.ptr, object->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return value->type == VALUE_BIN &&
			bytes_match(value, object->via.bin.ptr, object->via.bin.size);
	case MSGPACK_OBJECT_EXT:
		return value->type == VALUE_EXT;
	case MSGPACK_OBJECT_ARRAY:
		if (value->type != VALUE_ARRAY || count != object->via.array.size)
			return false;
		for (uint32_t i = 0; i < count; i++)
			if (!object_matches(&value->list.at[i], &object->via.array.ptr[i]))
				return false;
		return true;
	case MSGPACK_OBJECT_MAP:
		if (value->type != VALUE_MAP || count != object->via.map.size)
			return false;
		for (uint32_t i = 0; i < count; i++)
			if (!object_matches(&value->list.at[2 * i], &object->via.map.ptr[i].key) ||
				!object_matches(&value->list.at[2 * i + 1],
					&object->via.map.ptr[i].val))
				return false;
		return true;
	}
	return false;
}

/* Whether a count in the frame may be so high that msgpack-c takes memory by the gibibyte. */
static bool frame_may_be_large(const uint8_t *frame, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (frame[i] >= 0xdc && frame[i] <= 0xdf)
			return true;
	return false;
}

/* msgpack-c's own unpacker must read the same value where one was read, and none where the frame
 * was refused. */
static void frame_compare(const uint8_t *frame, size_t size, const struct value *value)
{
	msgpack_unpacked unpacked;
	size_t used = 0;
	bool whole;

	if (!value && frame_may_be_large(frame, size))
		return;
	msgpack_unpacked_init(&unpacked);
	whole = msgpack_unpack_next(&unpacked, (const char *)frame, size, &used) ==
		MSGPACK_UNPACK_SUCCESS;
	assert_int_equal(whole && used == size, value != NULL);
	assert_true(!value || object_matches(value, &unpacked.data));
	msgpack_unpacked_destroy(&unpacked);
}

static void create_check(const struct value *value, unsigned *ret_good, unsigned *ret_bad)
{
	struct orderd_create create;
	const char *why = NULL;
	int error = fields_from_map(arena, &create_record, value, &create, &why);

	if (error) {
		assert_int_equal(error, OUTCOME_BAD_REQUEST);
		assert_true(why && text_is_clean(why, strlen(why)) && *why);
		++*ret_bad;
		return;
	}
	++*ret_good;
	assert_true(create.user_id >= 1 && create.user_id <= INT64_MAX);
	assert_in_range(create.item_count, 1, LINES_MAX);
	for (size_t i = 0; i < create.item_count; i++)
		assert_in_range(create.items[i].quantity, 1, QUANTITY_MAX);
	if (create.idempotency_key)
		assert_in_range(strlen(create.idempotency_key), 1, KEY_MAX_BYTES);
}

static void no_mutated_frame_is_misread(void **state)
{
	struct buffer request = { 0 };
	size_t size = request_pack(&request);
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned refused = 0, good = 0, bad = 0;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		uint8_t copy[256], *frame;
		const struct value *value = NULL;
		size_t left;
		int error;

		memcpy(copy, request.at, size);
		left = mutate(copy, size, &seed);
		error = parse_copy(copy, left, &frame, &value);
		assert_true(!error || error == -EBADMSG);
		frame_compare(frame, left, value);
		if (value)
			create_check(value, &good, &bad);
		else
			refused++;
		free(frame);
		arena_reset(arena);
	}
	assert_true(refused > MUTATIONS / 20);
	assert_true(good > MUTATIONS / 20);
	assert_true(bad > MUTATIONS / 20);
	buffer_done(&request);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_of_msgpack_is_read_for_what_it_is),
		TEST(a_frame_cut_short_or_with_a_byte_too_many_is_refused),
		TEST(a_count_beyond_the_frame_is_refused_and_gets_no_room),
		TEST(nesting_of_eight_is_read_and_nine_refused),
		TEST(a_refused_frame_leaves_the_result_alone),
		TEST(values_know_their_bytes_in_the_frame),
		TEST(a_value_is_found_by_its_whole_name_in_a_map_only),
		TEST(no_mutated_frame_is_misread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
