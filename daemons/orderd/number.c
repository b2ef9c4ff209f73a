#include "number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "memory.h"
#include "repair.h"

#define SUFFIXES 1000000
#define SUFFIX_DIGITS 6
#define DAY_DIGITS 8 /* the date of a number */
#define DAY_SECONDS ((uint64_t)24 * 60 * 60)
#define SCRAMBLE 387421   /* without a common divisor with SUFFIXES */
#define UNSCRAMBLE 140981 /* SCRAMBLE * UNSCRAMBLE is 1 modulo SUFFIXES */

static uint64_t suffix_of(uint64_t order_id)
{
	return order_id % SUFFIXES * SCRAMBLE % SUFFIXES;
}

struct second {
	uint64_t first_id;
};

static const struct field second_fields[] = {
	{ "first_id", FIELD_U64, 0, AT(second, first_id) },
};
static const struct record second_record = RECORD(second, second_fields);

void number_open(struct tick *tick)
{
	struct numbering *numbering = &memory_of(tick)->numbering;
	struct slice key, value;
	struct second second;

	*numbering = (struct numbering){ 0 };
	if (txn_last(tick->txn, TABLE_ORDERS, &key, &value))
		number_raise(tick, key_read_u64(key, 0));
	if (txn_last(tick->txn, TABLE_SAGAS, &key, &value))
		number_raise(tick, key_read_u64(key, 0));
	if (!txn_last(tick->txn, TABLE_SECONDS, &key, &value) ||
		!record_read(tick->txn, tick->arena, TABLE_SECONDS, key, value, &second_record,
			&second))
		return;
	numbering->second = key_read_u64(key, 0);
	numbering->first_id = second.first_id;
}

void number_raise(struct tick *tick, uint64_t order_id)
{
	struct numbering *numbering = &memory_of(tick)->numbering;

	if (numbering->last_id < order_id && order_id <= ORDER_ID_MAX)
		numbering->last_id = order_id;
}

uint64_t number_take(struct tick *tick, uint64_t *ret_second)
{
	struct numbering *numbering = &memory_of(tick)->numbering;
	uint64_t now = (uint64_t)tick->now_ms / 1000;
	uint64_t id = ++numbering->last_id;

	if (now <= numbering->second && id - numbering->first_id >= SUFFIXES)
		now = numbering->second + 1;
	if (now > numbering->second) {
		numbering->second = now;
		numbering->first_id = id;
	}
	*ret_second = numbering->second;
	return id;
}

/* Orders of one second are not always made in the order of their ids. */
void number_note(struct tick *tick, uint64_t at, uint64_t order_id)
{
	struct second second;
	struct key key = { 0 };

	key_add_u64(&key, at);
	if (record_get(tick->txn, tick->arena, TABLE_SECONDS, &key, &second_record, &second) &&
		second.first_id <= order_id)
		return;
	second.first_id = order_id;
	record_put(tick->txn, TABLE_SECONDS, &key, &second_record, &second);
}

void number_expect(struct repair *repair, const struct numbered *from)
{
	struct second second = { from->first_id };
	struct key key = { 0 };

	key_add_u64(&key, from->second);
	repair_expect_record(repair, &key, &second_record, &second);
}

static char *digits_print(char *at, uint64_t number, int digits)
{
	for (int i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	return at + digits;
}

/* The calendar is asked once for all orders of a day that are printed one after the other. */
static const char *day_digits(uint64_t day)
{
	static _Thread_local uint64_t known = UINT64_MAX;
	static _Thread_local char digits[DAY_DIGITS];
	time_t time = (time_t)(day * DAY_SECONDS);
	struct tm date = { 0 };
	char *at = digits;

	if (day == known)
		return digits;
	gmtime_r(&time, &date);
	at = digits_print(at, (uint64_t)date.tm_year + 1900, 4);
	at = digits_print(at, (uint64_t)date.tm_mon + 1, 2);
	digits_print(at, (uint64_t)date.tm_mday, 2);
	known = day;
	return digits;
}

void number_print(char ret[ORDER_NO_DIGITS + 1], uint64_t second, uint64_t order_id)
{
	uint64_t time = second % DAY_SECONDS;
	char *at = mempcpy(ret, day_digits(second / DAY_SECONDS), DAY_DIGITS);

	at = digits_print(at, time / 3600, 2);
	at = digits_print(at, time / 60 % 60, 2);
	at = digits_print(at, time % 60, 2);
	at = digits_print(at, suffix_of(order_id), SUFFIX_DIGITS);
	*at = '\0';
}

bool number_parse(const char *number, uint64_t *ret_second, uint64_t *ret_suffix)
{
	struct tm date = { 0 };
	int suffix = 0, end = 0;
	time_t time;

	if (strlen(number) != ORDER_NO_DIGITS || strspn(number, "0123456789") != ORDER_NO_DIGITS)
		return false;
	if (sscanf(number, "%4d%2d%2d%2d%2d%2d%6d%n", &date.tm_year, &date.tm_mon, &date.tm_mday,
		    &date.tm_hour, &date.tm_min, &date.tm_sec, &suffix, &end) != 7)
		return false;
	date.tm_year -= 1900;
	date.tm_mon -= 1;
	time = timegm(&date);
	if (end != ORDER_NO_DIGITS || time < 0)
		return false;
	*ret_second = (uint64_t)time;
	*ret_suffix = (uint64_t)suffix;
	return true;
}

uint64_t number_find(struct tick *tick, const char *number)
{
	uint64_t at, suffix, id;
	struct key key = { 0 };
	struct second second;
	struct order order;

	if (!number_parse(number, &at, &suffix))
		return 0;
	key_add_u64(&key, at);
	if (!record_get(tick->txn, tick->arena, TABLE_SECONDS, &key, &second_record, &second))
		return 0;
	id = suffix * UNSCRAMBLE % SUFFIXES;
	id = second.first_id + (id + SUFFIXES - second.first_id % SUFFIXES) % SUFFIXES;
	if (!order_get(tick, id, &order) || strcmp(order.wire.order_no, number) != 0)
		return 0;
	return id;
}
