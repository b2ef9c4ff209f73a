#include "text.h"

#include <string.h>

/* How a sequence of UTF-8 goes on after its first byte: how many bytes, and the bounds of the
 * first of them. The bounds keep out overlong forms, surrogates, what lies above U+10FFFF and the
 * C1 controls. */
struct utf8_form {
	unsigned char first_min, first_max;
	unsigned char more;
	unsigned char second_min, second_max;
};

static const struct utf8_form utf8_forms[] = {
	{ 0xc2, 0xc2, 1, 0xa0, 0xbf },
	{ 0xc3, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static const struct utf8_form *utf8_form(unsigned char first)
{
	for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(utf8_forms[0]); i++)
		if (first >= utf8_forms[i].first_min && first <= utf8_forms[i].first_max)
			return &utf8_forms[i];
	return NULL;
}

/* The bytes of the clean character at `at`, 0 where there is none. */
static size_t clean_size(const unsigned char *at, size_t left)
{
	const struct utf8_form *form;

	if (at[0] < 0x80)
		return at[0] >= 0x20 && at[0] != 0x7f;
	form = utf8_form(at[0]);
	if (!form || left <= form->more)
		return 0;
	if (at[1] < form->second_min || at[1] > form->second_max)
		return 0;
	for (size_t i = 2; i <= form->more; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return form->more + (size_t)1;
}

bool text_is_clean(const char *at, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)at;
	size_t step;

	for (size_t i = 0; i < size; i += step) {
		step = clean_size(bytes + i, size - i);
		if (!step)
			return false;
	}
	return true;
}

static bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool char_is_alnum(char c)
{
	return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_is_sku(const char *at, size_t size)
{
	if (size < 1 || size > 64 || !char_is_alnum(at[0]))
		return false;
	for (size_t i = 1; i < size; i++)
		if (!char_is_alnum(at[i]) && (!at[i] || !strchr("._-/", at[i])))
			return false;
	return true;
}

bool text_is_instance(const char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!char_is_alnum(at[i]) && at[i] != '_' && at[i] != '-')
			return false;
	return size > 0 && size <= INSTANCE_MAX_BYTES;
}

/* The number at the beginning of a text, and what stands behind it; NULL: none or too large. */
static const char *number_read(const char *text, uint64_t *ret)
{
	uint64_t number = 0;
	const char *at = text;

	for (; char_is_digit(*at); at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return NULL;
	if (at == text)
		return NULL;
	*ret = number;
	return at;
}

bool text_to_u64(const char *text, uint64_t *ret)
{
	uint64_t number;
	const char *behind = number_read(text, &number);

	if (!behind || *behind)
		return false;
	*ret = number;
	return true;
}

bool text_to_i64(const char *text, int64_t *ret)
{
	bool below = text[0] == '-';
	uint64_t number;

	if (!text_to_u64(text + below, &number) || number > (uint64_t)INT64_MAX + below)
		return false;
	*ret = below ? (int64_t)(0 - number) : (int64_t)number;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool text_to_units(const char *text, const struct unit *units, int64_t *ret)
{
	uint64_t number;
	const char *behind = number_read(text, &number);

	if (!behind)
		return false;
	while (units->name && strcmp(units->name, behind))
		units++;
	if (!units->name || __builtin_mul_overflow(number, units->factor, &number) ||
		number > INT64_MAX)
		return false;
	*ret = (int64_t)number;
	return true;
}

bool text_to_duration_ms(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 3600 * 1000 },
		{ "d", 24 * 3600 * 1000 },
		{ 0 },
	};

	return text_to_units(text, units, ret_ms);
}

bool text_to_size_bytes(const char *text, int64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", 1024 },
		{ "M", 1024 * 1024 },
		{ "G", 1024 * 1024 * 1024 },
		{ 0 },
	};

	return text_to_units(text, units, ret_bytes);
}
