#pragma once

#include <stdbool.h>

#include "stock.h"

/* The movement journal: one line for every change of a level, numbered from 1 without a gap, never
 * changed. Replayed from the first line on it gives every level.
 *
 * A line may have an idempotency key, which is remembered for 24 hours. TABLE_KEYS holds it under
 * its text, TABLE_KEY_AGES under its time and text with no value, so that the oldest stand first
 * when they are to be forgotten. */

/* Numbers the line, dates it and writes it. The caller has filled in everything else. */
void journal_append(struct stock *stock, struct movement *line);

/* The line of that number. False: there is none, or the transaction has failed. */
bool journal_get(struct stock *stock, uint64_t seq, struct movement *ret);

/* Lines by ascending seq, those of one book or one order where the query names one. Looks at no
 * more than 10,000 lines a call: ret->next then goes on from there, however few were found.
 * query->limit is at least 1. 0 or a negative errno. */
int journal_list(struct stock *stock, const struct journal_query *query, struct movement_list *ret);

/* For a repair: expects what belongs into TABLE_KEY_AGES, and names damaged keys. */
struct repair;
void journal_expect_ages(struct repair *repair);

/* Which addition a key stands for. */
struct journal_key {
	uint64_t seq;
	uint64_t book_id;
	int64_t quantity;
	int64_t at;
};

/* False: not remembered (any more), or the transaction has failed. */
bool journal_key_get(struct stock *stock, const char *text, struct journal_key *ret);

/* Remembers a key, and forgets up to 16 that are too old. */
void journal_key_put(struct stock *stock, const char *text, const struct journal_key *from);
