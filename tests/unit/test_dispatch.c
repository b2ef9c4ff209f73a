#include "toy_bench.h"

/* What comes in from clients, good or bad: one answer each, no effect where it is bad, and the next
 * good request works. */

/* Queues bytes as they are. */
static void queue_bytes(const void *bytes, size_t size)
{
	queue_event(request_from('a', geteuid()), bytes, size);
}

static const struct value *tell(struct buffer *frame)
{
	queue_frame('a', frame);
	bench_tick();
	return reply_to('a');
}

static void assert_next_works(void)
{
	assert_good(ask_toy("toy.put", 1, "x"));
	assert_good(ask_toy("toy.get", 1, NULL));
	assert_good(ask_toy("toy.delete", 1, NULL));
}

static struct buffer good_frame(void)
{
	struct buffer frame = request_begin("toy.put", 2);

	pack_number(&frame, "number", 1);
	pack_text(&frame, "text", "x");
	return frame;
}

/* --- frames --------------------------------------------------------------------------------- */

static void assert_bad_frame(const void *bytes, size_t size)
{
	const struct value *reply;

	queue_bytes(bytes, size);
	bench_tick();
	reply = reply_to('a');
	assert_error(reply, "bad_frame");
	assert_int_equal(number_of(reply, "code"), 40000);
	assert_int_equal(number_of(reply, "v"), 1);
	assert_int_equal(value_find(reply, "id")->type, VALUE_NIL);
}

static void what_is_no_map_in_one_frame_is_a_bad_frame(void **state)
{
	static const char *const frames[] = { "\xc1", "\x80\x80", "\x05", "\x90", "\xc0", "\xa1x",
		"\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\x81",
		"\x81\xa1v", "\x81\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01\x01" };

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_bad_frame(frames[i], strlen(frames[i]));
	assert_bad_frame("", 0);
	assert_next_works();
}

static void what_the_loop_says_is_of_no_shape_is_refused_unread(void **state)
{
	struct event event = request_from('a', geteuid());

	(void)state;
	event.kind = EVENT_MALFORMED;
	queue_event(event, NULL, 0);
	bench_tick();
	assert_error(reply_to('a'), "bad_frame");
	assert_next_works();
}

static void who_has_left_too_much_unread_is_told_to_come_again(void **state)
{
	struct buffer frame = good_frame();
	struct event event = request_from('a', geteuid());

	(void)state;
	event.crowded = true;
	queue_event(event, frame.at, frame.size);
	bench_tick();
	assert_error(reply_to('a'), "busy");
	assert_error(ask_toy("toy.get", 1, NULL), "book_not_found");
	event.crowded = false;
	queue_event(event, frame.at, frame.size);
	bench_tick();
	assert_int_equal(number_of(reply_to('a'), "code"), 0);
	buffer_done(&frame);
}

static void a_frame_may_have_64_kib_and_not_a_byte_more(void **state)
{
	char *filling = calloc(1, REQUEST_MAX_BYTES);
	struct buffer frame;

	(void)state;
	assert_non_null(filling);
	memset(filling, 'x', REQUEST_MAX_BYTES);
	for (size_t over = 0; over < 2; over++) {
		frame = request_begin("toy.who", 1);
		pack_str(&frame, "filling");
		pack_strn(&frame, filling, REQUEST_MAX_BYTES - frame.size - 3 + over);
		assert_int_equal(frame.size, REQUEST_MAX_BYTES + over);
		queue_frame('a', &frame);
		bench_tick();
		assert_int_equal(number_of(reply_to('a'), "code"), over ? 40000 : 0);
	}
	free(filling);
}

static void every_truncation_of_a_frame_is_refused_without_effect(void **state)
{
	struct buffer frame = good_frame();

	(void)state;
	for (size_t size = 0; size < frame.size; size++)
		assert_bad_frame(frame.at, size);
	buffer_done(&frame);
	assert_error(ask_toy("toy.get", 1, NULL), "book_not_found");
	assert_next_works();
}

static void every_flipped_bit_of_a_frame_gets_one_answer(void **state)
{
	struct buffer frame = good_frame();

	(void)state;
	for (size_t bit = 0; bit < 8 * frame.size; bit++) {
		frame.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
		queue_bytes(frame.at, frame.size);
		frame.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
		bench_tick();
		assert_int_equal(told_to('a'), 1);
	}
	buffer_done(&frame);
	assert_next_works();
}

/* --- the envelope --------------------------------------------------------------------------- */

static void the_version_is_one(void **state)
{
	static const char *const errors[] = { "unsupported_version", NULL, "unsupported_version" };

	(void)state;
	for (uint64_t version = 0; version < 3; version++) {
		struct buffer frame = { 0 };
		const struct value *reply;

		pack_map(&frame, 3);
		pack_text(&frame, "op", "toy.who");
		pack_number(&frame, "id", 1);
		pack_number(&frame, "v", (int64_t)version);
		reply = tell(&frame);
		if (errors[version])
			assert_error(reply, errors[version]);
		else
			assert_good(reply);
	}
}

/* A request with one field of its envelope in another form, or missing (NULL), or twice. */
static const struct value *tell_with(const char *field, void (*pack)(struct buffer *), int times)
{
	static const char *const names[] = { "v", "id", "op", "timeout_ms" };
	struct buffer frame = { 0 };
	size_t map = pack_open_map(&frame);
	uint32_t count = 0;

	for (size_t i = 0; i < 4; i++) {
		bool is_it = strcmp(names[i], field) == 0;

		for (int n = 0; n < (is_it ? times : 1); n++, count++) {
			pack_str(&frame, names[i]);
			if (is_it && pack)
				pack(&frame);
			else if (i == 2)
				pack_str(&frame, "toy.who");
			else
				pack_u64(&frame, 1);
		}
	}
	pack_close(&frame, map, count);
	return tell(&frame);
}

static void pack_minus_one(struct buffer *buffer)
{
	pack_i64(buffer, -1);
}

static void pack_list(struct buffer *buffer)
{
	pack_array(buffer, 0);
}

static void pack_65_bytes(struct buffer *buffer)
{
	char text[65];

	memset(text, 'x', sizeof(text));
	pack_strn(buffer, text, sizeof(text));
}

static void pack_half(struct buffer *buffer)
{
	buffer_append(buffer, "\xca\x3f\x00\x00\x00", 5);
}

static void pack_too_long(struct buffer *buffer)
{
	pack_u64(buffer, 3600 * 1000 + 1);
}

static void pack_zero(struct buffer *buffer)
{
	pack_u64(buffer, 0);
}

static void pack_past_largest(struct buffer *buffer)
{
	pack_u64(buffer, (uint64_t)INT64_MAX + 1);
}

static void a_bad_envelope_is_a_bad_request(void **state)
{
	static void (*const forms[])(struct buffer *) = { pack_nil, pack_minus_one, pack_list,
		pack_65_bytes, pack_half };
	static const char *const names[] = { "v", "id", "op", "timeout_ms" };

	(void)state;
	assert_good(tell_with("none of them", NULL, 1));
	for (size_t i = 0; i < 4; i++) {
		for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++)
			assert_error(tell_with(names[i], forms[form], 1), "bad_request");
		assert_error(tell_with(names[i], NULL, 2), "bad_request");
		if (i < 3)
			assert_error(tell_with(names[i], NULL, 0), "bad_request");
	}
	assert_error(tell_with("timeout_ms", pack_zero, 1), "bad_request");
	assert_error(tell_with("timeout_ms", pack_too_long, 1), "bad_request");
	assert_good(tell_with("timeout_ms", NULL, 0));
	assert_error(tell_with("id", pack_past_largest, 1), "bad_request");
	assert_next_works();
}

static void pack_64_bytes(struct buffer *buffer)
{
	char text[64];

	memset(text, 'x', sizeof(text));
	pack_strn(buffer, text, sizeof(text));
}

static void pack_largest(struct buffer *buffer)
{
	pack_u64(buffer, INT64_MAX);
}

/* Three in the longest form that msgpack has for it. */
static void pack_long_three(struct buffer *buffer)
{
	buffer_append(buffer, "\xcf\0\0\0\0\0\0\0\3", 9);
}

static void an_id_comes_back_byte_for_byte(void **state)
{
	static void (*const forms[])(struct buffer *) = { pack_zero, pack_64_bytes, pack_largest,
		pack_long_three };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct value *id = value_find(tell_with("id", forms[i], 1), "id");
		struct buffer expected = { 0 };

		forms[i](&expected);
		assert_int_equal(id->raw_size, expected.size);
		assert_memory_equal(id->raw, expected.at, expected.size);
		buffer_done(&expected);
	}
}

static void a_refused_request_still_gets_its_id_back(void **state)
{
	struct buffer frame = request_begin("toy.nonsense", 0);

	(void)state;
	assert_int_equal(number_of(tell(&frame), "id"), 5);
	frame = request_begin("toy.put", 1);
	pack_text(&frame, "number", "one");
	assert_int_equal(number_of(tell(&frame), "id"), 5);
}

static void an_unknown_operation_is_refused(void **state)
{
	static const char *const names[] = { "toy.nonsense", "TOY.PUT", "toy.put ", "toy",
		"order.get", "healthy" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buffer frame = request_begin(names[i], 0);

		assert_error(tell(&frame), "unknown_operation");
	}
	assert_next_works();
}

static void unknown_fields_are_ignored_and_known_ones_checked(void **state)
{
	struct buffer frame = request_begin("toy.put", 2);

	(void)state;
	pack_number(&frame, "number", 1);
	pack_str(&frame, "colour");
	pack_map(&frame, 1);
	pack_number(&frame, "red", 1);
	assert_good(tell(&frame));
	frame = request_begin("toy.put", 2);
	pack_number(&frame, "number", 1);
	pack_number(&frame, "number", 1);
	assert_text(tell(&frame), "message", "number: given twice");
	frame = request_begin("toy.put", 1);
	pack_number(&frame, "number", 1000001);
	assert_text(tell(&frame), "message", "number: 1000001 is not within 0 to 1000000");
	frame = request_begin("toy.put", 1);
	pack_text(&frame, "text", "\xff\xfe");
	assert_error(tell(&frame), "bad_request");
	frame = request_begin("toy.put", 1);
	pack_u64(&frame, 1);
	pack_u64(&frame, 1);
	assert_error(tell(&frame), "bad_request");
}

/* --- who asks ------------------------------------------------------------------------------- */

static const struct value *tell_as(struct event event)
{
	struct buffer frame = request_begin("toy.admin", 0);

	queue_event(event, frame.at, frame.size);
	buffer_done(&frame);
	bench_tick();
	return reply_to('a');
}

static void an_admins_operation_is_for_root_and_the_daemons_user(void **state)
{
	struct event unknown = request_from('a', 0);

	(void)state;
	assert_good(tell_as(request_from('a', geteuid())));
	assert_good(tell_as(request_from('a', 0)));
	assert_error(tell_as(request_from('a', geteuid() + 1)), "denied");
	assert_int_equal(number_of(reply_to('a'), "code"), 40300);
	unknown.route.known = false;
	assert_error(tell_as(unknown), "denied");
}

static void an_actor_is_whom_the_request_names_or_who_asks(void **state)
{
	struct buffer frame = request_begin("toy.who", 0);
	struct event event = request_from('a', 1234);

	(void)state;
	assert_text(ask_toy("toy.who", 0, "somebody"), "text", "somebody");
	queue_event(event, frame.at, frame.size);
	event.route.known = false;
	event.route.identity[0] = 'b';
	queue_event(event, frame.at, frame.size);
	buffer_done(&frame);
	bench_tick();
	assert_text(reply_to('a'), "text", "uid:1234");
	assert_text(reply_to('b'), "text", "toyd");
}

static void a_deadline_is_counted_from_the_tick_on(void **state)
{
	struct buffer frame = request_begin("toy.who", 1);

	(void)state;
	bench->monotonic_ms = 5000;
	pack_number(&frame, "timeout_ms", 250);
	assert_int_equal(number_of(tell(&frame), "number"), 5250);
	frame = request_begin("toy.who", 0);
	assert_int_equal(number_of(tell(&frame), "number"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(what_is_no_map_in_one_frame_is_a_bad_frame),
		BENCH_TEST(what_the_loop_says_is_of_no_shape_is_refused_unread),
		BENCH_TEST(who_has_left_too_much_unread_is_told_to_come_again),
		BENCH_TEST(a_frame_may_have_64_kib_and_not_a_byte_more),
		BENCH_TEST(every_truncation_of_a_frame_is_refused_without_effect),
		BENCH_TEST(every_flipped_bit_of_a_frame_gets_one_answer),
		BENCH_TEST(the_version_is_one),
		BENCH_TEST(a_bad_envelope_is_a_bad_request),
		BENCH_TEST(an_id_comes_back_byte_for_byte),
		BENCH_TEST(a_refused_request_still_gets_its_id_back),
		BENCH_TEST(an_unknown_operation_is_refused),
		BENCH_TEST(unknown_fields_are_ignored_and_known_ones_checked),
		BENCH_TEST(an_admins_operation_is_for_root_and_the_daemons_user),
		BENCH_TEST(an_actor_is_whom_the_request_names_or_who_asks),
		BENCH_TEST(a_deadline_is_counted_from_the_tick_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
