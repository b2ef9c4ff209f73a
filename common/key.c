#include "key.h"

#include <assert.h>
#include <string.h>

void key_add_u64(struct key *key, uint64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	key_add_bytes(key, bytes, sizeof(bytes));
}

void key_add_bytes(struct key *key, const void *bytes, size_t size)
{
	assert(size <= sizeof(key->bytes) - key->size);
	if (size > 0)
		memcpy(key->bytes + key->size, bytes, size);
	key->size += size;
}

bool key_take(struct slice at, struct key *ret)
{
	struct key key = { 0 };

	if (at.size == 0 || at.size > sizeof(key.bytes))
		return false;
	key_add_bytes(&key, at.at, at.size);
	*ret = key;
	return true;
}

uint64_t key_read_u64(struct slice key, size_t offset)
{
	const uint8_t *at = key.at;
	uint64_t number = 0;

	if (key.size < 8 || offset > key.size - 8)
		return 0;
	for (size_t i = 0; i < 8; i++)
		number = number << 8 | at[offset + i];
	return number;
}
