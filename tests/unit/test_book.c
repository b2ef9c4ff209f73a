#include <errno.h>

#include "daemon_fixture.h"
#include "daemons/catalogd/book.h"

/* The rules of the catalog over one transaction. */

static struct fixture *fixture;
static struct catalog catalog_at_work;

static int begin(void **state)
{
	fixture = fixture_with_store(catalog_tables);
	catalog_at_work = (struct catalog){
		.txn = fixture->txn,
		.arena = fixture->arena,
		.now_ms = NOW_MS,
	};
	*state = &catalog_at_work;
	return 0;
}

static int end(void **state)
{
	*state = fixture;
	return fixture_free(state);
}

static struct book_put a_put(uint64_t book_id, const char *sku)
{
	return (struct book_put){
		.book_id = book_id, .sku = sku, .title = "Go语言编程", .price = 5900, .active = true
	};
}

static struct book put(struct catalog *catalog, const struct book_put *put)
{
	struct book_put_reply reply;

	assert_int_equal(book_put(catalog, put, &reply), OUTCOME_OK);
	return reply.book;
}

static struct book put_new(struct catalog *catalog, uint64_t book_id, const char *sku)
{
	struct book_put one = a_put(book_id, sku);

	return put(catalog, &one);
}

static int find(struct catalog *catalog, uint64_t book_id, const char *sku, struct book *ret)
{
	return book_find(catalog, &(struct book_ref){ .book_id = book_id, .sku = sku }, ret);
}

static void assert_refused(struct catalog *catalog, const struct book_put *put, int outcome,
	const char *why)
{
	uint64_t writes = txn_writes(catalog->txn);
	struct book_put_reply reply;

	catalog->why = NULL;
	assert_int_equal(book_put(catalog, put, &reply), outcome);
	assert_says(catalog->why, why);
	assert_int_equal(txn_writes(catalog->txn), writes);
}

static void a_new_book_is_found_by_id_and_by_sku(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(7, "85123A");
	struct book_put_reply reply;
	struct book book;

	assert_int_equal(book_put(catalog, &one, &reply), OUTCOME_OK);
	assert_true(reply.changed);
	assert_int_equal(reply.book.version, 1);
	assert_int_equal(reply.book.updated_at, NOW_MS);
	assert_int_equal(find(catalog, 7, NULL, &book), OUTCOME_OK);
	assert_string_equal(book.title, "Go语言编程");
	assert_string_equal(book.sku, "85123A");
	assert_int_equal(book.price, 5900);
	assert_true(book.active);
	assert_int_equal(find(catalog, 0, "85123A", &book), OUTCOME_OK);
	assert_int_equal(book.book_id, 7);
}

static void a_reference_names_exactly_one_of_id_and_sku(void **state)
{
	struct catalog *catalog = *state;
	struct book book;

	put_new(catalog, 7, "85123A");
	assert_int_equal(find(catalog, 0, NULL, &book), OUTCOME_BAD_REQUEST);
	assert_int_equal(find(catalog, 7, "85123A", &book), OUTCOME_BAD_REQUEST);
}

static void an_unknown_book_is_named_in_the_refusal(void **state)
{
	struct catalog *catalog = *state;
	struct book book;

	assert_int_equal(find(catalog, 8, NULL, &book), OUTCOME_BOOK_NOT_FOUND);
	assert_says(catalog->why, "8");
	assert_int_equal(find(catalog, 0, "nosuch", &book), OUTCOME_BOOK_NOT_FOUND);
	assert_says(catalog->why, "nosuch");
	assert_int_equal(find(catalog, 0, "8512", &book), OUTCOME_BOOK_NOT_FOUND);
}

static void the_same_put_again_writes_nothing(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(7, "85123A");
	struct book_put_reply reply;
	uint64_t writes;

	put(catalog, &one);
	catalog->now_ms += 1000;
	writes = txn_writes(catalog->txn);
	assert_int_equal(book_put(catalog, &one, &reply), OUTCOME_OK);
	assert_false(reply.changed);
	assert_int_equal(reply.book.version, 1);
	assert_int_equal(reply.book.updated_at, NOW_MS);
	assert_int_equal(txn_writes(catalog->txn), writes);
}

static void every_change_of_content_raises_the_version(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(7, "85123A");

	put(catalog, &one);
	one.price = 6000;
	assert_int_equal(put(catalog, &one).version, 2);
	one.title = "Another title";
	assert_int_equal(put(catalog, &one).version, 3);
	one.active = false;
	assert_int_equal(put(catalog, &one).version, 4);
	one.sku = NULL;
	assert_int_equal(put(catalog, &one).version, 5);
	one.sku = "X1";
	assert_int_equal(put(catalog, &one).version, 6);
}

static void a_put_replaces_only_the_version_it_names(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(7, NULL);

	one.version = 1;
	assert_refused(catalog, &one, OUTCOME_VERSION_CONFLICT, "version 0");
	one.version = 0;
	put(catalog, &one);
	one.version = 1;
	one.price = 6000;
	assert_int_equal(put(catalog, &one).version, 2);
	one.price = 6100;
	assert_refused(catalog, &one, OUTCOME_VERSION_CONFLICT, "version 2");
}

static void the_repeat_of_an_answered_put_succeeds_under_its_old_version(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(7, NULL);
	struct book_put_reply reply;

	put(catalog, &one);
	one.version = 1;
	one.price = 6000;
	put(catalog, &one);
	assert_int_equal(book_put(catalog, &one, &reply), OUTCOME_OK);
	assert_false(reply.changed);
	assert_int_equal(reply.book.version, 2);
}

static void a_put_needs_an_id_or_a_sku(void **state)
{
	struct book_put one = a_put(0, NULL);

	assert_refused(*state, &one, OUTCOME_BAD_REQUEST, "sku");
}

static void a_sku_belongs_to_one_book(void **state)
{
	struct catalog *catalog = *state;
	struct book_put other = a_put(8, "85123A");

	put_new(catalog, 7, "85123A");
	assert_refused(catalog, &other, OUTCOME_SKU_TAKEN, "book 7");
	put_new(catalog, 8, "X1");
	assert_refused(catalog, &other, OUTCOME_SKU_TAKEN, "book 7");
}

static void changing_a_sku_moves_the_index_and_frees_the_old_one(void **state)
{
	struct catalog *catalog = *state;
	struct book book;

	put_new(catalog, 7, "old");
	put_new(catalog, 7, "new");
	assert_int_equal(find(catalog, 0, "old", &book), OUTCOME_BOOK_NOT_FOUND);
	assert_int_equal(find(catalog, 0, "new", &book), OUTCOME_OK);
	assert_int_equal(book.book_id, 7);
	put_new(catalog, 8, "old");
	assert_int_equal(find(catalog, 0, "old", &book), OUTCOME_OK);
	assert_int_equal(book.book_id, 8);
	assert_int_equal(txn_count(catalog->txn, TABLE_SKUS), 2);
}

static void a_put_by_id_without_sku_takes_the_sku_away(void **state)
{
	struct catalog *catalog = *state;
	struct book book;

	put_new(catalog, 7, "85123A");
	assert_null(put_new(catalog, 7, NULL).sku);
	assert_int_equal(find(catalog, 0, "85123A", &book), OUTCOME_BOOK_NOT_FOUND);
	assert_int_equal(find(catalog, 7, NULL, &book), OUTCOME_OK);
	assert_null(book.sku);
}

static void a_put_by_sku_alone_changes_that_book_or_makes_the_next(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(0, "A");
	struct book book;

	assert_int_equal(put(catalog, &one).book_id, 1);
	one.price = 1;
	book = put(catalog, &one);
	assert_int_equal(book.book_id, 1);
	assert_int_equal(book.version, 2);
	one.sku = "B";
	assert_int_equal(put(catalog, &one).book_id, 2);
}

static void ids_given_by_hand_push_the_next_id_up(void **state)
{
	struct catalog *catalog = *state;

	put_new(catalog, 40, NULL);
	put_new(catalog, 7, NULL);
	assert_int_equal(put_new(catalog, 0, "A").book_id, 41);
}

static void no_id_is_made_up_past_the_highest(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(0, "A");

	put_new(catalog, INT64_MAX, "B");
	assert_refused(catalog, &one, OUTCOME_BAD_REQUEST, "book_id");
	assert_int_equal(put_new(catalog, 0, "B").book_id, INT64_MAX);
}

static void a_price_keeps_the_lines_as_they_are(void **state)
{
	struct catalog *catalog = *state;
	struct orderd_line lines[] = {
		{ .book_id = 7, .quantity = 2 },
		{ .sku = "X1", .quantity = 1 },
		{ .book_id = 7, .quantity = 3 },
	};
	struct price_request request = { .items = lines, .item_count = 3 };
	struct price_reply reply;

	put_new(catalog, 7, NULL);
	put_new(catalog, 8, "X1");
	assert_int_equal(book_price(catalog, &request, &reply), OUTCOME_OK);
	assert_int_equal(reply.item_count, 3);
	assert_int_equal(reply.items[0].book_id, 7);
	assert_int_equal(reply.items[0].quantity, 2);
	assert_int_equal(reply.items[0].price, 5900);
	assert_null(reply.items[0].sku);
	assert_string_equal(reply.items[0].book_title, "Go语言编程");
	assert_int_equal(reply.items[1].book_id, 8);
	assert_string_equal(reply.items[1].sku, "X1");
	assert_int_equal(reply.items[2].book_id, 7);
	assert_int_equal(reply.items[2].quantity, 3);
}

static void a_price_is_refused_for_one_bad_line(void **state)
{
	struct catalog *catalog = *state;
	struct orderd_line lines[] = {
		{ .book_id = 7, .quantity = 2 },
		{ .book_id = 9, .quantity = 1 },
	};
	struct price_request request = { .items = lines, .item_count = 2 };
	struct price_reply reply;
	struct book_put off = a_put(9, NULL);

	put_new(catalog, 7, NULL);
	assert_int_equal(book_price(catalog, &request, &reply), OUTCOME_BOOK_NOT_FOUND);
	assert_says(catalog->why, "book 9");
	off.active = false;
	put(catalog, &off);
	assert_int_equal(book_price(catalog, &request, &reply), OUTCOME_BOOK_INACTIVE);
	assert_says(catalog->why, "book 9");
	lines[1] = (struct orderd_line){ .quantity = 1 };
	assert_int_equal(book_price(catalog, &request, &reply), OUTCOME_BAD_REQUEST);
}

static void a_list_goes_on_where_the_page_before_ended(void **state)
{
	struct catalog *catalog = *state;
	struct range range = { .limit = 2 };
	struct book_list list;

	assert_int_equal(book_list(catalog, &range, &list), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.next, 0);
	put_new(catalog, 300, NULL);
	put_new(catalog, 2, NULL);
	put_new(catalog, 1, NULL);
	assert_int_equal(book_list(catalog, &range, &list), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.books[0].book_id, 1);
	assert_int_equal(list.books[1].book_id, 2);
	assert_int_equal(list.next, 2);
	range.after = list.next;
	assert_int_equal(book_list(catalog, &range, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.books[0].book_id, 300);
	assert_int_equal(list.next, 0);
}

static void an_index_that_disagrees_with_its_book_is_never_served(void **state)
{
	struct catalog *catalog = *state;
	struct book_put one = a_put(0, "85123B");
	struct book_put_reply reply;
	struct book book;
	struct key sku = { 0 }, id = { 0 };

	put_new(catalog, 7, "85123A");
	key_add_bytes(&sku, "85123B", 6);
	key_add_u64(&id, 7);
	txn_put(catalog->txn, TABLE_SKUS, &sku, id.bytes, id.size);
	assert_int_equal(find(catalog, 0, "85123B", &book), -EUCLEAN);
	assert_int_equal(book_put(catalog, &one, &reply), -EUCLEAN);
}

static void a_damaged_book_is_never_served(void **state)
{
	struct catalog *catalog = *state;
	struct book_list list;
	struct range range = { .limit = 2 };
	struct book book;
	struct key id = { 0 };

	key_add_u64(&id, 7);
	txn_put(catalog->txn, TABLE_BOOKS, &id, "rubbish", 7);
	assert_int_equal(find(catalog, 7, NULL, &book), -EUCLEAN);
	assert_int_equal(book_list(catalog, &range, &list), -EUCLEAN);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(a_new_book_is_found_by_id_and_by_sku),
		RULE(a_reference_names_exactly_one_of_id_and_sku),
		RULE(an_unknown_book_is_named_in_the_refusal),
		RULE(the_same_put_again_writes_nothing),
		RULE(every_change_of_content_raises_the_version),
		RULE(a_put_replaces_only_the_version_it_names),
		RULE(the_repeat_of_an_answered_put_succeeds_under_its_old_version),
		RULE(a_put_needs_an_id_or_a_sku),
		RULE(a_sku_belongs_to_one_book),
		RULE(changing_a_sku_moves_the_index_and_frees_the_old_one),
		RULE(a_put_by_id_without_sku_takes_the_sku_away),
		RULE(a_put_by_sku_alone_changes_that_book_or_makes_the_next),
		RULE(ids_given_by_hand_push_the_next_id_up),
		RULE(no_id_is_made_up_past_the_highest),
		RULE(a_price_keeps_the_lines_as_they_are),
		RULE(a_price_is_refused_for_one_bad_line),
		RULE(a_list_goes_on_where_the_page_before_ended),
		RULE(an_index_that_disagrees_with_its_book_is_never_served),
		RULE(a_damaged_book_is_never_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
