#include <string.h>

#include "frames.h"
#include "target.h"

/* The decoder: any bytes as any request or answer that is read from a socket. What it takes must
 * be packed into the same again. An input is the record's number and the frame. */

const char target_unit[] = "frames";
uint64_t target_count;
const char *target_covered;

static const struct record *const records[] = {
	&create_record,
	&order_ref_record,
	&order_set_status_record,
	&order_cancel_record,
	&order_query_record,
	&order_due_record,
	&range_record,
	&book_ref_record,
	&book_put_record,
	&price_request_record,
	&move_record,
	&level_set_record,
	&level_add_record,
	&level_ref_record,
	&reservation_ref_record,
	&journal_query_record,
	&order_record,
	&order_list_record,
	&order_due_reply_record,
	&event_record,
	&event_list_record,
	&saga_info_record,
	&saga_list_record,
	&book_record,
	&book_put_reply_record,
	&book_list_record,
	&price_reply_record,
	&level_record,
	&level_list_record,
	&move_reply_record,
	&reservation_record,
	&reservation_list_record,
	&movement_record,
	&movement_list_record,
	&health_record,
	&empty_record,
};
#define RECORDS (sizeof(records) / sizeof(records[0]))

static struct arena *arena;
static struct buffer packed, again;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	arena = arena_new();
	return arena ? 0 : 1;
}

static void pack_record(const struct record *record, const void *from, struct buffer *ret)
{
	size_t map;

	buffer_reset(ret);
	map = pack_open_map(ret);
	pack_close(ret, map, fields_to_map(ret, record, from));
}

/* Read, packed, read and packed once more: both times the same bytes. */
static void check_round_trip(const struct record *record, const void *from)
{
	void *other = arena_take(arena, record->size + 1);
	const struct value *map;
	const char *why = NULL;

	pack_record(record, from, &packed);
	if (packed.error)
		target_fail("%s: what was read cannot be packed", record->name);
	if (codec_parse(arena, packed.at, packed.size, &map) != 0 ||
		fields_from_map(arena, record, map, other, &why) != OUTCOME_OK)
		target_fail("%s: what was packed cannot be read: %s", record->name, why ? why : "");
	pack_record(record, other, &again);
	if (packed.size != again.size || memcmp(packed.at, again.at, packed.size) != 0)
		target_fail("%s: is packed in two ways", record->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	const struct record *record;
	const struct value *map;
	const char *why = NULL;
	void *filled;
	int result;

	if (size < 1 || size > REPLY_MAX_BYTES)
		return 0;
	target_count++;
	record = records[at[0] % RECORDS];
	result = codec_parse(arena, at + 1, size - 1, &map);
	if (result == 0) {
		filled = arena_take(arena, record->size + 1);
		result = fields_from_map(arena, record, map, filled, &why);
		if (result == OUTCOME_OK)
			check_round_trip(record, filled);
		else if (result < 0 || !why)
			target_fail("%s: refused with %d and no word", record->name, result);
	}
	arena_reset(arena);
	return 0;
}

void target_generate(struct dice *dice, struct buffer *ret)
{
	uint8_t which = (uint8_t)dice_roll(dice, RECORDS);

	buffer_reset(&packed);
	frames_map(dice, records[which], &packed);
	if (dice_hit(dice, 50))
		frames_damage(dice, &packed);
	buffer_append(ret, &which, 1);
	buffer_append(ret, packed.at, packed.size);
}
