#include "prices.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "memory.h"
#include "record.h"

#define BOOKS_MAX 16384 /* the one told first goes first */

struct price {
	UT_hash_handle hh; /* by book_id */
	UT_hash_handle hh_sku;
	struct orderd_item item;
	char texts[];
};

struct prices {
	struct price *by_id;
	struct price *by_sku;
	uint64_t version; /* that all of them were told under */
	uint64_t serial;  /* of the tick whose look at the catalog this is */
	bool current;
};

struct prices *prices_new(void)
{
	return calloc(1, sizeof(struct prices));
}

static void price_drop(struct prices *prices, struct price *price)
{
	HASH_DEL(prices->by_id, price);
	if (price->item.sku)
		HASH_DELETE(hh_sku, prices->by_sku, price);
	free(price);
}

static void prices_forget(struct prices *prices)
{
	while (prices->by_id)
		price_drop(prices, prices->by_id);
}

void prices_free(struct prices *prices)
{
	if (!prices)
		return;
	prices_forget(prices);
	free(prices);
}

/* --- looking up ----------------------------------------------------------------------------- */

/* Asked once a run of a tick. A watched store that cannot be read is as good as none. */
static bool prices_are_current(struct tick *tick, struct prices *prices)
{
	if (prices->serial != tick->serial) {
		prices->serial = tick->serial;
		prices->current = tick->watched &&
			counter_get(tick->watched, CATALOG_TABLE_META, CATALOG_VERSION) ==
				prices->version &&
			prices->version > 0;
	}
	return prices->current;
}

static const struct price *price_find(const struct prices *prices, const struct orderd_line *line)
{
	struct price *price;

	if (line->sku)
		HASH_FIND(hh_sku, prices->by_sku, line->sku, strlen(line->sku), price);
	else
		HASH_FIND(hh, prices->by_id, &line->book_id, sizeof(line->book_id), price);
	return price;
}

static bool item_fill(struct tick *tick, const struct price *price, int64_t quantity,
	struct orderd_item *ret)
{
	const struct orderd_item *item = &price->item;

	*ret = *item;
	ret->quantity = quantity;
	ret->book_title = arena_text(tick->arena, item->book_title, strlen(item->book_title));
	if (item->sku)
		ret->sku = arena_text(tick->arena, item->sku, strlen(item->sku));
	return ret->book_title && (!item->sku || ret->sku);
}

bool prices_find(struct tick *tick, const struct orderd_create *create, struct price_reply *ret)
{
	struct prices *prices = memory_of(tick)->prices;
	struct orderd_item *items;
	const struct price *price;

	if (!prices_are_current(tick, prices))
		return false;
	items = arena_take(tick->arena, create->item_count * sizeof(*items));
	for (size_t i = 0; items && i < create->item_count; i++) {
		price = price_find(prices, &create->items[i]);
		if (!price || !item_fill(tick, price, create->items[i].quantity, &items[i]))
			return false;
	}
	*ret = (struct price_reply){ items, create->item_count, prices->version };
	return items;
}

/* --- remembering ---------------------------------------------------------------------------- */

static struct price *price_new(const struct orderd_item *item)
{
	size_t title_size = strlen(item->book_title) + 1;
	struct price *price =
		malloc(sizeof(*price) + title_size + (item->sku ? strlen(item->sku) + 1 : 0));

	if (!price)
		return NULL;
	price->item = *item;
	price->item.book_title = strcpy(price->texts, item->book_title);
	if (item->sku)
		price->item.sku = strcpy(price->texts + title_size, item->sku);
	return price;
}

/* One that finds no memory is asked for again. */
static void price_add(struct prices *prices, const struct orderd_item *item)
{
	struct price *price = price_new(item);

	if (!price)
		return;
	HASH_ADD(hh, prices->by_id, item.book_id, sizeof(price->item.book_id), price);
	if (!price->hh.tbl) {
		free(price);
		return;
	}
	if (price->item.sku)
		HASH_ADD_KEYPTR(hh_sku, prices->by_sku, price->item.sku, strlen(price->item.sku),
			price);
	if (price->item.sku && !price->hh_sku.tbl) {
		HASH_DEL(prices->by_id, price);
		free(price);
	}
}

void prices_remember(struct prices *prices, const struct price_reply *told)
{
	struct price *known;

	if (told->version < prices->version || told->version == 0)
		return;
	if (told->version > prices->version)
		prices_forget(prices);
	prices->version = told->version;
	prices->serial = 0;
	for (size_t i = 0; i < told->item_count; i++) {
		HASH_FIND(hh, prices->by_id, &told->items[i].book_id, sizeof(uint64_t), known);
		if (known)
			continue;
		if (HASH_COUNT(prices->by_id) >= BOOKS_MAX)
			price_drop(prices, prices->by_id);
		price_add(prices, &told->items[i]);
	}
}
