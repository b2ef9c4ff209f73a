#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Every answer is judged when it leaves its daemon: from then on it is a promise, whether or not
 * the client is still there to hear it. */

struct answer {
	int64_t code;
	int outcome;
	const struct value *map;
};

struct frame *frame_find(struct sim *sim, uint64_t id)
{
	struct frame *frame;

	HASH_FIND(hh, sim->frames, &id, sizeof(id), frame);
	return frame;
}

struct frame *frame_of_reason(struct sim *sim, const char *reason)
{
	return reason && reason[0] == 'f' ? frame_find(sim, strtoull(reason + 1, NULL, 10)) : NULL;
}

struct wish *wish_find(struct sim *sim, uint64_t number)
{
	struct wish *wish;

	HASH_FIND(hh, sim->wishes, &number, sizeof(number), wish);
	return wish;
}

static struct wish *wish_of_told(struct sim *sim, uint64_t order_id)
{
	struct wish *wish, *next;

	HASH_ITER(hh, sim->wishes, wish, next) {
		if (wish->told_id == order_id)
			return wish;
	}
	return NULL;
}

static void answer_decode(struct sim *sim, const struct answer *answer, const struct record *record,
	void *ret)
{
	const char *why = "";

	if (fields_from_map(sim->arena, record, answer->map, ret, &why) != 0)
		sim_fail(sim, "an answer is no %s: %s", record->name, why);
}

/* --- orders asked for ----------------------------------------------------------------------- */

static void judge_made_lines(struct sim *sim, const struct wish *wish,
	const struct orderd_order *order)
{
	int64_t total = 0;

	if (order->user_id != wish->user_id || order->item_count != wish->line_count)
		sim_fail(sim, "wish %llu was answered with another order, %llu",
			(unsigned long long)wish->number, (unsigned long long)order->order_id);
	for (size_t i = 0; i < order->item_count; i++) {
		const struct orderd_item *item = &order->items[i];

		if (item->book_id != wish->lines[i].book_id ||
			item->quantity != wish->lines[i].quantity)
			sim_fail(sim, "order %llu has other lines than wish %llu",
				(unsigned long long)order->order_id,
				(unsigned long long)wish->number);
		if (!price_was_good(sim, item->book_id, item->price, wish->first_step))
			sim_fail(sim, "order %llu has a stale price of book %llu: %lld",
				(unsigned long long)order->order_id,
				(unsigned long long)item->book_id, (long long)item->price);
		total += item->price * item->quantity;
	}
	if (total != order->total || order->status != ORDERD_PENDING)
		sim_fail(sim, "order %llu was made with total %lld and status %d",
			(unsigned long long)order->order_id, (long long)order->total,
			(int)order->status);
}

/* Whoever is told of an order can be told nothing else later. */
static void judge_told(struct sim *sim, struct node *node, struct wish *wish,
	const struct orderd_order *order)
{
	if (wish->told_id && !sim->keys_aged &&
		(wish->told_id != order->order_id || wish->told_total != order->total ||
			strcmp(wish->told_no, order->order_no) != 0))
		sim_fail(sim, "wish %llu was answered with order %llu, then with %llu",
			(unsigned long long)wish->number, (unsigned long long)wish->told_id,
			(unsigned long long)order->order_id);
	if (wish->told_id && !wish->key[0])
		sim_fail(sim, "wish %llu without a key was answered twice",
			(unsigned long long)wish->number);
	if (wish->told_id == order->order_id)
		return;
	wish->told_id = order->order_id;
	wish->told_total = order->total;
	snprintf(wish->told_no, sizeof(wish->told_no), "%s", order->order_no);
	wish->told_step = sim->step;
	wish->told_ms = sim->now_ms;
	wish->told_run = node->run;
	if (sim->told_count < sizeof(sim->told) / sizeof(sim->told[0]))
		sim->told[sim->told_count++] = order->order_id;
}

/* The order is in orderd's store, or stockd's holds what orderd will make it of after any crash. */
static void judge_durable(struct sim *sim, const struct orderd_order *order)
{
	const struct known_hold *hold = hold_known(sim, order->order_id);

	if (order_known(sim, order->order_id))
		return;
	if (!hold || hold->state != GOAL_HELD)
		sim_fail(sim, "order %llu was answered OK and nothing of it is durable",
			(unsigned long long)order->order_id);
}

static bool may_fail_for_now(int outcome)
{
	switch (outcome) {
	case OUTCOME_BUSY:
	case OUTCOME_STORAGE_FULL:
	case OUTCOME_DEADLINE_PASSED:
	case OUTCOME_CATALOG_UNAVAILABLE:
	case OUTCOME_CATALOG_TIMEOUT:
	case OUTCOME_STOCK_UNAVAILABLE:
	case OUTCOME_STOCK_TIMEOUT:
		return true;
	default:
		return false;
	}
}

static void judge_create(struct sim *sim, struct node *node, struct frame *frame,
	const struct answer *answer)
{
	struct wish *wish = frame->wish;
	struct orderd_order order;

	if (answer->outcome == OUTCOME_OK) {
		answer_decode(sim, answer, &order_record, &order);
		judge_made_lines(sim, wish, &order);
		judge_durable(sim, &order);
		judge_told(sim, node, wish, &order);
		return;
	}
	wish->refused++;
	if (wish->told_id && !may_fail_for_now(answer->outcome) && !sim->keys_aged)
		sim_fail(sim, "wish %llu was answered with order %llu, then refused: %s",
			(unsigned long long)wish->number, (unsigned long long)wish->told_id,
			outcome_name(answer->outcome));
	if (!wish->key[0] && wish->order_id)
		sim_fail(sim, "wish %llu was refused and there is order %llu",
			(unsigned long long)wish->number, (unsigned long long)wish->order_id);
}

static void judge_other(struct sim *sim, const struct answer *answer)
{
	if (answer->outcome == OUTCOME_OK && !sim->keys_aged)
		sim_fail(sim, "another body under the same key was taken");
}

/* --- orders changed and read ---------------------------------------------------------------- */

static void judge_change(struct sim *sim, const struct frame *frame, const struct answer *answer)
{
	struct orderd_order order;

	if (answer->outcome == OUTCOME_OK) {
		answer_decode(sim, answer, &order_record, &order);
		if (order.order_id != frame->order_id)
			sim_fail(sim, "a change of order %llu was answered with %llu",
				(unsigned long long)frame->order_id,
				(unsigned long long)order.order_id);
		if (frame->done != 1)
			sim_fail(sim, "order %llu was answered %s and the log has it %u times",
				(unsigned long long)frame->order_id, status_names[frame->to],
				frame->done);
	} else if (frame->done > 0) {
		sim_fail(sim, "order %llu: %s was refused and done",
			(unsigned long long)frame->order_id, status_names[frame->to]);
	}
}

/* A tick reads what it changes before or after that, and answers both at its end. */
static bool had_state(const struct sim *sim, const struct known_order *order,
	enum orderd_status status)
{
	return order->wire.status == status ||
		(order->changed_step == sim->step && (order->recent & 1U << status) != 0);
}

/* What was answered OK is there, for ever after; an orderd that has just started may still be
 * asking stockd what was made before it. */
static void judge_absent(struct sim *sim, struct node *node, const struct frame *frame)
{
	const struct wish *wish = wish_of_told(sim, frame->order_id);
	bool recovered = node->heard_stockd && sim->now_ms - node->started_ms > 10000;
	const struct known_order *known = order_known(sim, frame->order_id);

	if (known && !had_state(sim, known, ORDERD_ANY))
		sim_fail(sim, "order %llu is there and was not found",
			(unsigned long long)frame->order_id);
	if (wish && wish->told_step < frame->sent_step &&
		(node->run == wish->told_run || recovered))
		sim_fail(sim, "order %llu was answered OK and is not found",
			(unsigned long long)frame->order_id);
}

static void judge_same(struct sim *sim, const struct orderd_order *order)
{
	const struct known_order *known = order_known(sim, order->order_id);

	if (!known)
		sim_fail(sim, "order %llu was read and is not in the store",
			(unsigned long long)order->order_id);
	if (!had_state(sim, known, order->status) || known->wire.total != order->total ||
		known->wire.user_id != order->user_id ||
		strcmp(known->order_no, order->order_no) != 0)
		sim_fail(sim, "order %llu was read as it is not",
			(unsigned long long)order->order_id);
}

static void judge_get(struct sim *sim, struct node *node, const struct frame *frame,
	const struct answer *answer)
{
	struct orderd_order order;

	if (answer->outcome == OUTCOME_ORDER_NOT_FOUND)
		judge_absent(sim, node, frame);
	if (answer->outcome != OUTCOME_OK)
		return;
	answer_decode(sim, answer, &order_record, &order);
	if (order.order_id != frame->order_id)
		sim_fail(sim, "order %llu was asked for and %llu answered",
			(unsigned long long)frame->order_id, (unsigned long long)order.order_id);
	judge_same(sim, &order);
}

/* Nor does a list lack it that says it is complete. */
static void judge_complete(struct sim *sim, const struct frame *frame)
{
	const struct wish *wish, *next;

	HASH_ITER(hh, sim->wishes, wish, next) {
		if (wish->user_id == frame->user_id && wish->told_id > 0 &&
			wish->told_step < frame->sent_step && !order_known(sim, wish->told_id))
			sim_fail(sim, "order %llu was answered OK and a complete list lacks it",
				(unsigned long long)wish->told_id);
	}
}

static void judge_list(struct sim *sim, const struct frame *frame, const struct answer *answer)
{
	struct known_order *known, *next;
	struct order_list list;
	uint64_t count = 0;

	if (answer->outcome != OUTCOME_OK)
		return;
	answer_decode(sim, answer, &order_list_record, &list);
	if (!list.incomplete)
		judge_complete(sim, frame);
	HASH_ITER(hh, sim->orders, known, next) {
		count += known->wire.user_id == frame->user_id &&
			(frame->to == ORDERD_ANY || known->wire.status == frame->to);
	}
	if (sim->changed_step == sim->step)
		return;
	if (list.total != count || (list.count < count && list.count < PAGE_SIZE_MAX))
		sim_fail(sim, "user %llu has %llu orders and sees %llu of %llu",
			(unsigned long long)frame->user_id, (unsigned long long)count,
			(unsigned long long)list.count, (unsigned long long)list.total);
	for (size_t i = 0; i < list.count; i++) {
		judge_same(sim, &list.orders[i]);
		if (i > 0 && list.orders[i].order_id >= list.orders[i - 1].order_id)
			sim_fail(sim, "a list is not from the newest to the oldest");
	}
}

/* --- stock and books ------------------------------------------------------------------------ */

static void judge_add(struct sim *sim, const struct frame *frame, const struct answer *answer)
{
	bool done = frame->done > 0;

	if (answer->outcome == OUTCOME_OK && !done)
		sim_fail(sim, "%s f%llu was answered OK and is not in the journal", frame->op,
			(unsigned long long)frame->id);
	if (answer->outcome != OUTCOME_OK && done && !may_fail_for_now(answer->outcome) &&
		!sim->keys_aged)
		sim_fail(sim, "%s f%llu was done and refused", frame->op,
			(unsigned long long)frame->id);
}

static void judge_price(struct sim *sim, const struct frame *frame, const struct answer *answer)
{
	struct book_put_reply reply;

	if (answer->outcome != OUTCOME_OK)
		return;
	answer_decode(sim, answer, &book_put_reply_record, &reply);
	if (sim->books[frame->book_id].version < reply.book.version)
		sim_fail(sim, "book %llu was answered in version %llu and has %llu",
			(unsigned long long)frame->book_id, (unsigned long long)reply.book.version,
			(unsigned long long)sim->books[frame->book_id].version);
	if (sim->books[frame->book_id].version > reply.book.version)
		price_passed(sim, &reply.book);
}

/* --- any ------------------------------------------------------------------------------------ */

static int outcome_read(struct sim *sim, const struct value *map)
{
	const struct value *code = value_find(map, "code");
	const struct value *error = value_find(map, "error");
	int outcome = OUTCOME_OK;

	if (!code || code->type != VALUE_UINT)
		sim_fail(sim, "an answer has no code");
	if (code->u64 != 0) {
		if (!error || error->type != VALUE_STR)
			sim_fail(sim, "a refusal has no error");
		outcome = outcome_from_name(arena_text(sim->arena, error->str.at, error->str.size));
		if ((uint64_t)outcome_code(outcome) != code->u64)
			sim_fail(sim, "%s comes with code %llu", outcome_name(outcome),
				(unsigned long long)code->u64);
	}
	if (outcome == OUTCOME_INTERNAL || outcome == OUTCOME_CORRUPT_RECORD)
		sim_fail(sim, "an answer says %s", outcome_name(outcome));
	return outcome;
}

static int outcome_of(struct sim *sim, const struct value *map)
{
	int outcome = outcome_read(sim, map);

	sim->coverage->outcomes[outcome]++;
	return outcome;
}

static void judge_by_kind(struct sim *sim, struct node *node, struct frame *frame,
	const struct answer *answer)
{
	switch (frame->kind) {
	case ITEM_CREATE:
		judge_create(sim, node, frame, answer);
		break;
	case ITEM_CREATE_OTHER:
		judge_other(sim, answer);
		break;
	case ITEM_PAY:
	case ITEM_CANCEL:
	case ITEM_SHIP:
		judge_change(sim, frame, answer);
		break;
	case ITEM_GET:
		judge_get(sim, node, frame, answer);
		break;
	case ITEM_LIST:
		judge_list(sim, frame, answer);
		break;
	case ITEM_ADD:
		judge_add(sim, frame, answer);
		break;
	case ITEM_PRICE:
		judge_price(sim, frame, answer);
		break;
	case ITEM_CREATE_HUGE:
		if (answer->outcome == OUTCOME_INSUFFICIENT_STOCK)
			sim_fail(sim, "stock was asked for an order past all money");
		/* fall through */
	case ITEM_BAD:
		if (answer->outcome == OUTCOME_OK)
			sim_fail(sim, "a bad request was taken");
		break;
	default:
		break;
	}
}

static void judge_results(struct sim *sim, const struct value *results)
{
	for (uint32_t i = 0; i < results->list.count; i++)
		if (outcome_of(sim, &results->list.at[i]) == OUTCOME_OK)
			sim_fail(sim, "a burst was taken");
}

void result_judge(struct sim *sim, const void *data, size_t size)
{
	const struct value *map, *results;

	arena_reset(sim->arena);
	if (codec_parse(sim->arena, data, size, &map) < 0 || map->type != VALUE_MAP)
		sim_fail(sim, "a daemon answers another with no map");
	results = value_find(map, "results");
	for (uint32_t i = 0; results && i < results->list.count; i++)
		outcome_read(sim, &results->list.at[i]);
}

void answer_judge(struct sim *sim, struct node *node, uint64_t client, const void *data,
	size_t size)
{
	struct answer answer = { 0 };
	const struct value *id, *results;
	struct frame *frame;

	(void)client;
	arena_reset(sim->arena);
	sim->coverage->answers++;
	if (codec_parse(sim->arena, data, size, &answer.map) < 0 || answer.map->type != VALUE_MAP)
		sim_fail(sim, "an answer is no map");
	answer.outcome = outcome_of(sim, answer.map);
	id = value_find(answer.map, "id");
	if (!id || id->type != VALUE_UINT)
		return;
	frame = frame_find(sim, id->u64);
	if (!frame || ++frame->answered > frame->delivered)
		sim_fail(sim, "request %llu was answered more often than it was asked",
			(unsigned long long)id->u64);
	frame->refused += answer.outcome != OUTCOME_OK;
	results = value_find(answer.map, "results");
	if (results)
		judge_results(sim, results);
	else
		judge_by_kind(sim, node, frame, &answer);
}
