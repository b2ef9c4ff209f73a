#include "error.h"

#include <stddef.h>
#include <string.h>

struct outcome_row {
	int code;
	const char *name;
	const char *text;
};

static const struct outcome_row rows[OUTCOME_COUNT] = {
	[OUTCOME_OK] = { 0, "ok", "Done." },
	[OUTCOME_BAD_REQUEST] = { 40000, "bad_request",
		"The request is not valid: correct the named field and send it again." },
	[OUTCOME_BAD_FRAME] = { 40000, "bad_frame",
		"The request is not one msgpack map within the protocol's bounds: send one." },
	[OUTCOME_BAD_VERSION] = { 40000, "unsupported_version",
		"This protocol version is not spoken here: send v = 1." },
	[OUTCOME_UNKNOWN_OPERATION] = { 40000, "unknown_operation",
		"This daemon has no such operation: correct `op` or ask the daemon that has it." },
	[OUTCOME_AMOUNT_OVERFLOW] = { 40000, "amount_overflow",
		"The sum is too large to be counted: ask for less at a time." },
	[OUTCOME_DENIED] = { 40300, "denied",
		"You may not do this: run it as root, or have orderd.conf name you." },
	[OUTCOME_ORDER_NOT_FOUND] = { 40400, "order_not_found",
		"There is no such order: check the id or the number." },
	[OUTCOME_BOOK_NOT_FOUND] = { 40400, "book_not_found",
		"There is no such book: check the id or the sku, or put the book first." },
	[OUTCOME_RESERVATION_NOT_FOUND] = { 40400, "reservation_not_found",
		"No stock was ever reserved for this order: check the order's id." },
	[OUTCOME_SAGA_NOT_FOUND] = { 40400, "saga_not_found",
		"This order has no open saga: nothing is left to be done for it." },
	[OUTCOME_BOOK_INACTIVE] = { 40900, "book_inactive",
		"The book is not for sale: leave it out or make it active again." },
	[OUTCOME_SKU_TAKEN] = { 40900, "sku_taken",
		"Another book has this sku: choose a different one or change that book." },
	[OUTCOME_VERSION_CONFLICT] = { 40900, "version_conflict",
		"It was changed in the meantime: read it again and repeat the change." },
	[OUTCOME_INSUFFICIENT_STOCK] = { 40900, "insufficient_stock",
		"There is too little stock: order less or wait for more to come in." },
	[OUTCOME_SUPERSEDED] = { 40900, "superseded",
		"A later move of this order has already been made: do not send this one again." },
	[OUTCOME_FENCED] = { 40900, "fenced",
		"Another run of orderd has the word: state its epoch with stock.fence first." },
	[OUTCOME_INVALID_TRANSITION] = { 40900, "invalid_transition",
		"The order's state does not allow this: read the order to see its state." },
	[OUTCOME_ORDER_EXPIRED] = { 40900, "order_expired",
		"The time to pay has run out: make a new order." },
	[OUTCOME_NOT_DUE] = { 40900, "not_due",
		"The order's deadline has not come yet: ask again after it." },
	[OUTCOME_IDEMPOTENCY_MISMATCH] = { 40900, "idempotency_mismatch",
		"This idempotency key came with a different request before: use a new key." },
	[OUTCOME_BUSY] = { 42900, "busy",
		"Too much is in hand and nothing was done: send it again after retry_after_ms." },
	[OUTCOME_INTERNAL] = { 50000, "internal",
		"The daemon failed: see its log before sending this again." },
	[OUTCOME_CORRUPT_RECORD] = { 50000, "corrupt_record",
		"A stored record is damaged: run `orderctl fsck` and restore from a backup." },
	[OUTCOME_CATALOG_UNAVAILABLE] = { 50300, "catalog_unavailable",
		"The catalog cannot be reached: check catalogd, then send it again." },
	[OUTCOME_STOCK_UNAVAILABLE] = { 50300, "stock_unavailable",
		"The stock cannot be reached: check stockd, then send it again." },
	[OUTCOME_CATALOG_TIMEOUT] = { 50400, "catalog_timeout",
		"The catalog did not answer in time: send it again." },
	[OUTCOME_STOCK_TIMEOUT] = { 50400, "stock_timeout",
		"The stock did not answer in time: send it again." },
	[OUTCOME_DEADLINE_PASSED] = { 50400, "deadline_passed",
		"It could not be done within timeout_ms: send it again with more time." },
	[OUTCOME_STORAGE_FULL] = { 50700, "storage_full",
		"The store is full: free disk space or raise store_size_max, then send it again." },
};

static const struct outcome_row *row_of(int outcome)
{
	if (outcome < 0 || outcome >= OUTCOME_COUNT)
		return &rows[OUTCOME_INTERNAL];
	return &rows[outcome];
}

int outcome_code(int outcome)
{
	return row_of(outcome)->code;
}

const char *outcome_name(int outcome)
{
	return row_of(outcome)->name;
}

const char *outcome_text(int outcome)
{
	return row_of(outcome)->text;
}

int outcome_from_name(const char *name)
{
	for (int outcome = 0; name && outcome < OUTCOME_COUNT; outcome++)
		if (!strcmp(rows[outcome].name, name))
			return outcome;
	return OUTCOME_INTERNAL;
}
