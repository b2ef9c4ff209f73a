#include "sim.h"

#include "common/record.h"

/* catalogd's store, read after each of its commits: which price was good when. */

static void price_note(struct sim *sim, const struct book *book, bool passing)
{
	if (sim->price_count == PRICES_MAX)
		sim_fail(sim, "more prices than the simulator remembers");
	sim->prices[sim->price_count++] = (struct known_price){ book->book_id, sim->step,
		book->price, book->active, passing };
}

void price_passed(struct sim *sim, const struct book *book)
{
	price_note(sim, book, true);
}

void books_look(struct sim *sim)
{
	struct txn *txn = oracle_txn(sim, CATALOGD);
	unsigned table = oracle_table(sim, CATALOGD, "books");
	struct scan scan = scan_from(txn, table, NULL);
	struct book book;

	while (scan_next(&scan)) {
		if (!record_read(txn, sim->arena, table, scan.key, scan.value, &book_record,
			    &book) ||
			book.book_id >= BOOKS_MAX)
			sim_fail(sim, "book %llu is damaged",
				(unsigned long long)key_read_u64(scan.key, 0));
		if (book.version < sim->books[book.book_id].version)
			sim_fail(sim, "book %llu went back in its versions",
				(unsigned long long)book.book_id);
		if (book.version > sim->books[book.book_id].version)
			price_note(sim, &book, false);
		sim->books[book.book_id].version = book.version;
	}
	scan_end(&scan);
	txn_abort(txn);
}

bool price_was_good(const struct sim *sim, uint64_t book_id, int64_t price, uint64_t from_step)
{
	const struct known_price *at = NULL;

	for (size_t i = 0; i < sim->price_count; i++) {
		const struct known_price *next = &sim->prices[i];

		if (next->book_id != book_id)
			continue;
		if (next->passing) {
			if (next->step >= from_step && next->active && next->price == price)
				return true;
			continue;
		}
		if (at && next->step >= from_step && at->active && at->price == price)
			return true;
		at = next;
	}
	return at && at->active && at->price == price;
}
