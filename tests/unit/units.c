#include "units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* units [NAME]: runs the unit test of that name, or the one by whose name it is called. */

#undef main

static struct unit *units;

void unit_add(struct unit *unit)
{
	unit->next = units;
	units = unit;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The name without the ".c" of its source. */
static bool unit_is(const struct unit *unit, const char *name)
{
	const char *source = name_of(unit->path);

	return strlen(source) == strlen(name) + 2 && strncmp(source, name, strlen(name)) == 0;
}

int main(int argc, char **argv)
{
	const char *name = name_of(argc == 2 ? argv[1] : argv[0]);

	for (const struct unit *unit = units; unit; unit = unit->next)
		if (unit_is(unit, name))
			return unit->run();
	fprintf(stderr, "units: there is no test %s\n", name);
	return 2;
}
