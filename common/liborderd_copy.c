#include "liborderd_inside.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Copies are made twice: first without a place, to learn the size, then into it. */
struct room {
	char *at; /* NULL: only count */
	size_t used;
};

static void *room_take(struct room *room, size_t size)
{
	void *at = room->at ? room->at + room->used : NULL;
	size_t unit = sizeof(max_align_t);

	room->used += (size + unit - 1) / unit * unit;
	return at;
}

static const char *text_copy(struct room *room, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *at = text ? room_take(room, size) : NULL;

	return at ? memcpy(at, text, size) : NULL;
}

static void *order_copy(struct room *room, const void *argument)
{
	const struct orderd_order *from = argument;
	struct orderd_order *order = room_take(room, sizeof(*order));
	struct orderd_order copy = *from;

	copy.order_no = text_copy(room, from->order_no);
	copy.items = room_take(room, from->item_count * sizeof(*copy.items));
	for (size_t i = 0; i < from->item_count; i++) {
		struct orderd_item item = from->items[i];

		item.sku = text_copy(room, item.sku);
		item.book_title = text_copy(room, item.book_title);
		if (copy.items)
			copy.items[i] = item;
	}
	if (order)
		*order = copy;
	return order;
}

static void *page_copy(struct room *room, const void *argument)
{
	const struct order_list *from = argument;
	struct orderd_page *page = room_take(room, sizeof(*page));
	struct orderd_order **orders = room_take(room, from->count * sizeof(struct orderd_order *));

	for (size_t i = 0; i < from->count; i++) {
		struct orderd_order *order = order_copy(room, &from->orders[i]);

		if (orders)
			orders[i] = order;
	}
	if (page)
		*page = (struct orderd_page){
			.orders = orders,
			.count = from->count,
			.total = from->total,
			.next = from->next,
			.incomplete = from->incomplete,
		};
	return page;
}

static struct orderd_book book_copy(struct room *room, const struct book *from)
{
	return (struct orderd_book){
		.book_id = from->book_id,
		.sku = text_copy(room, from->sku),
		.title = text_copy(room, from->title),
		.price = from->price,
		.active = from->active,
		.version = from->version,
		.updated_at = from->updated_at,
	};
}

static void *books_copy(struct room *room, const void *argument)
{
	const struct book_list *from = argument;
	struct orderd_books *books = room_take(room, sizeof(*books));
	struct orderd_book *list = room_take(room, from->count * sizeof(*list));

	for (size_t i = 0; i < from->count; i++) {
		struct orderd_book book = book_copy(room, &from->books[i]);

		if (list)
			list[i] = book;
	}
	if (books)
		*books = (struct orderd_books){
			.books = list,
			.count = from->count,
			.next = from->next,
		};
	return books;
}

/* NULL: no memory. */
static void *copy_whole(void *(*copy)(struct room *, const void *), const void *from)
{
	struct room room = { 0 };

	copy(&room, from);
	room.at = malloc(room.used);
	room.used = 0;
	return room.at ? copy(&room, from) : NULL;
}

int client_give_order(const struct orderd_order *from, struct orderd_order **ret)
{
	struct orderd_order *order = ret ? copy_whole(order_copy, from) : NULL;

	if (order)
		*ret = order;
	return order || !ret ? 0 : -ENOMEM;
}

int client_give_page(const struct order_list *from, struct orderd_page **ret)
{
	struct orderd_page *page = copy_whole(page_copy, from);

	if (page)
		*ret = page;
	return page ? 0 : -ENOMEM;
}

int client_give_books(const struct book_list *from, struct orderd_books **ret)
{
	struct orderd_books *books = copy_whole(books_copy, from);

	if (books)
		*ret = books;
	return books ? 0 : -ENOMEM;
}

void orderd_order_free(struct orderd_order *order)
{
	free(order);
}

void orderd_books_free(struct orderd_books *books)
{
	free(books);
}

void orderd_page_free(struct orderd_page *page)
{
	free(page);
}
