#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "service.h"

/* Who may do what, by the user and the groups of the process behind a connection. Both are the
 * kernel's word about that process, from the moment it connected; so no database of users is asked
 * while a request waits, and a user that this system has no name for is as good as any. As with
 * files, a new membership counts from the next login on.
 *
 * Root and the daemon's own user administer, and so do admin_users and admin_groups. Whoever may
 * connect orders, unless order_users or order_groups say who; administrators order too. */

struct permit;

struct permit *permit_new(void); /* NULL: no memory */
void permit_free(struct permit *permit);

/* Takes the four settings over: at the start and after a reload. Names are looked up here and only
 * here; one that nobody has is logged and left out. */
void permit_read(struct permit *permit, const struct suite_settings *suite);

bool permit_allows(const struct permit *permit, enum who who, const struct route *route);

/* Whether a denial is worth a line in the log: of one user and operation there is one in
 * PERMIT_LOG_MS. *ret_before counts those since the line before. */
#define PERMIT_LOG_MS (10 * 60 * 1000)
bool permit_tells(struct permit *permit, const struct route *route, const char *operation,
	int64_t monotonic_ms, uint64_t *ret_before);
