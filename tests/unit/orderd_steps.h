#pragma once

#include "orderd_fixture.h"

/* The steps of an order's life, each a request or a neighbour's answer that the next tick takes. */

/* --- what neighbours answer ----------------------------------------------------------------- */

static inline struct orderd_item item_of(const struct orderd_line *line)
{
	struct orderd_item item = {
		.book_id = line->book_id > 0 ? line->book_id : 85123,
		.sku = line->sku,
		.book_title = line->book_id == 1 ? "Go语言编程" : "深入理解计算机系统",
		.quantity = line->quantity,
		.price = line->book_id == 1 ? PRICE_1 : PRICE_2,
	};

	return item;
}

/* catalogd knows every book it is asked for. */
static inline void catalog_prices(struct shop *shop, const struct value *question)
{
	struct orderd_item items[LINES_MAX];
	struct price_reply reply = { .items = items };
	struct price_request request;

	shop_decode(shop, &price_request_record, question, &request);
	for (size_t i = 0; i < request.item_count; i++)
		items[reply.item_count++] = item_of(&request.items[i]);
	peer_says(shop, CATALOGD, number_of(question, "ref"), OUTCOME_OK, &price_reply_record,
		&reply);
}

/* It answers all that the last tick asked. */
static inline void catalog_prices_all(struct shop *shop)
{
	for (size_t i = 0; i < shop->sent_count[CATALOGD]; i++)
		catalog_prices(shop, shop->sent[CATALOGD][i]);
}

static inline void stock_says(struct shop *shop, uint64_t order_id, uint64_t version,
	enum goal state)
{
	struct move_reply reply = { .order_id = order_id, .version = version, .state = state };

	if (state == GOAL_REFUSED)
		reply.book_id = 2;
	stock_moves(shop, order_id, state);
	peer_says(shop, STOCKD, order_id, OUTCOME_OK, &move_reply_record, &reply);
}

/* stockd does all that the last tick told it. */
static inline void stock_obeys(struct shop *shop)
{
	for (size_t i = 0; i < shop->sent_count[STOCKD]; i++) {
		struct move move;

		shop_decode(shop, &move_record, shop->sent[STOCKD][i], &move);
		stock_says(shop, move.order_id, move.version, move.goal);
	}
}

/* --- what clients ask ----------------------------------------------------------------------- */

/* The document's own example, 25700 in all. */
static inline struct orderd_create example_create(uint64_t user_id, const char *key)
{
	static struct orderd_line lines[] = {
		{ .book_id = 1, .quantity = 2 },
		{ .book_id = 2, .quantity = 1 },
	};

	return (struct orderd_create){
		.user_id = user_id,
		.items = lines,
		.item_count = 2,
		.idempotency_key = key,
	};
}

static inline void ask_create(struct shop *shop, char client, uint64_t user_id, const char *key)
{
	struct orderd_create create = example_create(user_id, key);

	shop_ask(shop, client, "order.create", &create_record, &create);
}

static inline void ask_status(struct shop *shop, char client, uint64_t order_id,
	enum orderd_status status)
{
	struct order_change change = { .order_id = order_id, .status = status };

	shop_ask(shop, client, "order.set_status", &order_set_status_record, &change);
}

static inline void ask_cancel(struct shop *shop, char client, uint64_t order_id)
{
	struct order_change change = { .order_id = order_id };

	shop_ask(shop, client, "order.cancel", &order_cancel_record, &change);
}

static inline void ask_about(struct shop *shop, char client, const char *op, uint64_t order_id)
{
	struct order_due due = { order_id };

	shop_ask(shop, client, op, &order_due_record, &due);
}

static inline void ask_list(struct shop *shop, char client, uint64_t user_id)
{
	struct order_query query = { .user_id = user_id, .page = 1, .page_size = 20 };

	shop_ask(shop, client, "order.list", &order_query_record, &query);
}

static inline struct order_list orders_of(struct shop *shop, uint64_t user_id)
{
	struct order_list list;

	ask_list(shop, 'l', user_id);
	shop_tick(shop);
	answer_read(shop, 'l', &order_list_record, &list);
	return list;
}

static inline struct orderd_order get_order(struct shop *shop, uint64_t order_id)
{
	ask_about(shop, 'g', "order.get", order_id);
	shop_tick(shop);
	return order_to(shop, 'g');
}

/* --- several steps at once ------------------------------------------------------------------ */

/* Up to the question to stockd, whose answer is still out. The order's id. */
static inline uint64_t make_intent(struct shop *shop, char client, const char *key)
{
	ask_create(shop, client, 1, key);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	return move_sent(shop).order_id;
}

/* A pending order of that user; client 'm' asks. */
static inline struct orderd_order make_order(struct shop *shop, uint64_t user_id, const char *key)
{
	ask_create(shop, 'm', user_id, key);
	shop_tick(shop);
	catalog_prices_all(shop);
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	return order_to(shop, 'm');
}

/* Moves an order on, and stockd with it. */
static inline void move_order(struct shop *shop, uint64_t order_id, enum orderd_status status)
{
	ask_status(shop, 's', order_id, status);
	shop_tick(shop);
	if (shop->sent_count[STOCKD] > 0) {
		stock_obeys(shop);
		shop_tick(shop);
	}
	assert_int_equal(order_to(shop, 's').status, status);
}

/* A new order of user 1 in that state, stockd in step with it. Its id. */
static inline uint64_t make_order_in(struct shop *shop, enum orderd_status status)
{
	uint64_t order_id = make_order(shop, 1, NULL).order_id;

	if (status == ORDERD_CANCELLED)
		move_order(shop, order_id, ORDERD_CANCELLED);
	for (int next = ORDERD_PAID; status != ORDERD_CANCELLED && next <= (int)status; next++)
		move_order(shop, order_id, (enum orderd_status)next);
	return order_id;
}

/* Nothing is open: no saga, nobody waits. */
static inline void assert_at_rest(struct shop *shop)
{
	struct saga_list list;
	struct range all = { .limit = LIST_LIMIT_MAX };

	shop_ask(shop, 'z', "saga.list", &range_record, &all);
	shop_tick(shop);
	answer_read(shop, 'z', &saga_list_record, &list);
	assert_int_equal(list.count, 0);
	assert_int_equal(shop_parked(shop), 0);
}
