#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

/* What a seed wants to happen: requests and faults, each at its time and with numbers of its own,
 * so that one can be left out and the others stay what they are. */

enum item_kind {
	ITEM_CREATE,
	ITEM_CREATE_OTHER, /* a known key over another body */
	ITEM_CREATE_HUGE,  /* more money than there is */
	ITEM_PAY,
	ITEM_CANCEL,
	ITEM_SHIP,
	ITEM_EXPIRE, /* proposed by hand, mostly too early */
	ITEM_GET,
	ITEM_LIST,
	ITEM_LOOK, /* history, events, sagas, stock, journal, health */
	ITEM_RETRY,
	ITEM_ADD,
	ITEM_SET,
	ITEM_PRICE,
	ITEM_BAD,
	ITEM_BURST, /* more in hand than one connection may have */
	ITEM_CROWD, /* many orders at once that can all be made */
	ITEM_FAULTS,
	ITEM_CRASH = ITEM_FAULTS,
	ITEM_STALL,
	ITEM_DROP,
	ITEM_DOUBLE,
	ITEM_DELAY,
	ITEM_CUT, /* nothing passes between two daemons */
	ITEM_CLOCK,
	ITEM_FULL,   /* the disk: commits find no room */
	ITEM_BROKEN, /* a commit that is no verdict */
	ITEM_KINDS,
};

extern const char *const item_names[ITEM_KINDS];

struct item {
	int64_t at_ms;
	enum item_kind kind;
	uint64_t seed;
	bool left_out;
};

#define ITEMS_MAX 128

struct plan {
	struct item items[ITEMS_MAX]; /* by time */
	size_t count;
	bool calm;   /* no faults at all: then more is promised */
	bool ageing; /* the clock may jump past what a key is remembered for */
	unsigned books;
	int64_t payment_timeout_ms;
	int64_t catalog_timeout_ms;
	int64_t stock_timeout_ms;
	int64_t settle_wait_ms;
};

void plan_make(struct plan *plan, uint64_t seed);
