#pragma once

#include "client.h"
#include "instances.h"
#include "protocol.h"

/* Shared by the parts of liborderd, and by nobody else: liborderd.c (the calls), liborderd_ask.c
 * (asking until there is an answer), liborderd_books.c (the catalog), liborderd_copy.c (what callers
 * get), liborderd_events.c. */

struct orderd_client {
	char *runtime_dir;
	const char *runtime_dir_from;  /* who named it, for people */
	struct connection *connection; /* to orderd */
	struct instances *catalogs;    /* catalogd and its read-only instances */
	struct arena *arena;           /* of the last call */
	int64_t timeout_ms;
	uint64_t calls; /* made so far: the ref of the last one's requests */
	const char *error;
	const char *message;
};

/* "DIR/FILE" on the heap; NULL: no memory. */
char *client_path(const char *runtime_dir, const char *file);

/* Sets what orderd_error and orderd_message say, from the answer (may be NULL) or, for a negative
 * result, from our own texts. Returns the result. */
int client_say(struct orderd_client *client, int result, const struct answer *answer);

/* The beginning of every call: nothing of the one before is left. Returns the deadline. */
int64_t client_begin(struct orderd_client *client);

struct ask {
	const char *operation;
	const struct record *request_record;
	const void *request;
	const struct record *reply_record;
	void *reply;
	unsigned sent; /* how many times */
	unsigned open; /* how many of them were not answered */
};

/* Sends the request until it is answered or the time is up, and says what came of it. While
 * nobody is there or orderd is busy it waits and repeats; but that some request of the ask was not
 * answered at all makes it -ETIMEDOUT in the end, since that one may still be at work. The request
 * must be one that can be repeated. */
int client_ask(struct orderd_client *client, struct ask *ask, int64_t deadline_ms);

/* How long a daemon that is busy wants to be left alone, and a little by chance, so that those
 * it sends away do not come back together. In ms. */
int64_t client_retry_after(const struct answer *answer);

void client_sleep(int64_t ms);

/* A copy that is one piece of heap; `ret` may be NULL for an order. 0 or -ENOMEM. */
int client_give_order(const struct orderd_order *from, struct orderd_order **ret);
int client_give_books(const struct book_list *from, struct orderd_books **ret);
int client_give_page(const struct order_list *from, struct orderd_page **ret);
