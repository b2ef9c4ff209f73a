#pragma once

/* The standard streams of a program. */

/* Opens those of the descriptors 0, 1 and 2 that are closed, so that no file of ours gets their
 * numbers and is written to by mistake: reading and writing there fail with EBADF, as before. */
void streams_keep(void);

/* Sees that all that was printed on the standard output is written. 0 or -errno, also where an
 * earlier write failed: then what errno said when streams_note or this saw it first. */
int streams_flush(void);

/* To be called after printing: remembers why a write failed. */
void streams_note(void);

/* Has the process end with status 1, and say why, where its standard output could not be written. */
void streams_check_at_exit(const char *program);
