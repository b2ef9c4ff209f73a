#pragma once

#include "audit.h"
#include "failing.h"

/* What nth's parts share: the shop, what is tried on it, and what came of it. */

#define LINES_MOST 20
#define CLIENT 7
#define ADDED 5 /* to the stock of the first book */

enum operation_kind {
	CREATE,
	PAY,
	CANCEL,
	EXPIRE,
	GET,
	START,           /* of all daemons */
	HOTTEST,         /* up to here at every change */
	PRICE = HOTTEST, /* create at a price that orderd has yet to ask for */
	MANY,
	LIST,
	SHIP,
	PUT,
	ADD,
	OPERATIONS,
};

/* Of the shop: seed 0 is that of every change. */
struct sizes {
	uint64_t seed;
	size_t lines, many;
	uint64_t before; /* orders */
};
extern struct sizes sizes;

/* Where the worker is, for whoever hears of its end. */
struct progress {
	enum operation_kind operation;
	enum failing what;
	uint64_t n;
	uint64_t cases, deaths;
	bool failed;
};
extern struct progress *progress;

extern struct host *host;
extern struct arena *arena;
extern struct orderd_line lines[LINES_MOST];
extern int64_t price, added; /* of the first book, and to it */

/* What the client heard. */
struct heard {
	bool answered;
	int code;
	size_t good; /* results of many */
	char error[40];
};
extern struct heard heard;

_Noreturn void give_up(const char *why); /* prints it and what replays it */

/* --- nth_ask.c ------------------------------------------------------------------------------ */

void hear(void *argument, uint64_t client, const void *frame, size_t size);
struct book_put put_of(uint64_t book_id, int64_t new_price);
int create(uint64_t user_id, size_t at, struct orderd_order *ret); /* of `many` the at-th */

/* What an operation needs to be tried on: the order's id or 0. */
uint64_t prepare(enum operation_kind operation, uint64_t user_id);
void ask(enum operation_kind operation, uint64_t user_id, uint64_t order_id);

/* Until it is answered, who was asked is gone, or it is too long. */
void wait_for_answer(void);

/* --- nth_look.c ----------------------------------------------------------------------------- */

/* Starts whoever is gone; then everything has to be as it was told. */
void look(uint64_t user_id);

/* The same once more has to be done, or to have been. */
void ask_again(uint64_t user_id, uint64_t order_id);
