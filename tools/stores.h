#pragma once

#include "orderctl.h"

/* The stores on the disk, while no daemon runs: new ones, made beside the old ones first, take their
 * place. From the first renaming to the last a mark keeps daemons from starting on a mixture; it
 * says where the old ones go, so that whoever takes the stores next can bring an exchange to its end
 * that was interrupted. */

#define STORES_NEW ".made" /* behind a store's name */
#define STORES_BEFORE_BYTES 64

/* What is to stand behind the names of old stores: .before-20261124T210000Z, or one like it of which
 * there are none yet. */
void stores_before(const char *state_dir, char ret[STORES_BEFORE_BYTES]);

/* Puts NAME.made in the place of NAME, for all that were made. 0 or -errno; an exchange that is
 * begun goes on when the stores are locked the next time. */
int stores_exchange(const char *state_dir, const char *before);

/* Whether any NAME with that suffix is there. */
bool stores_exist(const char *state_dir, const char *suffix);

void stores_remove(const char *state_dir, const char *suffix);

/* Says what failed; `path` may be "". STATUS_REFUSED. */
int stores_failed(const char *what, const char *path, int error);
