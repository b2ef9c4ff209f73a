#include "operations.h"

#include "book.h"

static struct catalog catalog_of(const struct tick *tick)
{
	return (struct catalog){ .txn = tick->txn, .arena = tick->arena, .now_ms = tick->now_ms };
}

/* Hands a rule's result on, a refusal with its reason. */
static int told(struct tick *tick, const struct catalog *catalog, int result)
{
	return result > 0 && catalog->why ? tick_refuse(tick, result, "%s", catalog->why) : result;
}

static int handle_get(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, book_find(&catalog, request, reply));
}

static int handle_put(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, book_put(&catalog, request, reply));
}

static int handle_list(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, book_list(&catalog, request, reply));
}

static int handle_price(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, book_price(&catalog, request, reply));
}

static const struct operation operations[] = {
	{ .name = "catalog.get",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.many = "books",
		.request = &book_ref_record,
		.reply = &book_record,
		.handle = handle_get },
	{ .name = "catalog.put",
		.access = ACCESS_GROW,
		.who = WHO_ADMIN,
		.many = "books",
		.request = &book_put_record,
		.reply = &book_put_reply_record,
		.handle = handle_put },
	{ .name = "catalog.list",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.request = &range_record,
		.reply = &book_list_record,
		.handle = handle_list },
	{ .name = "catalog.price",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.many = "orders",
		.request = &price_request_record,
		.reply = &price_reply_record,
		.handle = handle_price },
	{ .name = NULL },
};

const struct program catalogd_program = {
	.name = "catalogd",
	.summary = "keeps the catalog of books for the order service",
	.socket = SOCKET_CATALOGD,
	.options = &catalogd_options,
	.settings_size = sizeof(struct suite_settings),
	.store = "catalogd",
	.tables = catalog_tables,
	.operations = operations,
};
