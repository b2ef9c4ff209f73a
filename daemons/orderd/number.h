#pragma once

#include "order.h"

/* Order numbers: 20 digits, YYYYMMDDHHMMSS in UTC and 6 digits that are a fixed scrambling of the
 * order's id. The second never goes back from one id to the next (it waits where the clock does,
 * and moves on after a million ids within it), so a number is unique. The table of seconds says
 * with which id each began, so a number gives its id: one entry a second instead of an index with
 * one an order. */

/* The second for the next order's number; remembers it. */
uint64_t number_take_second(struct tick *tick, uint64_t order_id);
void number_begin_second(struct tick *tick, uint64_t second, uint64_t first_id);

void number_print(char ret[ORDER_NO_DIGITS + 1], uint64_t second, uint64_t order_id);

/* False: not a number that number_print could have written. */
bool number_parse(const char *number, uint64_t *ret_second, uint64_t *ret_suffix);

/* The id of the order with that number, 0 if there is none. */
uint64_t number_find(struct tick *tick, const char *number);
