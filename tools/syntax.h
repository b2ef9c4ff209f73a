#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

/* A verb's synopsis (struct verb in orderctl.h says what may stand in it) for getopt_long. */

#define SYNTAX_OPTIONS_MAX 32
#define SYNTAX_ARGUMENTS_MAX 8
#define SYNTAX_OPTIONS_FROM 256 /* what getopt_long returns for the first option of the verb */

struct syntax {
	struct option options[SYNTAX_OPTIONS_MAX]; /* the verb's own, then room for the caller's */
	const char *values[SYNTAX_OPTIONS_MAX]; /* what the synopsis calls them; NULL: a switch */
	bool needed[SYNTAX_OPTIONS_MAX];
	bool repeats[SYNTAX_OPTIONS_MAX];
	size_t count;                                /* of the verb's own */
	const char *arguments[SYNTAX_ARGUMENTS_MAX]; /* likewise; NULL behind the last */
	size_t arguments_min, arguments_max;
};

/* Names are in the arena. 0 or -ENOMEM. */
int syntax_read(struct syntax *ret, struct arena *arena, const char *synopsis);

/* How many letters have to be put in, taken out, changed or swapped with the next to make one word
 * of the other. Only the first 30 letters count. */
unsigned word_distance(const char *a, const char *b);
