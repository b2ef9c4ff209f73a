#include "operations.h"

#include <errno.h>

#include "book.h"
#include "instance.h"
#include "repair.h"

#define ABSENT OUTCOME_CATALOG_UNAVAILABLE

/* Without a store of its own it is an instance, which reads the owner's. */
static struct catalog catalog_of(const struct tick *tick)
{
	struct txn *txn = tick->txn ? tick->txn : tick->watched;

	return (struct catalog){
		.txn = txn,
		.arena = tick->arena,
		.now_ms = tick->now_ms,
		.why = txn ? NULL : "the catalog's store is not there yet: is catalogd started?",
	};
}

/* Hands a rule's result on, a refusal with its reason. What is damaged in a watched store is the
 * request's own trouble and not that of the tick. */
static int told(struct tick *tick, const struct catalog *catalog, int result)
{
	if (result == -EUCLEAN && catalog->txn == tick->watched) {
		txn_forgive(catalog->txn);
		return OUTCOME_CORRUPT_RECORD;
	}
	return result > 0 && catalog->why ? tick_refuse(tick, result, "%s", catalog->why) : result;
}

static int handle_get(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, catalog.txn ? book_find(&catalog, request, reply) : ABSENT);
}

static int handle_put(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, book_put(&catalog, request, reply));
}

static int handle_list(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, catalog.txn ? book_list(&catalog, request, reply) : ABSENT);
}

static int handle_price(struct tick *tick, const void *request, void *reply)
{
	struct catalog catalog = catalog_of(tick);

	return told(tick, &catalog, catalog.txn ? book_price(&catalog, request, reply) : ABSENT);
}

/* What changes books stands first: an instance has the rest. */
#define CHANGING 1
static const struct operation operations[] = {
	{ .name = "catalog.put",
		.access = ACCESS_GROW,
		.who = WHO_ADMIN,
		.many = "books",
		.request = &book_put_record,
		.reply = &book_put_reply_record,
		.handle = handle_put },
	{ .name = "catalog.get",
		.access = ACCESS_READ,
		.who = WHO_USER,
		.many = "books",
		.request = &book_ref_record,
		.reply = &book_record,
		.handle = handle_get },
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

static const struct program *choose(const void *settings)
{
	const struct catalogd_settings *catalogd = settings;

	return catalogd->instance[0]
		? instance_program(&catalogd_program, operations + CHANGING, catalogd->instance)
		: &catalogd_program;
}

const struct program catalogd_program = {
	.name = "catalogd",
	.summary = "keeps the catalog of books for the order service",
	.socket = SOCKET_CATALOGD,
	.options = &catalogd_options,
	.settings_size = sizeof(struct catalogd_settings),
	.store = "catalogd",
	.tables = catalog_tables,
	.operations = operations,
	.choose = choose,
	.repair = &catalogd_repair,
};
