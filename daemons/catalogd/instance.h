#pragma once

#include "operations.h"

/* The program of a read-only instance: `owner`, under another name and over a store that it only
 * watches, with these operations. NULL: the name was none, which was logged. */
const struct program *instance_program(const struct program *owner,
	const struct operation *operations, const char *name);
