#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define HEAD_BYTES 5 /* version, checksum */
#define TABLE_BYTES 4

static _Thread_local struct buffer scratch;
static _Thread_local char damage[128 + 2 * sizeof(((struct key *)0)->bytes)];

static void u32_write(uint8_t at[4], uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t u32_read(const uint8_t at[4])
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void record_damaged(struct txn *txn, unsigned table, struct slice key, const char *what)
{
	size_t used;

	if (txn_error(txn))
		return;
	used = (size_t)snprintf(damage, sizeof(damage), "table %s, key ",
		txn_table_name(txn, table));
	for (size_t i = 0; i < key.size && i < sizeof(((struct key *)0)->bytes); i++, used += 2)
		snprintf(damage + used, 3, "%02x", ((const uint8_t *)key.at)[i]);
	snprintf(damage + used, sizeof(damage) - used, ": %s", what);
	txn_fail(txn, -EUCLEAN);
}

void record_missing(struct txn *txn, unsigned table, const struct key *key)
{
	record_damaged(txn, table, (struct slice){ key->bytes, key->size }, "not there");
}

const char *record_damage(void)
{
	return damage;
}

/* What the checksum covers stands in one piece, so that it is hashed in one go: table, key,
 * payload. */
static size_t cover_begin(struct buffer *buffer, unsigned table, const void *key, size_t key_size)
{
	uint8_t number[TABLE_BYTES];

	u32_write(number, table);
	buffer_reset(buffer);
	buffer_append(buffer, number, sizeof(number));
	buffer_append(buffer, key, key_size);
	return TABLE_BYTES + key_size;
}

/* The value's head then replaces the last bytes before the payload: a key has at least one byte,
 * so there are five. */
static void cover_put(struct txn *txn, unsigned table, const struct key *key, size_t start)
{
	if (scratch.error) {
		txn_fail(txn, scratch.error);
		return;
	}
	uint8_t *head = scratch.at + start - HEAD_BYTES;
	uint32_t sum = (uint32_t)XXH3_64bits(scratch.at, scratch.size);
	head[0] = RECORD_VERSION;
	u32_write(head + 1, sum);
	txn_put(txn, table, key, head, scratch.size - start + HEAD_BYTES);
}

/* The payload of a sound value, in `ret`; `cover` has room for table, key and payload. */
static bool cover_check(struct txn *txn, unsigned table, struct slice key, struct slice value,
	uint8_t *cover, struct slice *ret)
{
	const uint8_t *head = value.at;

	if (value.size < HEAD_BYTES) {
		record_damaged(txn, table, key, "too short");
		return false;
	}
	if (head[0] != RECORD_VERSION) {
		record_damaged(txn, table, key, "unknown version");
		return false;
	}
	uint8_t *payload = cover + TABLE_BYTES + key.size;
	size_t size = value.size - HEAD_BYTES;
	u32_write(cover, table);
	memcpy(cover + TABLE_BYTES, key.at, key.size);
	memcpy(payload, head + HEAD_BYTES, size);
	if ((uint32_t)XXH3_64bits(cover, TABLE_BYTES + key.size + size) != u32_read(head + 1)) {
		record_damaged(txn, table, key, "checksum differs");
		return false;
	}
	*ret = (struct slice){ .at = payload, .size = size };
	return true;
}

bool record_is_sound(struct txn *txn, struct arena *arena, unsigned table, struct slice key,
	struct slice value)
{
	uint8_t *cover = arena_take(arena, TABLE_BYTES + key.size + value.size);
	struct slice payload;

	if (!cover)
		txn_fail(txn, -ENOMEM);
	return cover && cover_check(txn, table, key, value, cover, &payload);
}

bool record_read(struct txn *txn, struct arena *arena, unsigned table, struct slice key,
	struct slice value, const struct record *record, void *ret_record)
{
	struct slice payload;

	if (txn_error(txn))
		return false;
	uint8_t *cover = arena_take(arena, TABLE_BYTES + key.size + value.size);
	if (!cover) {
		txn_fail(txn, -ENOMEM);
		return false;
	}
	if (!cover_check(txn, table, key, value, cover, &payload))
		return false;
	int error = fields_from_array(arena, record, payload.at, payload.size, ret_record);
	if (error == -ENOMEM)
		txn_fail(txn, error);
	else if (error)
		record_damaged(txn, table, key, "not such a record");
	return !error;
}

bool record_get(struct txn *txn, struct arena *arena, unsigned table, const struct key *key,
	const struct record *record, void *ret_record)
{
	struct slice where = { .at = key->bytes, .size = key->size };
	struct slice value;

	if (!txn_get(txn, table, key, &value))
		return false;
	return record_read(txn, arena, table, where, value, record, ret_record);
}

void record_put(struct txn *txn, unsigned table, const struct key *key, const struct record *record,
	const void *from)
{
	if (txn_error(txn))
		return;
	size_t start = cover_begin(&scratch, table, key->bytes, key->size);
	fields_to_array(&scratch, record, from);
	cover_put(txn, table, key, start);
}

uint64_t counter_get(struct txn *txn, unsigned table, const char *name)
{
	uint8_t cover[TABLE_BYTES + sizeof(struct key) + 8];
	struct key key = { 0 };
	struct slice value, payload;

	key_add_bytes(&key, name, strlen(name));
	struct slice where = { .at = key.bytes, .size = key.size };
	if (!txn_get(txn, table, &key, &value))
		return 0;
	if (value.size != HEAD_BYTES + 8) {
		record_damaged(txn, table, where, "not a counter");
		return 0;
	}
	if (!cover_check(txn, table, where, value, cover, &payload))
		return 0;
	return key_read_u64(payload, 0);
}

void counter_put(struct txn *txn, unsigned table, const char *name, uint64_t value)
{
	struct key key = { 0 }, number = { 0 };

	if (txn_error(txn))
		return;
	key_add_bytes(&key, name, strlen(name));
	key_add_u64(&number, value);
	size_t start = cover_begin(&scratch, table, key.bytes, key.size);
	buffer_append(&scratch, number.bytes, number.size);
	cover_put(txn, table, &key, start);
}
