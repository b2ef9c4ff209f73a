#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A settings file as it stands, before anybody knows what its names mean. */

struct settings_item {
	const char *section;
	const char *name;  /* of an option; NULL: this is the section itself */
	const char *value; /* "" where there is none */
	int line;          /* from 1 */
	bool is_parent;    /* of an option: something is indented below it */
};

struct settings_file {
	struct settings_item *items; /* in the file's order */
	size_t count;
	void *tree;     /* holds their texts */
	int wrong_line; /* after -EINVAL: where, 0: nowhere in particular */
	char why[160];  /* after -EINVAL */
};

/* 0, also for a file that may be absent and is: no items then. -EINVAL. settings_file_done in
 * every case. */
int settings_file_read(struct settings_file *ret, const char *path, bool may_be_absent);
void settings_file_done(struct settings_file *file);
