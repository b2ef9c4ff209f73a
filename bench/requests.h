#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "load.h"

/* The requests of every kind of load, drawn from a seeded generator. */

struct draw {
	uint64_t state; /* of the generator; not 0 */
	uint64_t users;
	uint64_t books;
	uint64_t lines;     /* of an order */
	const double *zipf; /* cumulative shares of the books, hottest first; NULL: all alike */
	uint64_t first_id;  /* orders to read or cancel */
	uint64_t last_id;
	uint64_t after;       /* cursor of the pages to read */
	int64_t expire_at_ms; /* wall clock: orders made are due then; 0: not so */
	int64_t lifetime_ms;  /* of orders made, where it is not the daemon's own; 0: it is */
};

/* Cumulative shares for an exponent above 0. NULL: no memory. The caller frees it. */
double *zipf_shares(uint64_t books, double exponent);

uint32_t request_create(void *draw, uint64_t index, struct buffer *buffer);
uint32_t request_get(void *draw, uint64_t index, struct buffer *buffer);
uint32_t request_list(void *draw, uint64_t index, struct buffer *buffer);
uint32_t request_mix(void *draw, uint64_t index, struct buffer *buffer);
uint32_t request_cancel(void *draw, uint64_t index, struct buffer *buffer);

/* What there must be before: books 1 to `books`, and stock that does not run out. */
uint32_t request_book(void *draw, uint64_t index, struct buffer *buffer);
uint32_t request_stock(void *draw, uint64_t index, struct buffer *buffer);
