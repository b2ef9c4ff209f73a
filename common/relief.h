#pragma once

#include <stdint.h>

/* The last bound on memory. libzmq bounds the messages of a client, but not the parts of one that
 * does not end, nor what it subscribes to: only an end of the connection frees these. Where the
 * process has grown by more than RELIEF_BYTES, those clients whose input waits are disconnected
 * and, if it goes on growing, all of them. They connect again by themselves and ask again. */

#define RELIEF_BYTES (512LL * 1024 * 1024)
#define RELIEF_STEP_BYTES (128LL * 1024 * 1024) /* of further growth, until the next time */
#define RELIEF_CHECK_MS 200

struct relief {
	int64_t base_bytes;  /* what the process had at its start */
	int64_t limit_bytes; /* what it may have now */
};

void relief_open(struct relief *relief);

/* To be called every RELIEF_CHECK_MS. */
void relief_check(struct relief *relief);
