#include "repair.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

#include "journal.h"
#include "level.h"

/* Derived of the journal: every level. Of the reservations: whether they agree with it. */

struct balance {
	UT_hash_handle hh;
	uint64_t book_id;
	struct level level;     /* by the journal */
	int64_t reserved, sold; /* by the reservations */
};

struct balances {
	struct balance *books;
	bool whole; /* nothing is missing of what they are made of */
};

static struct balance *balance_of(struct repair *repair, struct balances *balances,
	uint64_t book_id)
{
	struct balance *balance;

	HASH_FIND(hh, balances->books, &book_id, sizeof(book_id), balance);
	if (balance)
		return balance;
	balance = calloc(1, sizeof(*balance));
	if (!balance) {
		txn_fail(repair->txn, -ENOMEM);
		return NULL;
	}
	balance->book_id = balance->level.book_id = book_id;
	HASH_ADD(hh, balances->books, book_id, sizeof(book_id), balance);
	return balance;
}

static void take_line(struct balance *balance, const struct movement *line)
{
	struct level *level = &balance->level;

	level->available = line->available;
	level->reserved = line->reserved;
	level->sold = line->sold;
	level->updated_at = line->at;
	if (line->kind == MOVEMENT_SET || line->kind == MOVEMENT_ADD)
		level->received += line->quantity;
}

static void take_journal(struct repair *repair, struct balances *balances)
{
	struct scan scan = scan_from(repair->txn, TABLE_JOURNAL, NULL);
	struct movement line;
	uint64_t last = 0;

	while (repair_next(repair, TABLE_JOURNAL, &scan)) {
		uint64_t seq = key_read_u64(scan.key, 0);
		struct balance *balance = NULL;

		if (seq != last + 1) {
			balances->whole = false;
			repair_find(repair, TABLE_JOURNAL, scan.key,
				"lines are missing before this one", false);
		}
		last = seq;
		if (repair_read(repair, TABLE_JOURNAL, &scan, &movement_record, &line))
			balance = balance_of(repair, balances, line.book_id);
		if (balance)
			take_line(balance, &line);
		else
			balances->whole = false;
	}
	scan_end(&scan);
}

static void take_reservation(struct repair *repair, struct balances *balances,
	const struct reservation *reservation)
{
	for (size_t i = 0; i < reservation->item_count; i++) {
		const struct stock_line *item = &reservation->items[i];
		struct balance *balance = balance_of(repair, balances, item->book_id);

		if (balance && reservation->state == GOAL_HELD)
			balance->reserved += item->quantity;
		if (balance && reservation->state == GOAL_SOLD)
			balance->sold += item->quantity;
	}
}

static void take_reservations(struct repair *repair, struct balances *balances)
{
	struct scan scan = scan_from(repair->txn, TABLE_RESERVATIONS, NULL);
	struct reservation reservation;

	while (repair_next(repair, TABLE_RESERVATIONS, &scan)) {
		if (repair_read(repair, TABLE_RESERVATIONS, &scan, &reservation_record,
			    &reservation))
			take_reservation(repair, balances, &reservation);
		else
			balances->whole = false;
	}
	scan_end(&scan);
}

/* A level is what its journal leads to, if the reservations say so too. */
static void expect_level(struct repair *repair, const struct balance *balance)
{
	struct key key = stock_key(balance->book_id);
	struct slice where = { key.bytes, key.size };

	if (balance->level.updated_at > 0)
		repair_expect_record(repair, &key, &level_record, &balance->level);
	if (!level_is_sound(&balance->level) || balance->level.reserved != balance->reserved ||
		balance->level.sold != balance->sold)
		repair_find(repair, TABLE_LEVELS, where,
			"journal and reservations do not agree about this book", false);
}

static void repair_levels(struct repair *repair, struct balances *balances)
{
	struct balance *balance, *next;

	HASH_ITER(hh, balances->books, balance, next) {
		if (balances->whole)
			expect_level(repair, balance);
		HASH_DEL(balances->books, balance);
		free(balance);
	}
	if (balances->whole)
		repair_table(repair, TABLE_LEVELS);
	else
		repair_look(repair, TABLE_LEVELS);
}

static void repair_stock(struct repair *repair)
{
	struct balances balances = { .whole = true };

	take_journal(repair, &balances);
	take_reservations(repair, &balances);
	repair_levels(repair, &balances);
	journal_expect_ages(repair);
	repair_table(repair, TABLE_KEY_AGES);
	repair_counters(repair, TABLE_META);
}

const struct repair_plan stockd_repair = { "stockd", stock_tables, repair_stock };
