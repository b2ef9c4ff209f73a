#include "liborderd_inside.h"

#include <errno.h>
#include <string.h>

#include "client_socket.h"

/* Books are only read here, so whichever catalogd answers will do. */

static int catalog_ask(struct orderd_client *client, int64_t deadline_ms, const char *operation,
	const struct record *request_record, const void *request, const struct record *reply_record,
	void *ret_reply)
{
	struct answer answer = { .error = "", .message = "" };
	const char *tried;
	int result;

	if (connection_is_inherited(client->connection))
		return client_say(client, -ECHILD, NULL);
	result = instances_call(client->catalogs, client->arena, operation, request_record, request,
		deadline_left(deadline_ms), reply_record, ret_reply, &answer);
	client_say(client, result, &answer);
	if (result >= 0 || (!instances_pass_over(result) && result != -EACCES))
		return result;
	tried = instances_tried(client->catalogs, client->arena);
	tried = tried ? arena_print(client->arena, "no catalogd answers: tried %s; %s", tried,
				client->runtime_dir_from)
		      : NULL;
	client->message = tried ? tried : client->message;
	return result;
}

int orderd_book(struct orderd_client *client, uint64_t book_id, const char *sku,
	struct orderd_books **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct book_ref ref = { .book_id = book_id, .sku = book_id ? NULL : sku };
	struct book book = { 0 };
	struct book_list list = { .books = &book, .count = 1 };
	int result = catalog_ask(client, deadline_ms, "catalog.get", &book_ref_record, &ref,
		&book_record, &book);

	return result == 0 ? client_say(client, client_give_books(&list, ret), NULL) : result;
}

int orderd_list_books(struct orderd_client *client, uint64_t after, int64_t limit,
	struct orderd_books **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct range range = { .after = after, .limit = limit };
	struct book_list list = { 0 };
	int result = catalog_ask(client, deadline_ms, "catalog.list", &range_record, &range,
		&book_list_record, &list);

	return result == 0 ? client_say(client, client_give_books(&list, ret), NULL) : result;
}
