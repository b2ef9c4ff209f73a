#include "listing.h"

#include <errno.h>
#include <string.h>

#include "output.h"
#include "value.h"

struct walk {
	struct ctl *ctl;
	const struct listing *listing;
	struct connection *connection;
	struct arena *arena; /* of one page */
	void *request;
	uint64_t left;
	int (*take)(void *context, const void *element);
	void *context;
};

/* The list of a reply: the first field that is one. */
static const struct field *list_of(const struct record *reply)
{
	const struct field *field = reply->fields;

	while (field->type != FIELD_LIST)
		field++;
	return field;
}

static void request_set(const struct walk *walk, const char *name, uint64_t number)
{
	const struct field *field = record_field(walk->listing->request, name);

	memcpy((char *)walk->request + field->offset, &number, sizeof(number));
}

static int page_take(struct walk *walk, const void *reply)
{
	const struct field *list = list_of(walk->listing->reply);
	size_t count = value_count(list, reply);
	int status = STATUS_DONE;

	for (size_t i = 0; i < count && walk->left && !status; i++, walk->left--)
		status = walk->take(walk->context, value_element(list, reply, i));
	return status;
}

/* One page; *ret_next is 0 after the last one. */
static int page_walk(struct walk *walk, uint64_t *ret_next)
{
	const struct listing *listing = walk->listing;
	struct answer answer = { 0 };
	void *reply;
	int result;

	arena_reset(walk->arena);
	reply = arena_take(walk->arena, listing->reply->size);
	if (!reply)
		return ctl_failed(walk->ctl, listing->who, -ENOMEM, NULL);
	request_set(walk, "limit", walk->left < LIST_LIMIT_MAX ? walk->left : LIST_LIMIT_MAX);
	result =
		connection_call(walk->connection, walk->arena, listing->operation, listing->request,
			walk->request, ctl_timeout_ms(walk->ctl), listing->reply, reply, &answer);
	if (result)
		return ctl_failed(walk->ctl, listing->who, result, &answer);
	*ret_next = value_number(record_field(listing->reply, "next"), reply);
	request_set(walk, "after", *ret_next);
	return page_take(walk, reply);
}

int listing_walk(struct ctl *ctl, const struct listing *listing, void *request, uint64_t left,
	int (*take)(void *context, const void *element), void *context)
{
	struct walk walk = {
		.ctl = ctl,
		.listing = listing,
		.arena = arena_new(),
		.request = request,
		.left = left,
		.take = take,
		.context = context,
	};
	uint64_t next = 1;
	int error = walk.arena ? ctl_connection(ctl, listing->who, &walk.connection) : -ENOMEM;
	int status = error ? ctl_failed(ctl, listing->who, error, NULL) : STATUS_DONE;

	while (!status && walk.left && next)
		status = page_walk(&walk, &next);
	arena_free(walk.arena);
	return status;
}

static int row_print(void *context, const void *element)
{
	rows_add(context, element);
	return STATUS_DONE;
}

int listing_print(struct ctl *ctl, const struct listing *listing, void *request)
{
	const struct field *after = record_field(listing->request, "after");
	int64_t wanted = INT64_MAX;
	uint64_t behind = 0;
	struct rows *rows;
	int status = ctl_option_u64(ctl, "after", &behind);

	if (!status)
		status = ctl_option_i64(ctl, "limit", 1, INT64_MAX, &wanted);
	if (status)
		return status;
	memcpy((char *)request + after->offset, &behind, sizeof(behind));
	rows = rows_begin(listing->element, listing->columns);
	if (!rows)
		return ctl_failed(ctl, listing->who, -ENOMEM, NULL);
	status = listing_walk(ctl, listing, request, (uint64_t)wanted, row_print, rows);
	rows_end(rows);
	return status;
}
