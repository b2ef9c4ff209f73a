#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "service.h"

/* Requests in hand: who asked, under which id, and what is still to be answered.
 *
 * A call lives in a table of fixed size; its number carries a generation, so that a late answer
 * to a call that is gone finds nothing. A request of the many-form has a part for each element and
 * is answered when the last part is. */

#define CALLS_MAX 4096      /* parts in hand */
#define CALLS_MAX_GROW 3072 /* new work is refused from here on: the rest settles */
#define CALLS_MAX_PER_CONNECTION 256

struct call_part {
	uint64_t ref;
	bool has_ref;
	bool done;
	uint8_t *at; /* the packed result, owned */
	size_t size;
};

struct call {
	uint64_t number; /* 0: free */
	struct route route;
	uint8_t id[ID_MAX_BYTES +
		8]; /* the request's id as it was packed; a nil when it had none */
	uint8_t id_size;
	bool many;
	uint32_t count; /* of parts; 1 for a single request */
	uint32_t left;
	struct call_part *parts; /* many only, owned */
	struct account *account; /* of the operation asked for; NULL: none was found */
	uint64_t arrived_us;     /* monotonic: when the tick began that took it in */
};

struct account;
struct calls;

struct calls *calls_new(void); /* NULL: no memory */
void calls_free(struct calls *calls);

/* A copy of `call` in the table, with a number and its own parts. NULL: no room or no memory. */
struct call *calls_keep(struct calls *calls, const struct call *call);
void calls_drop(struct calls *calls, struct call *call);
struct call *calls_find(struct calls *calls, uint64_t number); /* NULL: gone */

/* Whether `count` more parts from that connection may be taken in. */
bool calls_have_room(const struct calls *calls, const struct route *route, uint32_t count,
	enum access access);
size_t calls_in_hand(const struct calls *calls); /* parts */
size_t calls_left(const struct calls *calls);    /* parts of new work that there is room for */

/* Packs one answer: the whole frame for a single request, `part`'s map for a many-form. */
void call_pack(const struct call *call, uint32_t part, struct buffer *buffer, int outcome,
	const char *message, const struct record *record, const void *reply);

/* Packs the frame around the packed parts of a many-form, which follow in order. */
void call_pack_head(const struct call *call, struct buffer *buffer);
