#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "protocol.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const struct record *const records[] = { &range_record, &health_record, &spread_record,
	&operation_stats_record, &duration_stats_record, &stats_record, &book_record,
	&book_ref_record, &book_put_record, &book_put_reply_record, &book_list_record,
	&price_request_record, &price_reply_record, &level_record, &move_record, &move_reply_record,
	&reservation_record, &level_set_record, &level_add_record, &level_ref_record,
	&level_list_record, &reservation_ref_record, &reservation_list_record, &movement_record,
	&journal_query_record, &movement_list_record, &stock_line_record, &order_record,
	&item_record, &line_record, &create_record, &order_ref_record, &order_set_status_record,
	&order_cancel_record, &order_query_record, &order_list_record, &order_due_record,
	&order_due_reply_record, &event_record, &event_list_record, &saga_info_record,
	&saga_list_record };

static struct buffer buffer;

static int buffer_teardown(void **state)
{
	buffer_done(&buffer);
	return arena_teardown(state);
}

static void names_stand_at_the_numbers_they_are_for(void **state)
{
	(void)state;
	assert_string_equal(status_names[ORDERD_PENDING], "PENDING");
	assert_string_equal(status_names[ORDERD_PAID], "PAID");
	assert_string_equal(status_names[ORDERD_SHIPPED], "SHIPPED");
	assert_string_equal(status_names[ORDERD_COMPLETED], "COMPLETED");
	assert_string_equal(status_names[ORDERD_CANCELLED], "CANCELLED");
	assert_null(status_names[ORDERD_CANCELLED + 1]);
	assert_string_equal(goal_names[GOAL_HELD], "HELD");
	assert_string_equal(goal_names[GOAL_SOLD], "SOLD");
	assert_string_equal(goal_names[GOAL_RETURNED], "RETURNED");
	assert_null(goal_names[GOAL_REFUSED + 1]);
	assert_string_equal(movement_names[MOVEMENT_SET], "set");
	assert_string_equal(movement_names[MOVEMENT_RESERVE], "reserve");
	assert_string_equal(movement_names[MOVEMENT_COMMIT], "commit");
	assert_string_equal(movement_names[MOVEMENT_RELEASE], "release");
	assert_string_equal(movement_names[MOVEMENT_RETURN], "return");
	assert_null(movement_names[MOVEMENT_RETURN + 1]);
	assert_string_equal(saga_names[SAGA_PRICING], "PRICING");
	assert_string_equal(saga_names[SAGA_COMPENSATING], "COMPENSATING");
	assert_string_equal(saga_names[SAGA_RETURNING], "RETURNING");
	assert_null(saga_names[SAGA_RETURNING + 1]);
}

static bool field_has_bounds_above_zero(const struct field *field)
{
	return field->type <= FIELD_TIME_MS && field->min > 0;
}

static void what_may_be_absent_is_left_out_where_zero_would_be_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++)
		for (size_t j = 0; j < records[i]->count; j++) {
			const struct field *field = &records[i]->fields[j];
			bool required = field->flags & FIELD_REQUIRED;
			bool sparse = field->flags & FIELD_SPARSE;

			if ((required && sparse) ||
				(field_has_bounds_above_zero(field) && !required && !sparse))
				fail_msg("%s.%s", records[i]->name, field->name);
		}
}

static size_t field_size(const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOL:
		return sizeof(bool);
	case FIELD_ENUM:
		return sizeof(int);
	case FIELD_RECORD:
		return field->of->size;
	default:
		return 8;
	}
}

static bool field_is_counted(const struct field *field)
{
	return field->type == FIELD_LIST || field->type == FIELD_BYTES;
}

static void every_member_of_a_struct_is_in_its_table_once_and_in_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		const struct record *record = records[i];
		unsigned char covered[512] = { 0 };
		size_t gap = 0;

		assert_in_range(record->size, 1, sizeof(covered));
		assert_in_range(record->count, 1, 64);
		for (size_t j = 0; j < record->count; j++) {
			const struct field *field = &record->fields[j];

			assert_ptr_equal(record_field(record, field->name), field);
			assert_true(!j || field->offset > field[-1].offset);
			for (size_t k = 0; k < field_size(field); k++)
				covered[field->offset + k]++;
			for (size_t k = 0; field_is_counted(field) && k < sizeof(size_t); k++)
				covered[field->count_offset + k]++;
		}
		for (size_t j = 0; j < record->size; j++) {
			gap = covered[j] ? 0 : gap + 1;
			if (covered[j] > 1 || gap >= 8)
				fail_msg("%s: byte %zu is covered %u times", record->name, j,
					covered[j]);
		}
	}
}

/* Reads what is in the buffer into a new record; NULL: refused. */
static void *record_back(const struct record *record)
{
	void *at = arena_take(arena, record->size);
	const struct value *map;
	const char *why;

	assert_int_equal(buffer.error, 0);
	assert_int_equal(codec_parse(arena, buffer.at, buffer.size, &map), 0);
	return fields_from_map(arena, record, map, at, &why) ? NULL : at;
}

/* Fills a record so that each member differs from its neighbours, within all bounds. */
static void record_invent(const struct record *record, char *at)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		uint64_t number = (uint64_t)(field->max ? field->max : 1000) - i;
		const char *text = field->min == ORDER_NO_DIGITS ? "20240102030405123456"
			: field->type == FIELD_SKU               ? "sku-1"
								 : field->name;
		int kind = 2;
		size_t count = 2;
		char *elements;

		if (field->type <= FIELD_TIME_MS)
			memcpy(at + field->offset, &number, sizeof(number));
		else if (field->type == FIELD_BOOL)
			at[field->offset] = true;
		else if (field->type == FIELD_TEXT || field->type == FIELD_SKU)
			memcpy(at + field->offset, &text, sizeof(text));
		else if (field->type == FIELD_ENUM)
			memcpy(at + field->offset, &kind, sizeof(kind));
		if (field->type != FIELD_LIST)
			continue;
		elements = arena_take(arena, count * field->of->size);
		record_invent(field->of, elements);
		record_invent(field->of, elements + field->of->size);
		memcpy(at + field->offset, &elements, sizeof(elements));
		memcpy(at + field->count_offset, &count, sizeof(count));
	}
}

static void every_record_comes_back_from_the_wire_and_the_store_as_it_went(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		void *there = arena_take(arena, records[i]->size);
		void *back = arena_take(arena, records[i]->size);
		const void *wire;
		struct buffer one = { 0 }, other = { 0 };
		size_t map;

		record_invent(records[i], there);
		buffer_reset(&buffer);
		map = pack_open_map(&buffer);
		pack_close(&buffer, map, fields_to_map(&buffer, records[i], there));
		wire = record_back(records[i]);
		if (!wire)
			fail_msg("%s is not taken as it was written", records[i]->name);
		fields_to_array(&one, records[i], there);
		fields_to_array(&other, records[i], wire);
		assert_int_equal(one.size, other.size);
		assert_memory_equal(one.at, other.at, one.size);
		assert_int_equal(fields_from_array(arena, records[i], one.at, one.size, back), 0);
		buffer_reset(&other);
		fields_to_array(&other, records[i], back);
		assert_memory_equal(one.at, other.at, one.size);
		buffer_done(&one);
		buffer_done(&other);
	}
}

/* --- what a few answers look like ------------------------------------------------------------ */

static void assert_shows(const struct record *record, const void *from, const char *expected)
{
	const struct value *map;
	char shown[512] = "";
	size_t opened;

	buffer_reset(&buffer);
	opened = pack_open_map(&buffer);
	pack_close(&buffer, opened, fields_to_map(&buffer, record, from));
	assert_int_equal(codec_parse(arena, buffer.at, buffer.size, &map), 0);
	for (uint32_t i = 0; i < map->list.count; i++) {
		strncat(shown, map->list.at[2 * i].str.at, map->list.at[2 * i].str.size);
		strcat(shown, i + 1 < map->list.count ? " " : "");
	}
	assert_string_equal(shown, expected);
}

static void answers_show_what_the_protocol_says_and_leave_out_the_rest(void **state)
{
	const struct orderd_order order = { .status = ORDERD_PAID, .order_no = "" };
	const struct orderd_order waiting = { .status = ORDERD_PAID, .stock_to_follow = true };
	const struct orderd_event event = { .to = ORDERD_PENDING, .actor = "uid:0" };
	const struct reservation reservation = { .state = GOAL_HELD };
	const struct move_reply moved = { .state = GOAL_HELD };
	const struct move_reply refused = { .state = GOAL_REFUSED, .book_id = 1, .available = 2 };
	const struct health health = { .name = "reaperd", .version = "1" };
	const struct book_put_reply put = { .book = { .sku = "a", .title = "b" } };
	const struct orderd_line line = { .sku = "a", .quantity = 1 };
	const struct order_query query = { .user_id = 1 };

	(void)state;
	assert_shows(&order_record, &order,
		"order_id order_no user_id total status created_at updated_at expires_at items");
	assert_shows(&order_record, &waiting,
		"order_id user_id total status created_at updated_at expires_at items "
		"stock_to_follow");
	assert_shows(&event_record, &event, "seq order_id to actor at user_id total");
	assert_shows(&reservation_record, &reservation, "order_id version state updated_at items");
	assert_shows(&move_reply_record, &moved, "order_id version state");
	assert_shows(&move_reply_record, &refused, "order_id version state book_id available");
	assert_shows(&health_record, &health,
		"name version pid started_at ready backlog requests ticks commits");
	assert_shows(&book_put_reply_record, &put,
		"book_id sku title price active version updated_at changed");
	assert_shows(&line_record, &line, "sku quantity");
	assert_shows(&order_query_record, &query, "user_id");
	assert_shows(&empty_record, NULL, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, buffer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_stand_at_the_numbers_they_are_for),
		TEST(what_may_be_absent_is_left_out_where_zero_would_be_refused),
		TEST(every_member_of_a_struct_is_in_its_table_once_and_in_its_place),
		TEST(every_record_comes_back_from_the_wire_and_the_store_as_it_went),
		TEST(answers_show_what_the_protocol_says_and_leave_out_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
