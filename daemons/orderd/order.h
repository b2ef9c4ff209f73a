#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "record.h"
#include "service.h"

/* Orders as they are stored, and who writes them.
 *
 * Tables (keys big-endian):
 *   orders     order_id                      the order, with its items
 *   users      user_id, ~order_id            its status byte; newest first
 *              user_id, 0                    how many orders the user has in each status
 *   deadlines  due_at, order_id              nothing; reaperd reads it
 *   keys       user_id, key                  idempotency records (idempotency.h)
 *   sagas      order_id                      open sagas (saga.h)
 *   events     seq                           the event log (events.h)
 *   seconds    second                        the first id numbered in it (number.h)
 *   meta       name                          counters
 * An order, its user index, its deadline, its event and its saga change in one transaction. */

enum table {
	TABLE_META,
	TABLE_ORDERS,
	TABLE_USERS,
	TABLE_DEADLINES,
	TABLE_KEYS,
	TABLE_SAGAS,
	TABLE_EVENTS,
	TABLE_SECONDS,
};

struct orderd_settings {
	struct suite_settings suite;
	int64_t payment_timeout_ms;
	int64_t complete_after_ms;
	int64_t lines_max;
	int64_t quantity_max;
	int64_t catalog_timeout_ms;
	int64_t stock_timeout_ms;
	int64_t key_retention_ms;
	int64_t settle_wait_ms;
};

struct order {
	struct orderd_order wire; /* what clients see; order_id and order_no are not stored twice */
	uint64_t number_second;   /* of order_no, see number.h */
	uint64_t stock_version;   /* of the last goal told to stockd */
	uint64_t last_event;      /* seq, head of the order's history */
	int64_t due_at;           /* its entry in deadlines; 0: none */
	const char *key;          /* idempotency key, or NULL */
};

extern const struct record stored_order_record;

static inline const struct orderd_settings *settings_of(const struct tick *tick)
{
	return tick->settings;
}

struct key order_key(uint64_t order_id);

/* False: not there (or the transaction failed). The texts live in the tick's arena. */
bool order_get(struct tick *tick, uint64_t order_id, struct order *ret);
void order_put(struct tick *tick, const struct order *order);

/* By id or by number, exactly one of them given. OUTCOME_OK, OUTCOME_ORDER_NOT_FOUND or
 * OUTCOME_BAD_REQUEST. */
int order_find(struct tick *tick, uint64_t order_id, const char *order_no, struct order *ret);

/* What a record from the store lacks: its id, its number. */
bool order_complete(struct tick *tick, uint64_t order_id, struct order *order);

struct key order_due_key(int64_t due_at, uint64_t order_id); /* of its entry in deadlines */

/* Moves the order's entry in deadlines; 0: no deadline. Changes order->due_at. */
void order_set_due(struct tick *tick, struct order *order, int64_t due_at);
