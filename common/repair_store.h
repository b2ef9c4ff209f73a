#pragma once

#include "repair.h"
#include "settings.h"

/* What a daemon does instead of serving when its first argument is --repair: looks through its
 * store, and puts it right where `write` says so. Tells each finding on stdout, a line with the
 * table, the key in hexadecimal, what it is, and 1 or 0 for mended or left, tabs between. 0 or
 * -errno: -EBUSY where the daemon runs, -ENOENT where there is no store. */
int repair_store(const struct repair_plan *plan, const struct suite_settings *suite, bool write);
