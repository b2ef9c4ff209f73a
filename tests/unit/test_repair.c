#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "repair.h"
#include "scratch.h"
#include "tests/faults/audit.h"

/* A flipped bit anywhere in any table of any store: it is found and named, nothing wrong is served,
 * and what can be derived is derived again. */

#define STORE_BYTES (INT64_C(16) << 20)
#define QUESTIONS 14
#define OF_ORDERD 5 /* the first of them to orderd */
#define FINDINGS_MAX 64

static const struct repair_plan *const plans[] = { &catalogd_repair, &stockd_repair,
	&orderd_repair };

struct bench {
	struct scratch scratch;
	char whole[256], hurt[256]; /* the stores as they were, and a copy to work on */
	struct arena *arena;
	char number[ORDER_NO_DIGITS + 1];
	struct buffer answers[QUESTIONS]; /* as they were */
	struct buffer heard;
	struct finding found[FINDINGS_MAX];
	size_t found_count;
};

/* --- a shop --------------------------------------------------------------------------------- */

static int call(struct bench *bench, struct host *host, enum host_daemon which, const char *op,
	const struct record *asks, const void *request, const struct record *says, void *reply)
{
	return host_call(host, which, op, asks, request, bench->arena, says, reply);
}

static uint64_t order_make(struct bench *bench, struct host *host, uint64_t user_id)
{
	struct orderd_line lines[] = { { .book_id = 1, .quantity = 2 },
		{ .book_id = 2, .quantity = 1 } };
	struct orderd_create create = { .user_id = user_id,
		.items = lines,
		.item_count = 2,
		.idempotency_key = arena_print(bench->arena, "key-%d", (int)user_id) };
	struct orderd_order order = { 0 };

	assert_int_equal(call(bench, host, HOST_ORDERD, "order.create", &create_record, &create,
				 &order_record, &order),
		0);
	snprintf(bench->number, sizeof(bench->number), "%s", order.order_no);
	return order.order_id;
}

static void order_move(struct bench *bench, struct host *host, uint64_t order_id,
	enum orderd_status status)
{
	struct order_change change = { .order_id = order_id, .status = status };
	struct orderd_order order;

	assert_int_equal(call(bench, host, HOST_ORDERD, "order.set_status",
				 &order_set_status_record, &change, &order_record, &order),
		0);
}

static void stock_fill(struct bench *bench, struct host *host)
{
	for (uint64_t book_id = 1; book_id <= 2; book_id++) {
		struct book_put put = { .book_id = book_id,
			.sku = arena_print(bench->arena, "SKU-%d", (int)book_id),
			.title = "A book",
			.price = 100,
			.active = true };
		struct level_add add = { .book_id = book_id,
			.quantity = 1000,
			.reason = "new",
			.idempotency_key = put.sku };
		struct book_put_reply book;
		struct level level;

		assert_int_equal(call(bench, host, HOST_CATALOGD, "catalog.put", &book_put_record,
					 &put, &book_put_reply_record, &book),
			0);
		assert_int_equal(call(bench, host, HOST_STOCKD, "stock.add", &level_add_record,
					 &add, &level_record, &level),
			0);
	}
}

/* Orders in every state, one of them with an open saga. */
static void shop_trade(struct bench *bench)
{
	struct host *host = host_new(bench->whole, STORE_BYTES);
	uint64_t paid, cancelled, open;

	assert_int_equal(host_start_all(host), 0);
	stock_fill(bench, host);
	paid = order_make(bench, host, 1);
	cancelled = order_make(bench, host, 2);
	order_make(bench, host, 3);
	host_pass(host, 2000);
	open = order_make(bench, host, 4);
	order_move(bench, host, paid, ORDERD_PAID);
	order_move(bench, host, cancelled, ORDERD_CANCELLED);
	host_pass(host, 2000);
	host_stop(host, HOST_STOCKD);
	order_move(bench, host, open, ORDERD_PAID);
	host_free(host);
}

/* --- copies --------------------------------------------------------------------------------- */

static void file_copy(const char *from, const char *to)
{
	char bytes[65536];
	ssize_t size;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(in >= 0 && out >= 0);
	while ((size = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)size), size);
	close(in);
	close(out);
}

static void stores_copy(const struct bench *bench)
{
	char from[512], to[512];

	mkdir(bench->hurt, 0700);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		snprintf(to, sizeof(to), "%s/%s", bench->hurt, plans[i]->store);
		mkdir(to, 0700);
		snprintf(from, sizeof(from), "%s/%s/data.mdb", bench->whole, plans[i]->store);
		snprintf(to, sizeof(to), "%s/%s/data.mdb", bench->hurt, plans[i]->store);
		file_copy(from, to);
	}
}

static struct db *store_open(const struct bench *bench, const struct repair_plan *plan)
{
	struct db_spec spec = { .tables = plan->tables, .size_max_bytes = STORE_BYTES };
	char path[512];
	struct db *db;

	snprintf(path, sizeof(path), "%s/%s", bench->hurt, plan->store);
	assert_int_equal(db_open(&db, path, &spec, DB_OWN), 0);
	return db;
}

/* --- damage --------------------------------------------------------------------------------- */

/* Flips a bit of the table's first or last entry: of its value, or of its key where it has none.
 * False: the table is empty. */
static bool flip(struct txn *txn, unsigned table, bool last, unsigned bit)
{
	struct scan scan = scan_from(txn, table, NULL);
	struct slice at, value;
	uint8_t bytes[4096];
	struct key key = { 0 };
	bool there = last ? txn_last(txn, table, &at, &value) : scan_next(&scan);

	if (there && !last) {
		at = scan.key;
		value = scan.value;
	}
	if (there) {
		key_add_bytes(&key, at.at, at.size);
		memcpy(bytes, value.at, value.size);
		bit %= 8 * (unsigned)(value.size ? value.size : key.size);
	}
	scan_end(&scan);
	if (!there)
		return false;
	if (value.size == 0)
		txn_delete(txn, table, &key);
	*(value.size ? &bytes[bit / 8] : &key.bytes[bit / 8]) ^= (uint8_t)(1U << bit % 8);
	txn_put(txn, table, &key, bytes, value.size);
	return true;
}

static void found(void *argument, const struct finding *finding)
{
	struct bench *bench = argument;

	assert_true(bench->found_count < FINDINGS_MAX);
	bench->found[bench->found_count] = *finding;
	bench->found[bench->found_count++].table = arena_print(bench->arena, "%s", finding->table);
}

/* All stores; how many things were found in that table. */
static size_t mend(struct bench *bench, bool write, const char *table, bool *ret_all_mended)
{
	size_t of_table = 0;

	bench->found_count = 0;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct db *db = store_open(bench, plans[i]);
		struct repair repair = { .arena = arena_new(),
			.scratch = arena_new(),
			.found = found,
			.argument = bench };

		assert_int_equal(txn_begin(db, true, &repair.txn), 0);
		plans[i]->run(&repair);
		assert_int_equal(txn_error(repair.txn), 0);
		if (write)
			assert_int_equal(txn_commit(repair.txn), 0);
		else
			txn_abort(repair.txn);
		repair_done(&repair);
		db_close(db);
	}
	*ret_all_mended = true;
	for (size_t i = 0; i < bench->found_count; i++) {
		of_table += table && strcmp(bench->found[i].table, table) == 0;
		*ret_all_mended = *ret_all_mended && bench->found[i].mended;
	}
	return of_table;
}

/* --- what is served ------------------------------------------------------------------------- */

static void hear(void *argument, uint64_t client, const void *frame, size_t size)
{
	struct bench *bench = argument;

	(void)client;
	buffer_reset(&bench->heard);
	buffer_append(&bench->heard, frame, size);
}

static void ask(struct host *host, const struct bench *bench, size_t question)
{
	struct range range = { .limit = LIST_LIMIT_MAX };
	struct journal_query journal = { .limit = LIST_LIMIT_MAX };
	struct book_ref sku = { .sku = "SKU-2" };
	struct order_ref number = { .order_no = bench->number };
	struct order_query list = { .user_id = question < 13 ? question - 8 : 4,
		.status = question < 13 ? ORDERD_ANY : ORDERD_PAID,
		.page = 1,
		.page_size = 20 };
	const struct {
		enum host_daemon which;
		const char *op;
		const struct record *record;
		const void *request;
	} questions[] = {
		{ HOST_CATALOGD, "catalog.list", &range_record, &range },
		{ HOST_CATALOGD, "catalog.get", &book_ref_record, &sku },
		{ HOST_STOCKD, "stock.list", &range_record, &range },
		{ HOST_STOCKD, "stock.reservations", &range_record, &range },
		{ HOST_STOCKD, "stock.journal", &journal_query_record, &journal },
		{ HOST_ORDERD, "order.scan", &range_record, &range },
		{ HOST_ORDERD, "event.list", &range_record, &range },
		{ HOST_ORDERD, "saga.list", &range_record, &range },
		{ HOST_ORDERD, "order.get", &order_ref_record, &number },
		{ HOST_ORDERD, "order.list", &order_query_record, &list },
	};
	size_t i = question < 9 ? question : 9;

	if (questions[i].which == HOST_ORDERD)
		host_drain(host);
	host_ask(host, questions[i].which, question, questions[i].op, questions[i].record,
		questions[i].request);
	if (host_runs(host, questions[i].which))
		host_tick(host, questions[i].which);
}

static void serve(struct bench *bench, const char *dir, void (*judge)(struct bench *, size_t))
{
	struct host *host = host_new(dir, STORE_BYTES);

	host_listen(host, hear, bench);
	host_start(host, HOST_CATALOGD); /* one that does not start serves nothing */
	host_start(host, HOST_STOCKD);
	for (size_t i = 0; i < QUESTIONS; i++) {
		if (i == OF_ORDERD) /* from here on stockd moves */
			host_start(host, HOST_ORDERD);
		buffer_reset(&bench->heard);
		ask(host, bench, i);
		judge(bench, i);
	}
	host_free(host);
}

static void keep(struct bench *bench, size_t question)
{
	assert_true(bench->heard.size > 0);
	buffer_reset(&bench->answers[question]);
	buffer_append(&bench->answers[question], bench->heard.at, bench->heard.size);
}

static bool is_refusal(struct bench *bench, const struct buffer *answer)
{
	const struct value *map, *code;

	assert_int_equal(codec_parse(bench->arena, answer->at, answer->size, &map), 0);
	code = value_find(map, "code");
	if (code && code->u64 >= 50000)
		return true;
	/* Or it tells of a saga that does not get on for it. */
	return memmem(answer->at, answer->size, "corrupt_record", 14);
}

/* The same as before, or a refusal; or nothing, by a daemon that is gone. */
static void compare(struct bench *bench, size_t question)
{
	const struct buffer *before = &bench->answers[question], *now = &bench->heard;

	if (now->size == 0 || is_refusal(bench, now))
		return;
	if (now->size != before->size || memcmp(now->at, before->at, now->size) != 0)
		fail_msg("question %zu was answered with something else: %.*s", question,
			(int)now->size, (const char *)now->at);
}

static void compare_exactly(struct bench *bench, size_t question)
{
	assert_int_equal(bench->heard.size, bench->answers[question].size);
	compare(bench, question);
}

/* --- tests ---------------------------------------------------------------------------------- */

static void a_whole_store_needs_no_repair(void **state)
{
	struct bench *bench = *state;
	bool mended;

	stores_copy(bench);
	mend(bench, false, NULL, &mended);
	assert_int_equal(bench->found_count, 0);
}

static void try_flip(struct bench *bench, const struct repair_plan *plan, unsigned table, bool last,
	unsigned bit)
{
	struct db *db;
	struct txn *txn;
	bool all_mended, there;

	stores_copy(bench);
	db = store_open(bench, plan);
	assert_int_equal(txn_begin(db, true, &txn), 0);
	there = flip(txn, table, last, bit);
	assert_int_equal(txn_commit(txn), 0);
	db_close(db);
	if (!there)
		fail_msg("%s: table %s is empty", plan->store, plan->tables[table]);
	if (mend(bench, false, plan->tables[table], &all_mended) == 0)
		fail_msg("%s: bit %u of table %s was not found", plan->store, bit,
			plan->tables[table]);
	if (!all_mended) {
		serve(bench, bench->hurt, compare);
		return;
	}
	assert_true(mend(bench, true, plan->tables[table], &all_mended) > 0);
	mend(bench, false, NULL, &all_mended);
	assert_int_equal(bench->found_count, 0);
	serve(bench, bench->hurt, compare_exactly);
}

static void a_flipped_bit_is_found_in_every_table(void **state)
{
	struct bench *bench = *state;

	serve(bench, bench->hurt, keep);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		for (unsigned table = 0; plans[i]->tables[table]; table++)
			for (unsigned bit = 0; bit < 120; bit += 23) {
				try_flip(bench, plans[i], table, false, bit);
				try_flip(bench, plans[i], table, true, bit);
			}
}

static void what_is_damaged_is_not_served_before_a_repair(void **state)
{
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		for (unsigned table = 0; plans[i]->tables[table]; table++) {
			struct db *db;
			struct txn *txn;

			stores_copy(bench);
			db = store_open(bench, plans[i]);
			assert_int_equal(txn_begin(db, true, &txn), 0);
			flip(txn, table, true, 1);
			assert_int_equal(txn_commit(txn), 0);
			db_close(db);
			serve(bench, bench->hurt, compare);
		}
}

/* Each derived table emptied, all at once. */
static void lost_indexes_and_levels_are_made_anew(void **state)
{
	static const struct {
		const struct repair_plan *plan;
		const char *table;
	} derived[] = {
		{ &catalogd_repair, "skus" },
		{ &stockd_repair, "levels" },
		{ &stockd_repair, "key_ages" },
		{ &orderd_repair, "users" },
		{ &orderd_repair, "deadlines" },
		{ &orderd_repair, "seconds" },
	};
	struct bench *bench = *state;
	bool all_mended;

	stores_copy(bench);
	for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++) {
		struct db *db = store_open(bench, derived[i].plan);
		struct slice at, value;
		struct txn *txn;
		unsigned table = 0;

		while (strcmp(derived[i].plan->tables[table], derived[i].table) != 0)
			table++;
		assert_int_equal(txn_begin(db, true, &txn), 0);
		while (txn_last(txn, table, &at, &value)) {
			struct key key = { 0 };

			key_add_bytes(&key, at.at, at.size);
			txn_delete(txn, table, &key);
		}
		assert_int_equal(txn_commit(txn), 0);
		db_close(db);
	}
	mend(bench, true, NULL, &all_mended);
	assert_true(bench->found_count > 10 && all_mended);
	serve(bench, bench->hurt, compare_exactly);
}

static int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->scratch = scratch_make();
	bench->arena = arena_new();
	snprintf(bench->whole, sizeof(bench->whole), "%s", scratch_at(&bench->scratch, "whole"));
	snprintf(bench->hurt, sizeof(bench->hurt), "%s", scratch_at(&bench->scratch, "hurt"));
	mkdir(bench->whole, 0700);
	shop_trade(bench);
	*state = bench;
	return 0;
}

static int end(void **state)
{
	struct bench *bench = *state;

	for (size_t i = 0; i < QUESTIONS; i++)
		buffer_done(&bench->answers[i]);
	buffer_done(&bench->heard);
	arena_free(bench->arena);
	scratch_remove(&bench->scratch);
	free(bench);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_store_needs_no_repair),
		cmocka_unit_test(a_flipped_bit_is_found_in_every_table),
		cmocka_unit_test(what_is_damaged_is_not_served_before_a_repair),
		cmocka_unit_test(lost_indexes_and_levels_are_made_anew),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
