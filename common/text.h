#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks and readings of text that comes from outside. */

/* True if the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF) and hold no control character (C0, DEL, C1). Tab is a control character here. */
bool text_is_clean(const char *at, size_t size);

/* True if the bytes are 1 to 64 of A-Z a-z 0-9 and . _ - / and begin with a letter or digit: a
 * sku, an ISBN, a shop's own code. */
bool text_is_sku(const char *at, size_t size);

/* True if the bytes are 1 to INSTANCE_MAX_BYTES of A-Z a-z 0-9 and _ -: what stands behind the @ of
 * an instance. */
#define INSTANCE_MAX_BYTES 32
bool text_is_instance(const char *at, size_t size);

/* Whole decimal numbers with nothing before or behind them. False: not a number or out of range;
 * *ret stays as it was. */
bool text_to_u64(const char *text, uint64_t *ret);
bool text_to_i64(const char *text, int64_t *ret);

/* A duration such as 250ms, 3s, 15m, 24h or 7d in milliseconds; a bare number counts
 * milliseconds. False as above, overflow included. */
bool text_to_duration_ms(const char *text, int64_t *ret_ms);

/* A size such as 64K, 16M or 64G (powers of 1024) in bytes; a bare number counts bytes. */
bool text_to_size_bytes(const char *text, int64_t *ret_bytes);
