#include <inttypes.h>
#include <stdio.h>

#include "nth.h"

#define ANSWER_MS 20000
#define SHORT_MS 1100

struct heard heard;

void hear(void *argument, uint64_t client, const void *frame, size_t size)
{
	const struct value *map, *code, *error, *results;
	bool armed = failing_pause();

	(void)argument, (void)client;
	if (codec_parse(arena, frame, size, &map) == 0) {
		code = value_find(map, "code");
		error = value_find(map, "error");
		heard.answered = true;
		heard.code = code ? (int)code->u64 : -1;
		results = value_find(map, "results");
		heard.good = 0;
		for (size_t i = 0; results && i < results->list.count; i++)
			heard.good += value_find(&results->list.at[i], "code")->u64 == 0;
		snprintf(heard.error, sizeof(heard.error), "%.*s", error ? (int)error->str.size : 0,
			error ? error->str.at : "");
	}
	if (armed)
		failing_resume();
}

/* Of `many` the at-th. */
static struct orderd_create create_of(uint64_t user_id, size_t at)
{
	return (struct orderd_create){ .user_id = user_id,
		.items = lines,
		.item_count = sizes.lines,
		.idempotency_key = arena_print(arena, "key-%" PRIu64 "-%zu", user_id, at),
		.expires_in_ms = progress->operation == EXPIRE ? 1000 : 0 };
}

int create(uint64_t user_id, size_t at, struct orderd_order *ret)
{
	struct orderd_create request = create_of(user_id, at);

	return host_call(host, HOST_ORDERD, "order.create", &create_record, &request, arena,
		&order_record, ret);
}

static void ask_many(uint64_t user_id)
{
	struct buffer frame = { 0 };
	size_t map = pack_open_map(&frame);
	size_t list;

	pack_str(&frame, "v");
	pack_u64(&frame, PROTOCOL_VERSION);
	pack_str(&frame, "id");
	pack_u64(&frame, CLIENT);
	pack_str(&frame, "op");
	pack_str(&frame, "order.create");
	pack_str(&frame, "orders");
	list = pack_open_array(&frame);
	for (size_t i = 0; i < sizes.many; i++) {
		struct orderd_create request = create_of(user_id, i);
		size_t element = pack_open_map(&frame);

		pack_close(&frame, element, fields_to_map(&frame, &create_record, &request));
	}
	pack_close(&frame, list, (uint32_t)sizes.many);
	pack_close(&frame, map, 4);
	host_send(host, HOST_ORDERD, CLIENT, frame.at, frame.size);
	buffer_done(&frame);
}

struct book_put put_of(uint64_t book_id, int64_t new_price)
{
	return (struct book_put){
		.book_id = book_id, .title = "A book", .price = new_price, .active = true
	};
}

static struct level_add add_of(uint64_t user_id)
{
	return (struct level_add){ .book_id = 1,
		.quantity = ADDED,
		.reason = "more",
		.idempotency_key = arena_print(arena, "add-%" PRIu64, user_id) };
}

void ask(enum operation_kind operation, uint64_t user_id, uint64_t order_id)
{
	struct orderd_create request = create_of(user_id, 0);
	struct order_change change = { .order_id = order_id,
		.status = operation == SHIP ? ORDERD_SHIPPED : ORDERD_PAID };
	struct order_ref ref = { .order_id = order_id };
	struct order_query query = { .user_id = user_id, .page = 1, .page_size = PAGE_SIZE_MAX };
	struct book_put put = put_of(1, price + 1);
	struct level_add add = add_of(user_id);

	if (operation == CREATE || operation == PRICE)
		host_ask(host, HOST_ORDERD, CLIENT, "order.create", &create_record, &request);
	else if (operation == PAY || operation == SHIP)
		host_ask(host, HOST_ORDERD, CLIENT, "order.set_status", &order_set_status_record,
			&change);
	else if (operation == CANCEL)
		host_ask(host, HOST_ORDERD, CLIENT, "order.cancel", &order_cancel_record, &change);
	else if (operation == GET)
		host_ask(host, HOST_ORDERD, CLIENT, "order.get", &order_ref_record, &ref);
	else if (operation == LIST)
		host_ask(host, HOST_ORDERD, CLIENT, "order.list", &order_query_record, &query);
	else if (operation == PUT)
		host_ask(host, HOST_CATALOGD, CLIENT, "catalog.put", &book_put_record, &put);
	else if (operation == ADD)
		host_ask(host, HOST_STOCKD, CLIENT, "stock.add", &level_add_record, &add);
	else if (operation == MANY)
		ask_many(user_id);
}

static void change_price(void)
{
	struct book_put put = put_of(1, ++price);
	struct book_put_reply reply;

	if (host_call(host, HOST_CATALOGD, "catalog.put", &book_put_record, &put, arena,
		    &book_put_reply_record, &reply) != 0)
		give_up("the price cannot be changed");
}

uint64_t prepare(enum operation_kind operation, uint64_t user_id)
{
	struct orderd_order order = { 0 };
	bool on_order = operation != CREATE && operation < PUT && operation != MANY;

	if (operation == PRICE)
		change_price();
	else if (on_order && create(user_id, 0, &order) != 0)
		give_up("the order to try it on cannot be made");
	if (operation == SHIP) {
		heard.answered = false;
		ask(PAY, user_id, order.order_id);
		host_pass(host, 1000);
		if (!heard.answered || heard.code != 0)
			give_up("the order to try it on cannot be paid");
	}
	return order.order_id;
}

void wait_for_answer(void)
{
	bool is_short = progress->operation == EXPIRE || progress->operation == START;
	int most_ms = is_short ? SHORT_MS : ANSWER_MS;
	unsigned asked = progress->operation == PUT ? HOST_CATALOGD
		: progress->operation == ADD        ? HOST_STOCKD
						    : HOST_ORDERD;

	for (int passed_ms = 0; passed_ms < most_ms; passed_ms += 50) {
		host_drain(host);
		if (heard.answered || !host_runs(host, asked))
			return;
		host_pass(host, 50);
	}
}
