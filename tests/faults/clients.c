#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients.h"

/* Clients: they ask, wait, and where a request has a key they ask again after silence. Few books
 * and little stock, so that orders are in each other's way. */

/* --- frames --------------------------------------------------------------------------------- */

struct frame *frame_new(struct sim *sim, enum item_kind kind, const char *op)
{
	struct frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		abort();
	frame->id = ++sim->next_frame;
	frame->kind = kind;
	frame->op = op;
	frame->sent_step = sim->step;
	HASH_ADD(hh, sim->frames, id, sizeof(frame->id), frame);
	return frame;
}

static const char *frame_reason(struct sim *sim, const struct frame *frame)
{
	return arena_print(sim->arena, "f%llu", (unsigned long long)frame->id);
}

struct parcel frame_message(struct frame *frame, uint64_t client, struct buffer *bytes)
{
	struct parcel message = {
		.kind = MESSAGE_REQUEST,
		.frame = frame->id,
		.route = { .identity = { 'C', (uint8_t)client },
			.identity_size = 2,
			.uid = geteuid(),
			.known = true },
		.data = bytes->at,
		.size = bytes->size,
	};

	return message;
}

void envelope_pack(struct buffer *bytes, const struct frame *frame, uint32_t fields,
	int64_t timeout_ms)
{
	pack_map(bytes, fields + 3 + (timeout_ms > 0));
	pack_str(bytes, "v");
	pack_u64(bytes, PROTOCOL_VERSION);
	pack_str(bytes, "id");
	pack_u64(bytes, frame->id);
	pack_str(bytes, "op");
	pack_str(bytes, frame->op);
	if (timeout_ms > 0) {
		pack_str(bytes, "timeout_ms");
		pack_i64(bytes, timeout_ms);
	}
}

static void ask_within(struct sim *sim, enum place to, struct frame *frame, uint64_t client,
	const struct record *record, const void *request, int64_t timeout_ms)
{
	struct buffer fields = { 0 }, bytes = { 0 };
	uint32_t count = fields_to_map(&fields, record, request);
	struct parcel message;

	envelope_pack(&bytes, frame, count, timeout_ms);
	buffer_append(&bytes, fields.at, fields.size);
	message = frame_message(frame, client, &bytes);
	sim_trace(sim, "client %llu asks %s: %s", (unsigned long long)client, place_names[to],
		sim_show(sim, bytes.at, bytes.size));
	bus_ask(sim, to, &message);
	buffer_done(&fields);
	buffer_done(&bytes);
	arena_reset(sim->arena);
}

void client_ask(struct sim *sim, enum place to, struct frame *frame, const struct record *record,
	const void *request)
{
	ask_within(sim, to, frame, 1 + frame->id % 5, record, request, 0);
}

/* --- wishes --------------------------------------------------------------------------------- */

static void wish_ask(struct sim *sim, struct wish *wish, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_CREATE, "order.create");
	struct orderd_create create = {
		.user_id = wish->user_id,
		.items = wish->lines,
		.item_count = wish->line_count,
		.idempotency_key = wish->key[0] ? wish->key : NULL,
		.expires_in_ms = wish->expires_in_ms,
	};
	int64_t timeout_ms = random_chance(random, 25) ? random_between(random, 50, 3000) : 0;

	frame->wish = wish;
	frame->once_only = create.idempotency_key;
	ask_within(sim, ORDERD, frame, 1 + frame->id % 5, &create_record, &create, timeout_ms);
	if (wish->repeats > 0)
		bus_silence(sim, frame->id, wish->silence_ms);
}

static struct wish *wish_new(struct sim *sim, struct random *random)
{
	struct wish *wish = calloc(1, sizeof(*wish));

	if (!wish)
		abort();
	wish->number = ++sim->next_wish;
	wish->first_step = sim->step;
	wish->line_count = (size_t)random_between(random, 1, 3);
	for (size_t i = 0; i < wish->line_count; i++) {
		uint64_t book_id = (uint64_t)random_between(random, 1, sim->plan.books);

		if (random_chance(random, 3))
			book_id = 77; /* nobody sells it */
		wish->lines[i].quantity = random_between(random, 1, 3);
		wish->lines[i].book_id = book_id;
	}
	if (random_chance(random, 30))
		wish->expires_in_ms = random_between(random, 1000, 6000);
	if (random_chance(random, 65)) {
		snprintf(wish->key, sizeof(wish->key), "w%llu", (unsigned long long)wish->number);
		wish->user_id = (uint64_t)random_between(random, 1, SHARED_USERS);
		wish->repeats = (int)random_below(random, 4);
		wish->silence_ms = random_between(random, 20, 5000);
	} else {
		wish->user_id = LONELY_USER + wish->number;
	}
	HASH_ADD(hh, sim->wishes, number, sizeof(wish->number), wish);
	return wish;
}

void clients_repeat(struct sim *sim, uint64_t id)
{
	const struct frame *frame = frame_find(sim, id);
	struct wish *wish = frame->wish;
	struct random random = random_from(sim->seed ^ id, 3);

	/* Some repeat though they have their answer: the same again is what they must hear. */
	if (wish->repeats == 0 || (frame->answered > 0 && !random_chance(&random, 25)))
		return;
	wish->repeats--;
	wish_ask(sim, wish, &random);
}

void clients_converge(struct sim *sim)
{
	struct wish *wish, *next;
	struct random random = random_from(sim->seed, 4);

	HASH_ITER(hh, sim->wishes, wish, next) {
		wish->repeats = 0;
		if (wish->key[0] && (!wish->told_id || random_chance(&random, 30)))
			wish_ask(sim, wish, &random);
	}
}

/* --- items ---------------------------------------------------------------------------------- */

uint64_t order_pick(const struct sim *sim, struct random *random)
{
	size_t young = sim->told_count < 8 ? sim->told_count : 8;
	int64_t at;

	if (sim->told_count == 0 || random_chance(random, 5))
		return 40404;
	if (random_chance(random, 70))
		at = (int64_t)sim->told_count - 1 - random_below(random, (int64_t)young);
	else
		at = random_below(random, (int64_t)sim->told_count);
	return sim->told[at];
}

static void do_create_other(struct sim *sim, struct random *random)
{
	uint64_t number = sim->next_wish > 0
		? (uint64_t)random_between(random, 1, (int64_t)sim->next_wish)
		: 0;
	struct wish *wish = wish_find(sim, number);
	struct orderd_line line = { .book_id = 1, .quantity = OTHER_QUANTITY };
	struct frame *frame;
	struct orderd_create create;

	if (!wish || !wish->told_id || !wish->key[0])
		return;
	frame = frame_new(sim, ITEM_CREATE_OTHER, "order.create");
	create = (struct orderd_create){
		.user_id = wish->user_id,
		.items = &line,
		.item_count = 1,
		.idempotency_key = wish->key,
	};
	frame->other_body = true;
	client_ask(sim, ORDERD, frame, &create_record, &create);
}

static void do_create_huge(struct sim *sim)
{
	struct orderd_line lines[LINES_MAX];
	struct frame *frame = frame_new(sim, ITEM_CREATE_HUGE, "order.create");
	struct orderd_create create = {
		.user_id = LONELY_USER, .items = lines, .item_count = LINES_MAX
	};

	memset(lines, 0, sizeof(lines));
	for (int i = 0; i < LINES_MAX; i++)
		lines[i] = (struct orderd_line){ .book_id = BOOKS_MAX - 1, .quantity = 99 };
	client_ask(sim, ORDERD, frame, &create_record, &create);
}

static void do_change(struct sim *sim, enum item_kind kind, struct random *random)
{
	static const enum orderd_status wanted[] = {
		[ITEM_PAY] = ORDERD_PAID,
		[ITEM_CANCEL] = ORDERD_CANCELLED,
		[ITEM_SHIP] = ORDERD_SHIPPED,
	};
	bool by_name = kind == ITEM_CANCEL && random_chance(random, 50);
	struct frame *frame = frame_new(sim, kind, by_name ? "order.cancel" : "order.set_status");
	struct order_change change = {
		.order_id = order_pick(sim, random),
		.status = wanted[kind],
		.from = kind != ITEM_SHIP && random_chance(random, 20) ? ORDERD_PENDING
								       : ORDERD_ANY,
		.reason = frame_reason(sim, frame),
	};

	frame->order_id = change.order_id;
	frame->to = change.status;
	client_ask(sim, ORDERD, frame, by_name ? &order_cancel_record : &order_set_status_record,
		&change);
}

void do_due(struct sim *sim, enum item_kind kind, const char *op, struct random *random)
{
	struct frame *frame = frame_new(sim, kind, op);
	struct order_due due = { order_pick(sim, random) };

	frame->order_id = due.order_id;
	client_ask(sim, ORDERD, frame, &order_due_record, &due);
}

static void do_add(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_ADD, "stock.add");
	const char *reason = frame_reason(sim, frame);
	struct level_add add = {
		.book_id = (uint64_t)random_between(random, 1, sim->plan.books),
		.quantity = random_between(random, -2, 6),
		.reason = reason,
		.idempotency_key = random_chance(random, 60) ? reason : NULL,
	};

	if (add.quantity == 0)
		add.quantity = -50;
	frame->book_id = add.book_id;
	frame->once_only = add.idempotency_key;
	client_ask(sim, STOCKD, frame, &level_add_record, &add);
}

static void do_set(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_SET, "stock.set");
	struct level_set set = {
		.book_id = (uint64_t)random_between(random, 1, sim->plan.books),
		.available = random_between(random, 0, 9),
		.reason = frame_reason(sim, frame),
	};

	client_ask(sim, STOCKD, frame, &level_set_record, &set);
}

static void book_ask(struct sim *sim, uint64_t book_id, int64_t price, bool active,
	uint64_t version)
{
	struct frame *frame = frame_new(sim, ITEM_PRICE, "catalog.put");
	struct book_put put = {
		.book_id = book_id,
		.sku = arena_print(sim->arena, "SKU-%llu", (unsigned long long)book_id),
		.title = arena_print(sim->arena, "Book %llu", (unsigned long long)book_id),
		.price = price,
		.active = active,
		.version = version,
	};

	frame->book_id = book_id;
	client_ask(sim, CATALOGD, frame, &book_put_record, &put);
}

static void do_price(struct sim *sim, struct random *random)
{
	uint64_t book_id = (uint64_t)random_between(random, 1, sim->plan.books);
	uint64_t version = random_chance(random, 20) ? (uint64_t)random_between(random, 1, 5) : 0;

	/* Every price is another one: it tells when it was asked. */
	book_ask(sim, book_id, 1000 + (int64_t)sim->next_frame, !random_chance(random, 12),
		version);
}

#define CROWD_MAX 60

/* Enough for all: so many are held at once that their entries in the users' lists are gathered. */
static void do_crowd(struct sim *sim, struct random *random)
{
	struct frame *frame = frame_new(sim, ITEM_ADD, "stock.add");
	struct level_add add = {
		.book_id = (uint64_t)random_between(random, 1, sim->plan.books),
		.quantity = CROWD_MAX,
		.reason = frame_reason(sim, frame),
	};
	int64_t count = random_between(random, CROWD_MAX / 2, CROWD_MAX);

	frame->book_id = add.book_id;
	client_ask(sim, STOCKD, frame, &level_add_record, &add);
	for (int64_t i = 0; i < count; i++) {
		struct wish *wish = wish_new(sim, random);

		wish->lines[0] = (struct orderd_line){ .book_id = add.book_id, .quantity = 1 };
		wish->line_count = 1;
		wish_ask(sim, wish, random);
	}
}

void clients_do(struct sim *sim, const struct item *item)
{
	struct random random = random_from(item->seed, 5);

	arena_reset(sim->arena);
	switch (item->kind) {
	case ITEM_CREATE:
		wish_ask(sim, wish_new(sim, &random), &random);
		break;
	case ITEM_CREATE_OTHER:
		do_create_other(sim, &random);
		break;
	case ITEM_CREATE_HUGE:
		do_create_huge(sim);
		break;
	case ITEM_EXPIRE:
		do_due(sim, ITEM_EXPIRE, "order.expire", &random);
		break;
	case ITEM_RETRY:
		do_due(sim, ITEM_RETRY, "saga.retry", &random);
		break;
	case ITEM_GET:
		do_get(sim, &random);
		break;
	case ITEM_LIST:
		do_list(sim, &random);
		break;
	case ITEM_LOOK:
		do_look(sim, &random);
		break;
	case ITEM_ADD:
		do_add(sim, &random);
		break;
	case ITEM_SET:
		do_set(sim, &random);
		break;
	case ITEM_PRICE:
		do_price(sim, &random);
		break;
	case ITEM_BAD:
		do_bad(sim, &random);
		break;
	case ITEM_BURST:
		do_burst(sim);
		break;
	case ITEM_CROWD:
		do_crowd(sim, &random);
		break;
	default:
		do_change(sim, item->kind, &random);
	}
}

/* --- begin and end -------------------------------------------------------------------------- */

void clients_begin(struct sim *sim)
{
	struct random random = random_from(sim->seed, 6);

	for (unsigned book_id = 1; book_id <= sim->plan.books; book_id++) {
		struct frame *frame = frame_new(sim, ITEM_SET, "stock.set");
		struct level_set set = {
			.book_id = book_id,
			.available = random_between(&random, 0, 12),
			.reason = frame_reason(sim, frame),
		};

		client_ask(sim, STOCKD, frame, &level_set_record, &set);
		book_ask(sim, book_id, 1000 + (int64_t)sim->next_frame, true, 0);
	}
	/* Dear, and never in stock. */
	book_ask(sim, BOOKS_MAX - 1, PRICE_MAX, true, 0);
}

void clients_end(struct sim *sim)
{
	HASH_FREE(frame, sim->frames);
	HASH_FREE(wish, sim->wishes);
}
