#include "watchdog.h"

#include <systemd/sd-daemon.h>

#define FEEDS 2 /* in the time after which the manager loses patience */

void watchdog_open(struct watchdog *watchdog, int64_t now_ms)
{
	uint64_t patience_us = 0;

	*watchdog = (struct watchdog){ .fed_at_ms = now_ms };
	if (sd_watchdog_enabled(false, &patience_us) > 0)
		watchdog->every_ms = (int64_t)(patience_us / 1000 / FEEDS) + 1;
}

static int64_t due_in(const struct watchdog *watchdog, int64_t now_ms)
{
	int64_t due_ms = watchdog->fed_at_ms + watchdog->every_ms;

	return due_ms > now_ms ? due_ms - now_ms : 0;
}

void watchdog_feed(struct watchdog *watchdog, size_t count, bool more, int64_t now_ms)
{
	bool stuck = count == 0 && more;

	if (watchdog->every_ms == 0 || stuck || due_in(watchdog, now_ms) > 0)
		return;
	sd_notify(false, "WATCHDOG=1");
	watchdog->fed_at_ms = now_ms;
}

int64_t watchdog_wait(const struct watchdog *watchdog, int64_t wait_ms, int64_t now_ms)
{
	int64_t left_ms;

	if (watchdog->every_ms == 0)
		return wait_ms;
	left_ms = due_in(watchdog, now_ms);
	return wait_ms < 0 || left_ms < wait_ms ? left_ms : wait_ms;
}
