#pragma once

#include "fields.h"
#include "histogram.h"
#include "orderd.h"

/* What travels between programs: one struct and one field table a request, a reply, a record.
 * orderd-protocol(7) says the same in words. Daemons meet here and nowhere else.
 *
 * Bounds that are the protocol's own; a daemon's settings may be narrower. */
#define PROTOCOL_VERSION 1
#define REQUEST_MAX_BYTES (64 * 1024)
#define REPLY_MAX_BYTES (1024 * 1024)
#define REPLY_MANY_MAX_BYTES (16 * 1024 * 1024) /* where changed orders come back, up to 256 */
#define ID_MAX_BYTES 64                         /* of a request's id, when it is a text */
#define TITLE_MAX_BYTES 200
#define REASON_MAX_BYTES 200
#define ACTOR_MAX_BYTES 64
#define KEY_MAX_BYTES 64             /* of an idempotency key */
#define INTENT_MAX_BYTES (48 * 1024) /* an order of LINES_MAX lines with the longest titles */
#define ORDER_NO_DIGITS 20
#define LINES_MAX 100                    /* hard bound; the setting lines_max defaults to 20 */
#define QUANTITY_MAX 1000000             /* hard bound; the setting quantity_max defaults to 99 */
#define STOCK_MAX INT64_C(1000000000000) /* of a book, and of one change of it */
#define GOAL_VERSION_MAX INT64_C(1000000000000000)
#define PRICE_MAX INT64_C(1000000000000000) /* of one book */
#define MANY_MAX 4096                       /* elements of a many-form request */
#define PAGE_SIZE_MAX 100
#define LIST_LIMIT_MAX 500
#define EXPIRES_IN_MIN_MS 1000
#define EXPIRES_IN_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

/* Socket files in the runtime directory. */
#define SOCKET_ORDERD "orderd.sock"
#define SOCKET_STOCKD "stockd.sock"
#define SOCKET_CATALOGD "catalogd.sock"
#define SOCKET_REAPERD "reaperd.sock"
#define SOCKET_EVENTS "events.sock"

extern const char *const status_names[]; /* PENDING PAID SHIPPED COMPLETED CANCELLED */

/* --- shared by many ------------------------------------------------------------------------ */

/* "Everything after this one": the cursor of every list. */
struct range {
	uint64_t after;
	int64_t limit; /* 1 to LIST_LIMIT_MAX, 100 when absent */
};

/* --- catalogd ------------------------------------------------------------------------------ */

struct book {
	uint64_t book_id;
	const char *sku;
	const char *title;
	int64_t price;
	bool active;
	uint64_t version; /* counts the changes of this book, from 1 */
	int64_t updated_at;
};

struct book_ref { /* one of the two */
	uint64_t book_id;
	const char *sku;
};

/* catalog.put: by book_id; by sku alone it changes the book of that sku or makes a new one under
 * the next free id. */
struct book_put {
	uint64_t book_id;
	const char *sku;
	const char *title;
	int64_t price;
	bool active;
	uint64_t version; /* the version to replace; 0: any */
};

struct book_put_reply {
	struct book book; /* flat on the wire */
	bool changed;
};

struct book_list {
	struct book *books;
	size_t count;
	uint64_t next; /* 0: no more */
};

/* catalog.price: an order's lines in, the same lines with id, title and price out. Refused as a
 * whole: book_not_found, book_inactive. */
struct price_request {
	struct orderd_line *items;
	size_t item_count;
};
struct price_reply {
	struct orderd_item *items;
	size_t item_count;
	uint64_t version; /* of the catalog when it answered */
};

/* What orderd reads of catalogd's own store, besides what it asks: the catalog's version, which
 * changes with every book. Prices remembered under the version that stands there now are current,
 * for catalogd answers a change only after its commit. */
#define CATALOG_STORE "catalogd"
#define CATALOG_TABLE_META 0 /* of the tables in that store, "meta" */
#define CATALOG_VERSION "version"

/* --- stockd -------------------------------------------------------------------------------- */

/* available + reserved + sold == received, always, and none below 0. */
struct level {
	uint64_t book_id;
	int64_t available;
	int64_t reserved;
	int64_t sold;
	int64_t received; /* all stock ever received: the sum of set and add */
	int64_t updated_at;
};

/* The goal of a move and the state of a reservation. REFUSED is a state only: there was too little
 * when it was asked for, and asking again under that version does not change it. */
enum goal { GOAL_NONE, GOAL_HELD, GOAL_SOLD, GOAL_RETURNED, GOAL_REFUSED };
extern const char *const goal_names[]; /* HELD SOLD RETURNED REFUSED */

struct stock_line {
	uint64_t book_id;
	int64_t quantity;
};

/* stock.apply: "order 17, version 2: RETURNED".
 *
 * A HELD carries what is to become of it, `intent`: stockd keeps it with the reservation as long as
 * that is held, and hands it out in stock.fence. `epoch` says which run of orderd asks. */
struct move {
	uint64_t order_id;
	uint64_t version; /* from 1 */
	enum goal goal;
	struct stock_line *items; /* needed for HELD; ignored otherwise */
	size_t item_count;
	const char *actor;
	const char *reason;
	uint64_t epoch; /* of HELD; 0: not checked */
	const void *intent;
	size_t intent_size;
};
struct move_reply {
	uint64_t order_id;
	uint64_t version; /* of the reservation now: that of the move, or a higher one */
	enum goal state;
	uint64_t book_id;  /* REFUSED: the first book there was too little of */
	int64_t available; /* REFUSED: how much there was */
};

struct reservation {
	uint64_t order_id;
	uint64_t version;
	enum goal state;
	int64_t updated_at;
	struct stock_line *items;
	size_t item_count;
	uint64_t short_book_id;  /* REFUSED */
	int64_t short_available; /* REFUSED */
	const void *intent;      /* HELD: of the move; not shown */
	size_t intent_size;
};

/* stock.fence: from here on a HELD of another epoch is refused (`fenced`); answered with what is
 * held for orders after `after`. So an orderd that starts learns what an earlier run of it has
 * reserved, and nothing of that run can come later. The epoch only rises: an older one than stands
 * changes nothing and is answered with the one that stands, and nothing held. */
struct fence {
	uint64_t epoch;
	uint64_t after;
};
struct held {
	uint64_t order_id;
	uint64_t version;
	const void *intent;
	size_t intent_size;
};
struct fence_reply {
	uint64_t epoch;
	uint64_t last_order_id; /* the highest that stockd has ever heard of */
	struct held *held;
	size_t held_count;
	uint64_t next; /* for `after`; 0: no more */
};

struct level_set { /* stock.set: available becomes this; the difference counts as received */
	uint64_t book_id;
	int64_t available;
	const char *actor;
	const char *reason;
};
struct level_add { /* stock.add: available changes by this; never below 0 */
	uint64_t book_id;
	int64_t quantity;
	const char *actor;
	const char *reason;
	const char *idempotency_key; /* a repeat within 24 h changes nothing */
};
struct level_ref {
	uint64_t book_id;
};
struct level_list {
	struct level *levels;
	size_t count;
	uint64_t next;
};
struct reservation_ref {
	uint64_t order_id;
};
struct reservation_list {
	struct reservation *reservations;
	size_t count;
	uint64_t next;
};

enum movement_kind {
	MOVEMENT_NONE,
	MOVEMENT_SET,
	MOVEMENT_ADD,
	MOVEMENT_RESERVE,
	MOVEMENT_COMMIT,
	MOVEMENT_RELEASE, /* given back from reserved */
	MOVEMENT_RETURN,  /* given back from sold */
};
extern const char *const movement_names[]; /* set add reserve commit release return */

/* One line of the journal: what moved, and the level right after. */
struct movement {
	uint64_t seq;
	enum movement_kind kind;
	uint64_t book_id;
	uint64_t order_id; /* 0: no order */
	int64_t quantity;  /* of set and add: the change of available */
	int64_t available;
	int64_t reserved;
	int64_t sold;
	const char *actor;
	const char *reason;
	int64_t at;
};
struct journal_query {
	uint64_t after; /* a seq */
	int64_t limit;
	uint64_t book_id;  /* 0: all */
	uint64_t order_id; /* 0: all */
};
struct movement_list {
	struct movement *movements;
	size_t count;
	uint64_t next;
};

/* --- orderd -------------------------------------------------------------------------------- */

struct order_ref { /* one of the two */
	uint64_t order_id;
	const char *order_no;
};
struct order_change { /* order.set_status; order.cancel without status */
	uint64_t order_id;
	const char *order_no;
	enum orderd_status status;
	enum orderd_status from; /* only from this one; ORDERD_ANY: whatever is legal */
	const char *actor;
	const char *reason;
};
struct order_query {
	uint64_t user_id;
	enum orderd_status status;
	int64_t page;
	int64_t page_size;
	uint64_t after;
};
struct order_list {
	struct orderd_order *orders;
	size_t count;
	uint64_t total;
	int64_t page;
	int64_t page_size;
	uint64_t next;
	bool incomplete;
};
struct order_due { /* order.expire: what a deadline means is the order's state's business */
	uint64_t order_id;
};
struct order_due_reply {
	uint64_t order_id;
	enum orderd_status status;
};
struct event_list {
	struct orderd_event *events;
	size_t count;
	uint64_t next; /* for `after`; 0: no more for now */
	uint64_t last; /* the newest seq of the log */
};

/* Steps of an open saga. PRICING is not durable, RESERVING is stockd's reservation; the others are
 * records of orderd's. */
enum saga_step {
	SAGA_NONE,
	SAGA_PRICING,      /* asked the catalog */
	SAGA_RESERVING,    /* asked for HELD; durable in stockd once that is so */
	SAGA_COMPENSATING, /* gave up before the order was made, asks for RETURNED */
	SAGA_COMMITTING,   /* order paid, asks for SOLD */
	SAGA_RETURNING,    /* order cancelled, asks for RETURNED */
};
extern const char *const saga_names[];

struct saga_info {
	uint64_t order_id;
	enum saga_step step;
	uint64_t version;
	int64_t attempts;
	const char *last_error;
	int64_t next_try_at;
	int64_t created_at;
};
struct saga_list {
	struct saga_info *sagas;
	size_t count;
	uint64_t next;
};

/* backup.hold: orderd lets nothing in or out for so long, so that copies of all stores may begin
 * that agree. With 0 it only says where the stores are. */
struct backup_hold {
	int64_t hold_ms;
};
struct backup_hold_reply {
	int64_t until_ms; /* on the host's monotonic clock */
	const char *state_dir;
};

/* --- every daemon -------------------------------------------------------------------------- */

struct health {
	const char *name;
	const char *version;
	int64_t pid;
	int64_t started_at;
	bool ready;
	const char *reason; /* why not ready, or what is amiss */
	int64_t backlog;    /* calls in hand */
	uint64_t requests;
	uint64_t ticks;
	uint64_t commits; /* ticks that wrote */
	int64_t store_used_bytes;
	int64_t store_size_max_bytes;
	int64_t store_room_bytes;
	int64_t open_sagas;
	int64_t oldest_saga_at;
	int64_t next_deadline_at;
};

/* What a daemon has counted and timed since its start. */
struct operation_stats {
	const char *operation;
	uint64_t handled; /* elements of the many-form each by themselves */
	uint64_t refused;
	struct spread latency_us; /* from the tick that took a request in until its answer left */
};
struct duration_stats {
	const char *step;
	struct spread time_us;
};
struct stats_report {
	const char *name;
	int64_t started_at;
	uint64_t ticks;
	uint64_t commits;
	uint64_t syncs; /* of the disk */
	uint64_t requests;
	uint64_t refused;    /* elements */
	uint64_t events;     /* requests, and frames of peers' results */
	struct spread batch; /* events a tick, of ticks that had any */
	struct spread commit_us;
	struct operation_stats *operations;
	size_t operation_count;
	struct duration_stats *durations; /* orderd: steps of its sagas */
	size_t duration_count;
};

extern const struct record empty_record; /* no fields */
extern const struct record range_record, health_record, stats_record, spread_record,
	operation_stats_record, duration_stats_record, backup_hold_record, backup_hold_reply_record;
extern const struct record book_record, book_ref_record, book_put_record, book_put_reply_record,
	book_list_record, price_request_record, price_reply_record;
extern const struct record level_record, move_record, move_reply_record, reservation_record,
	level_set_record, level_add_record, level_ref_record, level_list_record,
	reservation_ref_record, reservation_list_record, fence_record, fence_reply_record,
	movement_record, journal_query_record, movement_list_record, stock_line_record;
extern const struct record order_record, item_record, line_record, create_record, order_ref_record,
	order_set_status_record, order_cancel_record, order_query_record, order_list_record,
	order_due_record, order_due_reply_record, event_record, event_list_record, saga_info_record,
	saga_list_record;
