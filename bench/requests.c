#include "requests.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "protocol.h"

#define STOCK_EACH 1000000000000
#define PRICE 5900

/* xorshift64: the same draw for the same seed on every machine. */
static uint64_t draw_next(struct draw *draw)
{
	draw->state ^= draw->state << 13;
	draw->state ^= draw->state >> 7;
	draw->state ^= draw->state << 17;
	return draw->state;
}

static uint64_t draw_below(struct draw *draw, uint64_t bound)
{
	return draw_next(draw) % bound;
}

double *zipf_shares(uint64_t books, double exponent)
{
	double *shares = calloc(books, sizeof(*shares));
	double sum = 0;

	for (uint64_t i = 0; shares && i < books; i++)
		shares[i] = sum += pow((double)(i + 1), -exponent);
	for (uint64_t i = 0; shares && i < books; i++)
		shares[i] /= sum;
	return shares;
}

static uint64_t draw_book(struct draw *draw)
{
	uint64_t low = 0, high = draw->books - 1;
	double share;

	if (!draw->zipf)
		return draw_below(draw, draw->books);
	share = (double)(draw_next(draw) >> 11) / 9007199254740992.0;
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (draw->zipf[middle] < share)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void pack_op(struct buffer *buffer, const char *operation)
{
	pack_str(buffer, "op");
	pack_str(buffer, operation);
}

static void pack_number(struct buffer *buffer, const char *name, uint64_t number)
{
	pack_str(buffer, name);
	pack_u64(buffer, number);
}

uint32_t request_create(void *argument, uint64_t index, struct buffer *buffer)
{
	struct draw *draw = argument;
	uint64_t book = draw_book(draw);

	(void)index;
	pack_op(buffer, "order.create");
	pack_number(buffer, "user_id", 1 + draw_below(draw, draw->users));
	pack_str(buffer, "items");
	pack_array(buffer, (uint32_t)draw->lines);
	for (uint64_t line = 0; line < draw->lines; line++) {
		pack_map(buffer, 2);
		pack_number(buffer, "book_id", 1 + (book + line) % draw->books);
		pack_number(buffer, "quantity", line == 0 ? 2 : 1);
	}
	if (draw->expire_at_ms == 0 && draw->lifetime_ms == 0)
		return 3;
	pack_number(buffer, "expires_in_ms",
		(uint64_t)(draw->lifetime_ms > 0 ? draw->lifetime_ms
						 : draw->expire_at_ms - clock_wall_ms()));
	return 4;
}

uint32_t request_get(void *argument, uint64_t index, struct buffer *buffer)
{
	struct draw *draw = argument;

	(void)index;
	pack_op(buffer, "order.get");
	pack_number(buffer, "order_id",
		draw->first_id + draw_below(draw, draw->last_id - draw->first_id + 1));
	return 2;
}

uint32_t request_list(void *argument, uint64_t index, struct buffer *buffer)
{
	struct draw *draw = argument;

	(void)index;
	pack_op(buffer, "order.list");
	pack_number(buffer, "user_id", 1 + draw_below(draw, draw->users));
	if (draw->after == 0)
		return 2;
	pack_number(buffer, "after", draw->after);
	return 3;
}

/* Six creates, three reads and a page in ten. */
uint32_t request_mix(void *argument, uint64_t index, struct buffer *buffer)
{
	uint64_t kind = draw_below(argument, 10);

	if (kind < 6)
		return request_create(argument, index, buffer);
	return kind < 9 ? request_get(argument, index, buffer)
			: request_list(argument, index, buffer);
}

uint32_t request_cancel(void *argument, uint64_t index, struct buffer *buffer)
{
	struct draw *draw = argument;

	pack_op(buffer, "order.cancel");
	pack_number(buffer, "order_id", draw->first_id + index);
	return 2;
}

uint32_t request_book(void *argument, uint64_t index, struct buffer *buffer)
{
	(void)argument;
	pack_op(buffer, "catalog.put");
	pack_number(buffer, "book_id", index + 1);
	pack_str(buffer, "title");
	pack_str(buffer, "Go programming language");
	pack_number(buffer, "price", PRICE);
	return 4;
}

uint32_t request_stock(void *argument, uint64_t index, struct buffer *buffer)
{
	(void)argument;
	pack_op(buffer, "stock.set");
	pack_number(buffer, "book_id", index + 1);
	pack_number(buffer, "available", STOCK_EACH);
	return 3;
}
