#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "daemons/orderd/coordinator.h"
#include "error.h"

#define NESTED 3 /* lists in lists; more is left to damage */

static const char *known[FRAMES_TEXTS];
static size_t known_count;

void frames_know(const char *text)
{
	if (known_count < FRAMES_TEXTS)
		known[known_count++] = text;
}

/* --- values --------------------------------------------------------------------------------- */

static void pack_bytes(struct buffer *ret, const char *bytes, size_t size)
{
	buffer_append(ret, bytes, size);
}

/* A value that no field takes, or only by its type. */
static void odd_value(struct dice *dice, struct buffer *ret)
{
	switch (dice_roll(dice, 12)) {
	case 0:
		pack_nil(ret);
		break;
	case 1:
		pack_bool(ret, dice_hit(dice, 50));
		break;
	case 2:
		pack_i64(ret, -1 - (int64_t)dice_roll(dice, 3));
		break;
	case 3:
		pack_bytes(ret, "\xcb\x40\x00\x00\x00\x00\x00\x00\x00", 9); /* 2.0 */
		break;
	case 4:
		pack_bytes(ret, "\xc4\x01x", 3); /* binary */
		break;
	case 5:
		pack_bytes(ret, "\xd4\x01x", 3); /* an extension */
		break;
	case 6:
		pack_array(ret, 0);
		break;
	case 7:
		pack_map(ret, 0);
		break;
	case 8:
		pack_str(ret, "");
		break;
	case 9:
		pack_u64(ret, UINT64_MAX - dice_roll(dice, 2));
		break;
	case 10:
		pack_bytes(ret, "\xdd\xff\xff\xff\xff", 5); /* 4 G elements */
		break;
	default:
		pack_bytes(ret, "\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0", 10);
		break;
	}
}

static void number_value(struct dice *dice, const struct field *field, struct buffer *ret)
{
	bool open = !field->min && !field->max;
	int64_t min = open ? 0 : field->min;
	int64_t max = open ? INT64_MAX : field->max;

	switch (dice_roll(dice, 16)) {
	case 0:
		pack_i64(ret, min);
		break;
	case 1:
		pack_i64(ret, max);
		break;
	case 2:
		pack_i64(ret, min > INT64_MIN ? min - 1 : min);
		break;
	case 3:
		pack_u64(ret, (uint64_t)max + 1);
		break;
	case 4:
		pack_u64(ret, dice_next(dice) >> dice_roll(dice, 64));
		break;
	case 5:
		pack_i64(ret, -(int64_t)dice_roll(dice, 20));
		break;
	default:
		pack_i64(ret, (min > 0 ? min : 0) + (int64_t)dice_roll(dice, 12));
		break;
	}
}

static void text_value(struct dice *dice, const struct field *field, struct buffer *ret)
{
	static const char *const plain[] = { "k1", "k2", "k3", "A1", "a text", "90%\tof\n it", "",
		"\xc3\xa9t\xc3\xa9", "\xed\xa0\x80", "\xff", "12345678901234567890" };
	static char longest[4100];
	size_t most = field->max > 0 ? (size_t)field->max : 255;

	if (known_count > 0 && dice_hit(dice, 30)) {
		pack_str(ret, known[dice_roll(dice, known_count)]);
	} else if (dice_hit(dice, 80)) {
		pack_str(ret, plain[dice_roll(dice, dice_hit(dice, 70) ? 5 : 11)]);
	} else {
		memset(longest, 'x', sizeof(longest));
		most += dice_roll(dice, 2);
		pack_strn(ret, longest, most < sizeof(longest) ? most : sizeof(longest));
	}
}

static void enum_value(struct dice *dice, const struct field *field, struct buffer *ret)
{
	unsigned count = 0;

	while (field->names[1 + count])
		count++;
	if (dice_hit(dice, 5))
		pack_str(ret, "NONE");
	else
		pack_str(ret, field->names[1 + dice_roll(dice, count)]);
}

static void record_value(struct dice *dice, const struct record *record, unsigned depth,
	struct buffer *ret);

static void list_value(struct dice *dice, const struct field *field, unsigned depth,
	struct buffer *ret)
{
	static const struct field plain = { .type = FIELD_U64 };
	uint32_t count = 1 + (uint32_t)dice_roll(dice, 3);

	if (dice_hit(dice, 4))
		count = (uint32_t)dice_roll(dice, 110);
	if (depth == 0)
		count = 0;
	pack_array(ret, count);
	for (uint32_t i = 0; i < count; i++) {
		if (field->of)
			record_value(dice, field->of, depth - 1, ret);
		else
			number_value(dice, &plain, ret);
	}
}

/* Nobody's record, mostly: an array of small numbers at best. */
static void bytes_value(struct dice *dice, struct buffer *ret)
{
	uint8_t bytes[64];
	size_t size = (size_t)dice_roll(dice, sizeof(bytes));

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)dice_roll(dice, 256);
	if (size > 0 && dice_hit(dice, 50))
		bytes[0] = (uint8_t)(0x90 | (size - 1 < 15 ? size - 1 : 15));
	pack_bin(ret, bytes, size);
}

static void field_value(struct dice *dice, const struct field *field, unsigned depth,
	struct buffer *ret)
{
	if (dice_hit(dice, 2)) {
		odd_value(dice, ret);
		return;
	}
	switch (field->type) {
	case FIELD_U64:
	case FIELD_I64:
	case FIELD_TIME_MS:
		number_value(dice, field, ret);
		break;
	case FIELD_BOOL:
		pack_bool(ret, dice_hit(dice, 70));
		break;
	case FIELD_TEXT:
	case FIELD_SKU:
		text_value(dice, field, ret);
		break;
	case FIELD_BYTES:
		bytes_value(dice, ret);
		break;
	case FIELD_ENUM:
		enum_value(dice, field, ret);
		break;
	case FIELD_LIST:
		list_value(dice, field, depth, ret);
		break;
	case FIELD_RECORD:
		record_value(dice, field->of, depth ? depth - 1 : 0, ret);
		break;
	}
}

/* --- maps ----------------------------------------------------------------------------------- */

/* The record's fields as pairs; how many. */
static uint32_t record_pairs(struct dice *dice, const struct record *record, unsigned depth,
	struct buffer *ret)
{
	uint32_t count = 0;

	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		unsigned likely = field->flags & FIELD_REQUIRED ? 98 : 40;
		unsigned times = dice_hit(dice, likely) ? 1 + dice_hit(dice, 1) : 0;

		for (; times > 0; times--, count++) {
			pack_str(ret, field->name);
			field_value(dice, field, depth, ret);
		}
	}
	if (dice_hit(dice, 3)) {
		if (dice_hit(dice, 80))
			pack_str(ret, "tomorrow");
		else
			odd_value(dice, ret);
		odd_value(dice, ret);
		count++;
	}
	return count;
}

static void record_value(struct dice *dice, const struct record *record, unsigned depth,
	struct buffer *ret)
{
	size_t map = pack_open_map(ret);

	pack_close(ret, map, record_pairs(dice, record, depth, ret));
}

void frames_map(struct dice *dice, const struct record *record, struct buffer *ret)
{
	record_value(dice, record, NESTED, ret);
}

/* --- requests ------------------------------------------------------------------------------- */

static const struct operation *operation_roll(struct dice *dice, const struct program *program)
{
	size_t count = 0;

	while (program->operations[count].name)
		count++;
	return count > 0 ? &program->operations[dice_roll(dice, count)] : NULL;
}

static uint32_t elements_pack(struct dice *dice, const struct operation *operation,
	struct buffer *ret)
{
	uint32_t count = 1 + (uint32_t)dice_roll(dice, dice_hit(dice, 3) ? 300 : 6);
	size_t array;

	pack_str(ret, operation->many);
	array = pack_open_array(ret);
	for (uint32_t i = 0; i < count; i++) {
		size_t map = pack_open_map(ret);
		uint32_t pairs = 0;

		if (dice_hit(dice, 50)) {
			pack_str(ret, "ref");
			pack_u64(ret, dice_roll(dice, 100));
			pairs++;
		}
		pack_close(ret, map,
			pairs + record_pairs(dice, operation->request, NESTED - 1, ret));
	}
	pack_close(ret, array, count);
	return 1;
}

static void envelope_pack(struct dice *dice, const char *op, struct buffer *ret)
{
	pack_str(ret, "v");
	pack_u64(ret, dice_hit(dice, 99) ? 1 : dice_roll(dice, 3));
	pack_str(ret, "id");
	if (dice_hit(dice, 90))
		pack_u64(ret, dice_roll(dice, 1000));
	else if (dice_hit(dice, 70))
		pack_str(ret, "an id");
	else
		odd_value(dice, ret);
	pack_str(ret, "op");
	pack_str(ret, op);
}

void frames_request(struct dice *dice, const struct program *program, struct buffer *ret)
{
	const struct operation *operation = operation_roll(dice, program);
	size_t start = ret->size;
	size_t map = pack_open_map(ret);
	uint32_t count = 3;

	if (!operation || dice_hit(dice, 1)) {
		envelope_pack(dice, dice_hit(dice, 50) ? "health" : "nothing", ret);
	} else {
		envelope_pack(dice, operation->name, ret);
		if (dice_hit(dice, 10)) {
			pack_str(ret, "timeout_ms");
			pack_u64(ret, dice_roll(dice, 5000));
			count++;
		}
		if (operation->many && dice_hit(dice, 35))
			count += elements_pack(dice, operation, ret);
		else
			count += record_pairs(dice, operation->request, NESTED, ret);
	}
	pack_close(ret, map, count);
	if (start == 0 && dice_hit(dice, 6))
		frames_damage(dice, ret);
}

/* --- answers of peers ----------------------------------------------------------------------- */

static void result_pack(struct dice *dice, const struct peer *peer, int64_t now_ms,
	struct buffer *ret)
{
	size_t map = pack_open_map(ret);
	int outcome = dice_hit(dice, 60) ? OUTCOME_OK : (int)dice_roll(dice, OUTCOME_COUNT);
	uint64_t ref = 1 + dice_roll(dice, 12);
	uint32_t count = 2;

	if (dice_hit(dice, 50))
		ref += DRAFT_FIRST + ((uint64_t)now_ms << 16) - 1;
	pack_str(ret, "code");
	pack_u64(ret, (uint64_t)outcome_code(outcome));
	pack_str(ret, "ref");
	pack_u64(ret, ref);
	if (outcome != OUTCOME_OK) {
		pack_str(ret, "error");
		pack_str(ret, dice_hit(dice, 95) ? outcome_name(outcome) : "something_new");
		count++;
	}
	pack_close(ret, map, count + record_pairs(dice, peer->result, NESTED, ret));
}

void frames_result(struct dice *dice, const struct peer *peer, int64_t now_ms, struct buffer *ret)
{
	uint32_t count = 1 + (uint32_t)dice_roll(dice, 6);
	size_t array;

	pack_map(ret, 4);
	pack_str(ret, "v");
	pack_u64(ret, 1);
	pack_str(ret, "id");
	pack_u64(ret, 1);
	pack_str(ret, "code");
	pack_u64(ret, dice_hit(dice, 97) ? 0 : 42900);
	pack_str(ret, "results");
	array = pack_open_array(ret);
	for (uint32_t i = 0; i < count; i++)
		result_pack(dice, peer, now_ms, ret);
	pack_close(ret, array, count);
	if (dice_hit(dice, 10))
		frames_damage(dice, ret);
}

/* --- damage --------------------------------------------------------------------------------- */

void frames_damage(struct dice *dice, struct buffer *frame)
{
	for (uint64_t times = 1 + dice_roll(dice, 3); times > 0 && frame->size > 1; times--) {
		size_t at = dice_roll(dice, frame->size);

		switch (dice_roll(dice, 5)) {
		case 0:
			frame->at[at] = (uint8_t)dice_next(dice);
			break;
		case 1:
			frame->at[at] ^= (uint8_t)(1 << dice_roll(dice, 8));
			break;
		case 2:
			memmove(frame->at + at, frame->at + at + 1, frame->size - at - 1);
			frame->size--;
			break;
		case 3:
			if (buffer_extend(frame, 1))
				memmove(frame->at + at + 1, frame->at + at, frame->size - at - 1);
			break;
		default:
			if (dice_hit(dice, 30))
				frame->size = at + 1;
			break;
		}
	}
}
