#pragma once

/* Every message that the daemons log under an id of its own: its level, what it is called and what
 * it asks of the person who reads it, stated once. The catalog that journalctl -x reads is made of
 * this table. Each warning and each error is here: log.h has no other way to make one. */

enum message {
	MESSAGE_STARTED,
	MESSAGE_STOPPED,
	MESSAGE_RELOADED,
	MESSAGE_RELOADED_PARTLY,
	MESSAGE_NOT_RELOADED,
	MESSAGE_WRONG_SETTINGS,
	MESSAGE_FAILPOINTS,
	MESSAGE_NAME_UNKNOWN,
	MESSAGE_DENIED,
	MESSAGE_NO_DIRECTORY,
	MESSAGE_NO_LOCK,
	MESSAGE_RUNS_ALREADY,
	MESSAGE_WRONG_SOCKET,
	MESSAGE_HALF_RESTORED,
	MESSAGE_CANNOT_SERVE,
	MESSAGE_TICK_FAILED,
	MESSAGE_COMMIT_FAILED,
	MESSAGE_STORE_FULL,
	MESSAGE_STORE_HAS_ROOM,
	MESSAGE_OPERATION_FAILED,
	MESSAGE_REFUSED_AFTER_WRITE,
	MESSAGE_RECORD_DAMAGED,
	MESSAGE_PEER_ANSWER,
	MESSAGE_CLOCK_SET,
	MESSAGE_TOO_LARGE,
	MESSAGE_ORDER_CHANGED,
	MESSAGE_SAGA_STEP,
	MESSAGE_STOCK_MOVED,
	MESSAGE_ORDER_DUE,
	MESSAGE_COUNT
};

struct message_row {
	const char *id; /* MESSAGE_ID: 32 hexadecimal digits, never changed, never used again */
	int level;      /* enum log_level */
	const char *subject;
	const char
		*help; /* what it means, and what to do; @FIELD@ stands for the journal's field */
};

extern const struct message_row messages[MESSAGE_COUNT];
