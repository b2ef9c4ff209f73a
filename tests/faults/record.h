#pragma once

#include <stdint.h>

/* What record.c writes down, in one file that all recorded processes share: a head, then entries in
 * the order in which things happened, whoever did them. A position is an offset in that file: what
 * begins below it had happened (a write: had begun) when the position was read. */

#define RECORD_MAGIC UINT64_C(0x64726f6365723031)
#define RECORD_TAIL_OFFSET 8 /* of the 64-bit position of the next entry */

struct record_head {
	uint64_t magic;
	uint64_t tail;
};

enum record_kind {
	RECORD_NONE,    /* reserved, and its process ended before it was filled in */
	RECORD_WRITE,   /* data at an offset of a file; before it is done */
	RECORD_DURABLE, /* the write at position `offset` is on the disk by itself (O_DSYNC) */
	RECORD_SYNC,    /* all that was written to the file before is on the disk */
	RECORD_RESIZE,  /* to `offset` bytes */
	RECORD_MKDIR,
	RECORD_RENAME, /* data is the new path */
	RECORD_UNLINK,
};

/* Followed by the path with its NUL, then the data; then up to 7 bytes to a multiple of 8. */
struct record_entry {
	uint32_t kind;
	uint32_t path_size;
	uint64_t inode;
	uint64_t offset;
	uint64_t size; /* of the data */
	int64_t wall_ms;
	uint64_t whole_size; /* of the entry */
};
