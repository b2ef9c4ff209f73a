#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "listing.h"
#include "orderctl.h"
#include "output.h"
#include "text.h"

/* 59.00 is 5900, and so is 5900. */
static int price_read(const struct ctl *ctl, const char *text, int64_t *ret)
{
	int amount = AMOUNT_OK;

	if (!text_to_i64(text, ret))
		amount = amount_to_money(text, '.', ret);
	if (amount == AMOUNT_OK && *ret >= 0)
		return STATUS_DONE;
	return usage_refuse(ctl, "--price %s: %s", text,
		amount ? amount_text(amount) : "below zero");
}

int catalog_add(struct ctl *ctl)
{
	struct book_put put = {
		.title = ctl_option(ctl, "title"),
		.sku = ctl_option(ctl, "sku"),
		.active = !ctl_option(ctl, "inactive"),
	};
	struct book_put_reply reply;
	int status = ctl_option_u64(ctl, "id", &put.book_id);

	if (!status)
		status = price_read(ctl, ctl_option(ctl, "price"), &put.price);
	if (!status)
		status = ctl_call(ctl, CATALOGD, "catalog.put", &book_put_record, &put,
			&book_put_reply_record, &reply);
	if (!status)
		output_record(&book_put_reply_record, &reply);
	return status;
}

int catalog_get(struct ctl *ctl)
{
	const char *text = ctl->arguments[0];
	struct book_ref ref = { .sku = text };
	struct answer answer = { 0 };
	struct book book;
	int result = 0;

	if (!strncmp(text, "sku:", 4))
		ref.sku = text + 4;
	else if (text_to_u64(text, &ref.book_id) && ref.book_id > 0 && ref.book_id <= INT64_MAX)
		ref.sku = NULL;
	else
		ref.book_id = 0;
	if (ref.sku && !text_is_sku(ref.sku, strlen(ref.sku)))
		return usage_refuse(ctl, "%s: neither an id nor a sku", text);
	result = ctl_try(ctl, CATALOGD, "catalog.get", &book_ref_record, &ref, &book_record, &book,
		&answer);
	if (result > 0 && !strcmp(answer.error, "book_not_found") && !ref.sku) {
		ref = (struct book_ref){ .sku = text };
		result = ctl_try(ctl, CATALOGD, "catalog.get", &book_ref_record, &ref, &book_record,
			&book, &answer);
	}
	if (result)
		return ctl_failed(ctl, CATALOGD, result, &answer);
	output_record(&book_record, &book);
	return STATUS_DONE;
}

int catalog_list(struct ctl *ctl)
{
	static const struct listing listing = { CATALOGD, "catalog.list", &range_record,
		&book_list_record, &book_record, NULL };
	struct range range = { 0 };

	return listing_print(ctl, &listing, &range);
}
