#pragma once

#include "service.h"

/* catalogd: knows the books. Its tables and rules are in book.h, its operations in this table;
 * orderd-protocol(7) says what they ask and answer.
 *
 * One process owns the store. Others may answer from it beside, each under an instance's name: they
 * read it as it is at every tick, so what the owner has answered they show, and change nothing. */
extern const struct program catalogd_program;

struct catalogd_settings {
	struct suite_settings suite;
	const char *instance; /* "": the owner */
};
