#pragma once

#include <stdint.h>

/* The last bound on what clients may cost. libzmq bounds the messages of a client, but not the parts
 * of one that does not end, nor what it subscribes to: only an end of the connection frees these.
 * And it takes in all subscriptions within a send, for as long as more of them come.
 *
 * A thread of its own looks at the process. Where that has grown by more than RELIEF_BYTES while
 * something is published, the subscribers are disconnected, and else those clients whose input
 * waits or, where it goes on growing, all of them. Where publishing does not get on, only the
 * subscribers whose input waits. Where there are too many connections, those of the process that has
 * most of them. They connect again by themselves and ask again. */

#define RELIEF_BYTES (512LL * 1024 * 1024)
#define RELIEF_STEP_BYTES (128LL * 1024 * 1024) /* of further growth, until the next time */
#define RELIEF_CHECK_MS 200
#define RELIEF_STUCK 4           /* checks that find the same send */
#define RELIEF_DESCRIPTORS 16384 /* or half of what the process may have */

struct relief;

int relief_open(struct relief **ret); /* 0 or -errno; to be called with all signals blocked */
void relief_close(struct relief *relief);

/* Around a send that may get stuck. */
void relief_begin(struct relief *relief);
void relief_end(struct relief *relief);
