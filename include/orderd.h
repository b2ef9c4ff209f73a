#pragma once

/* liborderd: orders from C programs on the same host.
 *
 *     struct orderd_client *client;
 *     struct orderd_order *order;
 *     struct orderd_line lines[] = {
 *             { .book_id = 1, .quantity = 2 },
 *             { .sku = "85123A", .quantity = 1 },
 *     };
 *     struct orderd_create create = { .user_id = 1, .items = lines, .item_count = 2 };
 *
 *     if (orderd_open(&client, NULL) < 0)
 *             ...
 *     if (orderd_create(client, &create, &order) == 0)
 *             printf("%s %" PRId64 "\n", order->order_no, order->total);
 *     orderd_order_free(order);
 *     orderd_close(client);
 *
 * Every call returns
 *     0              done, and durable;
 *     above 0        refused with that code of orderd-protocol(7): nothing happened;
 *     below 0        -errno: -ETIMEDOUT no answer came in time, so the outcome is not known;
 *                    -ENOENT, -EACCES or -ECONNREFUSED the socket is not there, not ours to use,
 *                    or nobody answers behind it; -EBADMSG the answer made no sense; -EMSGSIZE or
 *                    -EINVAL the request cannot be sent; -ECHILD the handle was opened before
 *                    fork(); -EMFILE, -ENOMEM.
 * orderd_error and orderd_message then say more. Money is counted in the smallest unit (5900 is
 * 59.00), times are milliseconds since 1970 UTC, text is UTF-8.
 *
 * A client is used by one thread at a time; a process may have many. It belongs to the process that
 * opened it, and so does an iterator over events: a child of fork() opens its own, and may do
 * nothing with those of its parent but close them. What a call returns by pointer belongs to the
 * caller and is given back with the matching free. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct orderd_client;

enum orderd_status {
	ORDERD_ANY = 0,
	ORDERD_PENDING = 1,
	ORDERD_PAID = 2,
	ORDERD_SHIPPED = 3,
	ORDERD_COMPLETED = 4,
	ORDERD_CANCELLED = 5,
};

/* What a buyer asks for: a book by id or, where that is 0, by sku. */
struct orderd_line {
	uint64_t book_id;
	const char *sku;
	int64_t quantity;
};

/* What was sold: title and price as they were when the order was made. */
struct orderd_item {
	uint64_t book_id;
	const char *sku; /* NULL where the book has none */
	const char *book_title;
	int64_t quantity;
	int64_t price;
};

struct orderd_order {
	uint64_t order_id;
	const char *order_no; /* 20 digits */
	uint64_t user_id;
	int64_t total;
	enum orderd_status status;
	int64_t created_at;
	int64_t updated_at;
	int64_t expires_at;
	struct orderd_item *items;
	size_t item_count;
	bool stock_to_follow; /* the order's new state is durable; stockd has yet to confirm */
};

/* One change of state. `from` is ORDERD_ANY for an order's making. */
struct orderd_event {
	uint64_t seq;
	uint64_t order_id;
	enum orderd_status from;
	enum orderd_status to;
	const char *actor;
	const char *reason; /* NULL where none was given */
	int64_t at;
	uint64_t user_id;
	int64_t total;
};

struct orderd_create {
	uint64_t user_id;
	struct orderd_line *items;
	size_t item_count;
	const char *idempotency_key; /* NULL: the library makes one for the repeats of this call */
	int64_t expires_in_ms;       /* 0: the configured payment timeout */
};

struct orderd_page {
	struct orderd_order **orders; /* newest first; freed with the page */
	size_t count;
	uint64_t total;  /* of all pages */
	uint64_t next;   /* for `after` of the next call; 0: this was the last page */
	bool incomplete; /* orderd has just started: the newest orders may be missing for now */
};

struct orderd_book {
	uint64_t book_id;
	const char *sku; /* NULL where it has none */
	const char *title;
	int64_t price;
	bool active;
	uint64_t version;
	int64_t updated_at;
};

struct orderd_books {
	struct orderd_book *books; /* by ascending id */
	size_t count;
	uint64_t next; /* for `after` of the next call; 0: there are no more */
};

struct orderd_query {
	uint64_t user_id;
	enum orderd_status status; /* ORDERD_ANY: all */
	int64_t page;              /* from 1; 0 means 1 */
	int64_t page_size;         /* 1 to 100; 0 means 20 */
	uint64_t after;            /* instead of page: only orders made before this one */
};

/* Connects to the suite whose sockets are in `runtime_dir`; NULL takes ORDERD_RUNTIME_DIR from the
 * environment, else the directory set at build time. Waits for nothing. */
int orderd_open(struct orderd_client **ret, const char *runtime_dir);
void orderd_close(struct orderd_client *client);

/* How long a call may take with all its repeats; 10,000 ms unless set. */
void orderd_set_timeout(struct orderd_client *client, int64_t timeout_ms);

/* Of the last call: the stable error name ("insufficient_stock"; "" after success) and a sentence
 * for a person. Valid until the next call. */
const char *orderd_error(const struct orderd_client *client);
const char *orderd_message(const struct orderd_client *client);

/* Makes an order. Repeated by itself under one idempotency key until the time is up, so that a
 * lost answer never makes two orders; after -ETIMEDOUT call again with the same key to learn
 * the outcome. */
int orderd_create(struct orderd_client *client, const struct orderd_create *create,
	struct orderd_order **ret);

/* By id, or by number where order_id is 0. */
int orderd_get(struct orderd_client *client, uint64_t order_id, const char *order_no,
	struct orderd_order **ret);

/* Moves an order along the state machine; ret may be NULL. Repeated when no answer comes: an order
 * found in the wanted state after a repeat counts as moved. */
int orderd_set_status(struct orderd_client *client, uint64_t order_id, enum orderd_status status,
	const char *reason, struct orderd_order **ret);
int orderd_cancel(struct orderd_client *client, uint64_t order_id, const char *reason,
	struct orderd_order **ret);

int orderd_list(struct orderd_client *client, const struct orderd_query *query,
	struct orderd_page **ret);

/* A book by id or, where that is 0, by sku, as a list of one; and up to `limit` (1 to 500; 0: 100)
 * books behind that id. By catalogd or one of its read-only instances, in turn: one that is away or
 * does not answer is passed over. */
int orderd_book(struct orderd_client *client, uint64_t book_id, const char *sku,
	struct orderd_books **ret);
int orderd_list_books(struct orderd_client *client, uint64_t after, int64_t limit,
	struct orderd_books **ret);
void orderd_books_free(struct orderd_books *books);

void orderd_order_free(struct orderd_order *order);
void orderd_page_free(struct orderd_page *page);

const char *orderd_status_name(enum orderd_status status); /* "PENDING"; "" for ORDERD_ANY */

/* Events as an iterator, from the one after `after` on: first from the durable log, then live.
 * Nothing is missed and nothing comes twice, across restarts of the suite too. The iterator has
 * connections of its own and may outlive the client. It ends with -ESTALE when the log does not
 * have the event given last (or `after`) any more, because an older copy of the suite was
 * restored: from an event on that both have another iterator goes on. */
struct orderd_events;
int orderd_events_open(struct orderd_client *client, uint64_t after, struct orderd_events **ret);

/* The next event, valid until the next call. 0; -EAGAIN: none came within timeout_ms (0: do not
 * wait, -1: wait for ever); -ESTALE; or as above, -ENOENT and -ECONNREFUSED only when orderd was not met
 * once in a second or more since the opening. */
int orderd_events_next(struct orderd_events *events, int64_t timeout_ms,
	const struct orderd_event **ret);
void orderd_events_close(struct orderd_events *events);

#ifdef __cplusplus
}
#endif
