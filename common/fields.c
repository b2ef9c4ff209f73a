#include "fields_inside.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "text.h"

#define FIELDS_MAX 64 /* a bit each in a uint64_t */
#define TEXT_MAX_BYTES 255

size_t field_element_size(const struct field *field)
{
	return field->of ? field->of->size : sizeof(uint64_t);
}

void fields_clear(const struct record *record, size_t from, void *at)
{
	memset(at, 0, record->size);
	for (size_t i = from; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		int value = (int)field->otherwise;
		bool truth = value;

		if (field->type == FIELD_RECORD)
			fields_clear(field->of, 0, (char *)at + field->offset);
		else if (field->type == FIELD_BOOL)
			member_put(field, at, &truth, sizeof(truth));
		else if (field->type == FIELD_ENUM)
			member_put(field, at, &value, sizeof(value));
		else if (field->otherwise)
			member_put(field, at, &field->otherwise, sizeof(field->otherwise));
	}
}

int names_find(const char *const *names, const char *name, size_t size)
{
	for (int i = 1; names[i]; i++)
		if (strlen(names[i]) == size && !memcmp(names[i], name, size))
			return i;
	return 0;
}

/* The search goes once round from `first`: names come mostly in the table's order. */
static const struct field *field_find(const struct record *record, size_t first, const char *name,
	size_t size)
{
	for (size_t i = 0; i < record->count; i++) {
		size_t at = first + i < record->count ? first + i : first + i - record->count;
		const char *known = record->fields[at].name;

		if (size > 0 && known[0] == name[0] && strlen(known) == size &&
			!memcmp(known, name, size))
			return &record->fields[at];
	}
	return NULL;
}

const struct field *record_field(const struct record *record, const char *name)
{
	return field_find(record, 0, name, strlen(name));
}

/* Where in the frame a value stands, for messages: a name, or an index where name is NULL. */
struct path {
	const struct path *up;
	const char *name;
	size_t index;
};

struct input {
	struct arena *arena;
	const char **ret_why;
};

static const char *path_print(struct arena *arena, const struct path *path)
{
	const char *up;

	if (!path)
		return "";
	up = path_print(arena, path->up);
	if (!up)
		return NULL;
	if (!path->name)
		return arena_print(arena, "%s[%zu]", up, path->index);
	return arena_print(arena, "%s%s%s", up, *up ? "." : "", path->name);
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct input *input,
	const struct path *path, const char *format, ...)
{
	const char *where, *why;
	va_list arguments;
	char what[256];

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	where = path_print(input->arena, path);
	if (!where)
		return -ENOMEM;
	why = arena_print(input->arena, "%s%s%s", where, *where ? ": " : "", what);
	if (!why)
		return -ENOMEM;
	*input->ret_why = why;
	return OUTCOME_BAD_REQUEST;
}

static int refuse_size(const struct input *input, const struct path *path, size_t size,
	const char *unit, int64_t min, int64_t max)
{
	return refuse(input, path, "%zu %s are not within %" PRId64 " to %" PRId64, size, unit, min,
		max);
}

static int record_fill(const struct input *input, const struct path *path,
	const struct record *record, const struct value *value, void *ret_record);

static int number_read(const struct input *input, const struct path *path,
	const struct field *field, const struct value *value, void *record)
{
	bool open = !field->min && !field->max;
	int64_t min = !open ? field->min : field->type == FIELD_I64 ? INT64_MIN : 0;
	int64_t max = open ? INT64_MAX : field->max;

	if (value->type != VALUE_UINT && value->type != VALUE_INT)
		return refuse(input, path, "not a whole number");
	if (value->type == VALUE_UINT && value->u64 > INT64_MAX)
		return refuse(input, path, "%" PRIu64 " is not within %" PRId64 " to %" PRId64,
			value->u64, min, max);
	if (value->i64 < min || value->i64 > max)
		return refuse(input, path, "%" PRId64 " is not within %" PRId64 " to %" PRId64,
			value->i64, min, max);
	member_put(field, record, &value->u64, sizeof(value->u64));
	return 0;
}

static int bool_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	if (value->type != VALUE_BOOL)
		return refuse(input, path, "not true or false");
	member_put(field, record, &value->boolean, sizeof(value->boolean));
	return 0;
}

static int text_check(const struct input *input, const struct path *path, const struct field *field,
	const struct value *text)
{
	int64_t max = field->min || field->max ? field->max : TEXT_MAX_BYTES;

	if (field->type == FIELD_SKU && !text_is_sku(text->str.at, text->str.size))
		return refuse(input, path,
			"not a sku: 1 to 64 of A-Z a-z 0-9 . _ - / with a letter or digit first");
	if (text->str.size < field->min || text->str.size > max)
		return refuse_size(input, path, text->str.size, "bytes", field->min, max);
	if (!text_is_clean(text->str.at, text->str.size))
		return refuse(input, path, "not clean UTF-8");
	return 0;
}

static int text_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	char *text;
	int error;

	if (value->type != VALUE_STR)
		return refuse(input, path, "not a text");
	error = text_check(input, path, field, value);
	if (error)
		return error;
	text = arena_text(input->arena, value->str.at, value->str.size);
	if (!text)
		return -ENOMEM;
	member_put(field, record, &text, sizeof(text));
	return 0;
}

static int bytes_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	size_t size;

	if (value->type != VALUE_BIN)
		return refuse(input, path, "not bytes");
	size = value->str.size;
	if ((int64_t)size < field->min || (int64_t)size > field->max)
		return refuse_size(input, path, size, "bytes", field->min, field->max);
	member_put(field, record, &value->str.at, sizeof(value->str.at));
	count_put(field, record, size);
	return 0;
}

static int enum_refuse(const struct input *input, const struct path *path, const char *const *names)
{
	char known[192] = "";

	for (int i = 1; names[i]; i++) {
		size_t size = strlen(known);

		snprintf(known + size, sizeof(known) - size, "%s%s", i > 1 ? ", " : "", names[i]);
	}
	return refuse(input, path, "not one of %s", known);
}

static int enum_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	int found = 0;

	if (value->type == VALUE_STR)
		found = names_find(field->names, value->str.at, value->str.size);
	if (!found)
		return enum_refuse(input, path, field->names);
	member_put(field, record, &found, sizeof(found));
	return 0;
}

static int elements_read(const struct input *input, const struct path *path,
	const struct field *field, const struct value *list, char *elements)
{
	static const struct field plain = { .type = FIELD_U64 };
	struct path element = { .up = path };
	int error = 0;

	for (; !error && element.index < list->list.count; element.index++) {
		const struct value *value = &list->list.at[element.index];
		char *at = elements + element.index * field_element_size(field);

		error = field->of ? record_fill(input, &element, field->of, value, at)
				  : number_read(input, &element, &plain, value, at);
	}
	return error;
}

static int list_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	bool open = !field->min && !field->max;
	size_t count;
	char *elements;

	if (value->type != VALUE_ARRAY)
		return refuse(input, path, "not a list");
	count = value->list.count;
	if (!open && ((int64_t)count < field->min || (int64_t)count > field->max))
		return refuse_size(input, path, count, "elements", field->min, field->max);
	elements = arena_take(input->arena, count * field_element_size(field));
	if (!elements)
		return -ENOMEM;
	member_put(field, record, &elements, sizeof(elements));
	count_put(field, record, count);
	return elements_read(input, path, field, value, elements);
}

static int field_read(const struct input *input, const struct path *path, const struct field *field,
	const struct value *value, void *record)
{
	switch (field->type) {
	case FIELD_U64:
	case FIELD_I64:
	case FIELD_TIME_MS:
		return number_read(input, path, field, value, record);
	case FIELD_BOOL:
		return bool_read(input, path, field, value, record);
	case FIELD_TEXT:
	case FIELD_SKU:
		return text_read(input, path, field, value, record);
	case FIELD_BYTES:
		return bytes_read(input, path, field, value, record);
	case FIELD_ENUM:
		return enum_read(input, path, field, value, record);
	case FIELD_LIST:
		return list_read(input, path, field, value, record);
	case FIELD_RECORD:
		return record_fill(input, path, field->of, value, (char *)record + field->offset);
	}
	assert(false);
	return OUTCOME_INTERNAL;
}

/* One pair of a map; `seen` has a bit for each field, `next` the one that should be next. */
static int pair_read(const struct input *input, const struct path *up, const struct record *record,
	const struct value *pair, void *ret_record, uint64_t *seen, size_t *next)
{
	const struct field *field;
	struct path path = { .up = up };
	uint64_t bit;

	if (pair[0].type != VALUE_STR)
		return refuse(input, up, "a name in the map is not a text");
	field = field_find(record, *next, pair[0].str.at, pair[0].str.size);
	if (!field || field->flags & FIELD_HIDDEN)
		return 0;
	path.name = field->name;
	*next = (size_t)(field - record->fields) + 1;
	bit = UINT64_C(1) << (field - record->fields);
	if (*seen & bit)
		return refuse(input, &path, "given twice");
	*seen |= bit;
	return field_read(input, &path, field, &pair[1], ret_record);
}

static int map_read(const struct input *input, const struct path *path, const struct record *record,
	const struct value *map, void *ret_record)
{
	uint64_t seen = 0;
	size_t next = 0;
	int error = 0;

	if (map->type != VALUE_MAP)
		return refuse(input, path, "not a map");
	for (uint32_t i = 0; !error && i < map->list.count; i++)
		error = pair_read(input, path, record, &map->list.at[(size_t)2 * i], ret_record,
			&seen, &next);
	for (size_t i = 0; !error && i < record->count; i++)
		if (record->fields[i].flags & FIELD_REQUIRED && !(seen >> i & 1))
			error = refuse(input, &(struct path){ path, record->fields[i].name, 0 },
				"missing");
	return error;
}

static int record_fill(const struct input *input, const struct path *path,
	const struct record *record, const struct value *value, void *ret_record)
{
	assert(record->count <= FIELDS_MAX);
	fields_clear(record, 0, ret_record);
	return map_read(input, path, record, value, ret_record);
}

int fields_from_map(struct arena *arena, const struct record *record, const struct value *map,
	void *ret_record, const char **ret_why)
{
	struct input input = { arena, ret_why };

	return record_fill(&input, NULL, record, map, ret_record);
}
