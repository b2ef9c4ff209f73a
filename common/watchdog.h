#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The service manager's watchdog, fed by progress: by a tick that came to its end and left nothing
 * untaken that it could have taken. A loop that only goes round, or hangs, does not feed it. */

struct watchdog {
	int64_t every_ms; /* 0: nobody watches */
	int64_t fed_at_ms;
};

/* As WATCHDOG_USEC in the environment says. */
void watchdog_open(struct watchdog *watchdog, int64_t now_ms);

/* After a whole tick: `count` events were taken; `more`: input is left. */
void watchdog_feed(struct watchdog *watchdog, size_t count, bool more, int64_t now_ms);

/* How long until the next tick: `wait_ms` (-1: for ever), or less where the watchdog wants one. */
int64_t watchdog_wait(const struct watchdog *watchdog, int64_t wait_ms, int64_t now_ms);
