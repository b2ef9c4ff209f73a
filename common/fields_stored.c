#include "fields_inside.h"

#include <errno.h>

/* Stored values are ours and come in the table's order, so they are read as they come, without a
 * tree; any that is not what the table says is damage. */

struct stored {
	struct arena *arena;
	struct cursor rest;
};

static int record_fill(struct stored *stored, const struct record *record, void *ret_record);

static int number_take(const struct value *value, bool is_signed, void *ret)
{
	bool good = value->type == VALUE_UINT ? !is_signed || value->u64 <= INT64_MAX
					      : value->type == VALUE_INT && is_signed;

	if (!good)
		return -EUCLEAN;
	memcpy(ret, &value->u64, sizeof(value->u64));
	return 0;
}

static int bool_take(const struct field *field, const struct value *value, void *record)
{
	if (value->type != VALUE_BOOL)
		return -EUCLEAN;
	member_put(field, record, &value->boolean, sizeof(value->boolean));
	return 0;
}

/* Absent ones are NULL already. */
static int text_take(struct stored *stored, const struct field *field, const struct value *value,
	void *record)
{
	enum value_type type = field->type == FIELD_BYTES ? VALUE_BIN : VALUE_STR;
	char *text;

	if (value->type == VALUE_NIL)
		return 0;
	if (value->type != type)
		return -EUCLEAN;
	text = arena_text(stored->arena, value->str.at, value->str.size);
	if (!text)
		return -ENOMEM;
	member_put(field, record, &text, sizeof(text));
	if (type == VALUE_BIN)
		count_put(field, record, value->str.size);
	return 0;
}

static int enum_take(const struct field *field, const struct value *value, void *record)
{
	int known = 0;

	if (value->type != VALUE_UINT)
		return -EUCLEAN;
	while ((uint64_t)known < value->u64 && field->names[known + 1])
		known++;
	if ((uint64_t)known != value->u64)
		return -EUCLEAN;
	member_put(field, record, &known, sizeof(known));
	return 0;
}

static int element_fill(struct stored *stored, const struct field *field, void *ret)
{
	struct value value;

	if (field->of)
		return record_fill(stored, field->of, ret);
	return codec_next(&stored->rest, &value) ? number_take(&value, false, ret) : -EUCLEAN;
}

static int list_fill(struct stored *stored, const struct field *field, const struct value *list,
	void *record)
{
	size_t size = field_element_size(field);
	char *elements;
	int error = 0;

	if (list->type != VALUE_ARRAY)
		return -EUCLEAN;
	elements = arena_take(stored->arena, list->list.count * size);
	if (!elements)
		return -ENOMEM;
	member_put(field, record, &elements, sizeof(elements));
	count_put(field, record, list->list.count);
	for (size_t i = 0; !error && i < list->list.count; i++)
		error = element_fill(stored, field, elements + i * size);
	return error;
}

static int field_fill(struct stored *stored, const struct field *field, void *record)
{
	struct value value;

	if (field->type == FIELD_RECORD)
		return record_fill(stored, field->of, (char *)record + field->offset);
	if (!codec_next(&stored->rest, &value))
		return -EUCLEAN;
	switch (field->type) {
	case FIELD_BOOL:
		return bool_take(field, &value, record);
	case FIELD_TEXT:
	case FIELD_SKU:
	case FIELD_BYTES:
		return text_take(stored, field, &value, record);
	case FIELD_ENUM:
		return enum_take(field, &value, record);
	case FIELD_LIST:
		return list_fill(stored, field, &value, record);
	default:
		return number_take(&value, field->type != FIELD_U64,
			(char *)record + field->offset);
	}
}

/* A shorter array was stored before the fields that it lacks were thought of. */
static int record_fill(struct stored *stored, const struct record *record, void *ret_record)
{
	struct value array;
	int error = 0;

	if (!codec_next(&stored->rest, &array) || array.type != VALUE_ARRAY ||
		array.list.count > record->count)
		return -EUCLEAN;
	fields_clear(record, array.list.count, ret_record);
	for (uint32_t i = 0; !error && i < array.list.count; i++)
		error = field_fill(stored, &record->fields[i], ret_record);
	return error;
}

int fields_from_array(struct arena *arena, const struct record *record, const void *bytes,
	size_t size, void *ret_record)
{
	struct stored stored = { arena, { bytes, size } };
	int error = record_fill(&stored, record, ret_record);

	return !error && stored.rest.left > 0 ? -EUCLEAN : error;
}
