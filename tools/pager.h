#pragma once

/* Long output goes through a pager where standard output is a terminal: $ORDERCTL_PAGER, else
 * $PAGER, else less; "" or "cat" mean none. */

/* From now on what is written to stdout is read there. A pager that cannot be started leaves
 * stdout as it was. Only the first call does anything. */
void pager_begin(void);

/* Waits until it is closed. Flush stdout before. */
void pager_end(void);
