#include "refusal.h"

#include <stddef.h>
#include <string.h>

#include "error.h"

static const struct refusal_row {
	const char *reason, *meaning;
} rows[] = {
	{ "no_book", "neither a sku nor a book id" },
	{ "bad_sku", "the sku is not 1 to 64 of A-Z a-z 0-9 . _ - /" },
	{ "bad_book_id", "the book id is not a whole number above 0" },
	{ "bad_price", "the price cannot be read or has more than two decimals" },
	{ "no_price", "the book has no price above zero anywhere" },
	{ "no_title", "the book has neither a title nor a sku to stand for it" },
	{ "title_too_long", "the title is longer than 200 bytes" },
	{ "bad_quantity", "the quantity is not a whole number" },
	{ "negative_quantity", "less than nothing cannot be added" },
	{ "zero_quantity", "a line wants none of a book" },
	{ "quantity_too_large", "a line wants more of a book than orderd takes" },
	{ "too_many_lines", "the order has more lines than orderd takes" },
	{ "no_order", "the line names no order" },
	{ "credit_note", "a credit note (its number begins with C), not an order" },
	{ "return", "a line gives goods back (quantity below zero)" },
	{ "no_user", "no customer is named; see --default-user" },
	{ "bad_user", "the customer is not a whole number above 0" },
	{ "mixed_users", "its lines name different customers" },
	{ "bad_answer", "the daemon's answer made no sense" },
	{ "other", "further reasons" },
};

const char *refusal_meaning(const char *reason)
{
	int outcome = outcome_from_name(reason);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].reason, reason))
			return rows[i].meaning;
	return outcome == OUTCOME_INTERNAL && strcmp(reason, outcome_name(outcome)) != 0
		? "the daemon refused it"
		: outcome_text(outcome);
}

const char *refusal_of(const char *error, const char *message)
{
	if (strcmp(error, outcome_name(OUTCOME_BAD_REQUEST)) != 0)
		return error;
	if (!strncmp(message, "items[", 6) && strstr(message, "].quantity:"))
		return "quantity_too_large";
	if (!strncmp(message, "items:", 6))
		return "too_many_lines";
	return error;
}
