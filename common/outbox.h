#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls.h"
#include "codec.h"
#include "service.h"
#include "stats.h"

/* What a tick wants to let out, gathered until its commit: frames to clients, results for parts of
 * parked calls, items for peers, published events, changes of memory. outbox_clear undoes it all;
 * outbox_flush lets it all out. */

struct outbox;

/* `stats` hears of every answer that leaves. NULL: no memory. */
struct outbox *outbox_new(const struct program *program, struct stats *stats);
void outbox_free(struct outbox *outbox);
void outbox_clear(struct outbox *outbox);
size_t outbox_size(const struct outbox *outbox); /* in bytes, without what is for peers */

/* The first failure since the last clear: 0 or -ENOMEM. */
int outbox_error(const struct outbox *outbox);

/* An answer: a whole frame for a single call, a result for a part of a many-form. The call is
 * copied where it is not in the table (number 0). */
void outbox_answer(struct outbox *outbox, struct arena *arena, const struct call *call,
	uint32_t part, int outcome, const char *message, const struct record *record,
	const void *reply);

/* The end of a many-form request whose entries began at `mark`: a call that was not kept in the
 * table has all its results by now and they become its frame; for one that was, they wait with it
 * for the rest. */
size_t outbox_mark(const struct outbox *outbox);
void outbox_gather(struct outbox *outbox, struct arena *arena, size_t mark,
	const struct call *call);

void outbox_item(struct outbox *outbox, unsigned peer, uint64_t ref, const void *item);
void outbox_publish(struct outbox *outbox, const struct record *record, const void *from);
void outbox_after(struct outbox *outbox, void (*fn)(void *, void *), void *argument);

/* Lets everything out in the order it came in; peer_up[] learns which peers could be reached. */
void outbox_flush(struct outbox *outbox, struct calls *calls, const struct bus *bus, void *state,
	bool *peer_up);
