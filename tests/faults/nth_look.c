#include <inttypes.h>
#include <stdio.h>

#include "nth.h"

#define REST_MS 30000

static const struct orderd_order *orders_of(const struct picture *picture, uint64_t user_id,
	size_t *ret_count)
{
	const struct orderd_order *found = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < picture->order_count; i++) {
		if (picture->orders[i].user_id != user_id)
			continue;
		++*ret_count;
		found = &picture->orders[i];
	}
	return found;
}

static void check_listed(uint64_t user_id, size_t count)
{
	struct order_query query = { .user_id = user_id, .page = 1, .page_size = PAGE_SIZE_MAX };
	struct order_list list;

	if (host_call(host, HOST_ORDERD, "order.list", &order_query_record, &query, arena,
		    &order_list_record, &list) != 0 ||
		list.total != count || list.count != count)
		give_up("the list of a user's orders is wrong");
}

static bool is_put(void)
{
	struct book_ref ref = { .book_id = 1 };
	struct book book;

	if (host_call(host, HOST_CATALOGD, "catalog.get", &book_ref_record, &ref, arena,
		    &book_record, &book) != 0)
		give_up("a book is lost");
	if (book.price != price && book.price != price + (progress->operation == PUT))
		give_up("a price is neither the old nor the new one");
	return book.price == price + 1;
}

static bool is_added(void)
{
	struct level_ref ref = { .book_id = 1 };
	struct level level;

	if (host_call(host, HOST_STOCKD, "stock.show", &level_ref_record, &ref, arena,
		    &level_record, &level) != 0)
		give_up("a level is lost");
	if (level.received != added && level.received != added + ADDED)
		give_up("stock was added in part or twice");
	return level.received == added + ADDED;
}

static bool is_done(const struct orderd_order *order, size_t count)
{
	static const enum orderd_status wanted[OPERATIONS] = { [CREATE] = ORDERD_PENDING,
		[PRICE] = ORDERD_PENDING,
		[PAY] = ORDERD_PAID,
		[SHIP] = ORDERD_SHIPPED,
		[CANCEL] = ORDERD_CANCELLED,
		[EXPIRE] = ORDERD_CANCELLED };

	switch (progress->operation) {
	case PUT:
		return is_put();
	case ADD:
		return is_added();
	case MANY:
		return heard.answered && heard.code == 0 ? count == heard.good : count > 0;
	case GET:
	case LIST:
		return heard.answered && heard.code == 0;
	case START:
		return order && order->status == ORDERD_PENDING;
	default:
		return order && order->status == wanted[progress->operation];
	}
}

static void check_outcome(const struct orderd_order *order, size_t count)
{
	enum operation_kind operation = progress->operation;
	bool done = is_done(order, count);

	if (count > (operation == MANY ? sizes.many : 1))
		give_up("two orders under one key");
	if (heard.answered && heard.code == 0 && !done)
		give_up("what was answered is lost");
	if (heard.answered && heard.code != 0 && done)
		give_up("what was refused is there");
	if ((operation == EXPIRE || operation == START) && !done)
		give_up("it did not expire, or is lost");
	if (operation == PRICE && order && order->items[0].price != price)
		give_up("an old price");
	if (heard.answered && heard.code == 50000 && progress->what != FAIL_MALLOC)
		give_up("an error without a word");
}

/* In one process daemons share what they have open of a store, and a store that failed at its last
 * page stays so until nobody has it open: who is gone takes the others along. */
static bool all_run(void)
{
	bool good = true;

	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		good = good && host_runs(host, i);
	return good;
}

static void stop_all(void)
{
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		host_stop(host, i);
}

void look(uint64_t user_id)
{
	const struct orderd_order *order;
	struct picture picture;
	size_t count;

	if (!all_run())
		stop_all();
	if (host_start_all(host) < 0)
		give_up("a daemon does not start again");
	if (progress->operation == EXPIRE)
		host_pass(host, 3000);
	if (!audit_wait_for_rest(host, REST_MS)) {
		if (progress->what != FAIL_MALLOC || all_run())
			give_up("not at rest after 30 s");
		/* Memory lacked behind a commit: the next tick has failed. */
		stop_all();
		if (host_start_all(host) < 0 || !audit_wait_for_rest(host, REST_MS))
			give_up("not at rest after another start");
	}
	if (picture_take(host, &picture) < 0 || !audit_at_rest(&picture)) {
		printf("nth: %s\n", picture.why);
		give_up("the stores do not add up");
	}
	order = orders_of(&picture, user_id, &count);
	check_outcome(order, count);
	check_listed(user_id, count);
	picture_done(&picture);
}

void ask_again(uint64_t user_id, uint64_t order_id)
{
	enum operation_kind operation = progress->operation;
	size_t many = operation == MANY ? sizes.many : operation == CREATE || operation == PRICE;
	struct orderd_order order = { 0 };

	if (progress->what == FAIL_ENOSPC || progress->what == FAIL_SHORT)
		host_pass(host, 100); /* until stockd is tried again */
	for (size_t i = 0; i < many; i++) {
		if ((heard.code = create(user_id, i, &order)) == 0)
			continue;
		printf("nth: %d %s\n", heard.code, host_error(host));
		give_up("the same asked again is refused");
	}
	if (many > 0)
		check_listed(user_id, many);
	if (many > 0 || operation == EXPIRE || operation == START)
		return;
	heard.answered = false;
	ask(operation, user_id, order_id);
	wait_for_answer();
	if (!heard.answered || (heard.code != 0 && heard.code != 40900))
		give_up("the same asked again is refused");
	if ((operation == PUT && !is_put()) || (operation == ADD && !is_added()))
		give_up("the same asked again is not there");
	price += operation == PUT;
	added += operation == ADD ? ADDED : 0;
}
