#include "draft.h"

#include <stdlib.h>
#include <string.h>

struct draft *draft_copy(const struct draft *from)
{
	const struct orderd_create *create = &from->create;
	size_t lines_size = create->item_count * sizeof(*create->items);
	size_t size = sizeof(*from) + lines_size;
	struct draft *draft;
	char *text;

	size += create->idempotency_key ? strlen(create->idempotency_key) + 1 : 0;
	for (size_t i = 0; i < create->item_count; i++)
		size += create->items[i].sku ? strlen(create->items[i].sku) + 1 : 0;
	draft = malloc(size);
	if (!draft)
		return NULL;
	*draft = *from;
	draft->create.items = (struct orderd_line *)(draft + 1);
	memcpy(draft->create.items, create->items, lines_size);
	text = (char *)draft->create.items + lines_size;
	if (create->idempotency_key) {
		draft->create.idempotency_key = text;
		text = stpcpy(text, create->idempotency_key) + 1;
	}
	for (size_t i = 0; i < create->item_count; i++) {
		if (!create->items[i].sku)
			continue;
		draft->create.items[i].sku = text;
		text = stpcpy(text, create->items[i].sku) + 1;
	}
	return draft;
}
