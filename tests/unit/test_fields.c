#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "error.h"
#include "fields.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_BLUE };
static const char *const colour_names[] = { "", "RED", "BLUE", NULL };

struct part {
	uint64_t part_id;
	int64_t weight;
};

struct thing {
	uint64_t thing_id;
	int64_t balance;
	int64_t limit;
	int64_t made_at;
	bool open;
	const char *title;
	const char *sku;
	enum colour colour;
	struct part main_part;
	struct part *parts;
	size_t part_count;
	uint64_t *marks;
	size_t mark_count;
	uint64_t secret;
	const char *note;
};

static const struct field part_fields[] = {
	{ "part_id", FIELD_U64, FIELD_REQUIRED, AT(part, part_id), 1, INT64_MAX },
	{ "weight", FIELD_I64, 0, AT(part, weight), 1, 1000000, .otherwise = 10 },
};
static const struct record part_record = RECORD(part, part_fields);

static const struct field thing_fields[] = {
	{ "thing_id", FIELD_U64, FIELD_REQUIRED, AT(thing, thing_id) },
	{ "balance", FIELD_I64, 0, AT(thing, balance), .otherwise = -3 },
	{ "limit", FIELD_I64, FIELD_SPARSE, AT(thing, limit), -5, 5 },
	{ "made_at", FIELD_TIME_MS, 0, AT(thing, made_at) },
	{ "open", FIELD_BOOL, 0, AT(thing, open), .otherwise = true },
	{ "title", FIELD_TEXT, 0, AT(thing, title) },
	{ "sku", FIELD_SKU, 0, AT(thing, sku) },
	{ "colour", FIELD_ENUM, 0, AT(thing, colour), .names = colour_names,
		.otherwise = COLOUR_BLUE },
	{ "main_part", FIELD_RECORD, 0, AT(thing, main_part), .of = &part_record },
	{ "parts", FIELD_LIST, 0, AT(thing, parts), 0, 3, .of = &part_record,
		COUNT_AT(thing, part_count) },
	{ "marks", FIELD_LIST, FIELD_SPARSE, AT(thing, marks), COUNT_AT(thing, mark_count) },
	{ "secret", FIELD_U64, FIELD_HIDDEN, AT(thing, secret), .otherwise = 9 },
	{ "note", FIELD_TEXT, FIELD_SPARSE, AT(thing, note), 2, 4 },
};
static const struct record thing_record = RECORD(thing, thing_fields);

/* --- msgpack from a notation: {name:1,list:['text',-2,true,nil]} --------------------------- */

static const char *notation_pack(struct buffer *buffer, const char *at);

static const char *notation_pack_word(struct buffer *buffer, const char *at)
{
	const char *end = at;

	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	if (!strncmp(at, "nil", 3))
		pack_nil(buffer);
	else if (!strncmp(at, "true", 4) || !strncmp(at, "false", 5))
		pack_bool(buffer, *at == 't');
	else if (!strncmp(at, "float", 5))
		buffer_append(buffer, "\xca\0\0\0\0", 5);
	else
		fail_msg("no such word: %s", at);
	return end;
}

static const char *notation_pack_list(struct buffer *buffer, const char *at)
{
	bool map = *at == '{';
	size_t opened = map ? pack_open_map(buffer) : pack_open_array(buffer);
	uint32_t count = 0;

	for (at++; *at != '}' && *at != ']'; at += *at == ',', count++) {
		if (map && *at != '#') {
			size_t size = strcspn(at, ":");

			pack_strn(buffer, at, size);
			at += size + 1;
		} else if (map) { /* a name that is a number */
			at = notation_pack(buffer, at + 1) + 1;
		}
		at = notation_pack(buffer, at);
	}
	pack_close(buffer, opened, count);
	return at + 1;
}

static const char *notation_pack(struct buffer *buffer, const char *at)
{
	char *end;

	if (*at == '{' || *at == '[')
		return notation_pack_list(buffer, at);
	if (*at == '\'') {
		size_t size = strcspn(at + 1, "'");

		pack_strn(buffer, at + 1, size);
		return at + size + 2;
	}
	if (*at == '-')
		pack_i64(buffer, strtoll(at, &end, 10));
	else if (isdigit((unsigned char)*at))
		pack_u64(buffer, strtoull(at, &end, 10));
	else
		return notation_pack_word(buffer, at);
	return end;
}

static const struct value *value_of(const char *notation)
{
	struct buffer buffer = { 0 };
	const struct value *value = NULL;
	char *frame;

	assert_string_equal(notation_pack(&buffer, notation), "");
	frame = arena_text(arena, buffer.at, buffer.size);
	assert_int_equal(codec_parse(arena, frame, buffer.size, &value), 0);
	buffer_done(&buffer);
	return value;
}

static struct thing thing_of(const char *notation)
{
	const char *why = "";
	struct thing thing;

	memset(&thing, 0xa5, sizeof(thing));
	if (fields_from_map(arena, &thing_record, value_of(notation), &thing, &why))
		fail_msg("%s: %s", notation, why);
	return thing;
}

static void assert_why(const char *notation, const char *expected)
{
	const char *why = "";
	struct thing thing;

	assert_int_equal(fields_from_map(arena, &thing_record, value_of(notation), &thing, &why),
		OUTCOME_BAD_REQUEST);
	assert_string_equal(why, expected);
}

/* --- from the wire -------------------------------------------------------------------------- */

static void a_map_with_every_type_fills_the_record(void **state)
{
	struct thing thing =
		thing_of("{thing_id:9223372036854775807,balance:-5,limit:5,made_at:17,"
			 "open:false,title:'Go语言编程',sku:'85123A',colour:'RED',"
			 "main_part:{part_id:4,weight:2},"
			 "parts:[{part_id:5},{weight:1000000,part_id:6}],marks:[0,7,8],"
			 "note:'four'}");

	(void)state;
	assert_true(thing.thing_id == INT64_MAX);
	assert_int_equal(thing.balance, -5);
	assert_int_equal(thing.limit, 5);
	assert_int_equal(thing.made_at, 17);
	assert_false(thing.open);
	assert_string_equal(thing.title, "Go语言编程");
	assert_string_equal(thing.sku, "85123A");
	assert_int_equal(thing.colour, COLOUR_RED);
	assert_int_equal(thing.main_part.part_id, 4);
	assert_int_equal(thing.main_part.weight, 2);
	assert_int_equal(thing.part_count, 2);
	assert_int_equal(thing.parts[0].part_id, 5);
	assert_int_equal(thing.parts[0].weight, 10);
	assert_int_equal(thing.parts[1].part_id, 6);
	assert_int_equal(thing.parts[1].weight, 1000000);
	assert_int_equal(thing.mark_count, 3);
	assert_int_equal(thing.marks[2], 8);
	assert_string_equal(thing.note, "four");
}

static void an_absent_field_takes_its_default_and_the_rest_is_zero(void **state)
{
	struct thing thing = thing_of("{thing_id:0}");

	(void)state;
	assert_int_equal(thing.thing_id, 0);
	assert_int_equal(thing.balance, -3);
	assert_int_equal(thing.limit, 0);
	assert_true(thing.open);
	assert_null(thing.title);
	assert_null(thing.sku);
	assert_int_equal(thing.colour, COLOUR_BLUE);
	assert_int_equal(thing.main_part.part_id, 0);
	assert_int_equal(thing.main_part.weight, 10);
	assert_null(thing.parts);
	assert_int_equal(thing.part_count, 0);
	assert_int_equal(thing.secret, 9);
}

static void unknown_and_hidden_names_are_ignored(void **state)
{
	struct thing thing = thing_of("{v:1,thing_id:1,x:{y:[float,nil]},secret:5,thing_i:2,"
				      "thing_id2:3,:4,secret:'twice'}");

	(void)state;
	assert_int_equal(thing.thing_id, 1);
	assert_int_equal(thing.secret, 9);
}

static void a_missing_field_is_named(void **state)
{
	(void)state;
	assert_why("{}", "thing_id: missing");
	assert_why("{thing_id:1,main_part:{weight:1}}", "main_part.part_id: missing");
	assert_why("{thing_id:1,parts:[{part_id:1},{}]}", "parts[1].part_id: missing");
}

static void a_field_given_twice_is_refused_and_an_unknown_one_is_not(void **state)
{
	(void)state;
	assert_why("{thing_id:1,thing_id:1}", "thing_id: given twice");
	assert_why("{thing_id:1,note:'aa',title:'x',note:'aa'}", "note: given twice");
	assert_why("{thing_id:1,parts:[{part_id:1,part_id:2}]}", "parts[0].part_id: given twice");
	thing_of("{thing_id:1,x:1,x:2}");
}

static void a_number_out_of_its_bounds_is_refused_with_them(void **state)
{
	(void)state;
	assert_why("{thing_id:-1}", "thing_id: -1 is not within 0 to 9223372036854775807");
	assert_why("{thing_id:9223372036854775808}",
		"thing_id: 9223372036854775808 is not within 0 to 9223372036854775807");
	assert_why("{thing_id:1,balance:18446744073709551615}",
		"balance: 18446744073709551615 is not within -9223372036854775808 to "
		"9223372036854775807");
	assert_why("{thing_id:1,limit:-6}", "limit: -6 is not within -5 to 5");
	assert_why("{thing_id:1,limit:6}", "limit: 6 is not within -5 to 5");
	assert_why("{thing_id:1,made_at:-1}", "made_at: -1 is not within 0 to 9223372036854775807");
	assert_why("{thing_id:1,parts:[{part_id:1},{part_id:1},{part_id:1,weight:0}]}",
		"parts[2].weight: 0 is not within 1 to 1000000");
	assert_why("{thing_id:1,marks:[1,-1]}",
		"marks[1]: -1 is not within 0 to 9223372036854775807");
	assert_true(thing_of("{thing_id:1,balance:-9223372036854775808}").balance == INT64_MIN);
	assert_int_equal(thing_of("{thing_id:1,limit:-5}").limit, -5);
}

static void a_value_of_another_type_is_refused(void **state)
{
	(void)state;
	assert_why("{thing_id:'1'}", "thing_id: not a whole number");
	assert_why("{thing_id:float}", "thing_id: not a whole number");
	assert_why("{thing_id:nil}", "thing_id: not a whole number");
	assert_why("{thing_id:true}", "thing_id: not a whole number");
	assert_why("{thing_id:1,open:1}", "open: not true or false");
	assert_why("{thing_id:1,title:5}", "title: not a text");
	assert_why("{thing_id:1,title:nil}", "title: not a text");
	assert_why("{thing_id:1,colour:1}", "colour: not one of RED, BLUE");
	assert_why("{thing_id:1,parts:{}}", "parts: not a list");
	assert_why("{thing_id:1,parts:[1]}", "parts[0]: not a map");
	assert_why("{thing_id:1,main_part:[]}", "main_part: not a map");
	assert_why("{thing_id:1,marks:['a']}", "marks[0]: not a whole number");
	assert_why("[1]", "not a map");
	assert_why("{#1:1}", "a name in the map is not a text");
	assert_why("{thing_id:1,parts:[{#nil:1}]}", "parts[0]: a name in the map is not a text");
}

static void a_name_that_the_enum_lacks_is_refused_with_those_it_has(void **state)
{
	(void)state;
	assert_why("{thing_id:1,colour:''}", "colour: not one of RED, BLUE");
	assert_why("{thing_id:1,colour:'RE'}", "colour: not one of RED, BLUE");
	assert_why("{thing_id:1,colour:'REDD'}", "colour: not one of RED, BLUE");
	assert_why("{thing_id:1,colour:'red'}", "colour: not one of RED, BLUE");
}

static void a_text_must_be_clean_and_within_its_bounds(void **state)
{
	char notation[400] = "{thing_id:1,title:'";
	size_t size = strlen(notation);

	(void)state;
	assert_why("{thing_id:1,title:'a\tb'}", "title: not clean UTF-8");
	assert_why("{thing_id:1,title:'\xff'}", "title: not clean UTF-8");
	assert_why("{thing_id:1,note:'a'}", "note: 1 bytes are not within 2 to 4");
	assert_why("{thing_id:1,note:'abcde'}", "note: 5 bytes are not within 2 to 4");
	assert_why("{thing_id:1,sku:'-a'}",
		"sku: not a sku: 1 to 64 of A-Z a-z 0-9 . _ - / with a letter or digit first");
	assert_string_equal(thing_of("{thing_id:1,title:''}").title, "");
	memset(notation + size, 'a', 255);
	strcpy(notation + size + 255, "'}");
	assert_int_equal(strlen(thing_of(notation).title), 255);
	strcpy(notation + size + 255, "a'}");
	assert_why(notation, "title: 256 bytes are not within 0 to 255");
}

static void a_text_with_a_nul_inside_is_refused(void **state)
{
	static const char frame[] = "\x82\xa8thing_id\x01\xa5title\xa3x\0y";
	const struct value *value;
	const char *why = "";
	struct thing thing;

	(void)state;
	assert_int_equal(codec_parse(arena, frame, sizeof(frame) - 1, &value), 0);
	assert_int_equal(fields_from_map(arena, &thing_record, value, &thing, &why),
		OUTCOME_BAD_REQUEST);
	assert_string_equal(why, "title: not clean UTF-8");
}

static void a_list_must_be_within_its_bounds(void **state)
{
	(void)state;
	assert_int_equal(thing_of("{thing_id:1,parts:[]}").part_count, 0);
	assert_int_equal(thing_of("{thing_id:1,parts:[{part_id:1},{part_id:1},{part_id:1}]}")
				 .part_count,
		3);
	assert_why("{thing_id:1,parts:[1,2,3,4]}", "parts: 4 elements are not within 0 to 3");
}

static void the_last_of_64_fields_is_watched_like_the_first(void **state)
{
	static char names[64][4];
	static struct field fields[64];
	const struct record record = { "wide", sizeof(uint64_t) * 64, fields, 64 };
	const char *why = "";
	uint64_t wide[64];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		names[i][0] = 'f';
		names[i][1] = (char)('0' + i / 10);
		names[i][2] = (char)('0' + i % 10);
		fields[i] = (struct field){ names[i], FIELD_U64, i == 62 ? FIELD_REQUIRED : 0,
			.offset = i * sizeof(uint64_t) };
	}
	assert_int_equal(fields_from_map(arena, &record, value_of("{f63:5,f62:1}"), wide, &why), 0);
	assert_int_equal(wide[63], 5);
	assert_int_equal(fields_from_map(arena, &record, value_of("{f63:5,f62:1,f63:5}"), wide,
				 &why),
		OUTCOME_BAD_REQUEST);
	assert_string_equal(why, "f63: given twice");
	assert_int_equal(fields_from_map(arena, &record, value_of("{f63:5}"), wide, &why),
		OUTCOME_BAD_REQUEST);
	assert_string_equal(why, "f62: missing");
}

static void names_lead_to_fields_and_to_enum_values(void **state)
{
	(void)state;
	assert_ptr_equal(record_field(&thing_record, "colour"), &thing_fields[7]);
	assert_null(record_field(&thing_record, "colou"));
	assert_null(record_field(&thing_record, ""));
	assert_int_equal(names_find(colour_names, "BLUE", 4), COLOUR_BLUE);
	assert_int_equal(names_find(colour_names, "BLUES", 4), COLOUR_BLUE);
	assert_int_equal(names_find(colour_names, "BLUE", 3), 0);
	assert_int_equal(names_find(colour_names, "", 0), 0);
	assert_int_equal(field_element_size(record_field(&thing_record, "parts")),
		sizeof(struct part));
	assert_int_equal(field_element_size(record_field(&thing_record, "marks")),
		sizeof(uint64_t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_map_with_every_type_fills_the_record),
		TEST(an_absent_field_takes_its_default_and_the_rest_is_zero),
		TEST(unknown_and_hidden_names_are_ignored),
		TEST(a_missing_field_is_named),
		TEST(a_field_given_twice_is_refused_and_an_unknown_one_is_not),
		TEST(a_number_out_of_its_bounds_is_refused_with_them),
		TEST(a_value_of_another_type_is_refused),
		TEST(a_name_that_the_enum_lacks_is_refused_with_those_it_has),
		TEST(a_text_must_be_clean_and_within_its_bounds),
		TEST(a_text_with_a_nul_inside_is_refused),
		TEST(a_list_must_be_within_its_bounds),
		TEST(the_last_of_64_fields_is_watched_like_the_first),
		TEST(names_lead_to_fields_and_to_enum_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
