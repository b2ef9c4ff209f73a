#pragma once

#include "order.h"

/* Order numbers: 20 digits, YYYYMMDDHHMMSS in UTC and 6 digits that are a fixed scrambling of the
 * order's id. The second never goes back from one id to the next (it waits where the clock does,
 * and moves on after a million ids within it), so a number is unique. The table of seconds says
 * with which id each began, so a number gives its id: one entry a second instead of an index with
 * one an order.
 *
 * Ids and seconds are given out from memory: an id is never given twice, not even where the first
 * came to nothing, and the table learns of a second with the first order made in it. */

struct numbering {
	uint64_t last_id;
	uint64_t second;   /* of last_id */
	uint64_t first_id; /* of that second */
};

/* At start: goes on behind what the tables know. */
void number_open(struct tick *tick);

/* No id up to that one is given out any more. One past what orders ever have is somebody else's, and
 * is passed over: a move made by hand must not use the ids up. */
#define ORDER_ID_MAX ((UINT64_C(1) << 62) - 1)
void number_raise(struct tick *tick, uint64_t order_id);

/* A new order's id, and the second of its number. */
uint64_t number_take(struct tick *tick, uint64_t *ret_second);

/* Makes an order's number findable, with the order's own record. */
void number_note(struct tick *tick, uint64_t second, uint64_t order_id);

void number_print(char ret[ORDER_NO_DIGITS + 1], uint64_t second, uint64_t order_id);

/* For a repair: with which id a second began. */
struct repair;
struct numbered {
	uint64_t second, first_id;
};
void number_expect(struct repair *repair, const struct numbered *from);

/* False: not a number that number_print could have written. */
bool number_parse(const char *number, uint64_t *ret_second, uint64_t *ret_suffix);

/* The id of the order with that number, 0 if there is none. */
uint64_t number_find(struct tick *tick, const char *number);
