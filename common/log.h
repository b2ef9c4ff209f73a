#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

/* One place that logs: to the journal with fields when stderr is the journal's, else plain lines
 * on stderr. Libraries never log; a daemon's skeleton does, and a daemon for what only it knows. */

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* What a line is about; zero members are left out. In the journal: ORDERD_ORDER_ID,
 * ORDERD_USER_ID, ORDERD_BOOK_ID, ORDERD_SAGA_STEP, ORDERD_OPERATION, ORDERD_PEER, ORDERD_ERROR,
 * ORDERD_PEER_UID. Texts must not have spaces. */
struct log_about {
	uint64_t order_id;
	uint64_t user_id;
	uint64_t book_id;
	const char *saga_step;
	const char *operation;
	const char *peer;  /* the neighbour it is about */
	const char *error; /* an error's name: insufficient_stock, EIO */
	const char *uid;   /* of the client, as text */
};

void log_open(const char *program);  /* decides where lines go; may be called again */
int log_set_level(const char *name); /* error, warning, info or debug; 0 or -EINVAL */
bool log_has_level(const char *name);

/* One of the table of messages, at its level and under its id; `about` may be NULL. The only way to
 * warn. */
void log_message(enum message message, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A line without an id, for what needs no explanation. */
void log_line(enum log_level level, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_info(...) log_line(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)
