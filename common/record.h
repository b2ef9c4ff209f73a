#pragma once

#include <stdbool.h>

#include "db.h"
#include "fields.h"

/* Records in the store: a struct through its field table, under a key, guarded by a checksum.
 *
 * A stored value is: 1 byte record version, 4 bytes checksum (low half of XXH3-64 over the table's
 * index, the key and the payload, little-endian), then the payload as fields_to_array writes it.
 * What does not match is never served: the transaction fails with -EUCLEAN and record_damage names
 * the place. */

#define RECORD_VERSION 1

/* False: not there, or the transaction has failed. Strings and lists are arena copies and outlive
 * the transaction. */
bool record_get(struct txn *txn, struct arena *arena, unsigned table, const struct key *key,
	const struct record *record, void *ret_record);

void record_put(struct txn *txn, unsigned table, const struct key *key, const struct record *record,
	const void *from);

/* The same reading for a value that a scan returned. */
bool record_read(struct txn *txn, struct arena *arena, unsigned table, struct slice key,
	struct slice value, const struct record *record, void *ret_record);

/* Whether a value that a scan returned is what was put under its key, whatever record it is. */
bool record_is_sound(struct txn *txn, struct arena *arena, unsigned table, struct slice key,
	struct slice value);

/* Fails the transaction with -EUCLEAN and says where and why. What failed it before stands. */
void record_damaged(struct txn *txn, unsigned table, struct slice key, const char *what);

/* The same for a record that was looked up and has to be there. */
void record_missing(struct txn *txn, unsigned table, const struct key *key);

/* Where the latest -EUCLEAN of this thread came from: "table orders, key 00..11: checksum differs"
 * (the key in hexadecimal). "" while there was none. */
const char *record_damage(void);

/* Named counters in a table of their own (next ids, marks): 0 when never put. Their payload is
 * 8 bytes big-endian. */
uint64_t counter_get(struct txn *txn, unsigned table, const char *name);
void counter_put(struct txn *txn, unsigned table, const char *name, uint64_t value);
