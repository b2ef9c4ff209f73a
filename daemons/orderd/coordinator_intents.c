#include "coordinator_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

const struct open_saga *coordinator_reserving(const struct tick *tick, uint64_t after)
{
	const struct open_saga *open = coordinator_of(tick)->reserving;

	while (open && open->number <= after)
		open = open->next;
	return open;
}

uint64_t coordinator_numbered(const struct tick *tick, const char *order_no)
{
	const struct open_saga *open = coordinator_of(tick)->reserving;

	while (open && (!open->held || strcmp(open->intent->order.wire.order_no, order_no) != 0))
		open = open->next;
	return open ? open->number : 0;
}

size_t coordinator_reserving_count(const struct tick *tick)
{
	return coordinator_of(tick)->reserving_count;
}

bool coordinator_handles(const struct tick *tick, const struct open_saga *open)
{
	bool before = open->handled == tick->serial;

	((struct open_saga *)open)->handled = tick->serial;
	return before;
}

/* --- idempotency keys ----------------------------------------------------------------------- */

static size_t claim_print(uint8_t ret[CLAIM_MAX_BYTES], uint64_t user_id, const char *key)
{
	size_t size = strlen(key);

	assert(size <= KEY_MAX_BYTES);
	memcpy(ret, &user_id, sizeof(user_id));
	memcpy(ret + sizeof(user_id), key, size);
	return sizeof(user_id) + size;
}

static uint64_t body_of(const struct open_saga *open)
{
	return open->draft ? open->draft->body : open->intent->body;
}

uint64_t coordinator_claimed(const struct tick *tick, uint64_t user_id, const char *key,
	uint64_t *ret_body)
{
	const struct coordinator *coordinator = coordinator_of(tick);
	uint8_t bytes[CLAIM_MAX_BYTES];
	size_t size = claim_print(bytes, user_id, key);
	const struct claim *claim = newcomers_claimed(&coordinator->newcomers, tick, bytes, size);
	struct open_saga *open;

	if (claim) {
		*ret_body = claim->body;
		return claim->number;
	}
	HASH_FIND(hh_claim, coordinator->claims, bytes, size, open);
	if (!open || (open->handled == tick->serial && !open->held))
		return 0;
	*ret_body = body_of(open);
	return open->number;
}

/* In this tick at once, in memory after the commit. */
static void claim_note(struct tick *tick, uint64_t number, uint64_t body, uint64_t user_id,
	const char *key)
{
	uint8_t *bytes = key ? arena_take(tick->arena, CLAIM_MAX_BYTES) : NULL;

	if (key && !bytes)
		txn_fail(tick->txn, -ENOMEM);
	if (bytes)
		newcomers_claim(&coordinator_of(tick)->newcomers, tick,
			(struct claim){ .number = number,
				.body = body,
				.bytes = bytes,
				.size = claim_print(bytes, user_id, key) });
}

void claim_drop(struct coordinator *coordinator, struct open_saga *open)
{
	if (open->claim_size > 0)
		HASH_DELETE(hh_claim, coordinator->claims, open);
	open->claim_size = 0;
}

static void claim_add(struct coordinator *coordinator, struct open_saga *open, uint64_t user_id,
	const char *key)
{
	struct open_saga *other;
	size_t size;

	if (!key)
		return;
	size = claim_print(open->claim, user_id, key);
	HASH_FIND(hh_claim, coordinator->claims, open->claim, size, other);
	if (other)
		claim_drop(coordinator, other);
	open->claim_size = size;
	HASH_ADD(hh_claim, coordinator->claims, claim, size, open);
	if (open->hh_claim.tbl)
		return;
	open->claim_size = 0;
	coordinator_lose(coordinator);
}

/* --- orders that are being made -------------------------------------------------------------- */

static void hold(struct coordinator *coordinator, struct open_saga *open, int64_t write_at_ms,
	bool told)
{
	if (open->held)
		return;
	open->held = true;
	open->told = told;
	open->write_at_ms = write_at_ms;
	alarm_clear(&coordinator->alarms, &open->alarm);
	DL_APPEND2(coordinator->held, open, prev_held, next_held);
	coordinator->held_count++;
}

void coordinator_hold(struct tick *tick, const struct open_saga *open, int64_t write_at_ms,
	bool told)
{
	step_ends(tick, open->number);
	hold(coordinator_of(tick), (struct open_saga *)open, write_at_ms, told);
}

void hold_end(struct coordinator *coordinator, struct open_saga *open)
{
	if (!open->prev_held)
		return;
	DL_DELETE2(coordinator->held, open, prev_held, next_held);
	coordinator->held_count--;
	open->prev_held = open->next_held = NULL;
}

void intent_end(struct coordinator *coordinator, struct open_saga *open)
{
	hold_end(coordinator, open);
	claim_drop(coordinator, open);
	free(open->intent);
	open->intent = NULL;
	if (!open->prev)
		return;
	DL_DELETE(coordinator->reserving, open);
	open->prev = open->next = NULL;
	coordinator->reserving_count--;
}

/* It has nothing to go on with: an answer that comes before the next tick fails must not meet it. */
static void lose(struct coordinator *coordinator, struct open_saga *open)
{
	if (open)
		open_saga_forget(coordinator, open);
	coordinator_lose(coordinator);
}

static void do_open_draft(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *open;

	do_open(state, argument);
	open = open_saga_find(coordinator, change->open.number);
	if (!open)
		return;
	open->draft = draft_copy(change->draft);
	if (!open->draft) {
		lose(coordinator, open);
		return;
	}
	claim_add(coordinator, open, open->draft->create.user_id,
		open->draft->create.idempotency_key);
}

void coordinator_open_draft(struct tick *tick, const struct open_saga *open,
	const struct draft *draft, struct waiter waiter)
{
	claim_note(tick, open->number, draft->body, draft->create.user_id,
		draft->create.idempotency_key);
	change_after(tick, do_open_draft,
		(struct change){
			.open = *open, .draft = draft, .waiter = waiter, .awaited = true });
}

static void waiters_move(struct open_saga *from, struct open_saga *to)
{
	free(to->waiters);
	to->waiters = from->waiters;
	to->waiter_count = from->waiter_count;
	from->waiters = NULL;
	from->waiter_count = 0;
}

/* Nearly always the highest: the search starts at the end. */
static void reserving_add(struct coordinator *coordinator, struct open_saga *open)
{
	struct open_saga *before = coordinator->reserving ? coordinator->reserving->prev : NULL;

	while (before && before->number > open->number)
		before = before == coordinator->reserving ? NULL : before->prev;
	DL_APPEND_ELEM(coordinator->reserving, before, open);
	coordinator->reserving_count++;
}

static void do_open_intent(void *state, void *argument)
{
	struct coordinator *coordinator = coordinator_in(state);
	const struct change *change = argument;
	struct open_saga *draft = open_saga_find(coordinator, change->number);
	struct open_saga *open;

	do_open(state, argument);
	open = open_saga_find(coordinator, change->open.number);
	if (open && open->intent)
		return;
	if (open)
		open->intent = intent_copy(change->intent);
	if (!open || !open->intent) {
		lose(coordinator, open);
		return;
	}
	reserving_add(coordinator, open);
	claim_add(coordinator, open, open->intent->order.wire.user_id, open->intent->order.key);
	if (change->open.held)
		hold(coordinator, open, change->monotonic_ms, true);
	if (!draft)
		return;
	waiters_move(draft, open);
	open_saga_forget(coordinator, draft);
}

static void open_intent(struct tick *tick, struct change change)
{
	const struct intent *intent = change.intent;

	claim_note(tick, change.open.number, intent->body, intent->order.wire.user_id,
		intent->order.key);
	change.awaited = true;
	step_ends(tick, change.number);
	change_after(tick, do_open_intent, change);
}

void coordinator_open_intent(struct tick *tick, const struct open_saga *open,
	const struct intent *intent, struct waiter waiter, uint64_t draft)
{
	open_intent(tick,
		(struct change){
			.open = *open, .intent = intent, .waiter = waiter, .number = draft });
}

void coordinator_take_up(struct tick *tick, const struct intent *intent, uint64_t draft)
{
	open_intent(tick,
		(struct change){ .open = { .number = intent->order.wire.order_id,
					 .step = SAGA_RESERVING,
					 .held = true },
			.intent = intent,
			.number = draft });
}

/* --- their records --------------------------------------------------------------------------- */

size_t coordinator_held_count(const struct coordinator *coordinator)
{
	return coordinator->held_count;
}

bool coordinator_write(struct tick *tick, bool now,
	void (*write)(struct tick *, const struct open_saga *))
{
	struct coordinator *coordinator = coordinator_of(tick);
	struct open_saga *open;
	bool any = false;

	put_damaged_off(coordinator, tick->monotonic_ms);
	if (!now && coordinator->held && coordinator->held->write_at_ms > tick->monotonic_ms)
		return false;
	DL_FOREACH2(coordinator->held, open, next_held)
	{
		any = true;
		write(tick, open);
		if (txn_error(tick->txn) == -EUCLEAN)
			coordinator->damaged_saga = open->number;
		if (txn_error(tick->txn))
			break;
	}
	return any;
}
