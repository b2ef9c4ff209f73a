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

int handle_order_get(struct tick *tick, const void *request, void *reply);
int handle_order_list(struct tick *tick, const void *request, void *reply);
int handle_order_scan(struct tick *tick, const void *request, void *reply);
