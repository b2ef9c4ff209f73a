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
};

/* What a table wants to become like the expectations. */
struct change {
	const struct repair_entry *entry; /* NULL: the key goes */
	struct key key;
};

struct changes {
	struct change *at;
	size_t count;
};

static struct key key_of(struct slice bytes)
{
	struct key key = { 0 };

	key_add_bytes(&key, bytes.at, bytes.size);
	return key;
}

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

bool repair_read(struct repair *repair, unsigned table, const struct scan *scan,
	const struct record *record, void *ret)
{
	arena_reset(repair->scratch);
	if (record_read(repair->txn, repair->scratch, table, scan->key, scan->value, record, ret))
		return true;
	if (is_damage(repair))
		repair_find(repair, table, scan->key, "damaged, and stands nowhere else", false);
	return false;
}

void repair_look(struct repair *repair, unsigned table)
{
	struct scan scan = scan_from(repair->txn, table, NULL);

	while (scan_next(&scan)) {
		arena_reset(repair->scratch);
		if (!record_is_sound(repair->txn, repair->scratch, table, scan.key, scan.value) &&
			is_damage(repair))
			repair_find(repair, table, scan.key, "damaged, and stands nowhere else",
				false);
	}
	scan_end(&scan);
}

/* --- changing ------------------------------------------------------------------------------- */

static void change_add(struct repair *repair, struct changes *changes, struct slice key,
	const struct repair_entry *entry)
{
	struct change *at = repair_grown(repair, changes->at, changes->count, sizeof(*at));

	if (!at)
		return;
	changes->at = at;
	at[changes->count++] = (struct change){ entry, key_of(key) };
}

static void changes_make(struct repair *repair, unsigned table, struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct repair_entry *entry = changes->at[i].entry;
		const struct key *key = &changes->at[i].key;

		if (!entry)
			txn_delete(repair->txn, table, key);
		else if (entry->record)
			record_put(repair->txn, table, key, entry->record, entry->from);
		else
			txn_put(repair->txn, table, key, entry->value.at, entry->value.size);
	}
	free(changes->at);
}

void repair_counters(struct repair *repair, unsigned table)
{
	struct scan scan = scan_from(repair->txn, table, NULL);
	struct changes changes = { 0 };

	while (scan_next(&scan)) {
		arena_reset(repair->scratch);
		if (record_is_sound(repair->txn, repair->scratch, table, scan.key, scan.value) ||
			!is_damage(repair))
			continue;
		repair_find(repair, table, scan.key, "damaged: this counter begins again", true);
		change_add(repair, &changes, scan.key, NULL);
	}
	scan_end(&scan);
	changes_make(repair, table, &changes);
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
		struct key key = key_of(scan.key), named = { 0 };
		struct slice value;

		if (scan.value.size == 0 || scan.value.size > sizeof(named.bytes))
			continue;
		named = key_of(scan.value);
		arena_reset(repair->scratch);
		if (txn_get(repair->txn, table, &named, &value) &&
			!record_is_sound(repair->txn, repair->scratch, table, scan.value, value) &&
			is_damage(repair))
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

/* The expectations that come before the key, and are not there. */
static size_t missing_until(struct repair *repair, unsigned table, struct changes *changes,
	size_t at, const struct scan *scan)
{
	for (; at < repair->count; at++) {
		const struct repair_entry *entry = &repair->entries[at];

		if (scan && bytes_compare(entry->key, scan->key) >= 0)
			break;
		if (at > 0 && entry_compare(entry, entry - 1) == 0)
			continue;
		repair_find(repair, table, entry->key, "was missing", true);
		change_add(repair, changes, entry->key, entry);
	}
	return at;
}

void repair_table(struct repair *repair, unsigned table)
{
	struct scan scan = scan_from(repair->txn, table, NULL);
	struct changes changes = { 0 };
	size_t at = 0;

	if (repair->count > 0)
		qsort(repair->entries, repair->count, sizeof(*repair->entries), entry_compare);
	while (scan_next(&scan)) {
		const struct repair_entry *entry = NULL;

		at = missing_until(repair, table, &changes, at, &scan);
		if (at < repair->count && bytes_compare(repair->entries[at].key, scan.key) == 0)
			entry = &repair->entries[at];
		if (!entry) {
			repair_find(repair, table, scan.key, "belongs to nothing", true);
			change_add(repair, &changes, scan.key, NULL);
			continue;
		}
		if (!entry_is(repair, table, entry, &scan)) {
			repair_find(repair, table, scan.key, "was wrong", true);
			change_add(repair, &changes, scan.key, entry);
		}
		while (at < repair->count && bytes_compare(repair->entries[at].key, scan.key) == 0)
			at++;
	}
	scan_end(&scan);
	missing_until(repair, table, &changes, at, NULL);
	changes_make(repair, table, &changes);
	repair->count = 0;
}

void repair_done(struct repair *repair)
{
	free(repair->entries);
	arena_free(repair->arena);
	arena_free(repair->scratch);
}
