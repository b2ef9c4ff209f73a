#pragma once

#include "orderctl.h"

/* Lists that daemons give out page by page. */

struct listing {
	enum neighbour who;
	const char *operation;
	const struct record *request; /* has `after` and `limit` */
	const struct record *reply;   /* has one list, and `next` */
	const struct record *element;
	const char *columns; /* of the table; NULL: all */
};

/* Hands up to `left` elements, from the one behind request's `after` on, to `take`, which returns
 * 0 or a status to end with and keeps nothing of them: pages go through an arena of their own.
 * `after` and `limit` of the request are written. Returns the status to end with. */
int listing_walk(struct ctl *ctl, const struct listing *listing, void *request, uint64_t left,
	int (*take)(void *context, const void *element), void *context);

/* Prints a list as --after and --limit say. */
int listing_print(struct ctl *ctl, const struct listing *listing, void *request);
