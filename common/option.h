#pragma once

#include "settings.h"

/* One option's value: read from text, checked, told to a person, kept in a settings struct. */

union option_value {
	const char *text;
	int64_t number;
	bool on;
};

/* False: not of the row's type or out of its bounds. ret->text points to `text`. */
bool option_parse(const struct option_row *row, const char *text, union option_value *ret);

/* What a value must be: "a duration of 1s to 7d". */
const char *option_wants(const struct option_row *row, char text[128]);

/* The row's bounds as "1s to 7d", "" where it has none to speak of. */
const char *option_bounds(const struct option_row *row, char text[128]);

void option_store(const struct option_row *row, const union option_value *value, void *settings);
bool option_differs(const struct option_row *row, const union option_value *value,
	const void *settings);
