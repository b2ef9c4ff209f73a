#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Calls of this process that fail when they are told to: writes and syncs of files, and memory. */

enum failing {
	FAIL_EIO,    /* a write or a sync says EIO */
	FAIL_ENOSPC, /* a write says ENOSPC */
	FAIL_SHORT,  /* a write takes half */
	FAIL_MALLOC, /* no memory */
	FAILINGS,
};
extern const char *const failing_names[];

/* The nth such call from now on fails, that one alone. */
void failing_arm(enum failing what, uint64_t n);
bool failing_disarm(void); /* whether it came to that call */

/* Not counted in between; what pause returns says whether to resume. */
bool failing_pause(void);
void failing_resume(void);
