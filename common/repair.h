#pragma once

#include "record.h"

/* Putting the store of a daemon that does not run right again. What can be derived from the rest of
 * a store is derived anew and compared; where the two differ, what was stored is replaced. What is
 * damaged and stands nowhere else is named and left: its daemon refuses it, and a backup has it. */

struct finding {
	const char *table, *key; /* the key in hexadecimal */
	const char *what;
	bool mended;
};

struct repair_entry;

struct repair {
	struct txn *txn;       /* to write; whoever only wants to look undoes it */
	struct arena *arena;   /* lives as long as this */
	struct arena *scratch; /* of one record */
	void (*found)(void *argument, const struct finding *finding);
	void *argument;
	struct repair_entry *entries; /* expected in the table that comes next */
	size_t count;
};

struct repair_plan {
	const char *store;
	const char *const *tables;
	void (*run)(struct repair *repair); /* errors stay in the transaction */
};

extern const struct repair_plan catalogd_repair, orderd_repair, stockd_repair;

/* The list of `count` elements with room for one more: it grows at every power of two. NULL: no
 * memory, and the transaction has failed; the list is as it was. */
void *repair_grown(struct repair *repair, void *list, size_t count, size_t size);

/* Names something. */
void repair_find(struct repair *repair, unsigned table, struct slice key, const char *what,
	bool mended);

/* scan_next over a table of records that passes over what can be no key, and names it. */
bool repair_next(struct repair *repair, unsigned table, struct scan *scan);

/* One record under a scan; its strings live in the scratch arena, until the next. False: it is
 * damaged, and named. One that a lookup does not find is named, too. */
bool repair_read(struct repair *repair, unsigned table, const struct scan *scan,
	const struct record *record, void *ret);

/* Names what is damaged in a table of records, and what a lookup does not find. */
void repair_look(struct repair *repair, unsigned table);

/* Names counters that are damaged, and lets them begin at 0 again. */
void repair_counters(struct repair *repair, unsigned table);

/* What a table has to hold: bytes, or a record. Both are copied; expecting a key twice is fine. */
void repair_expect(struct repair *repair, const struct key *key, const void *at, size_t size);
void repair_expect_record(struct repair *repair, const struct key *key, const struct record *record,
	const void *from);

/* Expects those entries of an index that name, by their value, a record which is damaged: they may be
 * right. */
void repair_keep(struct repair *repair, unsigned index, unsigned table);

/* Makes the table hold what is expected and nothing else, and forgets the expectations. Where keys
 * are not found it is emptied and written anew. As mended counts only what a second look in the same
 * transaction finds right. */
void repair_table(struct repair *repair, unsigned table);

void repair_done(struct repair *repair);
