#include <stdlib.h>

#include "clients.h"

/* What clients ask that changes nothing. */

void do_get(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_GET, "order.get");
	struct order_ref ref = { .order_id = order_pick(sim, random) };
	const struct known_order *order = order_known(sim, ref.order_id);

	frame->order_id = ref.order_id;
	if (order && random_chance(random, 30))
		ref = (struct order_ref){ .order_no = order->order_no };
	client_ask(sim, ORDERD, frame, &order_ref_record, &ref);
}

void do_list(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_LIST, "order.list");
	struct order_query query = {
		.user_id = (uint64_t)random_between(random, 1, SHARED_USERS),
		.status = (enum orderd_status)(random_chance(random, 50)
				? ORDERD_ANY
				: random_between(random, ORDERD_PENDING, ORDERD_CANCELLED)),
		.page = 1,
		.page_size = PAGE_SIZE_MAX,
	};

	frame->user_id = query.user_id;
	frame->to = query.status;
	client_ask(sim, ORDERD, frame, &order_query_record, &query);
}

void do_look(struct sim *sim, struct random *random)
{
	struct range range = { .limit = LIST_LIMIT_MAX };
	struct journal_query query = { .limit = 100 };
	struct reservation_ref ref = { order_pick(sim, random) };
	struct level_ref level = { (uint64_t)random_between(random, 1, BOOKS_MAX) };
	struct book_ref book = { .book_id = level.book_id };
	struct frame *frame = frame_new(sim, ITEM_LOOK, "health");

	switch (random_below(random, 9)) {
	case 0:
		frame->op = "event.list";
		client_ask(sim, ORDERD, frame, &range_record, &range);
		return;
	case 1:
		frame->op = "saga.list";
		client_ask(sim, ORDERD, frame, &range_record, &range);
		return;
	case 2:
		frame->op = "stock.journal";
		client_ask(sim, STOCKD, frame, &journal_query_record, &query);
		return;
	case 3:
		frame->op = "stock.reservation";
		client_ask(sim, STOCKD, frame, &reservation_ref_record, &ref);
		return;
	case 4:
		frame->op = "stock.show";
		client_ask(sim, STOCKD, frame, &level_ref_record, &level);
		return;
	case 5:
		frame->op = "catalog.get";
		client_ask(sim, CATALOGD, frame, &book_ref_record, &book);
		return;
	case 6:
		frame->op = "order.scan";
		client_ask(sim, ORDERD, frame, &range_record, &range);
		return;
	case 7:
		HASH_DEL(sim->frames, frame);
		free(frame);
		do_due(sim, ITEM_LOOK, "order.history", random);
		return;
	default:
		client_ask(sim, (enum place)random_below(random, DAEMONS), frame, &empty_record,
			&range);
	}
}
