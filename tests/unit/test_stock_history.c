#include "stock_fixture.h"

/* A long life of the stock: each sender moves its order on and sends any version it has issued, so
 * that moves come doubled, late and reordered, some of them senseless. After every move the store
 * must agree with what the journal tells. */

#define BOOKS 10
#define ORDERS 50 /* at a time: a sender turns to the next one at any moment */
#define MOVES 20000
#define VERSIONS_MAX 8

struct sums {
	int64_t held, sold;
};

struct sender {
	uint64_t order_id;
	struct stock_line items[4];
	size_t item_count;
	enum goal goals[VERSIONS_MAX + 1];
	uint64_t issued;
	uint64_t version;                   /* as the store had it last */
	int64_t moved[MOVEMENT_RETURN + 1]; /* quantities of the journal by kind */
};

struct history {
	struct stock *stock;
	unsigned short seed[3];
	struct sender senders[ORDERS];
	uint64_t last_order_id;
	uint64_t last_seq;
	struct level levels[BOOKS + 1]; /* replayed from the journal */
	struct sums past[BOOKS + 1];    /* of orders whose senders have gone on */
	int outcomes[OUTCOME_COUNT];
	int states[GOAL_REFUSED + 1];
};

static uint64_t pick(struct history *history, uint64_t below)
{
	return (uint64_t)nrand48(history->seed) % below;
}

static void sender_begin(struct history *history, struct sender *sender)
{
	*sender = (struct sender){ .order_id = ++history->last_order_id };
	sender->item_count = 1 + pick(history, 4);
	for (size_t i = 0; i < sender->item_count; i++) {
		sender->items[i].book_id = 1 + pick(history, BOOKS);
		sender->items[i].quantity = 1 + (int64_t)pick(history, 5);
	}
	sender->issued = 1;
	sender->goals[1] = GOAL_HELD;
}

static void sender_issue(struct history *history, struct sender *sender)
{
	enum goal last = sender->goals[sender->issued];
	bool again = pick(history, 4) == 0;

	if (sender->issued == VERSIONS_MAX)
		return;
	if (!again)
		last = last == GOAL_HELD && pick(history, 2) ? GOAL_SOLD : GOAL_RETURNED;
	sender->goals[++sender->issued] = last;
}

static void sums_add(struct sums *sums, const struct reservation *reservation)
{
	for (size_t i = 0; i < reservation->item_count; i++) {
		struct sums *sum = &sums[reservation->items[i].book_id];

		if (reservation->state == GOAL_HELD)
			sum->held += reservation->items[i].quantity;
		if (reservation->state == GOAL_SOLD)
			sum->sold += reservation->items[i].quantity;
	}
}

static struct reservation sender_reservation(struct history *history, const struct sender *sender)
{
	struct reservation_ref ref = { .order_id = sender->order_id };
	struct reservation reservation = { 0 };
	int result = stock_reservation(history->stock, &ref, &reservation);

	assert_true(result == OUTCOME_OK || result == OUTCOME_RESERVATION_NOT_FOUND);
	return reservation;
}

static void sender_end(struct history *history, struct sender *sender)
{
	struct reservation reservation = sender_reservation(history, sender);

	sums_add(history->past, &reservation);
	history->states[reservation.state]++;
	sender_begin(history, sender);
}

static void sender_speak(struct history *history, struct sender *sender)
{
	uint64_t version = 1 + pick(history, sender->issued);
	enum goal goal = sender->goals[version];
	uint64_t writes = txn_writes(history->stock->txn);
	struct move_reply reply = { 0 };
	int outcome;

	if (pick(history, 20) == 0)
		goal = (enum goal)(1 + pick(history, 3));
	outcome = apply(history->stock, sender->order_id, version, goal, sender->items,
		sender->item_count, &reply);
	assert_true(outcome >= 0);
	history->outcomes[outcome]++;
	if (outcome == OUTCOME_OK && reply.version == version)
		assert_true(reply.state == goal ||
			(goal == GOAL_HELD && reply.state == GOAL_REFUSED));
	if (outcome == OUTCOME_OK)
		assert_true(reply.version >= version && reply.version >= sender->version);
	if (outcome != OUTCOME_OK || reply.version == sender->version)
		assert_int_equal(txn_writes(history->stock->txn), writes);
	if (outcome == OUTCOME_OK)
		sender->version = reply.version;
}

/* What a unit of each kind does to a level's available, reserved, sold and received. */
static void level_replay(struct level *level, const struct movement *line)
{
	static const int effects[][4] = {
		[MOVEMENT_SET] = { 1, 0, 0, 1 },
		[MOVEMENT_ADD] = { 1, 0, 0, 1 },
		[MOVEMENT_RESERVE] = { -1, 1, 0, 0 },
		[MOVEMENT_COMMIT] = { 0, -1, 1, 0 },
		[MOVEMENT_RELEASE] = { 1, -1, 0, 0 },
		[MOVEMENT_RETURN] = { 1, 0, -1, 0 },
	};
	const int *effect = effects[line->kind];

	level->available += effect[0] * line->quantity;
	level->reserved += effect[1] * line->quantity;
	level->sold += effect[2] * line->quantity;
	level->received += effect[3] * line->quantity;
	assert_int_equal(line->available, level->available);
	assert_int_equal(line->reserved, level->reserved);
	assert_int_equal(line->sold, level->sold);
}

/* A unit is reserved once, then committed or released, then perhaps returned. */
static void sender_replay(struct history *history, const struct movement *line)
{
	for (size_t i = 0; i < ORDERS; i++) {
		struct sender *sender = &history->senders[i];
		int64_t *moved = sender->moved;
		int64_t wanted = 0;

		if (sender->order_id != line->order_id)
			continue;
		for (size_t j = 0; j < sender->item_count; j++)
			wanted += sender->items[j].quantity;
		moved[line->kind] += line->quantity;
		assert_true(moved[MOVEMENT_RESERVE] <= wanted);
		assert_true(moved[MOVEMENT_COMMIT] + moved[MOVEMENT_RELEASE] <=
			moved[MOVEMENT_RESERVE]);
		assert_true(moved[MOVEMENT_RETURN] <= moved[MOVEMENT_COMMIT]);
	}
}

static void history_replay(struct history *history)
{
	struct movement_list lines =
		journal(history->stock, (struct journal_query){ .after = history->last_seq });

	for (size_t i = 0; i < lines.count; i++) {
		const struct movement *line = &lines.movements[i];

		assert_int_equal(line->seq, ++history->last_seq);
		level_replay(&history->levels[line->book_id], line);
		sender_replay(history, line);
	}
	assert_int_equal(lines.next, 0);
}

static void history_check(struct history *history)
{
	struct sums sums[BOOKS + 1];

	history_replay(history);
	memcpy(sums, history->past, sizeof(sums));
	for (size_t i = 0; i < ORDERS; i++) {
		struct reservation reservation = sender_reservation(history, &history->senders[i]);

		assert_int_equal(reservation.version, history->senders[i].version);
		sums_add(sums, &reservation);
	}
	for (uint64_t book_id = 1; book_id <= BOOKS; book_id++) {
		struct level level = show(history->stock, book_id);
		const struct level *replayed = &history->levels[book_id];

		assert_true(level.available >= 0);
		assert_int_equal(level.reserved, sums[book_id].held);
		assert_int_equal(level.sold, sums[book_id].sold);
		assert_int_equal(level.available + level.reserved + level.sold, level.received);
		assert_int_equal(level.available, replayed->available);
		assert_int_equal(level.reserved, replayed->reserved);
		assert_int_equal(level.sold, replayed->sold);
		assert_int_equal(level.received, replayed->received);
	}
}

static void history_deliver(struct history *history)
{
	uint64_t book_id = 1 + pick(history, BOOKS);
	int64_t quantity = (int64_t)pick(history, 12) - 5;
	struct level level;

	assert_true(add(history->stock, book_id, quantity, NULL, &level) >= 0);
}

static void history_step(struct history *history)
{
	struct sender *sender = &history->senders[pick(history, ORDERS)];

	if (pick(history, 20) == 0)
		history_deliver(history);
	if (pick(history, 40) == 0)
		sender_end(history, sender);
	else if (pick(history, 8) == 0)
		sender_issue(history, sender);
	sender_speak(history, sender);
}

static void after_any_history_reservations_levels_and_journal_agree(void **state)
{
	static struct history history;

	history = (struct history){ .stock = *state, .seed = { 1, 2, 3 } };
	for (size_t i = 0; i < ORDERS; i++)
		sender_begin(&history, &history.senders[i]);
	for (uint64_t book_id = 1; book_id <= BOOKS; book_id++)
		set(history.stock, book_id, 40);
	for (int i = 0; i < MOVES; i++) {
		history_step(&history);
		history_check(&history);
		arena_reset(history.stock->arena);
	}
	for (enum goal goal = GOAL_HELD; goal <= GOAL_REFUSED; goal++)
		assert_true(history.states[goal] > 0);
	assert_true(history.outcomes[OUTCOME_SUPERSEDED] > 0);
	assert_true(history.outcomes[OUTCOME_INVALID_TRANSITION] > 0);
	assert_true(history.outcomes[OUTCOME_RESERVATION_NOT_FOUND] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(after_any_history_reservations_levels_and_journal_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
