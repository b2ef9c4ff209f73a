#pragma once

/* Every outcome a client can be told, stated once: number, name, text.
 *
 * A function returns 0, a positive outcome (a documented answer for the client, never logged) or
 * a negative errno (a failure of ours, passed up unchanged and logged once, at the top). Several
 * outcomes share a number on the wire; the name tells them apart. */

enum outcome {
	OUTCOME_OK,
	OUTCOME_BAD_REQUEST,
	OUTCOME_BAD_FRAME,
	OUTCOME_BAD_VERSION,
	OUTCOME_UNKNOWN_OPERATION,
	OUTCOME_AMOUNT_OVERFLOW,
	OUTCOME_DENIED,
	OUTCOME_ORDER_NOT_FOUND,
	OUTCOME_BOOK_NOT_FOUND,
	OUTCOME_RESERVATION_NOT_FOUND,
	OUTCOME_SAGA_NOT_FOUND,
	OUTCOME_BOOK_INACTIVE,
	OUTCOME_SKU_TAKEN,
	OUTCOME_VERSION_CONFLICT,
	OUTCOME_INSUFFICIENT_STOCK,
	OUTCOME_SUPERSEDED,
	OUTCOME_FENCED,
	OUTCOME_INVALID_TRANSITION,
	OUTCOME_ORDER_EXPIRED,
	OUTCOME_NOT_DUE,
	OUTCOME_IDEMPOTENCY_MISMATCH,
	OUTCOME_BUSY,
	OUTCOME_INTERNAL,
	OUTCOME_CORRUPT_RECORD,
	OUTCOME_CATALOG_UNAVAILABLE,
	OUTCOME_STOCK_UNAVAILABLE,
	OUTCOME_CATALOG_TIMEOUT,
	OUTCOME_STOCK_TIMEOUT,
	OUTCOME_DEADLINE_PASSED,
	OUTCOME_STORAGE_FULL,
	OUTCOME_COUNT,

	/* Not an answer: the handler has parked the call and will answer it later. */
	OUTCOME_LATER = 1000,
};

/* The number on the wire: 0, 40000, 40300, 40400, 40900, 42900, 50000, 50300, 50400 or 50700. */
int outcome_code(int outcome);

/* The `error` field: a stable name such as "insufficient_stock". Never NULL. */
const char *outcome_name(int outcome);

/* The default `message`: one sentence for a person that says what to do next. Never NULL. */
const char *outcome_text(int outcome);

/* The outcome of that name, or OUTCOME_INTERNAL where this version knows none. */
int outcome_from_name(const char *name);
