#pragma once

#include "service.h"

/* catalogd: knows the books. Its tables and rules are in book.h, its operations in this table;
 * orderd-protocol(7) says what they ask and answer. */
extern const struct program catalogd_program;
