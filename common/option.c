#include "option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "text.h"

struct unit {
	const char *name;
	int64_t size;
};
static const struct unit duration_units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
static const struct unit size_units[] = {
	{ "G", INT64_C(1) << 30 },
	{ "M", 1 << 20 },
	{ "K", 1 << 10 },
	{ "", 1 },
};

static bool number_parse(enum option_type type, const char *text, int64_t *ret)
{
	if (type == OPTION_DURATION)
		return text_to_duration_ms(text, ret);
	return type == OPTION_SIZE ? text_to_size_bytes(text, ret) : text_to_i64(text, ret);
}

/* In the largest unit that divides it. */
static const char *number_print(enum option_type type, int64_t number, char text[32])
{
	static const struct unit plain = { "", 1 };
	const struct unit *unit = &plain;

	if (type == OPTION_DURATION)
		unit = duration_units;
	else if (type == OPTION_SIZE)
		unit = size_units;
	while (unit->size > 1 && (number == 0 || number % unit->size != 0))
		unit++;
	snprintf(text, 32, "%" PRId64 "%s", number / unit->size, unit->name);
	return text;
}

static bool option_is_number(const struct option_row *row)
{
	return row->type == OPTION_DURATION || row->type == OPTION_SIZE ||
		row->type == OPTION_NUMBER;
}

static int64_t option_max(const struct option_row *row)
{
	return row->min == 0 && row->max == 0 ? INT64_MAX : row->max;
}

static bool option_is_within(const struct option_row *row, int64_t number)
{
	return number >= row->min && number <= option_max(row);
}

bool option_parse(const struct option_row *row, const char *text, union option_value *ret)
{
	size_t size = strlen(text);

	switch (row->type) {
	case OPTION_TEXT:
		ret->text = text;
		return text_is_clean(text, size) && option_is_within(row, (int64_t)size);
	case OPTION_LEVEL:
		ret->text = text;
		return log_has_level(text);
	case OPTION_SWITCH:
		ret->on = strcmp(text, "yes") == 0;
		return ret->on || strcmp(text, "no") == 0;
	default:
		return number_parse(row->type, text, &ret->number) &&
			option_is_within(row, ret->number);
	}
}

const char *option_bounds(const struct option_row *row, char text[128])
{
	char low[32], high[32];

	text[0] = '\0';
	if (option_is_number(row) && option_max(row) < INT64_MAX)
		snprintf(text, 128, "%s to %s", number_print(row->type, row->min, low),
			number_print(row->type, option_max(row), high));
	return text;
}

const char *option_wants(const struct option_row *row, char text[128])
{
	static const char *const kinds[] = {
		[OPTION_DURATION] = "a duration",
		[OPTION_SIZE] = "a size",
		[OPTION_NUMBER] = "a number",
	};
	char low[32], bounds[128];

	if (row->type == OPTION_SWITCH)
		return "yes or no";
	if (row->type == OPTION_LEVEL)
		return "error, warning, info or debug";
	if (row->type == OPTION_TEXT && option_max(row) == INT64_MAX)
		return "text without control characters";
	if (row->type == OPTION_TEXT)
		snprintf(text, 128,
			"text of %" PRId64 " to %" PRId64 " bytes without control characters",
			row->min, row->max);
	else if (*option_bounds(row, bounds))
		snprintf(text, 128, "%s of %.64s", kinds[row->type], bounds);
	else
		snprintf(text, 128, "%s of at least %s", kinds[row->type],
			number_print(row->type, row->min, low));
	return text;
}

void option_store(const struct option_row *row, const union option_value *value, void *settings)
{
	char *at = (char *)settings + row->offset;

	if (option_is_number(row))
		memcpy(at, &value->number, sizeof(value->number));
	else if (row->type == OPTION_SWITCH)
		memcpy(at, &value->on, sizeof(value->on));
	else
		memcpy(at, &value->text, sizeof(value->text));
}

bool option_differs(const struct option_row *row, const union option_value *value,
	const void *settings)
{
	const char *at = (const char *)settings + row->offset;

	if (option_is_number(row))
		return memcmp(at, &value->number, sizeof(value->number)) != 0;
	if (row->type == OPTION_SWITCH)
		return memcmp(at, &value->on, sizeof(value->on)) != 0;
	return strcmp(*(const char *const *)(const void *)at, value->text) != 0;
}
