#include "daemons/catalogd/operations.h"
#include "orderd_steps.h"

/* Prices that orderd remembers, beside the store of a real catalogd. */

static struct service *catalogd;
static const struct value *told; /* catalogd's last answer */

static void note_told(void *argument, const struct route *route, const void *data, size_t size)
{
	(void)route;
	told = shop_read(argument, data, size);
}

static void catalogd_open(struct shop *shop)
{
	struct bus bus = { .argument = shop, .reply = note_told };

	assert_int_equal(service_open(&catalogd, &catalogd_program, &shop->settings.suite, &bus,
				 shop->now_ms, shop->monotonic_ms),
		0);
}

static void catalogd_takes(struct shop *shop, struct buffer *frame)
{
	struct event event = { .kind = EVENT_REQUEST,
		.route = { .identity = { 'o' },
			.identity_size = 1,
			.uid = geteuid(),
			.known = true },
		.data = frame->at,
		.size = frame->size };
	int64_t wait_ms;

	assert_int_equal(service_tick(catalogd, &event, 1, shop->now_ms, shop->monotonic_ms,
				 &wait_ms),
		0);
	buffer_done(frame);
	assert_int_equal(number_of(told, "code"), 0);
}

static void put_book(struct shop *shop, const char *sku, const char *title, int64_t price)
{
	struct buffer frame = request_begin("catalog.put", 3);

	pack_text(&frame, "sku", sku);
	pack_text(&frame, "title", title);
	pack_number(&frame, "price", price);
	shop->now_ms++;
	catalogd_takes(shop, &frame);
}

static void price_all(struct shop *shop)
{
	size_t count = shop->sent_count[CATALOGD];

	for (size_t i = 0; i < count; i++) {
		struct buffer frame = request_begin("catalog.price", 1);
		struct price_request request;
		struct price_reply reply;

		shop_decode(shop, &price_request_record, shop->sent[CATALOGD][i], &request);
		buffer_reset(&frame);
		pack_map(&frame, 4);
		pack_number(&frame, "v", 1);
		pack_number(&frame, "id", 1);
		pack_text(&frame, "op", "catalog.price");
		fields_to_map(&frame, &price_request_record, &request);
		catalogd_takes(shop, &frame);
		shop_decode(shop, &price_reply_record, told, &reply);
		peer_says(shop, CATALOGD, number_of(shop->sent[CATALOGD][i], "ref"), OUTCOME_OK,
			&price_reply_record, &reply);
	}
}

static int begin_with(void **state)
{
	struct shop *shop = shop_new();

	catalogd_open(shop);
	put_book(shop, "A", "Alpha", 100);
	put_book(shop, "B", "Beta", 200);
	shop_open(shop);
	shop->monotonic_ms += 500;
	*state = shop;
	return 0;
}

static int end_with(void **state)
{
	service_close(catalogd);
	catalogd = NULL;
	return shop_end(state);
}

static void ask_book(struct shop *shop, uint64_t book_id, const char *sku)
{
	struct orderd_line line = { .book_id = book_id, .sku = sku, .quantity = 1 };
	struct orderd_create create = { .user_id = 1, .items = &line, .item_count = 1 };

	shop_ask(shop, 'a', "order.create", &create_record, &create);
	shop_tick(shop);
}

/* The order's one line, whoever priced it; whether catalogd was asked. */
static struct orderd_item order_book(struct shop *shop, uint64_t book_id, const char *sku,
	bool *ret_asked)
{
	ask_book(shop, book_id, sku);
	*ret_asked = shop->sent_count[CATALOGD] > 0;
	if (*ret_asked) {
		price_all(shop);
		shop_tick(shop);
	}
	stock_obeys(shop);
	shop_tick(shop);
	return order_to(shop, 'a').items[0];
}

static void assert_asked(struct shop *shop, uint64_t book_id, const char *sku, int64_t price)
{
	bool asked;

	assert_int_equal(order_book(shop, book_id, sku, &asked).price, price);
	assert_true(asked);
}

static void assert_remembered(struct shop *shop, uint64_t book_id, const char *sku, int64_t price)
{
	bool asked;

	assert_int_equal(order_book(shop, book_id, sku, &asked).price, price);
	assert_false(asked);
}

static void a_price_is_asked_for_once(void **state)
{
	struct shop *shop = *state;
	struct orderd_item item;
	bool asked;

	assert_asked(shop, 1, NULL, 100);
	item = order_book(shop, 1, NULL, &asked);
	assert_false(asked);
	assert_string_equal(item.book_title, "Alpha");
	assert_string_equal(item.sku, "A");
	assert_int_equal(item.quantity, 1);
	assert_asked(shop, 2, NULL, 200);
	assert_remembered(shop, 1, NULL, 100);
}

static void a_sku_is_remembered_with_the_book(void **state)
{
	struct shop *shop = *state;

	assert_asked(shop, 1, NULL, 100);
	assert_remembered(shop, 0, "A", 100);
	assert_asked(shop, 0, "B", 200);
	assert_remembered(shop, 2, NULL, 200);
}

static void any_change_of_the_catalog_makes_all_prices_stale(void **state)
{
	struct shop *shop = *state;

	assert_asked(shop, 1, NULL, 100);
	assert_asked(shop, 2, NULL, 200);
	put_book(shop, "A", "Alpha", 150);
	assert_asked(shop, 1, NULL, 150);
	assert_remembered(shop, 1, NULL, 150);
	assert_asked(shop, 2, NULL, 200);
}

static void a_sku_that_moved_to_another_book_is_that_books(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("catalog.put", 3);

	assert_asked(shop, 0, "A", 100);
	pack_number(&frame, "book_id", 1); /* it loses its sku */
	pack_text(&frame, "title", "Alpha");
	pack_number(&frame, "price", 100);
	shop->now_ms++;
	catalogd_takes(shop, &frame);
	put_book(shop, "A", "Gamma", 300);
	assert_asked(shop, 0, "A", 300);
	assert_asked(shop, 1, NULL, 100);
	assert_remembered(shop, 0, "A", 300);
}

static void prices_told_before_a_change_are_not_kept_after_it(void **state)
{
	struct shop *shop = *state;

	ask_book(shop, 1, NULL);
	price_all(shop);
	put_book(shop, "A", "Alpha", 150); /* while the answer is on its way */
	shop_tick(shop);
	stock_obeys(shop);
	shop_tick(shop);
	assert_int_equal(order_to(shop, 'a').items[0].price, 100);
	assert_asked(shop, 1, NULL, 150);
}

static void without_catalogd_remembered_books_are_sold_and_others_are_not(void **state)
{
	struct shop *shop = *state;

	assert_asked(shop, 1, NULL, 100);
	service_close(catalogd);
	catalogd = NULL;
	shop->down[CATALOGD] = true;
	assert_remembered(shop, 1, NULL, 100);
	ask_book(shop, 2, NULL);
	shop_wait(shop, shop->settings.catalog_timeout_ms);
	assert_refused(shop, 'a', "catalog_unavailable");
}

static void without_the_catalogs_store_every_price_is_asked_for(void **state)
{
	struct shop *shop = *state;
	char path[96], away[96];

	assert_asked(shop, 1, NULL, 100);
	snprintf(path, sizeof(path), "%s/catalogd", shop->f->dir);
	snprintf(away, sizeof(away), "%s/away", shop->f->dir);
	assert_int_equal(rename(path, away), 0);
	assert_asked(shop, 1, NULL, 100);
	assert_asked(shop, 1, NULL, 100);
	assert_int_equal(rename(away, path), 0);
	shop->monotonic_ms += 500;
	shop->now_ms += 500;
	assert_remembered(shop, 1, NULL, 100);
}

static void a_restart_remembers_nothing(void **state)
{
	struct shop *shop = *state;

	assert_asked(shop, 1, NULL, 100);
	shop_restart(shop);
	shop->monotonic_ms += 500;
	assert_asked(shop, 1, NULL, 100);
	assert_remembered(shop, 1, NULL, 100);
}

#define BOOKS_MAX 16384 /* that are remembered */

static void tell(struct shop *shop, uint64_t first, uint64_t count, uint64_t version)
{
	struct orderd_item items[LINES_MAX];
	struct price_reply reply = { .items = items, .version = version };

	for (uint64_t i = 0; i < count; i++)
		items[reply.item_count++] = (struct orderd_item){
			.book_id = first + i, .book_title = "x", .quantity = 1, .price = 7
		};
	peer_says(shop, CATALOGD, 12345, OUTCOME_OK, &price_reply_record, &reply);
}

/* Of the fullness of memory those who were told first hear first. */
static void the_book_told_first_is_forgotten_first(void **state)
{
	struct shop *shop = *state;
	struct buffer frame = request_begin("catalog.price", 1);
	uint64_t version, first = 1000;

	pack_str(&frame, "items");
	pack_array(&frame, 1);
	pack_map(&frame, 2);
	pack_number(&frame, "book_id", 1);
	pack_number(&frame, "quantity", 1);
	catalogd_takes(shop, &frame);
	version = number_of(told, "version");
	for (uint64_t i = 0; i < BOOKS_MAX; i += 64) {
		tell(shop, first + i, 64, version);
		shop_tick(shop);
	}
	assert_remembered(shop, first, NULL, 7);
	tell(shop, 1, 1, version);
	shop_tick(shop);
	ask_book(shop, first, NULL);
	assert_int_equal(shop->sent_count[CATALOGD], 1);
	assert_remembered(shop, first + 1, NULL, 7);
	assert_remembered(shop, 1, NULL, 7);
}

#define PRICES_TEST(name) cmocka_unit_test_setup_teardown(name, begin_with, end_with)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRICES_TEST(a_price_is_asked_for_once),
		PRICES_TEST(a_sku_is_remembered_with_the_book),
		PRICES_TEST(any_change_of_the_catalog_makes_all_prices_stale),
		PRICES_TEST(a_sku_that_moved_to_another_book_is_that_books),
		PRICES_TEST(prices_told_before_a_change_are_not_kept_after_it),
		PRICES_TEST(without_catalogd_remembered_books_are_sold_and_others_are_not),
		PRICES_TEST(without_the_catalogs_store_every_price_is_asked_for),
		PRICES_TEST(a_restart_remembers_nothing),
		PRICES_TEST(the_book_told_first_is_forgotten_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
