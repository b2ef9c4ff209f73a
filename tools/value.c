#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "clock.h"

const void *value_member(const struct field *field, const void *from)
{
	return (const char *)from + field->offset;
}

uint64_t value_number(const struct field *field, const void *from)
{
	uint64_t number;

	memcpy(&number, value_member(field, from), sizeof(number));
	return number;
}

bool value_bool(const struct field *field, const void *from)
{
	return *(const bool *)value_member(field, from);
}

const char *value_text(const struct field *field, const void *from)
{
	const char *text;

	memcpy(&text, value_member(field, from), sizeof(text));
	return text;
}

/* "" for the 0 that stands for no value. */
const char *value_enum(const struct field *field, const void *from)
{
	int value, known = 0;

	memcpy(&value, value_member(field, from), sizeof(value));
	while (known < value && field->names[known])
		known++;
	return field->names[known] ? field->names[known] : "?";
}

size_t value_count(const struct field *field, const void *from)
{
	size_t count;

	memcpy(&count, (const char *)from + field->count_offset, sizeof(count));
	return count;
}

const char *value_element(const struct field *field, const void *from, size_t index)
{
	return value_text(field, from) + index * (field->of ? field->of->size : sizeof(uint64_t));
}

/* What no type tells: which numbers are money and which count bytes. */
static bool field_is_money(const struct field *field)
{
	return !strcmp(field->name, "price") || !strcmp(field->name, "total") ||
		!strcmp(field->name, "value");
}

static bool field_is_bytes(const struct field *field)
{
	size_t size = strlen(field->name);

	return size > 6 && !strcmp(field->name + size - 6, "_bytes");
}

static const char *bytes_print(struct arena *arena, int64_t bytes)
{
	static const char *const units[] = { "K", "M", "G", "T" };
	int64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return arena_print(arena, "%" PRId64 "B", bytes);
	for (; tenths >= 10240 && unit < 3; unit++)
		tenths /= 1024;
	return arena_print(arena, "%" PRId64 ".%" PRId64 "%s", tenths / 10, tenths % 10,
		units[unit]);
}

static const char *number_print(struct arena *arena, const struct field *field, const void *from)
{
	int64_t number = (int64_t)value_number(field, from);
	char text[32];

	if (field->type == FIELD_TIME_MS)
		return number ? arena_print(arena, "%s", clock_print_utc(text, number)) : "";
	if (field_is_bytes(field))
		return bytes_print(arena, number);
	if (field_is_money(field))
		return arena_print(arena, "%s", amount_print(text, number));
	if (field->type == FIELD_U64)
		return arena_print(arena, "%" PRIu64, (uint64_t)number);
	return arena_print(arena, "%" PRId64, number);
}

const char *value_print(struct arena *arena, const struct field *field, const void *from)
{
	const char *text;

	if (!field_is_shown(field, from))
		return "";
	switch (field->type) {
	case FIELD_U64:
	case FIELD_I64:
	case FIELD_TIME_MS:
		text = number_print(arena, field, from);
		return text ? text : "";
	case FIELD_BOOL:
		return value_bool(field, from) ? "yes" : "no";
	case FIELD_TEXT:
	case FIELD_SKU:
		return value_text(field, from);
	case FIELD_ENUM:
		return value_enum(field, from);
	case FIELD_LIST:
		text = arena_print(arena, "%zu", value_count(field, from));
		return text ? text : "";
	case FIELD_BYTES:
	case FIELD_RECORD:
		break;
	}
	return "";
}

const char *value_print_span(struct arena *arena, int64_t span_ms)
{
	static const struct {
		const char *name;
		int64_t size, from; /* where the next smaller unit gets unwieldy */
	} units[] = {
		{ "d", 86400000, INT64_C(2) * 86400000 },
		{ "h", 3600000, 2 * 3600000 },
		{ "m", 60000, 2 * 60000 },
		{ "s", 1000, 1000 },
		{ "ms", 1, 0 },
	};
	const char *text;
	size_t i = 0;

	if (span_ms < 0) { /* the clock was set back meanwhile */
		text = arena_print(arena, "-%s", value_print_span(arena, -span_ms));
		return text ? text : "";
	}
	while (span_ms < units[i].from)
		i++;
	text = arena_print(arena, "%" PRId64 "%s", span_ms / units[i].size, units[i].name);
	return text ? text : "";
}

char *value_print_count(char text[32], uint64_t count)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = text;

	for (int i = 0; i < size; i++) {
		if (i && (size - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}
