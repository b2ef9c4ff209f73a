#pragma once

#include "import.h"

/* The orders of a file. Rows with the same order number are one order, wherever they stand. */

struct invoice {
	const struct group *group;
	struct orderd_create create;
};

struct invoices {
	struct invoice *at;
	size_t count;
};

/* Gathers the rows and refuses, each with its reason, what can be no order: credit notes, returns,
 * lines without a book, orders without a user unless `default_user` (0: none) stands in.
 * 0, or the status to end with. */
int invoices_read(struct import *import, uint64_t default_user, struct invoices *ret);

/* An invoice ends as a refusal. */
void invoice_refuse(struct import *import, const struct invoice *invoice, const char *reason);
