#pragma once

/* The sources of the unit tests are programs, each with its main. For the one program that holds
 * them all this is included before each: main becomes a function that units.c knows by its file. */

struct unit {
	const char *path; /* of the source */
	int (*run)(void);
	struct unit *next;
};

void unit_add(struct unit *unit);

#define main(...) \
	unit_begin(void); \
	static int unit_run(__VA_ARGS__); \
	__attribute__((constructor)) static void unit_announce(void) \
	{ \
		static struct unit unit = { __BASE_FILE__, unit_run, 0 }; \
\
		unit_add(&unit); \
	} \
	static int unit_run(__VA_ARGS__)
