#pragma once

#include <stddef.h>

struct relief;

/* Publishes from a thread of its own: libzmq takes in subscriptions within a send, all of them for
 * as long as more come, and a daemon has no time for that. An event leaves within 4 ms. */

#define PUBLISHER_MAX_BYTES (4 * 1024 * 1024) /* what would make more of them wait is left out */

struct publisher;

/* Takes `socket` over, a PUB that is bound. 0 or -errno; to be called with all signals blocked. */
int publisher_open(struct publisher **ret, void *socket, struct relief *relief);
void publisher_close(struct publisher *publisher); /* after what waits has left */

void publisher_add(struct publisher *publisher, const void *event, size_t size);
void publisher_go(struct publisher *publisher); /* with what was added */
