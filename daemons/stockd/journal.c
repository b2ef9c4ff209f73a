#include "journal.h"

#include <errno.h>
#include <string.h>

#include "record.h"
#include "repair.h"

#define KEY_KEPT_MS (INT64_C(24) * 3600 * 1000)
#define AGE_BYTES 8 /* the time, before the key itself */
#define KEYS_FORGOTTEN_MAX 16
#define LINES_LOOKED_AT_MAX 10000

static struct key seq_key(uint64_t seq)
{
	struct key key = { 0 };

	key_add_u64(&key, seq);
	return key;
}

void journal_append(struct stock *stock, struct movement *line)
{
	struct slice last_key, last;
	struct key key;

	line->seq = 1;
	if (txn_last(stock->txn, TABLE_JOURNAL, &last_key, &last))
		line->seq = key_read_u64(last_key, 0) + 1;
	line->at = stock->now_ms;
	key = seq_key(line->seq);
	record_put(stock->txn, TABLE_JOURNAL, &key, &movement_record, line);
}

bool journal_get(struct stock *stock, uint64_t seq, struct movement *ret)
{
	struct key key = seq_key(seq);

	return record_get(stock->txn, stock->arena, TABLE_JOURNAL, &key, &movement_record, ret);
}

/* --- listing -------------------------------------------------------------------------------- */

static bool query_wants(const struct journal_query *query, const struct movement *line)
{
	return (query->book_id == 0 || query->book_id == line->book_id) &&
		(query->order_id == 0 || query->order_id == line->order_id);
}

/* Takes the line under the scan into the list if the query wants it. Lines are read in `scratch`
 * first: thousands that nobody wants must not fill the request's arena. */
static bool list_take(struct stock *stock, const struct journal_query *query, struct arena *scratch,
	const struct scan *scan, struct movement_list *list)
{
	struct movement line;

	arena_reset(scratch);
	if (!record_read(stock->txn, scratch, TABLE_JOURNAL, scan->key, scan->value,
		    &movement_record, &line))
		return false;
	if (!query_wants(query, &line))
		return true;
	if (!record_read(stock->txn, stock->arena, TABLE_JOURNAL, scan->key, scan->value,
		    &movement_record, &list->movements[list->count]))
		return false;
	list->count++;
	return true;
}

static void list_fill(struct stock *stock, const struct journal_query *query, struct arena *scratch,
	struct movement_list *list)
{
	struct key from = seq_key(query->after + 1);
	struct scan scan = scan_from(stock->txn, TABLE_JOURNAL, &from);
	uint64_t seen = query->after;
	size_t looked = 0;

	while (scan_next(&scan)) {
		if (list->count == (size_t)query->limit || looked == LINES_LOOKED_AT_MAX) {
			list->next = seen;
			break;
		}
		if (!list_take(stock, query, scratch, &scan, list))
			break;
		seen = key_read_u64(scan.key, 0);
		looked++;
	}
	scan_end(&scan);
}

int journal_list(struct stock *stock, const struct journal_query *query, struct movement_list *ret)
{
	struct movement_list list = { 0 };
	struct arena *scratch = arena_new();
	int result = -ENOMEM;

	list.movements = arena_take(stock->arena, (size_t)query->limit * sizeof(*list.movements));
	if (scratch && list.movements) {
		list_fill(stock, query, scratch, &list);
		result = txn_error(stock->txn);
	}
	arena_free(scratch);
	if (result == 0)
		*ret = list;
	return result;
}

/* --- idempotency keys ----------------------------------------------------------------------- */

static const struct field key_fields[] = {
	{ "seq", FIELD_U64, 0, AT(journal_key, seq) },
	{ "book_id", FIELD_U64, 0, AT(journal_key, book_id) },
	{ "quantity", FIELD_I64, 0, AT(journal_key, quantity) },
	{ "at", FIELD_TIME_MS, 0, AT(journal_key, at) },
};
static const struct record key_record = RECORD(journal_key, key_fields);

static struct key text_key(const void *text, size_t size)
{
	struct key key = { 0 };

	key_add_bytes(&key, text, size);
	return key;
}

static struct key age_key(int64_t at, const struct key *text)
{
	struct key key = { 0 };

	key_add_u64(&key, (uint64_t)at);
	key_add_bytes(&key, text->bytes, text->size);
	return key;
}

static bool key_is_old(const struct stock *stock, int64_t at)
{
	return stock->now_ms - at >= KEY_KEPT_MS;
}

static bool key_read(struct stock *stock, const struct key *text, struct journal_key *ret)
{
	return record_get(stock->txn, stock->arena, TABLE_KEYS, text, &key_record, ret);
}

bool journal_key_get(struct stock *stock, const char *text, struct journal_key *ret)
{
	struct key key = text_key(text, strlen(text));
	struct journal_key found;

	if (!key_read(stock, &key, &found) || key_is_old(stock, found.at))
		return false;
	*ret = found;
	return true;
}

static void key_forget(struct stock *stock, const struct key *age)
{
	struct key text = text_key(age->bytes + AGE_BYTES, age->size - AGE_BYTES);
	struct journal_key found;

	/* Used anew since then, it has a younger age and stays. */
	if (key_read(stock, &text, &found) && key_is_old(stock, found.at))
		txn_delete(stock->txn, TABLE_KEYS, &text);
	txn_delete(stock->txn, TABLE_KEY_AGES, age);
}

/* Ages have no checksum: one that is none is left to a repair. */
static void keys_forget_old(struct stock *stock)
{
	struct key old[KEYS_FORGOTTEN_MAX];
	struct scan scan = scan_from(stock->txn, TABLE_KEY_AGES, NULL);
	size_t count = 0;

	while (count < KEYS_FORGOTTEN_MAX && scan_next(&scan) &&
		key_is_old(stock, (int64_t)key_read_u64(scan.key, 0)))
		if (scan.key.size > AGE_BYTES && key_take(scan.key, &old[count]))
			count++;
	scan_end(&scan);
	for (size_t i = 0; i < count; i++)
		key_forget(stock, &old[i]);
}

/* The ages of keys that were used anew stay until they are forgotten, and so does what may be of a
 * damaged key. */
static void expect_older_ages(struct repair *repair)
{
	struct scan scan = scan_from(repair->txn, TABLE_KEY_AGES, NULL);
	struct journal_key found = { 0 };
	struct slice value;

	while (scan_next(&scan)) {
		struct key age, text;

		if (scan.key.size <= AGE_BYTES || !key_take(scan.key, &age))
			continue;
		text = text_key(age.bytes + AGE_BYTES, age.size - AGE_BYTES);
		arena_reset(repair->scratch);
		if (!txn_get(repair->txn, TABLE_KEYS, &text, &value))
			continue;
		if (!record_get(repair->txn, repair->scratch, TABLE_KEYS, &text, &key_record,
			    &found))
			found.at = INT64_MAX;
		txn_forgive(repair->txn);
		if ((int64_t)key_read_u64(scan.key, 0) < found.at)
			repair_expect(repair, &age, "", 0);
	}
	scan_end(&scan);
}

void journal_expect_ages(struct repair *repair)
{
	struct scan scan = scan_from(repair->txn, TABLE_KEYS, NULL);
	struct journal_key found;

	while (repair_next(repair, TABLE_KEYS, &scan)) {
		struct key text = text_key(scan.key.at, scan.key.size), age;

		if (!repair_read(repair, TABLE_KEYS, &scan, &key_record, &found))
			continue;
		age = age_key(found.at, &text);
		repair_expect(repair, &age, "", 0);
	}
	scan_end(&scan);
	expect_older_ages(repair);
}

void journal_key_put(struct stock *stock, const char *text, const struct journal_key *from)
{
	struct key key = text_key(text, strlen(text));
	struct key age = age_key(from->at, &key);

	keys_forget_old(stock);
	record_put(stock->txn, TABLE_KEYS, &key, &key_record, from);
	txn_put(stock->txn, TABLE_KEY_AGES, &age, "", 0);
}
