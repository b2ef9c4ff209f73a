#include "settings_file.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1024 * 1024)

/* The file's bytes, to be freed. NULL: there is none, or file->why says what is wrong. */
static char *file_load(struct settings_file *file, const char *path, bool may_be_absent)
{
	FILE *in = fopen(path, "re");
	size_t size = 0;

	if (!in && errno == ENOENT && may_be_absent)
		return NULL;
	char *text = in ? malloc(FILE_BYTES_MAX + 1) : NULL;
	if (text)
		size = fread(text, 1, FILE_BYTES_MAX + 1, in);
	if (!text || ferror(in))
		snprintf(file->why, sizeof(file->why), "cannot be read: %s", strerror(errno));
	else if (size > FILE_BYTES_MAX || memchr(text, '\0', size))
		snprintf(file->why, sizeof(file->why), "is not a settings file");
	else
		text[size] = '\0';
	if (in)
		fclose(in);
	if (*file->why) {
		free(text);
		return NULL;
	}
	return text;
}

/* zconfig says on stdout, and only there, which line it does not understand. */
static int tree_parse(struct settings_file *file, const char *text)
{
	char *said = NULL;
	size_t said_size = 0;
	FILE *catch = open_memstream(&said, &said_size);
	FILE *saved = stdout;
	int number = 0, skip = 0;

	if (!catch) {
		snprintf(file->why, sizeof(file->why), "%s", strerror(errno));
		return -EINVAL;
	}
	stdout = catch;
	file->tree = zconfig_str_load(text);
	stdout = saved;
	fclose(catch);
	const char *what = said && !file->tree ? strstr(said, "(zconfig): ") : NULL;
	if (what && sscanf(what, "(zconfig): (%d) %n", &number, &skip) == 1 && skip > 0) {
		file->wrong_line = number;
		snprintf(file->why, sizeof(file->why), "%.*s", (int)strcspn(what + skip, "\n"),
			what + skip);
	} else if (!file->tree) {
		snprintf(file->why, sizeof(file->why), "is not well formed");
	}
	free(said);
	return file->tree ? 0 : -EINVAL;
}

/* zconfig does not keep the lines. But every line that is neither blank nor a comment made one
 * node of the tree, and nodes are met in the lines' order. */
struct lines {
	const char *at; /* where the next line begins */
	int number;     /* of the last one */
};

static int line_next(struct lines *lines)
{
	while (*lines->at) {
		const char *first = lines->at + strspn(lines->at, " \t\r");

		lines->at = first + strcspn(first, "\n");
		lines->at += *lines->at == '\n';
		lines->number++;
		if (*first != '\n' && *first != '#' && *first)
			break;
	}
	return lines->number;
}

static void nested_pass(struct lines *lines, zconfig_t *parent)
{
	for (zconfig_t *at = zconfig_child(parent); at; at = zconfig_next(at)) {
		line_next(lines);
		nested_pass(lines, at);
	}
}

static void section_take(struct settings_file *file, struct lines *lines, zconfig_t *section)
{
	const char *name = zconfig_name(section);

	file->items[file->count++] =
		(struct settings_item){ name, NULL, zconfig_value(section), line_next(lines), 0 };
	for (zconfig_t *at = zconfig_child(section); at; at = zconfig_next(at)) {
		file->items[file->count++] = (struct settings_item){ name, zconfig_name(at),
			zconfig_value(at), line_next(lines), zconfig_child(at) };
		nested_pass(lines, at);
	}
}

static int items_take(struct settings_file *file, const char *text)
{
	struct lines lines = { .at = text };
	size_t most = 1;

	for (const char *at = text; *at; at++)
		most += *at == '\n';
	file->items = calloc(most, sizeof(*file->items));
	if (!file->items) {
		snprintf(file->why, sizeof(file->why), "no memory");
		return -EINVAL;
	}
	for (zconfig_t *at = zconfig_child(file->tree); at; at = zconfig_next(at))
		section_take(file, &lines, at);
	return 0;
}

int settings_file_read(struct settings_file *ret, const char *path, bool may_be_absent)
{
	int error;

	*ret = (struct settings_file){ 0 };
	char *text = file_load(ret, path, may_be_absent);
	if (!text)
		return *ret->why ? -EINVAL : 0;
	error = tree_parse(ret, text);
	if (!error)
		error = items_take(ret, text);
	free(text);
	return error;
}

void settings_file_done(struct settings_file *file)
{
	zconfig_t *tree = file->tree;

	zconfig_destroy(&tree);
	free(file->items);
	*file = (struct settings_file){ 0 };
}
