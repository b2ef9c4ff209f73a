#include <string.h>

#include "clients.h"

/* What no good client asks. */

void do_bad(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_BAD, "order.create");
	struct buffer bytes = { 0 };
	enum place to = ORDERD;
	struct parcel message;
	int64_t how = random_below(random, 8);

	if (how == 0)
		frame->op = "order.steal";
	if (how == 1)
		frame->op = "order.set_status";
	if (how >= 6) {
		frame->op = how == 6 ? "stock.apply" : "catalog.put";
		to = how == 6 ? STOCKD : CATALOGD;
	}
	envelope_pack(&bytes, frame, how == 2, 0);
	if (how == 2)
		pack_str(&bytes, "v");
	if (how == 2)
		pack_u64(&bytes, 2);
	message = frame_message(frame, 9, &bytes);
	if (how == 3)
		message.size -= (size_t)random_between(random, 1, (int64_t)bytes.size - 1);
	if (how == 4)
		message.kind = MESSAGE_MALFORMED;
	if (how == 5)
		bytes.at[3] = 99; /* another version */
	if (how >= 6)
		message.route.uid = 4711;
	bus_ask(sim, to, &message);
	buffer_done(&bytes);
}

/* As many orders in one frame as a connection may have in hand, and then some. Nobody has stock for
 * them, so none is made. */
void do_burst(struct sim *sim)
{
	for (int n = 0; n < 3; n++) {
		struct frame *frame = frame_new(sim, ITEM_BURST, "order.create");
		struct buffer bytes = { 0 };
		struct parcel message;

		envelope_pack(&bytes, frame, 1, 0);
		pack_str(&bytes, "orders");
		pack_array(&bytes, 200);
		for (int i = 0; i < 200; i++) {
			struct orderd_line line = { .book_id = BOOKS_MAX - 1, .quantity = 1 };
			struct orderd_create create = {
				.user_id = LONELY_USER, .items = &line, .item_count = 1
			};

			size_t map = pack_open_map(&bytes);
			pack_close(&bytes, map, fields_to_map(&bytes, &create_record, &create));
		}
		message = frame_message(frame, 10, &bytes);
		bus_ask(sim, ORDERD, &message);
		buffer_done(&bytes);
	}
}
