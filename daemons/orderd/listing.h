#pragma once

#include "order.h"

/* A user's orders, newest first, and how many there are in each status. Both stand side by side in
 * one table, so that keeping them costs an order one page. */

/* Enters an order that is new (from ORDERD_ANY) or has changed its status. */
void listing_put(struct tick *tick, const struct order *order, enum orderd_status from);

int handle_order_get(struct tick *tick, const void *request, void *reply);
int handle_order_list(struct tick *tick, const void *request, void *reply);
int handle_order_scan(struct tick *tick, const void *request, void *reply);
