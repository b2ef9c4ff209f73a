#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "listing.h"
#include "orderctl.h"
#include "output.h"
#include "text.h"

#define ORDER_COLUMNS "order_id order_no user_id total status created_at expires_at items"

/* --- create ----------------------------------------------------------------------------------- */

/* BOOK=QTY, where a sku holds no =. */
static int item_read(struct ctl *ctl, const char *text, struct orderd_line *ret)
{
	const char *equals = strrchr(text, '=');
	char *book = equals ? arena_text(ctl->arena, text, (size_t)(equals - text)) : NULL;
	int64_t number;
	int status;

	if (!book)
		return usage_refuse(ctl,
			"--item %s: wanted BOOK=QUANTITY, as in 1=2 or sku:85123A=1", text);
	status = ctl_number(ctl, "QUANTITY", equals + 1, 1, QUANTITY_MAX, &ret->quantity);
	if (status)
		return status;
	if (!strncmp(book, "sku:", 4)) {
		ret->sku = book + 4;
		if (!text_is_sku(ret->sku, strlen(ret->sku)))
			return usage_refuse(ctl, "--item %s: no sku (letters, digits and . _ - /)",
				text);
		return STATUS_DONE;
	}
	status = ctl_number(ctl, "BOOK", book, 1, INT64_MAX, &number);
	if (!status)
		ret->book_id = (uint64_t)number;
	return status;
}

static int items_read(struct ctl *ctl, struct orderd_create *create)
{
	size_t cursor = 0;
	const char *text;
	int status = STATUS_DONE;

	create->items = arena_take(ctl->arena, ctl->option_count * sizeof(*create->items));
	if (!create->items)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	while (!status && (text = ctl_option_next(ctl, "item", &cursor)))
		status = item_read(ctl, text, &create->items[create->item_count++]);
	return status;
}

static const char *key_make(struct arena *arena)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return NULL;
	return arena_print(arena, "orderctl:%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

/* The answer may be lost with the daemon that gave it: a second request under the same key gets it
 * again or makes the order after all. The first one gets two thirds of the time. */
static int create_call(struct ctl *ctl, const struct orderd_create *create,
	struct orderd_order *ret_order, struct answer *ret_answer)
{
	int64_t timeout_ms = ctl_timeout_ms(ctl);
	struct connection *connection;
	int result = ctl_connection(ctl, ORDERD, &connection);

	if (result)
		return result;
	result = connection_call(connection, ctl->arena, "order.create", &create_record, create,
		timeout_ms - timeout_ms / 3, &order_record, ret_order, ret_answer);
	if (result != -ETIMEDOUT || !create->idempotency_key)
		return result;
	return connection_call(connection, ctl->arena, "order.create", &create_record, create,
		timeout_ms / 3 + 1, &order_record, ret_order, ret_answer);
}

int order_create(struct ctl *ctl)
{
	struct orderd_create create = { .idempotency_key = ctl_option(ctl, "key") };
	struct answer answer = { 0 };
	struct orderd_order order;
	int result, status = ctl_option_u64(ctl, "user", &create.user_id);

	if (!status)
		status = ctl_option_duration(ctl, "expires-in", &create.expires_in_ms);
	if (!status)
		status = items_read(ctl, &create);
	if (status)
		return status;
	if (!create.idempotency_key)
		create.idempotency_key = key_make(ctl->arena);
	result = create_call(ctl, &create, &order, &answer);
	if (result)
		return ctl_failed(ctl, ORDERD, result, &answer);
	output_record(&order_record, &order);
	return STATUS_DONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

int order_get(struct ctl *ctl)
{
	struct order_ref ref;
	struct orderd_order order;
	int status = ctl_order_ref(ctl, ctl->arguments[0], &ref);

	if (!status)
		status = ctl_call(ctl, ORDERD, "order.get", &order_ref_record, &ref, &order_record,
			&order);
	if (!status)
		output_record(&order_record, &order);
	return status;
}

static int query_read(struct ctl *ctl, struct order_query *query)
{
	const char *wanted = ctl_option(ctl, "status");
	int status = ctl_option_u64(ctl, "user", &query->user_id);

	if (!status)
		status = ctl_option_i64(ctl, "page", 1, 1000000000, &query->page);
	if (!status)
		status = ctl_option_i64(ctl, "page-size", 1, PAGE_SIZE_MAX, &query->page_size);
	if (!status)
		status = ctl_option_u64(ctl, "after", &query->after);
	for (int i = 1; wanted && status_names[i] && query->status == ORDERD_ANY; i++)
		if (!strcasecmp(status_names[i], wanted))
			query->status = (enum orderd_status)i;
	if (!status && wanted && query->status == ORDERD_ANY)
		return usage_refuse(ctl,
			"--status %s: one of PENDING PAID SHIPPED COMPLETED CANCELLED", wanted);
	return status;
}

/* Where the reader of a table stands, and how to go on. */
static void page_print(const struct order_query *query, const struct order_list *list)
{
	uint64_t size = (uint64_t)query->page_size;

	if (output_is_json())
		return;
	printf("%s%zu of %" PRIu64 " orders", list->count ? "\n" : "", list->count, list->total);
	if (!query->after)
		printf(", page %" PRId64 " of %" PRIu64, query->page,
			(list->total + size - 1) / size);
	if (list->next)
		printf("; more: --after %" PRIu64, list->next);
	putchar('\n');
}

static void incomplete_print(const struct order_list *list)
{
	if (list->incomplete)
		fprintf(stderr,
			"orderctl: the newest orders may be missing: orderd has just started"
			" and waits for stockd; see orderctl status\n");
}

/* True: there are more behind them. */
static bool orders_add(struct rows *rows, const struct order_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		rows_add(rows, &list->orders[i]);
	return list->next > 0;
}

/* People see a page and how to go on; a program that named no page gets all there are. */
int order_list(struct ctl *ctl)
{
	struct order_query query = { .page = 1, .page_size = 20 };
	struct order_list list;
	struct rows *rows;
	int status = query_read(ctl, &query);
	bool everything = ctl->json && !ctl_option(ctl, "page") && !ctl_option(ctl, "page-size");

	if (everything)
		query.page_size = PAGE_SIZE_MAX;
	if (!status)
		status = ctl_call(ctl, ORDERD, "order.list", &order_query_record, &query,
			&order_list_record, &list);
	if (status)
		return status;
	rows = rows_begin(&order_record, ORDER_COLUMNS);
	if (!rows)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	while (!status && orders_add(rows, &list) && everything) {
		query.after = list.next;
		status = ctl_call(ctl, ORDERD, "order.list", &order_query_record, &query,
			&order_list_record, &list);
	}
	rows_end(rows);
	page_print(&query, &list);
	incomplete_print(&list);
	return status;
}

int order_history(struct ctl *ctl)
{
	struct event_list list;
	struct order_ref ref;
	struct rows *rows;
	int status = ctl_order_ref(ctl, ctl->arguments[0], &ref);

	if (!status)
		status = ctl_call(ctl, ORDERD, "order.history", &order_ref_record, &ref,
			&event_list_record, &list);
	if (status)
		return status;
	rows = rows_begin(&event_record, "seq from to actor reason at total");
	if (!rows)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	for (size_t i = 0; i < list.count; i++)
		rows_add(rows, &list.events[i]);
	rows_end(rows);
	return STATUS_DONE;
}

/* --- changing --------------------------------------------------------------------------------- */

static int order_change(struct ctl *ctl, const char *operation, const struct record *record,
	enum orderd_status status, enum orderd_status from)
{
	struct order_change change = {
		.status = status,
		.from = from,
		.reason = ctl_option(ctl, "reason"),
	};
	struct order_ref ref;
	struct orderd_order order;
	int result = ctl_order_ref(ctl, ctl->arguments[0], &ref);

	if (result)
		return result;
	change.order_id = ref.order_id;
	change.order_no = ref.order_no;
	result = ctl_call(ctl, ORDERD, operation, record, &change, &order_record, &order);
	if (!result)
		output_record(&order_record, &order);
	return result;
}

static int order_advance(struct ctl *ctl, enum orderd_status status, enum orderd_status from)
{
	return order_change(ctl, "order.set_status", &order_set_status_record, status, from);
}

int order_pay(struct ctl *ctl)
{
	return order_advance(ctl, ORDERD_PAID, ORDERD_ANY);
}

int order_ship(struct ctl *ctl)
{
	return order_advance(ctl, ORDERD_SHIPPED, ORDERD_ANY);
}

int order_complete(struct ctl *ctl)
{
	return order_advance(ctl, ORDERD_COMPLETED, ORDERD_ANY);
}

int order_cancel(struct ctl *ctl)
{
	return order_change(ctl, "order.cancel", &order_cancel_record, ORDERD_ANY, ORDERD_ANY);
}

int order_refund(struct ctl *ctl)
{
	return order_advance(ctl, ORDERD_CANCELLED, ORDERD_PAID);
}
