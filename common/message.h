#pragma once

/* What the daemons log under an id of its own, as message_rows.h has it. The catalog that
 * journalctl -x reads is made of it. Each warning and each error is there: log.h has no other way to
 * make one. */

#define MESSAGE(name, id, level, subject, help) MESSAGE_##name,
enum message {
#include "message_rows.h"
	MESSAGE_COUNT
};
#undef MESSAGE

struct message_row {
	const char *id;
	int level; /* enum log_level */
};
extern const struct message_row message_rows[MESSAGE_COUNT];

/* For the catalog only: in a file of their own, so that no daemon has them. */
struct message_text {
	const char *subject;
	const char *help;
};
extern const struct message_text message_texts[MESSAGE_COUNT];
