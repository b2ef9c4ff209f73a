#pragma once

#include <inttypes.h>

#include "daemon_fixture.h"
#include "daemons/orderd/create.h"
#include "daemons/orderd/operations.h"
#include "daemons/orderd/order.h"

/* For tests of orderd: the whole service on a real store, a bus that writes down what goes out,
 * and the answers of catalogd and stockd made by hand. Clients are single letters. A tick takes
 * what was queued; what it let out is there until the next one. */

enum { CATALOGD, STOCKD, FENCE }; /* as in the program's table of peers */

#define SENT_MAX 70000
#define HELD_MAX 256
#define PRICE_1 5900
#define PRICE_2 13900

struct answer {
	char client;
	const struct value *map;
};

struct shop {
	struct fixture *f;
	struct orderd_settings settings;
	int64_t now_ms;
	int64_t monotonic_ms;
	int64_t wait_ms;             /* what the last tick returned */
	bool down[3];                /* peers that cannot be reached */
	struct held asked[HELD_MAX]; /* what stockd was asked to hold */
	size_t asked_count;
	struct held held[HELD_MAX]; /* what it holds, by id */
	size_t held_count;
	uint64_t last_heard;  /* the highest id it has ever heard of */
	uint64_t stock_epoch; /* that stands */
	bool fence_silent;    /* it does not answer the fence by itself */
	struct event queue[EVENTS_MAX];
	size_t queued;
	struct answer answers[4096];
	size_t answer_count;
	const struct value *sent[2][SENT_MAX]; /* items, to each peer */
	size_t sent_count[2];
	struct fence fence; /* the last that orderd stated, until it is answered */
	size_t fence_count; /* how often */
	struct orderd_event published[4096];
	size_t published_count;
};

/* --- the bus -------------------------------------------------------------------------------- */

static inline const struct value *shop_read(struct shop *shop, const void *data, size_t size)
{
	const struct value *map;
	void *copy = arena_text(shop->f->arena, data, size);

	assert_non_null(copy);
	assert_int_equal(codec_parse(shop->f->arena, copy, size, &map), 0);
	return map;
}

static inline void note_answer(void *argument, const struct route *route, const void *data,
	size_t size)
{
	struct shop *shop = argument;

	assert_true(shop->answer_count < 4096);
	shop->answers[shop->answer_count++] =
		(struct answer){ (char)route->identity[0], shop_read(shop, data, size) };
}

/* What a record of the protocol says in a map. */
static inline void shop_decode(struct shop *shop, const struct record *record,
	const struct value *map, void *ret)
{
	const char *why = NULL;

	if (fields_from_map(shop->f->arena, record, map, ret, &why) != 0)
		fail_msg("not one of %s: %s", record->name, why);
}

static inline bool note_fence(struct shop *shop, const struct value *map)
{
	const struct value *list = value_find(map, "fences");

	assert_text(map, "op", "stock.fence");
	assert_true(list->list.count > 0);
	shop_decode(shop, &fence_record, &list->list.at[list->list.count - 1], &shop->fence);
	shop->fence_count++;
	return !shop->down[STOCKD];
}

static inline void note_move(struct shop *shop, const struct value *map)
{
	struct move move;

	shop_decode(shop, &move_record, map, &move);
	if (move.goal == GOAL_HELD)
		shop->asked[shop->asked_count++ % HELD_MAX] =
			(struct held){ move.order_id, move.version, move.intent, move.intent_size };
}

static inline bool note_sent(void *argument, unsigned peer, const void *data, size_t size)
{
	struct shop *shop = argument;
	const struct value *map = shop_read(shop, data, size);
	const struct value *list = value_find(map, peer == CATALOGD ? "orders" : "moves");

	if (peer == FENCE)
		return note_fence(shop, map);
	assert_text(map, "op", peer == CATALOGD ? "catalog.price" : "stock.apply");
	assert_true(size <= REQUEST_MAX_BYTES);
	assert_true(shop->sent_count[peer] + list->list.count <= SENT_MAX);
	for (uint32_t i = 0; i < list->list.count; i++) {
		shop->sent[peer][shop->sent_count[peer]++] = &list->list.at[i];
		if (peer == STOCKD)
			note_move(shop, &list->list.at[i]);
	}
	return !shop->down[peer];
}

static inline void note_published(void *argument, const void *data, size_t size)
{
	struct shop *shop = argument;

	shop_decode(shop, &event_record, shop_read(shop, data, size),
		&shop->published[shop->published_count++]);
}

/* --- begin and end -------------------------------------------------------------------------- */

static inline void shop_forget(struct shop *shop)
{
	shop->answer_count = 0;
	shop->sent_count[CATALOGD] = shop->sent_count[STOCKD] = 0;
	shop->published_count = 0;
}

static inline void shop_queue(struct shop *shop, struct event event, struct buffer *frame)
{
	assert_int_equal(frame->error, 0);
	assert_true(shop->queued < EVENTS_MAX);
	event.size = frame->size;
	event.data = arena_text(shop->f->arena, frame->at, frame->size);
	assert_non_null(event.data);
	buffer_done(frame);
	shop->queue[shop->queued++] = event;
}

/* One result for `ref`; `record` and `result` are not looked at when it is refused. */
static inline void peer_says(struct shop *shop, unsigned peer, uint64_t ref, int outcome,
	const struct record *record, const void *result)
{
	struct event event = { .kind = EVENT_RESULT, .peer = peer };
	struct buffer frame = { 0 };
	uint32_t count = outcome == OUTCOME_OK ? 2 : 4;
	size_t map;

	pack_map(&frame, 4);
	pack_number(&frame, "v", 1);
	pack_number(&frame, "id", 1);
	pack_number(&frame, "code", 0);
	pack_str(&frame, "results");
	pack_array(&frame, 1);
	map = pack_open_map(&frame);
	pack_number(&frame, "code", outcome_code(outcome));
	pack_number(&frame, "ref", (int64_t)ref);
	if (outcome == OUTCOME_OK) {
		count += fields_to_map(&frame, record, result);
	} else {
		pack_text(&frame, "error", outcome_name(outcome));
		pack_text(&frame, "message", outcome_text(outcome));
	}
	pack_close(&frame, map, count);
	shop_queue(shop, event, &frame);
}

/* A tick that adds to what came out before. */
static inline int shop_go_on(struct shop *shop)
{
	size_t queued = shop->queued;

	shop->queued = 0;
	return service_tick(shop->f->service, shop->queue, queued, shop->now_ms, shop->monotonic_ms,
		&shop->wait_ms);
}

static inline int shop_try(struct shop *shop)
{
	shop_forget(shop);
	return shop_go_on(shop);
}

static inline void shop_tick(struct shop *shop)
{
	assert_int_equal(shop_try(shop), 0);
}

/* stockd has moved that order's lines; whether anybody hears of it is another matter. */
static inline void stock_moves(struct shop *shop, uint64_t order_id, enum goal state)
{
	const struct held *asked = NULL;
	size_t at = 0;

	if (shop->last_heard < order_id)
		shop->last_heard = order_id;
	for (size_t i = 0; i < shop->asked_count && i < HELD_MAX; i++)
		if (shop->asked[i].order_id == order_id)
			asked = &shop->asked[i];
	while (at < shop->held_count && shop->held[at].order_id < order_id)
		at++;
	if (at < shop->held_count && shop->held[at].order_id == order_id)
		memmove(&shop->held[at], &shop->held[at + 1],
			(--shop->held_count - at) * sizeof(*asked));
	if (state != GOAL_HELD || !asked || shop->held_count == HELD_MAX)
		return;
	memmove(&shop->held[at + 1], &shop->held[at], (shop->held_count++ - at) * sizeof(*asked));
	shop->held[at] = *asked;
}

#define FENCE_PAGE 64

/* stockd answers the fence that was asked for last, a page. */
static inline void fence_says(struct shop *shop)
{
	struct held page[FENCE_PAGE];
	struct fence_reply reply = { .held = page, .last_order_id = shop->last_heard };

	if (shop->stock_epoch < shop->fence.epoch)
		shop->stock_epoch = shop->fence.epoch;
	reply.epoch = shop->stock_epoch;
	for (size_t i = 0; i < shop->held_count && reply.epoch == shop->fence.epoch; i++) {
		if (shop->held[i].order_id <= shop->fence.after)
			continue;
		if (reply.held_count == FENCE_PAGE) {
			reply.next = page[FENCE_PAGE - 1].order_id;
			break;
		}
		page[reply.held_count++] = shop->held[i];
	}
	peer_says(shop, FENCE, shop->fence.epoch, OUTCOME_OK, &fence_reply_record, &reply);
}

/* stockd answers until orderd asks no more. */
static inline void shop_fence(struct shop *shop)
{
	size_t asked;

	do {
		asked = shop->fence_count;
		fence_says(shop);
		assert_int_equal(shop_go_on(shop), 0);
	} while (shop->fence_count > asked);
}

static inline void shop_open(struct shop *shop)
{
	struct bus bus = { shop, note_answer, note_sent, note_published, NULL };

	shop_forget(shop);
	assert_int_equal(service_open(&shop->f->service, &orderd_program, &shop->settings, &bus,
				 shop->now_ms, shop->monotonic_ms),
		0);
	if (!shop->fence_silent)
		shop_fence(shop);
}

/* As after a crash: what was not committed is gone, and so is who waited. What orderd says at its
 * start is there afterwards. */
static inline void shop_restart(struct shop *shop)
{
	service_close(shop->f->service);
	shop->f->service = NULL;
	shop_open(shop);
}

static inline struct shop *shop_new(void)
{
	struct shop *shop = calloc(1, sizeof(*shop));

	assert_non_null(shop);
	shop->f = fixture_new();
	shop->now_ms = NOW_MS;
	shop->settings = (struct orderd_settings){
		.suite = {
			.runtime_dir = shop->f->dir,
			.state_dir = shop->f->dir,
			.log_level = "error",
			.store_size_max_bytes = STORE_MAX_BYTES,
		},
		.payment_timeout_ms = 15 * 60 * 1000,
		.complete_after_ms = INT64_C(7) * 24 * 3600 * 1000,
		.lines_max = 20,
		.quantity_max = 99,
		.catalog_timeout_ms = 3000,
		.stock_timeout_ms = 5000,
		.key_retention_ms = INT64_C(24) * 3600 * 1000,
		.settle_wait_ms = 250,
	};
	return shop;
}

static inline int shop_begin(void **state)
{
	struct shop *shop = shop_new();

	shop_open(shop);
	*state = shop;
	return 0;
}

static inline int shop_end(void **state)
{
	struct shop *shop = *state;
	void *fixture = shop->f;

	free(shop);
	return fixture_free(&fixture);
}

#define SHOP_TEST(name) cmocka_unit_test_setup_teardown(name, shop_begin, shop_end)

/* --- ticks ---------------------------------------------------------------------------------- */

static inline void shop_queue_request(struct shop *shop, char client, uid_t uid,
	struct buffer *frame)
{
	struct event event = {
		.kind = EVENT_REQUEST,
		.route = { .identity_size = 1, .uid = uid, .known = true },
	};

	event.route.identity[0] = (uint8_t)client;
	shop_queue(shop, event, frame);
}

static inline void shop_ask_within(struct shop *shop, char client, const char *op,
	const struct record *record, const void *request, int64_t timeout_ms)
{
	struct buffer fields = { 0 };
	uint32_t count = fields_to_map(&fields, record, request);
	struct buffer frame = request_begin(op, count + (timeout_ms > 0));

	buffer_append(&frame, fields.at, fields.size);
	if (timeout_ms > 0)
		pack_number(&frame, "timeout_ms", timeout_ms);
	buffer_done(&fields);
	shop_queue_request(shop, client, geteuid(), &frame);
}

static inline void shop_ask(struct shop *shop, char client, const char *op,
	const struct record *record, const void *request)
{
	shop_ask_within(shop, client, op, record, request, 0);
}

/* A tick so much later. */
static inline void shop_wait(struct shop *shop, int64_t ms)
{
	shop->now_ms += ms;
	shop->monotonic_ms += ms;
	shop_tick(shop);
}

/* What was answered early has its record, and its event is out. */
static inline void shop_settle(struct shop *shop)
{
	shop_wait(shop, GATHER_MS);
}

static inline size_t shop_parked(const struct shop *shop)
{
	return service_counts(shop->f->service).parked;
}

/* --- what came out -------------------------------------------------------------------------- */

static inline size_t answers_to(const struct shop *shop, char client)
{
	size_t count = 0;

	for (size_t i = 0; i < shop->answer_count; i++)
		count += shop->answers[i].client == client;
	return count;
}

/* The one answer that the last tick gave to that client. */
static inline const struct value *answer_to(const struct shop *shop, char client)
{
	const struct value *map = NULL;

	if (answers_to(shop, client) != 1)
		fail_msg("%zu answers to %c", answers_to(shop, client), client);
	for (size_t i = 0; i < shop->answer_count; i++)
		if (shop->answers[i].client == client)
			map = shop->answers[i].map;
	return map;
}

static inline void assert_error(const struct value *map, const char *error)
{
	assert_text(map, "error", error);
}

static inline void assert_refused(const struct shop *shop, char client, const char *error)
{
	assert_error(answer_to(shop, client), error);
}

/* A good answer, decoded. */
static inline void answer_read(struct shop *shop, char client, const struct record *record,
	void *ret)
{
	const struct value *map = answer_to(shop, client);

	if (number_of(map, "code") != 0)
		fail_msg("%c got %" PRIu64 ": %.*s", client, number_of(map, "code"),
			(int)value_find(map, "message")->str.size,
			value_find(map, "message")->str.at);
	shop_decode(shop, record, map, ret);
}

static inline struct orderd_order order_to(struct shop *shop, char client)
{
	struct orderd_order order;

	answer_read(shop, client, &order_record, &order);
	return order;
}

/* The only thing the last tick told stockd. */
static inline struct move move_sent(struct shop *shop)
{
	struct move move;

	assert_int_equal(shop->sent_count[STOCKD], 1);
	shop_decode(shop, &move_record, shop->sent[STOCKD][0], &move);
	assert_int_equal(number_of(shop->sent[STOCKD][0], "ref"), move.order_id);
	return move;
}

static inline void assert_move(struct shop *shop, uint64_t order_id, uint64_t version,
	enum goal goal)
{
	struct move move = move_sent(shop);

	assert_int_equal(move.order_id, order_id);
	assert_int_equal(move.version, version);
	assert_string_equal(goal_names[move.goal], goal_names[goal]);
}
