#include "common/record.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* stockd's store, read after each of its commits: levels, reservations and the journal must agree,
 * each kept here by itself. */

struct known_hold *hold_known(struct sim *sim, uint64_t order_id)
{
	struct known_hold *hold;

	HASH_FIND(hh, sim->holds, &order_id, sizeof(order_id), hold);
	return hold;
}

/* --- the journal ---------------------------------------------------------------------------- */

static struct known_leg *leg_of(struct sim *sim, const struct movement *line)
{
	struct known_leg *leg, wanted = { .key = { line->order_id, line->book_id } };

	HASH_FIND(hh, sim->legs, &wanted.key, sizeof(wanted.key), leg);
	if (leg)
		return leg;
	leg = calloc(1, sizeof(*leg));
	if (!leg)
		abort();
	leg->key = wanted.key;
	HASH_ADD(hh, sim->legs, key, sizeof(leg->key), leg);
	return leg;
}

static enum compensation back_kind(struct sim *sim, const struct movement *line)
{
	const struct known_order *order = order_known(sim, line->order_id);

	if (line->kind == MOVEMENT_RETURN)
		return BACK_REFUND;
	if (!order)
		return BACK_UNMADE;
	return order->by_deadline ? BACK_EXPIRY : BACK_CANCEL;
}

/* Reserved once, then sold or given back once, sold things given back once. */
static void check_leg(struct sim *sim, const struct movement *line)
{
	struct known_leg *leg = leg_of(sim, line);
	enum movement_kind before = MOVEMENT_NONE;

	if (line->kind == MOVEMENT_COMMIT || line->kind == MOVEMENT_RELEASE)
		before = MOVEMENT_RESERVE;
	if (line->kind == MOVEMENT_RETURN)
		before = MOVEMENT_COMMIT;
	if (leg->last != before || (before != MOVEMENT_NONE && leg->quantity != line->quantity))
		sim_fail(sim, "order %llu, book %llu: %s of %lld after %s of %lld",
			(unsigned long long)line->order_id, (unsigned long long)line->book_id,
			movement_names[line->kind], (long long)line->quantity,
			movement_names[leg->last], (long long)leg->quantity);
	leg->last = line->kind;
	leg->quantity = line->quantity;
	if (line->kind == MOVEMENT_RELEASE || line->kind == MOVEMENT_RETURN)
		sim->coverage->compensations[back_kind(sim, line)]++;
}

static void check_received(struct sim *sim, const struct movement *line)
{
	struct frame *frame = frame_of_reason(sim, line->reason);

	if (!frame)
		sim_fail(sim, "movement %llu was asked by nobody", (unsigned long long)line->seq);
	frame->done++;
	if (frame->done > 1 && frame->once_only && !sim->keys_aged)
		sim_fail(sim, "stock was added twice under one key, f%llu",
			(unsigned long long)frame->id);
	if (frame->delivered <= frame->refused)
		sim_fail(sim, "f%llu was refused and done", (unsigned long long)frame->id);
}

static void line_replay(struct sim *sim, const struct movement *line)
{
	struct known_book *book = &sim->books[line->book_id];
	int64_t n = line->quantity;

	switch (line->kind) {
	case MOVEMENT_SET:
	case MOVEMENT_ADD:
		check_received(sim, line);
		book->available += n;
		book->received += n;
		break;
	case MOVEMENT_RESERVE:
		book->available -= n;
		book->reserved += n;
		break;
	case MOVEMENT_COMMIT:
		book->reserved -= n;
		book->sold += n;
		break;
	case MOVEMENT_RELEASE:
		book->reserved -= n;
		book->available += n;
		break;
	default:
		book->sold -= n;
		book->available += n;
	}
	if (line->order_id > 0)
		check_leg(sim, line);
	if (book->available < 0 || book->reserved < 0 || book->sold < 0)
		sim_fail(sim, "book %llu is below 0 after movement %llu",
			(unsigned long long)line->book_id, (unsigned long long)line->seq);
	if (book->available != line->available || book->reserved != line->reserved ||
		book->sold != line->sold)
		sim_fail(sim, "movement %llu of book %llu does not follow from those before",
			(unsigned long long)line->seq, (unsigned long long)line->book_id);
}

static void journal_read(struct sim *sim, struct txn *txn)
{
	unsigned table = oracle_table(sim, STOCKD, "journal");
	struct scan scan = oracle_scan(txn, table, sim->last_movement);
	struct movement line;

	while (scan_next(&scan)) {
		uint64_t seq = key_read_u64(scan.key, 0);

		if (seq != sim->last_movement + 1 ||
			!record_read(txn, sim->arena, table, scan.key, scan.value, &movement_record,
				&line) ||
			line.book_id >= BOOKS_MAX)
			sim_fail(sim, "the journal breaks at %llu", (unsigned long long)seq);
		sim->last_movement = seq;
		line_replay(sim, &line);
	}
	scan_end(&scan);
}

/* --- levels --------------------------------------------------------------------------------- */

static void level_take(struct sim *sim, const struct level *level)
{
	const struct known_book *book = &sim->books[level->book_id % BOOKS_MAX];

	if (level->available + level->reserved + level->sold != level->received)
		sim_fail(sim, "book %llu does not add up", (unsigned long long)level->book_id);
	if (level->available != book->available || level->reserved != book->reserved ||
		level->sold != book->sold || level->received != book->received)
		sim_fail(sim, "book %llu is not what its journal says",
			(unsigned long long)level->book_id);
}

/* --- reservations --------------------------------------------------------------------------- */

/* Whether a reservation may be seen in one state after another; those between are not seen. */
static bool may_follow(enum goal before, enum goal after)
{
	switch (before) {
	case GOAL_NONE:
		return true;
	case GOAL_HELD:
		return after == GOAL_HELD || after == GOAL_SOLD || after == GOAL_RETURNED;
	case GOAL_SOLD:
		return after == GOAL_SOLD || after == GOAL_RETURNED;
	default:
		return after == GOAL_RETURNED || after == before;
	}
}

static void hold_take(struct sim *sim, struct known_hold *hold, const struct reservation *now)
{
	if (!may_follow(hold->state, now->state) || now->version < hold->version ||
		(now->version == hold->version && now->state != hold->state))
		sim_fail(sim, "the reservation of order %llu went from %s to %s",
			(unsigned long long)hold->order_id, goal_names[hold->state],
			goal_names[now->state]);
	if (hold->state == GOAL_NONE && now->state == GOAL_RETURNED && now->item_count == 0)
		sim->coverage->compensations[BACK_EARLY]++;
	hold->version = now->version;
	hold->state = now->state;
	hold->line_count = now->item_count < WISH_LINES_MAX ? now->item_count : WISH_LINES_MAX;
	for (size_t i = 0; i < hold->line_count; i++)
		hold->lines[i] = now->items[i];
}

static struct known_hold *hold_new(struct sim *sim, uint64_t order_id)
{
	struct known_hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		abort();
	hold->order_id = order_id;
	HASH_ADD(hh, sim->holds, order_id, sizeof(order_id), hold);
	return hold;
}

/* Whether that reservation is there for the first time or has changed. */
static bool hold_changed(struct sim *sim, uint64_t order_id, struct slice value)
{
	struct known_hold *hold = hold_known(sim, order_id);

	return seen_changed(hold ? &hold->seen : &hold_new(sim, order_id)->seen, value);
}

/* Levels and reservations. */
static void records_read(struct sim *sim, struct txn *txn, const char *name, bool levels)
{
	unsigned table = oracle_table(sim, STOCKD, name);
	struct scan scan = oracle_scan(txn, table, 0);
	struct reservation hold;
	struct level level = { 0 };

	while (scan_next(&scan)) {
		uint64_t id = key_read_u64(scan.key, 0);

		if (!levels && !hold_changed(sim, id, scan.value))
			continue;
		if (!record_read(txn, sim->arena, table, scan.key, scan.value,
			    levels ? &level_record : &reservation_record,
			    levels ? (void *)&level : (void *)&hold))
			sim_fail(sim, "%s: %llu is damaged", name, (unsigned long long)id);
		level.book_id = id;
		if (levels)
			level_take(sim, &level);
		else
			hold_take(sim, hold_known(sim, id), &hold);
	}
	scan_end(&scan);
}

static void check_sums(struct sim *sim)
{
	int64_t reserved[BOOKS_MAX] = { 0 }, sold[BOOKS_MAX] = { 0 };
	struct known_hold *hold, *next;

	HASH_ITER(hh, sim->holds, hold, next) {
		for (size_t i = 0; i < hold->line_count; i++) {
			const struct stock_line *line = &hold->lines[i];

			if (hold->state == GOAL_HELD)
				reserved[line->book_id % BOOKS_MAX] += line->quantity;
			if (hold->state == GOAL_SOLD)
				sold[line->book_id % BOOKS_MAX] += line->quantity;
		}
	}
	for (size_t i = 0; i < BOOKS_MAX; i++)
		if (reserved[i] != sim->books[i].reserved || sold[i] != sim->books[i].sold)
			sim_fail(sim,
				"book %zu: %lld reserved and %lld sold, but held are %lld and %lld",
				i, (long long)sim->books[i].reserved, (long long)sim->books[i].sold,
				(long long)reserved[i], (long long)sold[i]);
}

void stock_look(struct sim *sim)
{
	struct txn *txn = oracle_txn(sim, STOCKD);

	journal_read(sim, txn);
	records_read(sim, txn, "levels", true);
	records_read(sim, txn, "reservations", false);
	txn_abort(txn);
	check_sums(sim);
}

void stock_end(struct sim *sim)
{
	HASH_FREE(known_hold, sim->holds);
	HASH_FREE(known_leg, sim->legs);
}
