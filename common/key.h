#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
struct slice {
	const void *at;
	size_t size;
};

/* A key of the store. Keys compare as bytes; an empty one is no key. */
struct key {
	uint8_t bytes[128];
	size_t size;
};

/* Built from parts, big-endian, so that they sort as numbers do:
 *   struct key key = {0};
 *   key_add_u64(&key, user_id); */
void key_add_u64(struct key *key, uint64_t number);
void key_add_bytes(struct key *key, const void *bytes, size_t size); /* assert: fits */
uint64_t key_read_u64(struct slice key, size_t offset); /* 0 where the key is too short */

/* What the store has for a key, to be looked up or kept. False: damage, for no key is like it. */
bool key_take(struct slice at, struct key *ret);
