#pragma once

#include <stdbool.h>

/* Places at which a test may have the process die, stand still or fail: before and after every
 * receive, begin, write, commit and send, and at every step of a saga.
 *
 * They are compiled in, and off unless the environment variable ORDERD_FAILPOINTS names a file
 * when the daemon starts; off, a site costs one branch. A site's name is the daemon's and the
 * words given, joined by dots: FAILPOINT("put", "orders") in orderd is orderd.put.orders.
 *
 * The file holds rules, one a line, SITE=ACTION or SITE=ACTION:HIT. The action comes at the HIT-th
 * pass (1 if not given) after the file was read, once:
 *
 *     kill   SIGKILL to the process itself
 *     stop   SIGSTOP likewise: whoever stopped it has to continue it
 *     error  FAILPOINT is -EIO, for sites that can fail: begin, put, delete, commit.before
 *
 * It is read again when it is another file (rename a new one over it). To FILE.log each daemon
 * appends a line "passed SITE" for the first pass of a site under these rules, and before an action
 * a line "kill SITE" and so on. */

extern bool failpoints_on;

/* 0 or -EIO. The words are looked at only when failpoints are on. */
#define FAILPOINT(...) \
	(__builtin_expect(failpoints_on, false) ? failpoint_pass(__VA_ARGS__, (const char *)0) : 0)

/* To be called once, before threads and stores: true when they are on. */
bool failpoints_open(const char *program);

int failpoint_pass(const char *word, ...) __attribute__((sentinel));
