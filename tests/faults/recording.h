#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* A recording (load.py): what was written to the stores, and what clients were told. */

#define STORES 3 /* catalogd, stockd, orderd */
#define NEVER UINT64_MAX

struct cut_write {
	uint64_t at; /* position */
	uint64_t offset;
	const uint8_t *data;
	uint64_t size;
	uint64_t
		durable_at; /* position from which on it is on the disk whatever happens, or NEVER */
};

/* The life of a store's files: made in a directory beside, then renamed. */
struct cut_store {
	const char *name;
	struct cut_write *writes;
	size_t count, room;
	uint64_t made_at, entry_durable_at, renamed_at, rename_durable_at; /* NEVER: not */
};

/* A place where the power may go: all that begins below `at` had happened. */
struct cut {
	uint64_t at;
	int64_t wall_ms;
	bool pending; /* some write or rename may be lost there */
};

enum request_kind { REQUEST_CREATE, REQUEST_MOVE, REQUEST_PRICE, REQUEST_STOCK };

struct request {
	enum request_kind kind;
	uint64_t sent, answered; /* positions; NEVER: no answer */
	int code;
	uint64_t user_id; /* create: a different one each time, and in the key */
	struct orderd_line lines[8];
	size_t line_count;
	int64_t expires_in_ms;
	uint64_t order_id;
	int64_t total;
	enum orderd_status status; /* move: the wanted one */
	uint64_t book_id, version;
	int64_t price;
	char key[32]; /* stock: also the reason in the journal */
};

/* What to believe of a recording: a suite that did not sync has to be found out. */
enum forget { FORGET_NOTHING, FORGET_SYNC, FORGET_META };

struct recording {
	enum forget forget; /* the syncs of the data, or of the page that makes a commit count */
	struct cut_store stores[STORES];
	struct cut *cuts;
	size_t cut_count, cut_room;
	struct request *requests;
	size_t request_count, request_room;
};

/* Reads DIR/log and DIR/history; says on stderr what is wrong and ends the process. */
void recording_read(struct recording *ret, const char *dir, enum forget forget);

/* Whether the client had its answer before the power went. */
static inline bool request_was_answered(const struct request *request, uint64_t cut)
{
	return request->answered <= cut;
}
