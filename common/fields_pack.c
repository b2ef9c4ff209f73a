#include "fields.h"

#include <assert.h>
#include <string.h>

static void member_get(const struct field *field, const void *record, void *ret, size_t size)
{
	memcpy(ret, (const char *)record + field->offset, size);
}

static uint64_t number_get(const struct field *field, const void *record)
{
	uint64_t number;

	member_get(field, record, &number, sizeof(number));
	return number;
}

static bool bool_get(const struct field *field, const void *record)
{
	bool value;

	member_get(field, record, &value, sizeof(value));
	return value;
}

static int enum_get(const struct field *field, const void *record)
{
	int value;

	member_get(field, record, &value, sizeof(value));
	return value;
}

static const void *pointer_get(const struct field *field, const void *record)
{
	const void *pointer;

	member_get(field, record, &pointer, sizeof(pointer));
	return pointer;
}

static size_t list_count(const struct field *field, const void *record)
{
	size_t count;

	memcpy(&count, (const char *)record + field->count_offset, sizeof(count));
	return count;
}

static inline bool is_shown(const struct field *field, const void *record)
{
	bool always = !(field->flags & FIELD_SPARSE);
	const char *text;

	if (field->flags & FIELD_HIDDEN)
		return false;
	switch (field->type) {
	case FIELD_U64:
	case FIELD_I64:
	case FIELD_TIME_MS:
		return always || number_get(field, record);
	case FIELD_BOOL:
		return always || bool_get(field, record);
	case FIELD_TEXT:
	case FIELD_SKU:
		text = pointer_get(field, record);
		return text && (always || *text);
	case FIELD_ENUM:
		return enum_get(field, record);
	case FIELD_BYTES:
	case FIELD_LIST:
		return always || list_count(field, record);
	case FIELD_RECORD:
		break;
	}
	return true;
}

bool field_is_shown(const struct field *field, const void *record)
{
	return is_shown(field, record);
}

static void record_pack(struct buffer *buffer, const struct record *record, const void *from,
	bool stored)
{
	size_t map;

	if (stored) {
		fields_to_array(buffer, record, from);
		return;
	}
	map = pack_open_short_map(buffer);
	pack_close_short_map(buffer, map, fields_to_map(buffer, record, from));
}

static void list_pack(struct buffer *buffer, const struct field *field, const void *record,
	bool stored)
{
	const char *elements = pointer_get(field, record);
	size_t count = list_count(field, record);

	pack_array(buffer, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const char *at = elements + i * field_element_size(field);
		uint64_t number;

		if (field->of) {
			record_pack(buffer, field->of, at, stored);
		} else {
			memcpy(&number, at, sizeof(number));
			pack_u64(buffer, number);
		}
	}
}

static void enum_pack(struct buffer *buffer, const struct field *field, int value, bool stored)
{
	assert(value >= 0);
	for (int i = 1; i <= value; i++)
		assert(field->names[i]);
	if (stored)
		pack_u64(buffer, (uint64_t)value);
	else
		pack_str(buffer, field->names[value]);
}

static void text_pack(struct buffer *buffer, const char *text)
{
	if (text)
		pack_str(buffer, text);
	else
		pack_nil(buffer);
}

static void bytes_pack(struct buffer *buffer, const void *bytes, size_t size)
{
	if (size > 0)
		pack_bin(buffer, bytes, size);
	else
		pack_nil(buffer);
}

static void field_pack(struct buffer *buffer, const struct field *field, const void *record,
	bool stored)
{
	switch (field->type) {
	case FIELD_U64:
		pack_u64(buffer, number_get(field, record));
		break;
	case FIELD_I64:
	case FIELD_TIME_MS:
		pack_i64(buffer, (int64_t)number_get(field, record));
		break;
	case FIELD_BOOL:
		pack_bool(buffer, bool_get(field, record));
		break;
	case FIELD_TEXT:
	case FIELD_SKU:
		text_pack(buffer, pointer_get(field, record));
		break;
	case FIELD_BYTES:
		bytes_pack(buffer, pointer_get(field, record), list_count(field, record));
		break;
	case FIELD_ENUM:
		enum_pack(buffer, field, enum_get(field, record), stored);
		break;
	case FIELD_LIST:
		list_pack(buffer, field, record, stored);
		break;
	case FIELD_RECORD:
		record_pack(buffer, field->of, (const char *)record + field->offset, stored);
		break;
	}
}

uint32_t fields_to_map(struct buffer *buffer, const struct record *record, const void *from)
{
	uint32_t count = 0;

	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];

		if (!is_shown(field, from))
			continue;
		pack_name(buffer, field->name);
		field_pack(buffer, field, from, false);
		count++;
	}
	return count;
}

void fields_to_array(struct buffer *buffer, const struct record *record, const void *from)
{
	pack_array(buffer, (uint32_t)record->count);
	for (size_t i = 0; i < record->count; i++)
		field_pack(buffer, &record->fields[i], from, true);
}
