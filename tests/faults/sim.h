#pragma once

#include <setjmp.h>
#include <stdio.h>

#define HASH_NONFATAL_OOM 0
#include <uthash.h>

#include "plan.h"
#include "service.h"

/* The simulator: the four daemons without their sockets in one process, on real stores, with a bus,
 * clocks and a disk that a seed governs; clients; and an oracle that looks at the stores after
 * every commit and at every answer when it leaves its daemon.
 *
 * Time is simulated: nothing waits. `now_ms` is the monotonic clock; the wall clock may jump. */

enum place { ORDERD, STOCKD, CATALOGD, REAPERD, DAEMONS, CLIENTS = DAEMONS, PLACES };

#define WALL_START_MS INT64_C(1700000000000)
#define REST_MS 30000 /* after the faults stop: then nothing may be left over */

/* Frees all of a hash of structs of that name. */
#define HASH_FREE(name, head) \
	do { \
		struct name *each_, *next_; \
\
		HASH_ITER(hh, head, each_, next_) { \
			HASH_DEL(head, each_); \
			free(each_); \
		} \
	} while (0)

/* --- what travels --------------------------------------------------------------------------- */

enum message_kind { MESSAGE_REQUEST, MESSAGE_RESULT, MESSAGE_SILENCE, MESSAGE_MALFORMED };

struct parcel {
	struct parcel *prev, *next;
	int64_t at_ms;
	enum message_kind kind;
	enum place from, to;
	uint32_t run;  /* RESULT: of the daemon that asked; another one never hears it */
	unsigned peer; /* likewise: in its table */
	struct route route;
	uint64_t frame; /* of a client's request; SILENCE: the one that may be asked again */
	void *data;
	size_t size;
};

struct window { /* a time of trouble on a way */
	enum item_kind kind;
	enum place from, to; /* PLACES: any */
	int64_t until_ms;
	int64_t percent;
	int64_t delay_ms;
};
#define WINDOWS_MAX 16

/* --- daemons -------------------------------------------------------------------------------- */

enum crash { CRASH_NONE, CRASH_IN_TICK, CRASH_AT_START };

struct node {
	struct sim *sim;
	enum place place;
	const struct program *program;
	const void *settings;
	struct service *service; /* NULL: down */
	uint32_t run;
	int64_t started_ms;
	int64_t back_at_ms; /* while down */
	int64_t ready_ms;   /* of the next tick for what has arrived */
	int64_t wake_ms;    /* -1: not by itself */
	int64_t stalled_until_ms;
	struct parcel *inbox;
	size_t inbox_count;
	bool heard_stockd; /* orderd, in this run */

	enum crash crash;    /* to come */
	int64_t crash_after; /* so many frames have left */
	int64_t crash_down_ms;
	int64_t frames_left; /* in the tick in hand */
	bool muted;
	int full_commits;   /* so many more find the disk full */
	int broken_commits; /* likewise: -EIO */
	bool broken_keeps;  /* and yet the commit was one */
	bool dirty;         /* the oracle has not seen what was committed */
};

/* --- what clients have asked ---------------------------------------------------------------- */

#define WISH_LINES_MAX 4
#define OTHER_QUANTITY 9 /* of another body under a known key; no wish wants as many */

struct wish { /* an order that somebody wants, asked for once or more often */
	UT_hash_handle hh;
	uint64_t number;
	uint64_t user_id; /* without a key: nobody else's */
	char key[24];     /* "": none */
	struct orderd_line lines[WISH_LINES_MAX];
	size_t line_count;
	int64_t expires_in_ms;
	uint64_t first_step; /* when it was first asked for */
	unsigned delivered, refused;
	uint32_t delivered_run;
	uint64_t told_id; /* what clients were told: the order's id */
	int64_t told_total;
	char told_no[ORDER_NO_DIGITS + 1];
	uint64_t told_step;
	int64_t told_ms;
	uint32_t told_run;
	uint64_t order_id; /* in the store */
	int repeats;       /* still to come after silence */
	int64_t silence_ms;
};

struct frame { /* one request on its way */
	UT_hash_handle hh;
	uint64_t id;
	enum item_kind kind;
	const char *op;
	struct wish *wish;
	uint64_t order_id;
	enum orderd_status to;
	uint64_t user_id;
	uint64_t book_id;
	uint64_t sent_step;
	unsigned delivered, answered, refused;
	unsigned done; /* what it wanted was seen in the store so often */
	enum place to_place;
	uint32_t run; /* of the daemon that it reached last */
	bool other_body;
	bool once_only; /* has a key: doing it twice is doing it once */
};

/* --- what the oracle remembers -------------------------------------------------------------- */

struct seen { /* a stored record as it was last read */
	uint8_t head[5];
	size_t size;
};

struct known_order {
	UT_hash_handle hh;
	uint64_t order_id;
	struct seen seen;
	struct orderd_order wire; /* items own */
	struct orderd_item items[WISH_LINES_MAX];
	char order_no[ORDER_NO_DIGITS + 1];
	int64_t due_at;
	enum orderd_status replayed; /* by the event log */
	bool by_deadline;            /* cancelled so */
	unsigned recent;             /* bits of the states it had in the step changed_step */
	uint64_t changed_step;
	struct wish *wish;
};

struct known_hold {
	UT_hash_handle hh;
	uint64_t order_id;
	struct seen seen;
	uint64_t version;
	enum goal state;
	struct stock_line lines[WISH_LINES_MAX];
	size_t line_count;
};

struct known_leg { /* an order's pieces of one book, by the journal */
	UT_hash_handle hh;
	struct {
		uint64_t order_id, book_id;
	} key;
	int64_t quantity;
	enum movement_kind last;
};

#define BOOKS_MAX 8
#define PRICES_MAX 512

struct known_price {
	uint64_t book_id;
	uint64_t step; /* from this one on */
	int64_t price;
	bool active;
	bool passing; /* replaced in the same tick, and perhaps read in between */
};

struct known_book {
	uint64_t version;
	int64_t available, reserved, sold, received; /* by the journal */
	bool has_level;
};

/* --- coverage, over all seeds --------------------------------------------------------------- */

enum compensation {
	BACK_UNMADE,  /* given back: held for an order that was never made */
	BACK_EARLY,   /* the giving back came before the holding */
	BACK_CANCEL,  /* of a pending order */
	BACK_EXPIRY,  /* by its deadline */
	BACK_REFUND,  /* of a paid order */
	BACK_RECOVER, /* an order finished by an orderd that had not begun it */
	BACK_KINDS,
};
extern const char *const compensation_names[BACK_KINDS];

struct coverage {
	uint64_t seeds, ticks, messages, checks, orders, answers;
	uint64_t items[ITEM_KINDS];
	uint64_t outcomes[OUTCOME_COUNT];
	uint64_t compensations[BACK_KINDS];
};

/* --- the whole ------------------------------------------------------------------------------ */

struct sim {
	uint64_t seed;
	struct plan plan;
	size_t next_item;
	bool tracing;
	struct coverage *coverage;
	jmp_buf failed;
	char failure[512];
	const char *dir;

	int64_t now_ms;
	int64_t wall_offset_ms; /* what jumps have added up to */
	uint64_t step;          /* counts everything that happens */
	bool resting;           /* no more faults */
	bool clock_jumped;
	bool keys_aged; /* keys may have been forgotten */
	struct node nodes[DAEMONS];
	struct node *ticking;
	struct parcel *messages; /* by time */
	uint64_t sent[PLACES][PLACES];
	struct window windows[WINDOWS_MAX];
	size_t window_count;

	struct arena *arena; /* for whoever decodes; reset between */
	uint64_t next_frame;
	uint64_t next_wish;
	struct frame *frames;
	struct wish *wishes;
	uint64_t told[ITEMS_MAX * 4]; /* ids of orders that clients know */
	size_t told_count;

	struct db *stores[DAEMONS]; /* the oracle's own */
	struct known_order *orders;
	uint64_t last_event;
	uint64_t changed_step; /* when any order changed last */
	struct known_hold *holds;
	struct known_leg *legs;
	uint64_t last_movement;
	struct known_book books[BOOKS_MAX];
	struct known_price prices[PRICES_MAX];
	size_t price_count;
	uint64_t published; /* the newest seq */
};

static inline int64_t sim_wall(const struct sim *sim)
{
	return WALL_START_MS + sim->now_ms + sim->wall_offset_ms;
}

/* Ends the run of this seed: the promise is broken. */
_Noreturn void sim_fail(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void sim_trace(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line that shows a frame, in the arena. */
const char *sim_show(struct sim *sim, const void *data, size_t size);

/* Runs one seed; false: sim->failure says why. */
bool sim_run(struct sim *sim);

/* --- world.c: daemons and time -------------------------------------------------------------- */

extern const char *const place_names[PLACES];

void world_begin(struct sim *sim);
void world_end(struct sim *sim);
void world_run(struct sim *sim, int64_t until_ms); /* everything that happens until then */
void world_heal(struct sim *sim);                  /* no more faults */
void node_stop(struct node *node, int64_t down_ms);
void world_fault(struct sim *sim, const struct item *item);

/* --- bus.c ---------------------------------------------------------------------------------- */

extern const struct bus bus_of_nodes;

void bus_ask(struct sim *sim, enum place to, const struct parcel *request);
void bus_silence(struct sim *sim, uint64_t frame, int64_t after_ms);
void bus_trouble(struct sim *sim, const struct item *item);
void message_free(struct parcel *message);

/* --- clients.c ------------------------------------------------------------------------------ */

void clients_begin(struct sim *sim);
void clients_do(struct sim *sim, const struct item *item);
void clients_repeat(struct sim *sim, uint64_t frame); /* no answer came */
void clients_converge(struct sim *sim);               /* every key once more */
void clients_end(struct sim *sim);

/* --- answers.c ------------------------------------------------------------------------------ */

void answer_judge(struct sim *sim, struct node *node, uint64_t client, const void *data,
	size_t size);
void result_judge(struct sim *sim, const void *data, size_t size); /* between daemons */
struct frame *frame_find(struct sim *sim, uint64_t id);
struct frame *frame_of_reason(struct sim *sim, const char *reason); /* "f17" */
struct wish *wish_find(struct sim *sim, uint64_t number);

/* --- the oracle: orders.c, stock.c, books.c, rest.c ------------------------------------------ */

/* Reads what was committed since the last look and checks all that must hold at every state. */
void oracle_look(struct sim *sim);
void oracle_end(struct sim *sim);
struct txn *oracle_txn(struct sim *sim, enum place place);
unsigned oracle_table(struct sim *sim, enum place place, const char *name);

/* The records of a table whose keys are ids or numbers, those behind `after`. */
struct scan oracle_scan(struct txn *txn, unsigned table, uint64_t after);
bool seen_changed(struct seen *seen, struct slice value); /* and takes it over */

void orders_look(struct sim *sim);
void orders_end(struct sim *sim);
struct known_order *order_known(struct sim *sim, uint64_t order_id);

void stock_look(struct sim *sim);
void stock_end(struct sim *sim);
struct known_hold *hold_known(struct sim *sim, uint64_t order_id);

void books_look(struct sim *sim);
void price_passed(struct sim *sim, const struct book *book);

/* Whether the price was good for the book at some time from that step on until now. */
bool price_was_good(const struct sim *sim, uint64_t book_id, int64_t price, uint64_t from_step);

/* Nothing is left over. */
void rest_check(struct sim *sim);
