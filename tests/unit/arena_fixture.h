#pragma once

#include "arena.h"

/* An arena for each test. */

static struct arena *arena;

static int arena_setup(void **state)
{
	(void)state;
	arena = arena_new();
	return arena ? 0 : -1;
}

static int arena_teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}
