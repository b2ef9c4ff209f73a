#include "liborderd_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client_socket.h"
#include "error.h"

#ifndef RUNTIME_DIR
#define RUNTIME_DIR "/run/orderd"
#endif

#define RUNTIME_DIR_VARIABLE "ORDERD_RUNTIME_DIR"
#define TIMEOUT_MS 10000
#define KEY_BYTES 16

/* --- clients -------------------------------------------------------------------------------- */

char *client_path(const char *runtime_dir, const char *file)
{
	char *path;

	return asprintf(&path, "%s/%s", runtime_dir, file) < 0 ? NULL : path;
}

/* The first that names one: the caller, the environment, the system. Never a second one: orders must
 * not end in another suite because the wanted one is away. */
static const char *runtime_dir_find(const char *runtime_dir, const char **ret_from)
{
	const char *named = secure_getenv(RUNTIME_DIR_VARIABLE);

	*ret_from = "the directory is named by the program";
	if (runtime_dir && runtime_dir[0])
		return runtime_dir;
	*ret_from = "the directory is named by " RUNTIME_DIR_VARIABLE;
	if (named && named[0])
		return named;
	*ret_from = "the system's directory; " RUNTIME_DIR_VARIABLE " may name another";
	return RUNTIME_DIR;
}

static int client_connect(struct orderd_client *client)
{
	char *path = client_path(client->runtime_dir, SOCKET_ORDERD);
	int result = path ? connection_open(&client->connection, path) : -ENOMEM;

	free(path);
	return result;
}

int orderd_open(struct orderd_client **ret, const char *runtime_dir)
{
	struct orderd_client *client = calloc(1, sizeof(*client));
	int result = -ENOMEM;

	if (!client)
		return -ENOMEM;
	client->timeout_ms = TIMEOUT_MS;
	client->error = client->message = "";
	client->arena = arena_new();
	client->runtime_dir = strdup(runtime_dir_find(runtime_dir, &client->runtime_dir_from));
	if (client->arena && client->runtime_dir)
		result = client_connect(client);
	if (result == 0)
		result = instances_open(&client->catalogs, client->runtime_dir, "catalogd");
	if (result < 0) {
		orderd_close(client);
		return result;
	}
	*ret = client;
	return 0;
}

void orderd_close(struct orderd_client *client)
{
	if (!client)
		return;
	connection_close(client->connection);
	instances_close(client->catalogs);
	arena_free(client->arena);
	free(client->runtime_dir);
	free(client);
}

void orderd_set_timeout(struct orderd_client *client, int64_t timeout_ms)
{
	client->timeout_ms = timeout_ms > 0 ? timeout_ms : 1;
}

const char *orderd_error(const struct orderd_client *client)
{
	return client->error;
}

const char *orderd_message(const struct orderd_client *client)
{
	return client->message;
}

const char *orderd_status_name(enum orderd_status status)
{
	return status >= ORDERD_ANY && status <= ORDERD_CANCELLED ? status_names[status] : "";
}

/* --- calls ---------------------------------------------------------------------------------- */

int64_t client_begin(struct orderd_client *client)
{
	arena_reset(client->arena);
	client_say(client, 0, NULL);
	return deadline_in(client->timeout_ms);
}

static int key_make(char ret[2 * KEY_BYTES + 1])
{
	uint8_t bytes[KEY_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int orderd_create(struct orderd_client *client, const struct orderd_create *create,
	struct orderd_order **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct orderd_create request = *create;
	struct orderd_order order;
	char key[2 * KEY_BYTES + 1];
	struct ask ask = {
		.operation = "order.create",
		.request_record = &create_record,
		.request = &request,
		.reply_record = &order_record,
		.reply = &order,
	};
	int result = 0;

	if (!request.idempotency_key) {
		result = key_make(key);
		request.idempotency_key = key;
	}
	if (result < 0)
		return client_say(client, result, NULL);
	result = client_ask(client, &ask, deadline_ms);
	return result == 0 ? client_say(client, client_give_order(&order, ret), NULL) : result;
}

static int order_get(struct orderd_client *client, const struct order_ref *ref, int64_t deadline_ms,
	struct orderd_order *ret)
{
	struct ask ask = {
		.operation = "order.get",
		.request_record = &order_ref_record,
		.request = ref,
		.reply_record = &order_record,
		.reply = ret,
	};

	return client_ask(client, &ask, deadline_ms);
}

int orderd_get(struct orderd_client *client, uint64_t order_id, const char *order_no,
	struct orderd_order **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct order_ref ref = { .order_id = order_id, .order_no = order_id ? NULL : order_no };
	struct orderd_order order;
	int result = order_get(client, &ref, deadline_ms, &order);

	return result == 0 ? client_say(client, client_give_order(&order, ret), NULL) : result;
}

/* A repeat that was refused: perhaps because the first one, whose answer was lost, did it. */
static int change_done_before(struct orderd_client *client, const struct order_change *change,
	int refusal, int64_t deadline_ms, struct orderd_order *ret)
{
	struct answer answer = { .error = client->error, .message = client->message };
	struct order_ref ref = { .order_id = change->order_id };
	int result = order_get(client, &ref, deadline_ms, ret);

	if (result == 0 && ret->status != change->status)
		return client_say(client, refusal, &answer);
	return result;
}

static int order_change(struct orderd_client *client, const char *operation,
	const struct record *record, const struct order_change *change, struct orderd_order **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct orderd_order order;
	struct ask ask = {
		.operation = operation,
		.request_record = record,
		.request = change,
		.reply_record = &order_record,
		.reply = &order,
	};
	int result;

	if (change->status <= ORDERD_ANY || change->status > ORDERD_CANCELLED)
		return client_say(client, -EINVAL, NULL);
	result = client_ask(client, &ask, deadline_ms);
	if (ask.sent > 1 && result > 0 &&
		strcmp(client->error, outcome_name(OUTCOME_INVALID_TRANSITION)) == 0)
		result = change_done_before(client, change, result, deadline_ms, &order);
	return result == 0 ? client_say(client, client_give_order(&order, ret), NULL) : result;
}

int orderd_set_status(struct orderd_client *client, uint64_t order_id, enum orderd_status status,
	const char *reason, struct orderd_order **ret)
{
	struct order_change change = { .order_id = order_id, .status = status, .reason = reason };

	return order_change(client, "order.set_status", &order_set_status_record, &change, ret);
}

int orderd_cancel(struct orderd_client *client, uint64_t order_id, const char *reason,
	struct orderd_order **ret)
{
	struct order_change change = {
		.order_id = order_id,
		.status = ORDERD_CANCELLED,
		.reason = reason,
	};

	return order_change(client, "order.cancel", &order_cancel_record, &change, ret);
}

int orderd_list(struct orderd_client *client, const struct orderd_query *query,
	struct orderd_page **ret)
{
	int64_t deadline_ms = client_begin(client);
	struct order_query request = {
		.user_id = query->user_id,
		.status = query->status,
		.page = query->page,
		.page_size = query->page_size,
		.after = query->after,
	};
	struct order_list list;
	struct ask ask = {
		.operation = "order.list",
		.request_record = &order_query_record,
		.request = &request,
		.reply_record = &order_list_record,
		.reply = &list,
	};
	int result;

	if (query->status < ORDERD_ANY || query->status > ORDERD_CANCELLED)
		return client_say(client, -EINVAL, NULL);
	result = client_ask(client, &ask, deadline_ms);
	return result == 0 ? client_say(client, client_give_page(&list, ret), NULL) : result;
}
