#include "daemon_fixture.h"
#include "daemons/catalogd/operations.h"

/* The operations of catalogd, as they come over the wire. */

static int begin(void **state)
{
	*state = fixture_with_service(&catalogd_program);
	return 0;
}

static struct buffer put_request(int64_t book_id, const char *title, int64_t price)
{
	struct buffer frame = request_begin("catalog.put", 3);

	pack_number(&frame, "book_id", book_id);
	pack_text(&frame, "title", title);
	pack_number(&frame, "price", price);
	return frame;
}

static const struct value *ask_get(struct fixture *f, int64_t book_id)
{
	struct buffer frame = request_begin("catalog.get", 1);

	pack_number(&frame, "book_id", book_id);
	return ask(f, &frame);
}

static void what_was_put_is_still_there_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = put_request(1, "深入理解计算机系统", 13900);
	const struct value *reply = ask(f, &frame);

	assert_int_equal(number_of(reply, "code"), 0);
	assert_int_equal(number_of(reply, "version"), 1);
	assert_true(value_find(reply, "changed")->boolean);
	service_restart(f);
	reply = ask_get(f, 1);
	assert_int_equal(number_of(reply, "code"), 0);
	assert_int_equal(number_of(reply, "price"), 13900);
	assert_text(reply, "title", "深入理解计算机系统");
	assert_true(value_find(reply, "active")->boolean);
}

static void a_stranger_reads_but_does_not_write(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = put_request(1, "A", 1);
	const struct value *reply = ask_as(f, &frame, geteuid() + 1);

	assert_text(reply, "error", "denied");
	frame = request_begin("catalog.list", 0);
	reply = ask_as(f, &frame, geteuid() + 1);
	assert_int_equal(number_of(reply, "code"), 0);
	list_of(reply, "books", 0);
}

static void a_refusal_says_which_book(void **state)
{
	struct fixture *f = *state;
	const struct value *reply = ask_get(f, 77);

	assert_int_equal(number_of(reply, "code"), 40400);
	assert_text(reply, "error", "book_not_found");
	assert_text(reply, "message", "book 77 is not in the catalog");
}

static void many_are_put_at_once_each_on_its_own(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = request_begin("catalog.put", 1);
	const struct value *results;

	pack_str(&frame, "books");
	pack_array(&frame, 3);
	for (int64_t i = 1; i <= 3; i++) {
		pack_map(&frame, 4);
		pack_number(&frame, "ref", 100 + i);
		pack_text(&frame, "sku", "ABC");
		pack_text(&frame, "title", "A");
		pack_number(&frame, i == 2 ? "pryce" : "price", i);
	}
	results = list_of(ask(f, &frame), "results", 3);
	assert_int_equal(number_of(&results[0], "code"), 0);
	assert_int_equal(number_of(&results[0], "ref"), 101);
	assert_text(&results[1], "error", "bad_request");
	assert_int_equal(number_of(&results[2], "version"), 2);
	assert_int_equal(number_of(ask_get(f, 1), "price"), 3);
}

static void orders_are_priced_over_the_wire(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = put_request(1, "A", 5900);
	const struct value *reply, *item;

	ask(f, &frame);
	frame = request_begin("catalog.price", 1);
	pack_str(&frame, "items");
	pack_array(&frame, 1);
	pack_map(&frame, 2);
	pack_number(&frame, "book_id", 1);
	pack_number(&frame, "quantity", 2);
	reply = ask(f, &frame);
	assert_int_equal(number_of(reply, "code"), 0);
	item = list_of(reply, "items", 1);
	assert_int_equal(number_of(item, "price"), 5900);
	assert_text(item, "book_title", "A");
}

static void bad_fields_are_refused_without_effect(void **state)
{
	struct fixture *f = *state;
	struct buffer frames[] = {
		put_request(0, "A", 1),
		put_request(1, "", 1),
		put_request(1, "\xff", 1),
		put_request(1, "a\nb", 1),
		put_request(1, "A", -1),
		request_begin("catalog.put", 0),
		request_begin("catalog.get", 0),
		request_begin("catalog.price", 0),
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_int_equal(number_of(ask(f, &frames[i]), "code"), 40000);
	assert_int_equal(number_of(ask_get(f, 1), "code"), 40400);
}

#define OPERATION(name) cmocka_unit_test_setup_teardown(name, begin, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPERATION(what_was_put_is_still_there_after_a_restart),
		OPERATION(a_stranger_reads_but_does_not_write),
		OPERATION(a_refusal_says_which_book),
		OPERATION(many_are_put_at_once_each_on_its_own),
		OPERATION(orders_are_priced_over_the_wire),
		OPERATION(bad_fields_are_refused_without_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
