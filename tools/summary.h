#pragma once

#include "import.h"

/* What an import shows: how far it has come, what it refused, how it ended. */

void progress_begin(struct import *import);
void progress_end(struct import *import); /* takes the bar off the terminal */

void summary_print(struct import *import);

/* A line of --rejects: two fields and those of the row. */
void summary_reject(struct import *import, const char *line, const char *reason,
	const struct sheet_row *row);
