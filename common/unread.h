#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "service.h"

/* Answers that were sent and have not left yet, in bytes: of each client and of all. Who leaves too
 * much unread is told to come again, so that neither one client nor a crowd of them costs memory
 * without bound. One thread adds and asks; any thread frees an answer. */

#define UNREAD_MAX_BYTES (16 * 1024 * 1024)     /* of one client; more is too much */
#define UNREAD_ALL_MAX_BYTES (64 * 1024 * 1024) /* of all; then this is too much of one: */
#define UNREAD_FEW_BYTES (64 * 1024)

struct unread;
struct unread_answer;

struct unread *unread_new(void);         /* NULL: no memory */
void unread_free(struct unread *unread); /* after the last answer */

/* A copy of an answer to that client, which counts until it is freed. NULL: no memory. */
struct unread_answer *unread_answer_new(struct unread *unread, const struct route *route,
	const void *data, size_t size);
void *unread_answer_data(struct unread_answer *answer);
void unread_answer_free(void *data, void *answer); /* to libzmq's taste */

bool unread_is_too_much(const struct unread *unread, const struct route *route);
