#include "repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct repair_entry {
	struct slice key;
	struct slice value;
	const struct record *record; /* NULL: the value as it is */
	const void *from;
	bool seen; /* the table has it */
};

/* What a table wants to become like the expectations. */
struct change {
	const struct repair_entry *entry; /* NULL: the key goes */
	struct slice key;
	const char *what;
};

struct changes {
	struct change *at;
	size_t count;
	bool scattered; /* a lookup does not find all that is there, so a deletion would not either */
};

void *repair_grown(struct repair *repair, void *list, size_t count, size_t size)
{
	void *grown = list;

	if ((count & (count - 1)) == 0)
		grown = reallocarray(list, count ? 2 * count : 1, size);
	if (!grown)
		txn_fail(repair->txn, -ENOMEM);
	return grown;
}

void repair_find(struct repair *repair, unsigned table, struct slice key, const char *what,
	bool mended)
{
	char hex[2 * sizeof(((struct key *)0)->bytes) + 1] = "";
	struct finding finding = { txn_table_name(repair->txn, table), hex, what, mended };

	for (size_t i = 0; i < key.size && 2 * i + 3 <= sizeof(hex); i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)key.at)[i]);
	repair->found(repair->argument, &finding);
}

/* --- looking -------------------------------------------------------------------------------- */

/* False: the transaction failed for another reason than damage. */
static bool is_damage(struct repair *repair)
{
	if (txn_error(repair->txn) != -EUCLEAN)
		return false;
	txn_forgive(repair->txn);
	return true;
}

static bool is_sound(struct repair *repair, unsigned table, struct slice key, struct slice value)
{
	arena_reset(repair->scratch);
	return record_is_sound(repair->txn, repair->scratch, table, key, value) ||
		!is_damage(repair);
}

/* Whether a lookup ends where the scan is. A key that was flipped stands where its order is not, and
 * hides others. */
static bool is_in_place(struct repair *repair, unsigned table, const struct scan *scan)
{
	struct slice value;
	struct key key;

	return key_take(scan->key, &key) && txn_get(repair->txn, table, &key, &value) &&
		value.at == scan->value.at;
}

static void look_up(struct repair *repair, unsigned table, const struct scan *scan)
{
	if (!is_in_place(repair, table, scan))
		repair_find(repair, table, scan->key, "sound, but not found by its key", false);
}

bool repair_next(struct repair *repair, unsigned table, struct scan *scan)
{
	struct key key;

	while (scan_next(scan)) {
		if (key_take(scan->key, &key))
			return true;
		repair_find(repair, table, scan->key, "damaged: no key is like this", false);
	}
	return false;
}

bool repair_read(struct repair *repair, unsigned table, const struct scan *scan,
	const struct record *record, void *ret)
{
	arena_reset(repair->scratch);
	if (record_read(repair->txn, repair->scratch, table, scan->key, scan->value, record, ret)) {
		look_up(repair, table, scan);
		return true;
	}
	if (is_damage(repair))
		repair_find(repair, table, scan->key, "damaged, and stands nowhere else", false);
	return false;
}

void repair_look(struct repair *repair, unsigned table)
{
	struct scan scan = scan_from(repair->txn, table, NULL);

	while (repair_next(repair, table, &scan)) {
		if (is_sound(repair, table, scan.key, scan.value))
			look_up(repair, table, &scan);
		else
			repair_find(repair, table, scan.key, "damaged, and stands nowhere else",
				false);
	}
	scan_end(&scan);
}

/* --- what is expected ------------------------------------------------------------------------ */

static void expect(struct repair *repair, const struct key *key, struct repair_entry entry)
{
	struct repair_entry *entries =
		repair_grown(repair, repair->entries, repair->count, sizeof(*entries));

	if (entries)
		repair->entries = entries;
	entry.key = (struct slice){ arena_text(repair->arena, (const char *)key->bytes, key->size),
		key->size };
	if (!entry.key.at || (entry.record && !entry.from))
		txn_fail(repair->txn, -ENOMEM);
	else if (entries)
		entries[repair->count++] = entry;
}

void repair_expect(struct repair *repair, const struct key *key, const void *at, size_t size)
{
	struct repair_entry entry = { 0 };

	entry.value = (struct slice){ arena_text(repair->arena, at, size), size };
	if (entry.value.at)
		expect(repair, key, entry);
	else
		txn_fail(repair->txn, -ENOMEM);
}

void repair_expect_record(struct repair *repair, const struct key *key, const struct record *record,
	const void *from)
{
	expect(repair, key,
		(struct repair_entry){
			.record = record, .from = arena_text(repair->arena, from, record->size) });
}

void repair_keep(struct repair *repair, unsigned index, unsigned table)
{
	struct scan scan = scan_from(repair->txn, index, NULL);

	while (scan_next(&scan)) {
		struct key key, named;
		struct slice value;

		if (key_take(scan.key, &key) && key_take(scan.value, &named) &&
			txn_get(repair->txn, table, &named, &value) &&
			!is_sound(repair, table, scan.value, value))
			repair_expect(repair, &key, scan.value.at, scan.value.size);
	}
	scan_end(&scan);
}

static int bytes_compare(struct slice one, struct slice other)
{
	size_t size = one.size < other.size ? one.size : other.size;
	int order = memcmp(one.at, other.at, size);

	return order ? order : (one.size > other.size) - (one.size < other.size);
}

static int entry_compare(const void *one, const void *other)
{
	return bytes_compare(((const struct repair_entry *)one)->key,
		((const struct repair_entry *)other)->key);
}

/* Whether what is stored says the same. */
static bool entry_is(struct repair *repair, unsigned table, const struct repair_entry *entry,
	const struct scan *scan)
{
	struct buffer stored = { 0 }, expected = { 0 };
	void *found;
	bool same;

	if (!entry->record)
		return bytes_compare(entry->value, scan->value) == 0;
	arena_reset(repair->scratch);
	found = arena_take(repair->scratch, entry->record->size);
	if (!found ||
		!record_read(repair->txn, repair->scratch, table, scan->key, scan->value,
			entry->record, found)) {
		is_damage(repair);
		return false;
	}
	fields_to_array(&stored, entry->record, found);
	fields_to_array(&expected, entry->record, entry->from);
	same = bytes_compare((struct slice){ stored.at, stored.size },
		       (struct slice){ expected.at, expected.size }) == 0;
	buffer_done(&stored);
	buffer_done(&expected);
	return same;
}

/* In order, each once: the first of those with the same key. */
static void entries_sort(struct repair *repair)
{
	size_t count = 0;

	if (repair->count > 0)
		qsort(repair->entries, repair->count, sizeof(*repair->entries), entry_compare);
	for (size_t i = 0; i < repair->count; i++)
		if (count == 0 || entry_compare(&repair->entries[count - 1], &repair->entries[i]))
			repair->entries[count++] = repair->entries[i];
	repair->count = count;
}

static struct repair_entry *entry_find(struct repair *repair, struct slice key)
{
	struct repair_entry wanted = { .key = key };

	return repair->count == 0
		? NULL
		: bsearch(&wanted, repair->entries, repair->count, sizeof(wanted), entry_compare);
}

static void entry_put(struct repair *repair, unsigned table, const struct repair_entry *entry)
{
	struct key key;

	if (!key_take(entry->key, &key))
		return;
	if (entry->record)
		record_put(repair->txn, table, &key, entry->record, entry->from);
	else
		txn_put(repair->txn, table, &key, entry->value.at, entry->value.size);
}

/* --- changing ------------------------------------------------------------------------------- */

static void change_add(struct repair *repair, struct changes *changes, struct slice key,
	const struct repair_entry *entry, const char *what)
{
	struct change *at = repair_grown(repair, changes->at, changes->count, sizeof(*at));

	if (!at)
		return;
	changes->at = at;
	key.at = arena_text(repair->arena, key.at, key.size);
	if (!key.at)
		txn_fail(repair->txn, -ENOMEM);
	else
		at[changes->count++] = (struct change){ entry, key, what };
}

static void changes_make(struct repair *repair, unsigned table, const struct changes *changes)
{
	struct key key;

	for (size_t i = 0; i < changes->count; i++) {
		if (changes->at[i].entry)
			entry_put(repair, table, changes->at[i].entry);
		else if (key_take(changes->at[i].key, &key))
			txn_delete(repair->txn, table, &key);
	}
}

/* In the place of whatever stands there. */
static void table_write(struct repair *repair, unsigned table)
{
	txn_empty(repair->txn, table);
	for (size_t i = 0; i < repair->count; i++)
		entry_put(repair, table, &repair->entries[i]);
}

/* An entry under a scan that the table has to have; NULL: it is as expected. */
static const char *entry_judge(struct repair *repair, unsigned table, struct repair_entry *entry,
	const struct scan *scan, bool in_place)
{
	if (entry->seen)
		return "stood there twice";
	entry->seen = true;
	if (!entry_is(repair, table, entry, scan))
		return "was wrong";
	return in_place ? NULL : "was not found by its key";
}

/* `stray` is what to say of an entry that is not expected. */
static void compare(struct repair *repair, unsigned table, const char *stray,
	struct changes *changes)
{
	struct scan scan = scan_from(repair->txn, table, NULL);

	while (scan_next(&scan)) {
		struct repair_entry *entry = entry_find(repair, scan.key);
		bool in_place = is_in_place(repair, table, &scan);
		const char *what =
			entry ? entry_judge(repair, table, entry, &scan, in_place) : stray;

		changes->scattered = changes->scattered || !in_place;
		if (what)
			change_add(repair, changes, scan.key, entry, what);
	}
	scan_end(&scan);
	for (size_t i = 0; i < repair->count; i++) {
		struct repair_entry *entry = &repair->entries[i];

		if (!entry->seen)
			change_add(repair, changes, entry->key, entry, "was missing");
		entry->seen = false;
	}
}

/* Mended is what a second look does not find any more. */
static void table_mend(struct repair *repair, unsigned table, const char *stray)
{
	struct changes changes = { 0 }, left = { 0 };

	entries_sort(repair);
	compare(repair, table, stray, &changes);
	if (changes.scattered)
		table_write(repair, table);
	else
		changes_make(repair, table, &changes);
	if (changes.count > 0)
		compare(repair, table, stray, &left);
	for (size_t i = 0; i < changes.count; i++)
		repair_find(repair, table, changes.at[i].key, changes.at[i].what, left.count == 0);
	free(changes.at);
	free(left.at);
	repair->count = 0;
}

void repair_table(struct repair *repair, unsigned table)
{
	table_mend(repair, table, "belongs to nothing");
}

void repair_counters(struct repair *repair, unsigned table)
{
	struct scan scan = scan_from(repair->txn, table, NULL);
	struct key key;

	while (scan_next(&scan))
		if (key_take(scan.key, &key) && is_sound(repair, table, scan.key, scan.value))
			repair_expect(repair, &key, scan.value.at, scan.value.size);
	scan_end(&scan);
	table_mend(repair, table, "damaged: this counter begins again");
}

void repair_done(struct repair *repair)
{
	free(repair->entries);
	arena_free(repair->arena);
	arena_free(repair->scratch);
}
