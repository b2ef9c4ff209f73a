#pragma once

#include "sim.h"

/* Shared by the files of clients. */

#define LONELY_USER 1000000 /* and above: one wish each */
#define SHARED_USERS 3

struct frame *frame_new(struct sim *sim, enum item_kind kind, const char *op);
struct parcel frame_message(struct frame *frame, uint64_t client, struct buffer *bytes);
void envelope_pack(struct buffer *bytes, const struct frame *frame, uint32_t fields,
	int64_t timeout_ms);
void client_ask(struct sim *sim, enum place to, struct frame *frame, const struct record *record,
	const void *request);

/* An order that clients know of, mostly a young one; one in twenty is nobody's. */
uint64_t order_pick(const struct sim *sim, struct random *random);

void do_due(struct sim *sim, enum item_kind kind, const char *op, struct random *random);

void do_get(struct sim *sim, struct random *random); /* readers.c */
void do_list(struct sim *sim, struct random *random);
void do_look(struct sim *sim, struct random *random);

void do_bad(struct sim *sim, struct random *random); /* vandals.c */
void do_burst(struct sim *sim);
