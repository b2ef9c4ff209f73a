#include "amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 40

/* A number taken apart. `digits` are those before and behind the mark in one row. */
struct decimal {
	bool below;
	unsigned char digits[DIGITS_MAX];
	unsigned count;
	unsigned decimals; /* how many of them stand behind the mark */
};

/* Where the marks of a number stand, before it is known what they mean. */
struct marks {
	unsigned dots, commas;
	char last;       /* the last of them; 0: there is none */
	unsigned before; /* digits before the last one */
	unsigned behind; /* digits behind it */
	bool leading_zero;
};

/* The bytes of the blank at `at`: space, tab, no-break space, narrow no-break space. */
static size_t blank_size(const char *at)
{
	if (*at == ' ' || *at == '\t')
		return 1;
	if (!strncmp(at, "\u00a0", 2))
		return 2;
	return strncmp(at, "\u202f", 3) ? 0 : 3;
}

static const char *blanks_skip(const char *at)
{
	for (size_t size; (size = blank_size(at)); at += size)
		;
	return at;
}

static bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct marks marks_of(const char *text)
{
	struct marks marks = { 0 };
	unsigned digits = 0;

	for (const char *at = text; *at; at++) {
		if (char_is_digit(*at)) {
			marks.leading_zero |= digits == 0 && *at == '0';
			digits++;
			marks.behind++;
		} else if (*at == '.' || *at == ',') {
			marks.dots += *at == '.';
			marks.commas += *at == ',';
			marks.last = *at;
			marks.before = digits;
			marks.behind = 0;
		}
	}
	return marks;
}

/* The mark before the decimals: '.', ','; 0: there are no decimals; '?': cannot be told. */
static char marks_decimal(const struct marks *marks)
{
	if (!marks->last)
		return 0;
	if (marks->dots && marks->commas)
		return marks->last;
	if (marks->dots + marks->commas > 1)
		return 0;
	if (marks->behind == 3 && marks->before >= 1 && marks->before <= 3 && !marks->leading_zero)
		return '?';
	return marks->last;
}

char amount_mark(const char *text)
{
	struct marks marks = marks_of(text);
	char mark = marks_decimal(&marks);

	if (mark == '.' || mark == ',')
		return mark;
	if (mark == 0 && marks.last) /* 1.234.567: what groups is not what marks */
		return marks.last == '.' ? ',' : '.';
	return 0;
}

/* The bytes of what divides two groups of digits, 0 where none begins at `at`. */
static size_t divider_size(const char *at)
{
	size_t size = *at == '.' || *at == ',' || *at == '\'' ? 1 : blank_size(at);

	return size && char_is_digit(at[size]) ? size : 0;
}

static bool digit_take(struct decimal *decimal, char c)
{
	if (decimal->count == DIGITS_MAX)
		return false;
	decimal->digits[decimal->count++] = (unsigned char)(c - '0');
	return true;
}

/* The digits before the mark, in groups of three or in one. Returns what stands behind them; NULL:
 * these are no such groups. */
static const char *whole_read(struct decimal *decimal, const char *at, char mark)
{
	unsigned group = 0;
	bool grouped = false;
	size_t size;

	while (*at && *at != mark) {
		if (char_is_digit(*at)) {
			if (!digit_take(decimal, *at++))
				return NULL;
			group++;
		} else if ((size = divider_size(at))) {
			if (group < 1 || group > 3 || (grouped && group != 3))
				return NULL;
			at += size;
			group = 0;
			grouped = true;
		} else {
			break;
		}
	}
	return grouped && group != 3 ? NULL : at;
}

static const char *fraction_read(struct decimal *decimal, const char *at)
{
	for (; char_is_digit(*at); at++, decimal->decimals++)
		if (!digit_take(decimal, *at))
			return NULL;
	return at;
}

static const char *digits_read(struct decimal *decimal, const char *at, char mark)
{
	at = whole_read(decimal, at, mark);
	if (at && mark && *at == mark)
		at = fraction_read(decimal, at + 1);
	return decimal->count ? at : NULL;
}

static int decimal_read(const char *text, char mark, struct decimal *ret)
{
	struct decimal decimal = { 0 };
	struct marks marks = marks_of(text);
	char own = marks_decimal(&marks);
	const char *at = blanks_skip(text);

	if (!*at)
		return AMOUNT_MISSING;
	if (own == '?' && !mark)
		return AMOUNT_AMBIGUOUS;
	if (*at == '-' || *at == '+')
		decimal.below = *at++ == '-';
	at = digits_read(&decimal, at, own == '?' ? mark : own);
	if (!at || *blanks_skip(at))
		return AMOUNT_UNREADABLE;
	*ret = decimal;
	return AMOUNT_OK;
}

/* The number with exactly `decimals` decimals, as one integer. */
static int decimal_scale(const struct decimal *decimal, unsigned decimals, int64_t *ret)
{
	unsigned whole = decimal->count - decimal->decimals;
	int64_t sum = 0;

	for (unsigned i = whole + decimals; i < decimal->count; i++)
		if (decimal->digits[i])
			return AMOUNT_TOO_FINE;
	for (unsigned i = 0; i < whole + decimals; i++) {
		int64_t digit = i < decimal->count ? decimal->digits[i] : 0;

		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_add_overflow(sum, digit, &sum))
			return AMOUNT_TOO_LARGE;
	}
	*ret = decimal->below ? -sum : sum;
	return AMOUNT_OK;
}

static int amount_read(const char *text, char mark, unsigned decimals, int64_t *ret)
{
	struct decimal decimal;
	int amount = decimal_read(text, mark, &decimal);

	return amount ? amount : decimal_scale(&decimal, decimals, ret);
}

int amount_to_money(const char *text, char mark, int64_t *ret_money)
{
	return amount_read(text, mark, 2, ret_money);
}

int amount_to_whole(const char *text, char mark, int64_t *ret_number)
{
	return amount_read(text, mark, 0, ret_number);
}

int amount_to_id(const char *text, char mark, uint64_t *ret_id)
{
	int64_t number = 0;
	int amount = amount_read(text, mark, 0, &number);

	if (amount)
		return amount;
	if (number < 1)
		return AMOUNT_TOO_LARGE;
	*ret_id = (uint64_t)number;
	return AMOUNT_OK;
}

const char *amount_text(int amount)
{
	static const char *const texts[] = {
		[AMOUNT_OK] = "fine",
		[AMOUNT_MISSING] = "missing",
		[AMOUNT_UNREADABLE] = "not a number",
		[AMOUNT_AMBIGUOUS] = "ambiguous (thousands or decimals)",
		[AMOUNT_TOO_FINE] = "too fine (too many decimals)",
		[AMOUNT_TOO_LARGE] = "out of range",
	};

	return texts[amount];
}

char *amount_print(char text[32], int64_t money)
{
	uint64_t size = money < 0 ? 0 - (uint64_t)money : (uint64_t)money;

	snprintf(text, 32, "%s%" PRIu64 ".%02u", money < 0 ? "-" : "", size / 100,
		(unsigned)(size % 100));
	return text;
}
