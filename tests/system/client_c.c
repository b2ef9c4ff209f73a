/* A client in C that knows orderd.h alone: client_c USER_ID BOOK_ID. The runtime directory comes
 * from ORDERD_RUNTIME_DIR, the book must be on sale with two pieces in stock. Prints what it
 * sees; exits 0 if all of it is as the manual says. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <orderd.h>

#define WAIT_MS 10000

static struct orderd_client *client;

static void check(bool good, const char *what)
{
	printf("%s %s\n", good ? "ok " : "BAD", what);
	if (good)
		return;
	printf("    %s: %s\n", orderd_error(client), orderd_message(client));
	exit(EXIT_FAILURE);
}

static bool refused(int result, int code, const char *error)
{
	return result == code && strcmp(orderd_error(client), error) == 0;
}

static void print_order(const struct orderd_order *order)
{
	printf("    order %" PRIu64 ", number %s, %s, total %" PRId64 "\n", order->order_id,
		order->order_no, orderd_status_name(order->status), order->total);
	for (size_t i = 0; i < order->item_count; i++)
		printf("    %" PRId64 " x %s at %" PRId64 "\n", order->items[i].quantity,
			order->items[i].book_title, order->items[i].price);
}

/* --- orders --------------------------------------------------------------------------------- */

static struct orderd_order *make(uint64_t user_id, uint64_t book_id)
{
	struct orderd_line line = { .book_id = book_id, .quantity = 2 };
	char key[64];
	struct orderd_create create = {
		.user_id = user_id,
		.items = &line,
		.item_count = 1,
		.idempotency_key = key,
	};
	struct orderd_order *order, *again;

	snprintf(key, sizeof(key), "client_c-%ld-%ld", (long)time(NULL), (long)getpid());
	check(orderd_create(client, &create, &order) == 0, "an order is made");
	print_order(order);
	check(order->status == ORDERD_PENDING && order->total == 2 * order->items[0].price,
		"it is pending and its total is twice the price");
	check(orderd_create(client, &create, &again) == 0 && again->order_id == order->order_id &&
			strcmp(again->order_no, order->order_no) == 0,
		"the same key makes the same order");
	orderd_order_free(again);
	line.quantity = 1;
	check(refused(orderd_create(client, &create, &again), 40900, "idempotency_mismatch"),
		"the same key with another body is refused");
	return order;
}

static void look(const struct orderd_order *order)
{
	struct orderd_query query = { .user_id = order->user_id, .page_size = 5 };
	struct orderd_order *found;
	struct orderd_page *page;

	check(orderd_get(client, 0, order->order_no, &found) == 0 &&
			found->order_id == order->order_id,
		"the order is found by its number");
	orderd_order_free(found);
	check(refused(orderd_get(client, UINT64_C(999999999999), NULL, &found), 40400,
		      "order_not_found"),
		"an order that is not there is not found");
	check(orderd_list(client, &query, &page) == 0 && page->count > 0 && page->count <= 5 &&
			page->total >= page->count && page->orders[0]->order_id == order->order_id,
		"it leads the list of its user");
	printf("    %zu of %" PRIu64 " orders\n", page->count, page->total);
	orderd_page_free(page);
}

static void cancel(const struct orderd_order *order)
{
	struct orderd_order *cancelled;

	check(orderd_cancel(client, order->order_id, "changed my mind", &cancelled) == 0 &&
			cancelled->status == ORDERD_CANCELLED,
		"the order is cancelled");
	print_order(cancelled);
	orderd_order_free(cancelled);
	check(refused(orderd_set_status(client, order->order_id, ORDERD_PAID, NULL, NULL), 40900,
		      "invalid_transition"),
		"a cancelled order cannot be paid");
}

/* --- events --------------------------------------------------------------------------------- */

static const struct orderd_event *event_of(struct orderd_events *events, uint64_t order_id)
{
	const struct orderd_event *event;

	do
		if (orderd_events_next(events, WAIT_MS, &event) != 0)
			return NULL;
	while (event->order_id != order_id);
	printf("    event %" PRIu64 ": %s to %s by %s%s%s\n", event->seq,
		orderd_status_name(event->from), orderd_status_name(event->to), event->actor,
		event->reason ? ", " : "", event->reason ? event->reason : "");
	return event;
}

int main(int argc, char **argv)
{
	struct orderd_events *events;
	const struct orderd_event *event;
	struct orderd_order *order;

	if (argc != 3) {
		fprintf(stderr, "usage: %s USER_ID BOOK_ID\n", argv[0]);
		return 2;
	}
	if (orderd_open(&client, NULL) < 0 || orderd_events_open(client, 0, &events) < 0) {
		fprintf(stderr, "%s: no memory\n", argv[0]);
		return EXIT_FAILURE;
	}
	order = make(strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10));
	look(order);
	event = event_of(events, order->order_id);
	check(event && event->from == ORDERD_ANY && event->to == ORDERD_PENDING &&
			event->total == order->total,
		"its making is an event");
	cancel(order);
	event = event_of(events, order->order_id);
	check(event && event->from == ORDERD_PENDING && event->to == ORDERD_CANCELLED &&
			event->reason && strcmp(event->reason, "changed my mind") == 0,
		"so is its end");
	orderd_order_free(order);
	orderd_events_close(events);
	orderd_close(client);
	return EXIT_SUCCESS;
}
