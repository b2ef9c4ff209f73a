#include "daemon_fixture.h"
#include "daemons/stockd/operations.h"

/* The operations of stockd, as they come over the wire. */

static int begin(void **state)
{
	*state = fixture_with_service(&stockd_program);
	return 0;
}

static struct buffer book_request(const char *op, int64_t book_id, uint32_t fields)
{
	struct buffer frame = request_begin(op, 1 + fields);

	pack_number(&frame, "book_id", book_id);
	return frame;
}

static const struct value *ask_set(struct fixture *f, int64_t book_id, int64_t available)
{
	struct buffer frame = book_request("stock.set", book_id, 1);

	pack_number(&frame, "available", available);
	return ask(f, &frame);
}

static const struct value *ask_show(struct fixture *f, int64_t book_id)
{
	struct buffer frame = book_request("stock.show", book_id, 0);

	return ask(f, &frame);
}

static void pack_move(struct buffer *frame, int64_t order_id, int64_t version, const char *goal,
	int64_t quantity)
{
	pack_number(frame, "order_id", order_id);
	pack_number(frame, "version", version);
	pack_text(frame, "goal", goal);
	pack_str(frame, "items");
	pack_array(frame, 1);
	pack_map(frame, 2);
	pack_number(frame, "book_id", 1);
	pack_number(frame, "quantity", quantity);
}

static const struct value *ask_move(struct fixture *f, int64_t order_id, int64_t version,
	const char *goal, int64_t quantity)
{
	struct buffer frame = request_begin("stock.apply", 4);

	pack_move(&frame, order_id, version, goal, quantity);
	return ask(f, &frame);
}

static void assert_level(struct fixture *f, uint64_t available, uint64_t reserved, uint64_t sold)
{
	const struct value *level = ask_show(f, 1);

	assert_int_equal(number_of(level, "code"), 0);
	assert_int_equal(number_of(level, "available"), available);
	assert_int_equal(number_of(level, "reserved"), reserved);
	assert_int_equal(number_of(level, "sold"), sold);
	assert_int_equal(number_of(level, "received"), available + reserved + sold);
}

static void a_reservation_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	const struct value *reply, *item;
	struct buffer frame;

	assert_int_equal(number_of(ask_set(f, 1, 10), "code"), 0);
	assert_text(ask_move(f, 17, 1, "HELD", 4), "state", "HELD");
	service_restart(f);
	assert_level(f, 6, 4, 0);
	frame = request_begin("stock.reservation", 1);
	pack_number(&frame, "order_id", 17);
	reply = ask(f, &frame);
	assert_text(reply, "state", "HELD");
	item = list_of(reply, "items", 1);
	assert_int_equal(number_of(item, "quantity"), 4);
	assert_text(ask_move(f, 17, 2, "SOLD", 4), "state", "SOLD");
	assert_level(f, 6, 0, 4);
}

static void a_refused_hold_is_an_answer_and_no_error(void **state)
{
	struct fixture *f = *state;
	const struct value *reply;

	ask_set(f, 1, 3);
	reply = ask_move(f, 17, 1, "HELD", 4);
	assert_int_equal(number_of(reply, "code"), 0);
	assert_text(reply, "state", "REFUSED");
	assert_int_equal(number_of(reply, "book_id"), 1);
	assert_int_equal(number_of(reply, "available"), 3);
}

static void moves_of_one_frame_are_taken_one_by_one(void **state)
{
	static const char *const states[] = { "HELD", "REFUSED", "RETURNED" };
	struct fixture *f = *state;
	struct buffer frame = request_begin("stock.apply", 1);
	const struct value *results;

	ask_set(f, 1, 5);
	pack_str(&frame, "moves");
	pack_array(&frame, 4);
	for (int64_t i = 0; i < 4; i++) {
		pack_map(&frame, 5);
		pack_number(&frame, "ref", 100 + i);
		pack_move(&frame, i == 2 ? 1 : 1 + i, 1 + i, i < 2 ? "HELD" : "RETURNED",
			i == 3 ? 0 : 3);
	}
	results = list_of(ask(f, &frame), "results", 4);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(number_of(&results[i], "ref"), 100 + i);
		assert_text(&results[i], "state", states[i]);
	}
	assert_text(&results[3], "error", "bad_request");
	assert_level(f, 5, 0, 0);
}

static void the_journal_says_who_and_why(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = book_request("stock.add", 1, 3);
	const struct value *movements;
	char uid[32];

	pack_number(&frame, "quantity", 7);
	pack_text(&frame, "reason", "delivery");
	pack_text(&frame, "actor", "anna");
	ask(f, &frame);
	ask_set(f, 1, 5);
	frame = book_request("stock.journal", 1, 0);
	movements = list_of(ask(f, &frame), "movements", 2);
	assert_text(&movements[0], "kind", "add");
	assert_text(&movements[0], "actor", "anna");
	assert_text(&movements[0], "reason", "delivery");
	assert_text(&movements[1], "kind", "set");
	snprintf(uid, sizeof(uid), "uid:%u", (unsigned)geteuid());
	assert_text(&movements[1], "actor", uid);
	assert_int_equal(value_find(&movements[1], "quantity")->i64, -2);
}

static void levels_and_reservations_are_listed(void **state)
{
	struct fixture *f = *state;
	struct buffer frame;

	ask_set(f, 1, 5);
	ask_set(f, 2, 5);
	ask_move(f, 17, 1, "HELD", 1);
	frame = request_begin("stock.list", 1);
	pack_number(&frame, "after", 1);
	list_of(ask(f, &frame), "levels", 1);
	frame = request_begin("stock.reservations", 0);
	list_of(ask(f, &frame), "reservations", 1);
}

static void a_stranger_reads_but_does_not_write(void **state)
{
	struct fixture *f = *state;
	struct buffer frame = request_begin("stock.apply", 4);

	pack_move(&frame, 17, 1, "HELD", 1);
	assert_text(ask_as(f, &frame, geteuid() + 1), "error", "denied");
	frame = book_request("stock.set", 1, 1);
	pack_number(&frame, "available", 1);
	assert_text(ask_as(f, &frame, geteuid() + 1), "error", "denied");
	frame = request_begin("stock.list", 0);
	list_of(ask_as(f, &frame, geteuid() + 1), "levels", 0);
}

static void refusals_have_their_names_and_say_why(void **state)
{
	struct fixture *f = *state;
	const struct value *reply;
	struct buffer frame;

	ask_set(f, 1, 5);
	assert_text(ask_show(f, 9), "error", "book_not_found");
	assert_text(ask_move(f, 17, 1, "SOLD", 1), "error", "reservation_not_found");
	ask_move(f, 17, 1, "HELD", 1);
	assert_text(ask_move(f, 17, 1, "RETURNED", 1), "error", "superseded");
	ask_move(f, 17, 2, "RETURNED", 1);
	reply = ask_move(f, 17, 3, "HELD", 1);
	assert_text(reply, "error", "invalid_transition");
	assert_text(reply, "message", "the stock of order 17 is RETURNED and cannot be HELD");
	frame = book_request("stock.add", 1, 2);
	pack_number(&frame, "quantity", -6);
	pack_text(&frame, "reason", "lost");
	assert_text(ask(f, &frame), "error", "insufficient_stock");
}

static void bad_fields_are_refused_without_effect(void **state)
{
	struct fixture *f = *state;
	struct buffer frame;

	ask_set(f, 1, 5);
	assert_int_equal(number_of(ask_set(f, 1, -1), "code"), 40000);
	assert_int_equal(number_of(ask_set(f, 1, INT64_MAX), "code"), 40000);
	assert_int_equal(number_of(ask_set(f, 0, 1), "code"), 40000);
	assert_int_equal(number_of(ask_move(f, 0, 1, "HELD", 1), "code"), 40000);
	assert_int_equal(number_of(ask_move(f, 1, 0, "HELD", 1), "code"), 40000);
	assert_int_equal(number_of(ask_move(f, 1, 1, "REFUSED", 1), "code"), 40000);
	assert_int_equal(number_of(ask_move(f, 1, 1, "HELD", 0), "code"), 40000);
	assert_int_equal(number_of(ask_move(f, 1, 1, "HELD", INT64_MAX), "code"), 40000);
	frame = request_begin("stock.apply", 0);
	assert_int_equal(number_of(ask(f, &frame), "code"), 40000);
	frame = book_request("stock.add", 1, 1);
	pack_number(&frame, "quantity", 1);
	assert_int_equal(number_of(ask(f, &frame), "code"), 40000);
	assert_level(f, 5, 0, 0);
}

#define OPERATION(name) cmocka_unit_test_setup_teardown(name, begin, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPERATION(a_reservation_survives_a_restart),
		OPERATION(a_refused_hold_is_an_answer_and_no_error),
		OPERATION(moves_of_one_frame_are_taken_one_by_one),
		OPERATION(the_journal_says_who_and_why),
		OPERATION(levels_and_reservations_are_listed),
		OPERATION(a_stranger_reads_but_does_not_write),
		OPERATION(refusals_have_their_names_and_say_why),
		OPERATION(bad_fields_are_refused_without_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
