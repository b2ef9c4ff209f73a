#pragma once

#include "order.h"

/* A user's orders, newest first, and how many there are in each status. Both stand side by side in
 * one table, so that keeping them costs an order one page. */

struct unlisted_order;

/* Enters an order that is new or has changed its status. */
void listing_put(struct tick *tick, const struct order *order);

/* Enters a new order, unless it is entered already. */
void listing_add(struct tick *tick, const struct unlisted_order *order);

bool listing_has(struct tick *tick, uint64_t user_id, uint64_t order_id);

/* --- for a repair ---------------------------------------------------------------------------- */

struct repair;
struct scan;

struct listed {
	uint64_t user_id, order_id;
	enum orderd_status status;
};

/* What stands in the table under a scan. False: the counts of a user. */
bool listing_read(const struct scan *scan, struct listed *ret);

/* What the table has to hold of these orders, which are sorted anew. Pending ones above `mark` may be
 * missing: a start finds them. */
void listing_expect(struct repair *repair, struct listed *orders, size_t count, uint64_t mark);

int handle_order_get(struct tick *tick, const void *request, void *reply);
int handle_order_list(struct tick *tick, const void *request, void *reply);
int handle_order_scan(struct tick *tick, const void *request, void *reply);
