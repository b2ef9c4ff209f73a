#pragma once

#include "dice.h"
#include "service.h"

/* Frames made from the daemons' own tables of operations and fields: most of them are good or wrong
 * in one place, so that they get past the first check. Ids come from a small range, so that
 * requests meet each other's orders, books and keys. */

/* Texts that name something in the store: order numbers, skus. At most FRAMES_TEXTS, each of
 * them kept by the caller. */
#define FRAMES_TEXTS 32
void frames_know(const char *text);

/* A request of any of the program's operations, perhaps damaged. */
void frames_request(struct dice *dice, const struct program *program, struct buffer *ret);

/* A peer's answer; half of the refs are of drafts of a program that started at `now_ms`. */
void frames_result(struct dice *dice, const struct peer *peer, int64_t now_ms, struct buffer *ret);

/* A map of that record alone. */
void frames_map(struct dice *dice, const struct record *record, struct buffer *ret);

/* Flips, drops, doubles or cuts off a few bytes. */
void frames_damage(struct dice *dice, struct buffer *frame);
