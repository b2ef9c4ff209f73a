#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"
#include "listing.h"
#include "orderctl.h"
#include "output.h"

#define REPORTED_MAX 1000 /* disagreements told one by one; all are counted */
#define CHUNK 256         /* elements of one request */

/* Waits between the looks at what disagrees, 5 s together. */
static const int waits_ms[] = { 100, 400, 1000, 1500, 2000 };
#define LOOKS (sizeof(waits_ms) / sizeof(waits_ms[0]))

struct disagreement {
	uint64_t order_id, book_id; /* one of the two, or neither */
	const char *what;
};

struct ids {
	uint64_t *at;
	size_t count, room;
};

struct fsck {
	struct ctl *ctl;
	struct ledger *ledger;
	struct arena *scratch;
	struct journal_query journal; /* goes on where the last look ended */
	uint64_t journal_seq;
	struct ids orders, books; /* that have disagreed at every look so far */
	unsigned looks;
	uint64_t journal_gaps;

	/* The summary. */
	uint64_t book_count, level_count, movement_count, order_count, reservation_count;
	uint64_t in_transit;
	uint64_t unknown_books;
	uint64_t disagreement_count;
	struct disagreement *disagreements;
	size_t reported;
	bool clean;
};

static const struct field disagreement_fields[] = {
	{ "order_id", FIELD_U64, FIELD_SPARSE, AT(disagreement, order_id) },
	{ "book_id", FIELD_U64, FIELD_SPARSE, AT(disagreement, book_id) },
	{ "what", FIELD_TEXT, 0, AT(disagreement, what) },
};
static const struct record disagreement_record = RECORD(disagreement, disagreement_fields);

static const struct field fsck_fields[] = {
	{ "clean", FIELD_BOOL, 0, AT(fsck, clean) },
	{ "books", FIELD_U64, 0, AT(fsck, book_count) },
	{ "levels", FIELD_U64, 0, AT(fsck, level_count) },
	{ "levels_without_book", FIELD_U64, FIELD_SPARSE, AT(fsck, unknown_books) },
	{ "movements", FIELD_U64, 0, AT(fsck, movement_count) },
	{ "orders", FIELD_U64, 0, AT(fsck, order_count) },
	{ "reservations", FIELD_U64, 0, AT(fsck, reservation_count) },
	{ "in_transit", FIELD_U64, 0, AT(fsck, in_transit) },
	{ "disagreement_count", FIELD_U64, 0, AT(fsck, disagreement_count) },
	{ "disagreements", FIELD_LIST, 0, AT(fsck, disagreements), .of = &disagreement_record,
		COUNT_AT(fsck, reported) },
};
static const struct record fsck_record = RECORD(fsck, fsck_fields);

static int taken(const struct fsck *fsck, int error)
{
	return error ? ctl_failed(fsck->ctl, ORDERD, error, NULL) : STATUS_DONE;
}

/* --- scans ------------------------------------------------------------------------------------ */

static int take_book(void *context, const void *element)
{
	struct fsck *fsck = context;

	fsck->book_count++;
	return taken(fsck, ledger_book_known(fsck->ledger, element));
}

static int take_level(void *context, const void *element)
{
	struct fsck *fsck = context;

	fsck->level_count++;
	return taken(fsck, ledger_level(fsck->ledger, element));
}

static int take_order(void *context, const void *element)
{
	struct fsck *fsck = context;

	fsck->order_count++;
	return taken(fsck, ledger_order(fsck->ledger, element));
}

static int take_reservation(void *context, const void *element)
{
	struct fsck *fsck = context;

	fsck->reservation_count++;
	return taken(fsck, ledger_reservation(fsck->ledger, element));
}

static int take_movement(void *context, const void *element)
{
	struct fsck *fsck = context;
	const struct movement *movement = element;

	if (movement->seq != fsck->journal_seq + 1)
		fsck->journal_gaps++;
	fsck->journal_seq = movement->seq;
	fsck->movement_count++;
	return taken(fsck, ledger_movement(fsck->ledger, movement));
}

static int take_saga(void *context, const void *element)
{
	struct fsck *fsck = context;

	fsck->in_transit++;
	return taken(fsck, ledger_saga(fsck->ledger, element));
}

static int scan(struct fsck *fsck, const struct listing *listing,
	int (*take)(void *context, const void *element))
{
	struct range range = { 0 };

	return listing_walk(fsck->ctl, listing, &range, UINT64_MAX, take, fsck);
}

/* The lines of the journal since the last look. */
static int scan_journal(struct fsck *fsck)
{
	static const struct listing listing = { STOCKD, "stock.journal", &journal_query_record,
		&movement_list_record, &movement_record, NULL };

	fsck->journal.after = fsck->journal_seq;
	return listing_walk(fsck->ctl, &listing, &fsck->journal, UINT64_MAX, take_movement, fsck);
}

static int scan_sagas(struct fsck *fsck)
{
	static const struct listing listing = { ORDERD, "saga.list", &range_record,
		&saga_list_record, &saga_info_record, NULL };

	ledger_forget_sagas(fsck->ledger);
	fsck->in_transit = 0;
	return scan(fsck, &listing, take_saga);
}

/* The journal comes last: it must show what was read before it. */
static int scan_all(struct fsck *fsck)
{
	static const struct listing books = { CATALOGD, "catalog.list", &range_record,
		&book_list_record, &book_record, NULL };
	static const struct listing orders = { ORDERD, "order.scan", &range_record,
		&order_list_record, &order_record, NULL };
	static const struct listing levels = { STOCKD, "stock.list", &range_record,
		&level_list_record, &level_record, NULL };
	static const struct listing reservations = { STOCKD, "stock.reservations", &range_record,
		&reservation_list_record, &reservation_record, NULL };
	int status = scan(fsck, &books, take_book);

	if (!status)
		status = scan_sagas(fsck);
	if (!status)
		status = scan(fsck, &orders, take_order);
	if (!status)
		status = scan(fsck, &reservations, take_reservation);
	if (!status)
		status = scan(fsck, &levels, take_level);
	return status ? status : scan_journal(fsck);
}

/* --- what disagrees --------------------------------------------------------------------------- */

static int ids_add(struct ids *ids, uint64_t id)
{
	size_t room = ids->room ? 2 * ids->room : 256;
	uint64_t *at = ids->at;

	if (ids->count == ids->room) {
		at = realloc(ids->at, room * sizeof(*at));
		if (!at)
			return -ENOMEM;
		ids->at = at;
		ids->room = room;
	}
	at[ids->count++] = id;
	return 0;
}

/* What agreed once was only in motion, whatever it looks like later. */
static int suspect_book(void *context, struct ledger_book *book)
{
	struct fsck *fsck = context;

	arena_reset(fsck->scratch);
	if (book->suspected < fsck->looks || !ledger_check_book(fsck->scratch, book))
		return 0;
	book->suspected++;
	return ids_add(&fsck->books, book->book_id);
}

static int suspect_order(void *context, struct ledger_order *order)
{
	struct fsck *fsck = context;

	arena_reset(fsck->scratch);
	if (order->suspected < fsck->looks || order->in_transit ||
		!ledger_check_order(fsck->scratch, order))
		return 0;
	order->suspected++;
	return ids_add(&fsck->orders, order->order_id);
}

static int suspects_find(struct fsck *fsck)
{
	int error;

	fsck->books.count = fsck->orders.count = 0;
	error = ledger_books_each(fsck->ledger, suspect_book, fsck);
	if (!error)
		error = ledger_orders_each(fsck->ledger, suspect_order, fsck);
	fsck->looks++;
	return taken(fsck, error);
}

/* --- looking again ---------------------------------------------------------------------------- */

/* Asks for records one by one, by their ids: a request is one id, all three look the same. */
struct question {
	enum neighbour who;
	const char *operation, *many;
	const struct record *request, *reply;
	int (*take)(struct ledger *ledger, const void *reply);
};

static int question_part(struct fsck *fsck, const struct question *question, const uint64_t *ids,
	size_t count)
{
	size_t request_size = question->request->size, reply_size = question->reply->size, done = 0;
	const struct field *id = &question->request->fields[0];
	char *requests, *replies;
	struct answer *answers;
	struct connection *connection;
	int result = ctl_connection(fsck->ctl, question->who, &connection);

	arena_reset(fsck->scratch);
	requests = arena_take(fsck->scratch, count * request_size);
	replies = arena_take(fsck->scratch, count * reply_size);
	answers = arena_take(fsck->scratch, count * sizeof(*answers));
	if (!requests || !replies || !answers)
		result = -ENOMEM;
	for (size_t i = 0; !result && i < count; i++)
		memcpy(requests + i * request_size + id->offset, &ids[i], sizeof(*ids));
	if (!result)
		result = connection_call_many(connection, fsck->scratch, question->operation,
			question->many, question->request, requests, count,
			ctl_timeout_ms(fsck->ctl), question->reply, replies, answers, &done);
	for (size_t i = 0; !result && i < count; i++)
		if (answers[i].code == 0)
			result = question->take(fsck->ledger, replies + i * reply_size);
	return result ? ctl_failed(fsck->ctl, question->who, result, NULL) : STATUS_DONE;
}

static int question_ask(struct fsck *fsck, const struct question *question, const struct ids *ids)
{
	int status = STATUS_DONE;

	for (size_t from = 0; from < ids->count && !status; from += CHUNK)
		status = question_part(fsck, question, ids->at + from,
			ids->count - from < CHUNK ? ids->count - from : CHUNK);
	return status;
}

static int again_order(struct ledger *ledger, const void *reply)
{
	return ledger_order(ledger, reply);
}

static int again_reservation(struct ledger *ledger, const void *reply)
{
	return ledger_reservation(ledger, reply);
}

static int again_level(struct ledger *ledger, const void *reply)
{
	return ledger_level(ledger, reply);
}

static int look_again(struct fsck *fsck)
{
	static const struct question orders = { ORDERD, "order.get", "orders", &order_ref_record,
		&order_record, again_order };
	static const struct question reservations = { STOCKD, "stock.reservation", "orders",
		&reservation_ref_record, &reservation_record, again_reservation };
	static const struct question levels = { STOCKD, "stock.show", "books", &level_ref_record,
		&level_record, again_level };
	int status = scan_sagas(fsck);

	if (!status)
		status = question_ask(fsck, &orders, &fsck->orders);
	if (!status)
		status = question_ask(fsck, &reservations, &fsck->orders);
	if (!status)
		status = question_ask(fsck, &levels, &fsck->books);
	if (!status)
		status = scan_journal(fsck);
	return status ? status : suspects_find(fsck);
}

static int look_until_settled(struct fsck *fsck)
{
	int status = suspects_find(fsck);

	for (size_t i = 0; i < LOOKS && !status && fsck->orders.count + fsck->books.count; i++) {
		nanosleep(&(struct timespec){ waits_ms[i] / 1000, waits_ms[i] % 1000 * 1000000L },
			NULL);
		status = look_again(fsck);
	}
	return status;
}

/* --- the report ------------------------------------------------------------------------------- */

static void report(struct fsck *fsck, uint64_t order_id, uint64_t book_id, const char *what)
{
	fsck->disagreement_count++;
	if (fsck->reported < REPORTED_MAX)
		fsck->disagreements[fsck->reported++] =
			(struct disagreement){ order_id, book_id, what };
}

static int report_book(void *context, struct ledger_book *book)
{
	struct fsck *fsck = context;

	if (book->suspected == fsck->looks)
		report(fsck, 0, book->book_id, ledger_check_book(fsck->ctl->arena, book));
	if (book->has_level && !book->has_book)
		fsck->unknown_books++;
	return 0;
}

static int report_order(void *context, struct ledger_order *order)
{
	struct fsck *fsck = context;

	if (order->suspected == fsck->looks)
		report(fsck, order->order_id, 0, ledger_check_order(fsck->ctl->arena, order));
	return 0;
}

static int report_all(struct fsck *fsck)
{
	if (fsck->journal_gaps)
		report(fsck, 0, 0, "lines are missing from the stock journal");
	ledger_books_each(fsck->ledger, report_book, fsck);
	ledger_orders_each(fsck->ledger, report_order, fsck);
	fsck->clean = fsck->disagreement_count == 0;
	output_record(&fsck_record, fsck);
	return fsck->clean ? STATUS_DONE : STATUS_REFUSED;
}

int fsck_run(struct ctl *ctl)
{
	struct fsck fsck = { .ctl = ctl };
	int status;

	if (ctl_option(ctl, "repair"))
		return repair_run(ctl);
	if (ctl_option(ctl, "write"))
		return usage_refuse(ctl, "--write goes with --repair");
	fsck.ledger = ledger_new();
	fsck.scratch = arena_new();
	fsck.disagreements = arena_take(ctl->arena, REPORTED_MAX * sizeof(*fsck.disagreements));
	status = taken(&fsck, fsck.ledger && fsck.scratch && fsck.disagreements ? 0 : -ENOMEM);
	if (!status)
		status = scan_all(&fsck);
	if (!status)
		status = look_until_settled(&fsck);
	if (!status)
		status = report_all(&fsck);
	ledger_free(fsck.ledger);
	arena_free(fsck.scratch);
	free(fsck.orders.at);
	free(fsck.books.at);
	return status;
}
