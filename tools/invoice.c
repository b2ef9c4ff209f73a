#include "invoice.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "amount.h"

#define KEY_PREFIX "import:"

void invoice_refuse(struct import *import, const struct invoice *invoice, const char *reason)
{
	const struct group *group = invoice->group;

	import_count(import, reason);
	for (size_t row = group->first; row != GROUP_END; row = groups_next(import->groups, row))
		import_reject(import, row, reason);
}

static int rows_group(struct import *import)
{
	for (size_t row = 0; row < import->sheet.count; row++) {
		const char *order = import_text(import, row, COLUMN_ORDER);

		if (!*order)
			import_refuse_row(import, row, "no_order");
		else if (groups_add(import->groups, order, row))
			return ctl_failed(import->ctl, ORDERD, -ENOMEM, NULL);
	}
	return STATUS_DONE;
}

/* C536379: what the shop's own books call a credit note. */
static bool order_is_credit(const char *order)
{
	return (order[0] == 'C' || order[0] == 'c') && order[1] >= '0' && order[1] <= '9';
}

/* NULL, or the reason why the line can be no part of an order. */
static const char *line_read(const struct import *import, size_t row, struct orderd_line *ret)
{
	const char *reason;
	int64_t quantity;

	if (amount_to_whole(import_text(import, row, COLUMN_QUANTITY), import->mark, &quantity))
		return "bad_quantity";
	if (quantity < 0)
		return "return";
	if (quantity == 0)
		return "zero_quantity";
	if (quantity > QUANTITY_MAX)
		return "quantity_too_large";
	reason = import_book(import, row, &ret->book_id, &ret->sku);
	if (ret->book_id)
		ret->sku = NULL; /* an order names a book in one way */
	ret->quantity = quantity;
	return reason;
}

/* A user may stand on some lines only, but not two users on one order. */
static const char *user_read(const struct import *import, size_t row, uint64_t *user_id)
{
	const char *text = import_text(import, row, COLUMN_USER);
	uint64_t user = 0;

	if (!*text)
		return NULL;
	if (amount_to_id(text, import->mark ? import->mark : '.', &user))
		return "bad_user";
	if (*user_id && *user_id != user)
		return "mixed_users";
	*user_id = user;
	return NULL;
}

static const char *lines_read(const struct import *import, const struct group *group,
	struct orderd_create *create)
{
	const char *reason = NULL;

	for (size_t row = group->first; row != GROUP_END && !reason;
		row = groups_next(import->groups, row)) {
		reason = user_read(import, row, &create->user_id);
		if (!reason)
			reason = line_read(import, row, &create->items[create->item_count++]);
	}
	return reason;
}

/* The order's number where it fits, so that a person finds it again. */
static const char *key_make(struct arena *arena, const char *order)
{
	XXH128_hash_t hash;

	if (strlen(order) + strlen(KEY_PREFIX) <= KEY_MAX_BYTES)
		return arena_print(arena, KEY_PREFIX "%s", order);
	hash = XXH3_128bits(order, strlen(order));
	return arena_print(arena, KEY_PREFIX "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

/* NULL with the order, or the reason why it is none. */
static const char *invoice_read(const struct import *import, const struct group *group,
	uint64_t default_user, struct orderd_create *ret)
{
	const char *reason;

	if (order_is_credit(group->key))
		return "credit_note";
	if (group->count > LINES_MAX)
		return "too_many_lines";
	reason = lines_read(import, group, ret);
	if (reason)
		return reason;
	ret->user_id = ret->user_id ? ret->user_id : default_user;
	return ret->user_id ? NULL : "no_user";
}

int invoices_read(struct import *import, uint64_t default_user, struct invoices *ret)
{
	int status = rows_group(import);
	struct arena *arena = import->sheet.arena;
	size_t count = groups_count(import->groups);

	if (status)
		return status;
	ret->at = arena_take(arena, count * sizeof(*ret->at));
	for (size_t i = 0; ret->at && i < count; i++) {
		const struct group *group = groups_at(import->groups, i);
		struct invoice *invoice = &ret->at[ret->count];
		const char *reason;

		*invoice = (struct invoice){ .group = group };
		invoice->create.items =
			arena_take(arena, group->count * sizeof(struct orderd_line));
		invoice->create.idempotency_key = key_make(arena, group->key);
		if (!invoice->create.items || !invoice->create.idempotency_key)
			return ctl_failed(import->ctl, ORDERD, -ENOMEM, NULL);
		reason = invoice_read(import, group, default_user, &invoice->create);
		if (reason)
			invoice_refuse(import, invoice, reason);
		else
			ret->count++;
	}
	return ret->at ? STATUS_DONE : ctl_failed(import->ctl, ORDERD, -ENOMEM, NULL);
}
