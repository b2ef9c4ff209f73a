#include <stdio.h>

#include "listing.h"
#include "orderctl.h"
#include "output.h"

static int level_call(struct ctl *ctl, const char *operation, const struct record *record,
	const void *request)
{
	struct level level;
	int status = ctl_call(ctl, STOCKD, operation, record, request, &level_record, &level);

	if (!status)
		output_record(&level_record, &level);
	return status;
}

int stock_set(struct ctl *ctl)
{
	struct level_set set = { .reason = ctl_option(ctl, "reason") };
	int status = ctl_number(ctl, "N", ctl->arguments[1], 0, INT64_MAX, &set.available);

	if (!status)
		status = ctl_book(ctl, ctl->arguments[0], &set.book_id);
	return status ? status : level_call(ctl, "stock.set", &level_set_record, &set);
}

int stock_add(struct ctl *ctl)
{
	struct level_add add = {
		.reason = ctl_option(ctl, "reason"),
		.idempotency_key = ctl_option(ctl, "key"),
	};
	int status = ctl_number(ctl, "N", ctl->arguments[1], INT64_MIN, INT64_MAX, &add.quantity);

	if (!status)
		status = ctl_book(ctl, ctl->arguments[0], &add.book_id);
	return status ? status : level_call(ctl, "stock.add", &level_add_record, &add);
}

int stock_show(struct ctl *ctl)
{
	struct level_ref ref;
	int status = ctl_book(ctl, ctl->arguments[0], &ref.book_id);

	return status ? status : level_call(ctl, "stock.show", &level_ref_record, &ref);
}

int stock_list(struct ctl *ctl)
{
	static const struct listing listing = { STOCKD, "stock.list", &range_record,
		&level_list_record, &level_record, NULL };
	struct range range = { 0 };

	return listing_print(ctl, &listing, &range);
}

int stock_journal(struct ctl *ctl)
{
	static const struct listing listing = { STOCKD, "stock.journal", &journal_query_record,
		&movement_list_record, &movement_record, NULL };
	struct journal_query query = { 0 };
	const char *book = ctl_option(ctl, "book");
	int status = book ? ctl_book(ctl, book, &query.book_id) : STATUS_DONE;

	if (!status)
		status = ctl_option_u64(ctl, "order", &query.order_id);
	return status ? status : listing_print(ctl, &listing, &query);
}
