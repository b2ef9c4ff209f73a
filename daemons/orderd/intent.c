#include "intent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct field intent_fields[] = {
	{ "body", FIELD_U64, 0, AT(intent, body) },
	{ "order", FIELD_RECORD, 0, AT(intent, order), .of = &stored_order_record },
};
static const struct record intent_record = RECORD(intent, intent_fields);

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Moves a text behind those that are there. */
static const char *text_move(char **end, const char *text)
{
	char *at = *end;

	if (!text)
		return NULL;
	*end = stpcpy(at, text) + 1;
	return at;
}

struct intent *intent_copy(const struct intent *from)
{
	const struct orderd_order *wire = &from->order.wire;
	size_t items_size = wire->item_count * sizeof(*wire->items);
	size_t size =
		sizeof(*from) + items_size + text_size(wire->order_no) + text_size(from->order.key);
	struct orderd_item *items;
	struct intent *intent;
	char *end;

	for (size_t i = 0; i < wire->item_count; i++)
		size += text_size(wire->items[i].sku) + text_size(wire->items[i].book_title);
	intent = malloc(size);
	if (!intent)
		return NULL;
	*intent = *from;
	items = (struct orderd_item *)(intent + 1);
	memcpy(items, wire->items, items_size);
	end = (char *)items + items_size;
	for (size_t i = 0; i < wire->item_count; i++) {
		items[i].sku = text_move(&end, items[i].sku);
		items[i].book_title = text_move(&end, items[i].book_title);
	}
	intent->order.wire.items = items;
	intent->order.wire.order_no = text_move(&end, wire->order_no);
	intent->order.key = text_move(&end, from->order.key);
	return intent;
}

const void *intent_pack(struct arena *arena, const struct intent *intent, size_t *ret_size)
{
	static _Thread_local struct buffer bytes;
	void *copy;

	buffer_reset(&bytes);
	fields_to_array(&bytes, &intent_record, intent);
	if (bytes.error)
		return NULL;
	copy = arena_text(arena, bytes.at, bytes.size);
	*ret_size = bytes.size;
	return copy;
}

int intent_read(struct tick *tick, uint64_t order_id, const void *bytes, size_t size,
	struct intent *ret)
{
	int result = fields_from_array(tick->arena, &intent_record, bytes, size, ret);

	if (result == 0 && !order_complete(tick, order_id, &ret->order))
		result = -ENOMEM;
	return result;
}
