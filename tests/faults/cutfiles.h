#pragma once

#include "recording.h"

/* The files that a power cut leaves. */

struct cut_files;

/* Under `dir`, which is there and empty. NULL: no memory. */
struct cut_files *cut_files_new(const struct recording *recording, const char *dir);
void cut_files_free(struct cut_files *files); /* and removes what it made, and `dir` */

/* Puts the files there as a cut leaves them; cuts must come in ascending order. `variant` says what
 * became of what was written and not yet synced: 0 all of it is there, 1 nothing, others depend on
 * it as on a seed: whole writes, sectors of 512 bytes, or each store in a way of its own. Returns a
 * number by which two states of one cut are told apart. */
uint64_t cut_files_make(struct cut_files *files, const struct cut *cut, uint64_t variant);
