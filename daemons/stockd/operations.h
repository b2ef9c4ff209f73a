#pragma once

#include "service.h"

/* stockd: keeps the stock. Its tables and rules are in stock.h, the journal in journal.h, its
 * operations in this table; orderd-protocol(7) says what they ask and answer. */
extern const struct program stockd_program;
