#include "number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SUFFIXES 1000000
#define SCRAMBLE 387421   /* without a common divisor with SUFFIXES */
#define UNSCRAMBLE 140981 /* SCRAMBLE * UNSCRAMBLE is 1 modulo SUFFIXES */

static uint64_t suffix_of(uint64_t order_id)
{
	return order_id % SUFFIXES * SCRAMBLE % SUFFIXES;
}

uint64_t number_take_second(struct tick *tick, uint64_t order_id)
{
	uint64_t before = counter_get(tick->txn, TABLE_META, "number_second");
	uint64_t first = counter_get(tick->txn, TABLE_META, "number_first_id");
	uint64_t second = (uint64_t)tick->now_ms / 1000;

	if (second < before)
		second = before;
	if (second == before && order_id - first < SUFFIXES)
		return second;
	if (second == before)
		second++;
	counter_put(tick->txn, TABLE_META, "number_second", second);
	counter_put(tick->txn, TABLE_META, "number_first_id", order_id);
	return second;
}

void number_print(char ret[ORDER_NO_DIGITS + 1], uint64_t second, uint64_t order_id)
{
	time_t time = (time_t)second;
	struct tm date = { 0 };
	char text[64] = "";

	gmtime_r(&time, &date);
	snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02d%06" PRIu64, date.tm_year + 1900,
		date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
		suffix_of(order_id));
	memcpy(ret, text, ORDER_NO_DIGITS);
	ret[ORDER_NO_DIGITS] = '\0';
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

/* The first order at or after `order_id`: its id and the second of its number. */
static bool order_at(struct tick *tick, uint64_t order_id, uint64_t *ret_id, uint64_t *ret_second)
{
	struct key key = order_key(order_id);
	struct scan scan = scan_from(tick->txn, TABLE_ORDERS, &key);
	struct order order;
	bool found = scan_next(&scan)
		&& record_read(tick->txn, tick->arena, TABLE_ORDERS, scan.key, scan.value,
			&stored_order_record, &order);

	if (found) {
		*ret_id = key_read_u64(scan.key, 0);
		*ret_second = order.number_second;
	}
	scan_end(&scan);
	return found;
}

/* The id of the first order whose number has `second` or a later one, 0 if there is none. Ids have
 * gaps, where orders were refused: only from a true order's id on do a million cover its second. */
static uint64_t first_id_of(struct tick *tick, uint64_t second)
{
	struct slice key, value;
	uint64_t low = 1, high;
	uint64_t id, at;

	if (!txn_last(tick->txn, TABLE_ORDERS, &key, &value))
		return 0;
	high = key_read_u64(key, 0) + 1;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!order_at(tick, middle, &id, &at))
			return 0;
		if (at >= second)
			high = middle;
		else
			low = id + 1;
	}
	return order_at(tick, low, &id, &at) ? id : 0;
}

uint64_t number_find(struct tick *tick, const char *number)
{
	uint64_t second, suffix, first, id;
	struct order order;

	if (!number_parse(number, &second, &suffix))
		return 0;
	first = first_id_of(tick, second);
	if (first == 0)
		return 0;
	id = suffix * UNSCRAMBLE % SUFFIXES;
	id = first + (id + SUFFIXES - first % SUFFIXES) % SUFFIXES;
	if (!order_get(tick, id, &order) || strcmp(order.wire.order_no, number) != 0)
		return 0;
	return id;
}
