#pragma once

#include "sim.h"

/* From here on commits are those of this simulation; NULL: of none. */
void disk_watch(struct sim *sim);
