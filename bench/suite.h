#pragma once

#include "load.h"
#include "requests.h"

/* The suite that is measured. All return 0 or -errno; -EBADE: orders to work on were refused. */

struct suite {
	const char *runtime_dir;
	struct draw draw;
	bool quiet; /* no progress */
};

/* Loads that daemon; `load` says what of it is not the suite's. */
int suite_load(struct suite *suite, const char *daemon, struct load load, struct load_result *ret);

/* Puts the books and stock that does not run out. -EACCES: it was refused; only the daemons' own
 * user and root may. */
int suite_prepare(struct suite *suite);

/* Makes orders to be read or cancelled: first_id to last_id of the draw are theirs. */
int suite_make_orders(struct suite *suite, uint64_t count);

/* Takes those that are there instead, all from 1 on. -ENOMSG: there are none. */
int suite_take_orders(struct suite *suite);

/* Goes to that page of user 1's list: the cursor to it is the draw's. -ENODATA: there are not so
 * many. */
int suite_turn_to(struct suite *suite, uint64_t page);
