#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "error.h"
#include "protocol.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
#define TRILLION INT64_C(1000000000000)
#define YEAR_MS INT64_C(31622400000)

static struct buffer buffer;

static int buffer_teardown(void **state)
{
	buffer_done(&buffer);
	return arena_teardown(state);
}

/* --- a request with every required field, and one of them as wanted ------------------------- */

static void pack_required(const struct record *record, const char *but);

static void pack_any(const struct field *field)
{
	switch (field->type) {
	case FIELD_U64:
	case FIELD_I64:
	case FIELD_TIME_MS:
		pack_i64(&buffer, field->max);
		break;
	case FIELD_BOOL:
		pack_bool(&buffer, true);
		break;
	case FIELD_TEXT:
	case FIELD_SKU:
		pack_strn(&buffer, "00000000000000000000", field->min > 5 ? 20 : 5);
		break;
	case FIELD_BYTES:
		pack_bin(&buffer, "bytes", 5);
		break;
	case FIELD_ENUM:
		pack_str(&buffer, field->names[1]);
		break;
	case FIELD_LIST:
		pack_array(&buffer, 1);
		pack_required(field->of, NULL);
		break;
	case FIELD_RECORD:
		pack_required(field->of, NULL);
		break;
	}
}

/* A map of the required fields; the one that is named by `but` is still to be added. */
static void pack_required(const struct record *record, const char *but)
{
	size_t map = pack_open_map(&buffer);
	uint32_t count = 0;

	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];

		if (!(field->flags & FIELD_REQUIRED) || (but && !strcmp(field->name, but)))
			continue;
		pack_str(&buffer, field->name);
		pack_any(field);
		count++;
	}
	pack_close(&buffer, map, but ? count + 1 : count);
	if (but)
		pack_str(&buffer, but);
}

/* The outcome of reading what is in the buffer; *ret_record is arena memory. */
static int read_back(const struct record *record, void **ret_record)
{
	void *at = arena_take(arena, record->size);
	const struct value *map;
	const char *why;

	assert_int_equal(buffer.error, 0);
	assert_int_equal(codec_parse(arena, buffer.at, buffer.size, &map), 0);
	if (ret_record)
		*ret_record = at;
	return fields_from_map(arena, record, map, at, &why);
}

static int outcome_of_number(const struct record *record, const char *name, int64_t number)
{
	buffer_reset(&buffer);
	pack_required(record, name);
	pack_i64(&buffer, number);
	return read_back(record, NULL);
}

static int outcome_of_size(const struct record *record, const char *name, size_t size)
{
	const struct field *field = record_field(record, name);

	buffer_reset(&buffer);
	pack_required(record, name);
	if (field->type == FIELD_LIST)
		pack_array(&buffer, (uint32_t)size);
	for (size_t i = 0; field->type == FIELD_LIST && i < size; i++)
		pack_required(field->of, NULL);
	if (field->type == FIELD_TEXT)
		pack_strn(&buffer, memset(arena_take(arena, size), 'a', size), size);
	return read_back(record, NULL);
}

static int outcome_without(const struct record *record, const char *name, void **ret_record)
{
	buffer_reset(&buffer);
	pack_required(record, name);
	pack_nil(&buffer);
	memset(buffer.at + buffer.size - 1 - strlen(name), 'X', strlen(name));
	return read_back(record, ret_record);
}

/* --- bounds ---------------------------------------------------------------------------------- */

enum need { OPTIONAL, REQUIRED };

static const struct bounds {
	const struct record *record;
	const char *name;
	enum need need;
	int64_t min, max, otherwise;
} numbers[] = {
	{ &range_record, "after", OPTIONAL, 0, INT64_MAX, 0 },
	{ &range_record, "limit", OPTIONAL, 1, 500, 100 },
	{ &book_ref_record, "book_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &book_put_record, "book_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &book_put_record, "price", REQUIRED, 0, 1000 * TRILLION, 0 },
	{ &book_put_record, "version", OPTIONAL, 0, INT64_MAX, 0 },
	{ &line_record, "book_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &line_record, "quantity", REQUIRED, 1, 1000000, 0 },
	{ &stock_line_record, "book_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &stock_line_record, "quantity", REQUIRED, 1, TRILLION, 0 },
	{ &move_record, "order_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &move_record, "version", REQUIRED, 1, GOAL_VERSION_MAX, 0 },
	{ &level_set_record, "book_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &level_set_record, "available", REQUIRED, 0, TRILLION, 0 },
	{ &level_add_record, "book_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &level_add_record, "quantity", REQUIRED, -TRILLION, TRILLION, 0 },
	{ &level_ref_record, "book_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &reservation_ref_record, "order_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &journal_query_record, "after", OPTIONAL, 0, INT64_MAX, 0 },
	{ &journal_query_record, "limit", OPTIONAL, 1, 500, 100 },
	{ &journal_query_record, "book_id", OPTIONAL, 0, INT64_MAX, 0 },
	{ &journal_query_record, "order_id", OPTIONAL, 0, INT64_MAX, 0 },
	{ &create_record, "user_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &create_record, "expires_in_ms", OPTIONAL, 1000, YEAR_MS, 0 },
	{ &order_ref_record, "order_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &order_set_status_record, "order_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &order_cancel_record, "order_id", OPTIONAL, 1, INT64_MAX, 0 },
	{ &order_query_record, "user_id", REQUIRED, 1, INT64_MAX, 0 },
	{ &order_query_record, "page", OPTIONAL, 1, 1000000000, 1 },
	{ &order_query_record, "page_size", OPTIONAL, 1, 100, 20 },
	{ &order_query_record, "after", OPTIONAL, 0, INT64_MAX, 0 },
	{ &order_due_record, "order_id", REQUIRED, 1, INT64_MAX, 0 },
};

static const struct bounds sizes[] = {
	{ &book_put_record, "title", REQUIRED, 1, 200, 0 },
	{ &price_request_record, "items", REQUIRED, 1, 100, 0 },
	{ &move_record, "items", OPTIONAL, 0, 100, 0 },
	{ &move_record, "actor", OPTIONAL, 1, 64, 0 },
	{ &move_record, "reason", OPTIONAL, 0, 200, 0 },
	{ &level_set_record, "actor", OPTIONAL, 1, 64, 0 },
	{ &level_set_record, "reason", OPTIONAL, 0, 200, 0 },
	{ &level_add_record, "actor", OPTIONAL, 1, 64, 0 },
	{ &level_add_record, "reason", REQUIRED, 1, 200, 0 },
	{ &level_add_record, "idempotency_key", OPTIONAL, 1, 64, 0 },
	{ &create_record, "items", REQUIRED, 1, 100, 0 },
	{ &create_record, "idempotency_key", OPTIONAL, 1, 64, 0 },
	{ &order_ref_record, "order_no", OPTIONAL, 20, 20, 0 },
	{ &order_set_status_record, "order_no", OPTIONAL, 20, 20, 0 },
	{ &order_set_status_record, "actor", OPTIONAL, 1, 64, 0 },
	{ &order_set_status_record, "reason", OPTIONAL, 0, 200, 0 },
	{ &order_cancel_record, "order_no", OPTIONAL, 20, 20, 0 },
	{ &order_cancel_record, "actor", OPTIONAL, 1, 64, 0 },
	{ &order_cancel_record, "reason", OPTIONAL, 0, 200, 0 },
};

#define assert_outcome(expected, row, result) \
	do { \
		if ((result) != (expected)) \
			fail_msg("%s.%s is not %s", (row)->record->name, (row)->name, \
				(expected) ? "refused" : "taken"); \
	} while (0)

static void numbers_are_taken_within_their_bounds_and_no_further(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct bounds *row = &numbers[i];

		assert_outcome(OUTCOME_OK, row,
			outcome_of_number(row->record, row->name, row->min));
		assert_outcome(OUTCOME_OK, row,
			outcome_of_number(row->record, row->name, row->max));
		assert_outcome(OUTCOME_BAD_REQUEST, row,
			outcome_of_number(row->record, row->name, row->min - 1));
		if (row->max < INT64_MAX)
			assert_outcome(OUTCOME_BAD_REQUEST, row,
				outcome_of_number(row->record, row->name, row->max + 1));
	}
}

static void texts_and_lists_are_taken_within_their_bounds_and_no_further(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		const struct bounds *row = &sizes[i];

		assert_outcome(OUTCOME_OK, row,
			outcome_of_size(row->record, row->name, (size_t)row->min));
		assert_outcome(OUTCOME_OK, row,
			outcome_of_size(row->record, row->name, (size_t)row->max));
		assert_outcome(OUTCOME_BAD_REQUEST, row,
			outcome_of_size(row->record, row->name, (size_t)row->max + 1));
		if (row->min)
			assert_outcome(OUTCOME_BAD_REQUEST, row,
				outcome_of_size(row->record, row->name, (size_t)row->min - 1));
	}
}

static void what_is_required_is_missed_and_the_rest_has_its_default(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct bounds *row = &numbers[i];
		void *record;
		int64_t number;

		assert_outcome(row->need == REQUIRED ? OUTCOME_BAD_REQUEST : OUTCOME_OK, row,
			outcome_without(row->record, row->name, &record));
		if (row->need == REQUIRED)
			continue;
		memcpy(&number, (char *)record + record_field(row->record, row->name)->offset,
			sizeof(number));
		assert_true(number == row->otherwise);
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		assert_outcome(sizes[i].need == REQUIRED ? OUTCOME_BAD_REQUEST : OUTCOME_OK,
			&sizes[i], outcome_without(sizes[i].record, sizes[i].name, NULL));
	assert_int_equal(outcome_without(&order_set_status_record, "status", NULL),
		OUTCOME_BAD_REQUEST);
	assert_int_equal(outcome_without(&order_set_status_record, "from", NULL), OUTCOME_OK);
	assert_int_equal(outcome_without(&order_query_record, "status", NULL), OUTCOME_OK);
	assert_int_equal(outcome_without(&move_record, "goal", NULL), OUTCOME_BAD_REQUEST);
}

static int outcome_of_goal(const char *goal)
{
	buffer_reset(&buffer);
	pack_required(&move_record, "goal");
	pack_str(&buffer, goal);
	return read_back(&move_record, NULL);
}

static void refused_is_a_state_but_no_goal(void **state)
{
	(void)state;
	assert_int_equal(outcome_of_goal("HELD"), OUTCOME_OK);
	assert_int_equal(outcome_of_goal("SOLD"), OUTCOME_OK);
	assert_int_equal(outcome_of_goal("RETURNED"), OUTCOME_OK);
	assert_int_equal(outcome_of_goal("REFUSED"), OUTCOME_BAD_REQUEST);
	assert_int_equal(names_find(goal_names, "REFUSED", 7), GOAL_REFUSED);
}

static void a_book_is_active_unless_it_says_otherwise(void **state)
{
	struct book_put *put;

	(void)state;
	buffer_reset(&buffer);
	pack_required(&book_put_record, NULL);
	assert_int_equal(read_back(&book_put_record, (void **)&put), OUTCOME_OK);
	assert_true(put->active);
	buffer_reset(&buffer);
	pack_required(&book_put_record, "active");
	pack_bool(&buffer, false);
	assert_int_equal(read_back(&book_put_record, (void **)&put), OUTCOME_OK);
	assert_false(put->active);
}

static void lists_of_answers_may_be_empty(void **state)
{
	static const struct record *const lists[] = { &book_list_record, &price_reply_record,
		&level_list_record, &reservation_list_record, &movement_list_record,
		&order_list_record, &event_list_record, &saga_list_record, &order_record,
		&reservation_record };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const char *name = NULL;

		for (size_t j = 0; j < lists[i]->count; j++)
			if (lists[i]->fields[j].type == FIELD_LIST)
				name = lists[i]->fields[j].name;
		assert_int_equal(outcome_of_size(lists[i], name, 0), OUTCOME_OK);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, buffer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_taken_within_their_bounds_and_no_further),
		TEST(texts_and_lists_are_taken_within_their_bounds_and_no_further),
		TEST(what_is_required_is_missed_and_the_rest_has_its_default),
		TEST(refused_is_a_state_but_no_goal),
		TEST(a_book_is_active_unless_it_says_otherwise),
		TEST(lists_of_answers_may_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
