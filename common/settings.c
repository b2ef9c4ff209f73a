#include "settings.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <argp.h>
#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif
#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif

#define ROWS_MAX 64
#define NAMES_BYTES_MAX 2000
#define FILE_BYTES_MAX (1024 * 1024)
#define EXIT_USAGE 2

/* Users or groups; none unless the file names some. */
#define NAMES(option, text) \
	{ \
#option, OPTION_TEXT, offsetof(struct suite_settings, option), "", 0, \
			NAMES_BYTES_MAX, text, true \
	}

/* A socket's path holds at most 107 bytes. */
static const struct option_row suite_rows[] = {
	{ "runtime_dir", OPTION_TEXT, offsetof(struct suite_settings, runtime_dir),
		RUNSTATEDIR "/orderd", 1, 90, "directory of the sockets", false },
	{ "state_dir", OPTION_TEXT, offsetof(struct suite_settings, state_dir),
		LOCALSTATEDIR "/lib/orderd", 1, 4000, "directory of the stores", false },
	{ "log_level", OPTION_LEVEL, offsetof(struct suite_settings, log_level), "info", 0, 0,
		"what is logged: error, warning, info or debug", true },
	{ "store_size_max", OPTION_SIZE, offsetof(struct suite_settings, store_size_max_bytes),
		"64G", INT64_C(1) << 20, INT64_C(1) << 46, "how large a store may grow", false },
	{ "log_orders", OPTION_SWITCH, offsetof(struct suite_settings, log_orders), "no", 0, 0,
		"log every step of every order", true },
	NAMES(admin_users, "users who administer, besides root and the daemon's own"),
	NAMES(admin_groups, "groups whose members administer"),
	NAMES(order_users, "users who may order (none, and no group: whoever may connect)"),
	NAMES(order_groups, "groups whose members may order"),
};
const struct option_table suite_options = {
	.section = "suite",
	.rows = suite_rows,
	.count = sizeof(suite_rows) / sizeof(suite_rows[0]),
};

static const char *const sections[] = { "suite", "orderd", "stockd", "catalogd", "reaperd" };

/* What settings_load was told, for settings_reload. */
static struct {
	const char *program;
	const char *path;
	bool path_named;
	size_t count;
	const struct option_row *rows[ROWS_MAX];
	const char *sections[ROWS_MAX];
	const char *given[ROWS_MAX]; /* on the command line, NULL: not */
} asked;

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list list;

	fprintf(stderr, "%s: ", asked.program);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return -EINVAL;
}

/* Texts are kept until the process ends, each once: a reload that changes nothing costs nothing. */
static const char *text_keep(const char *text)
{
	struct kept {
		struct kept *next;
		char text[];
	};
	static struct kept *all;

	for (struct kept *kept = all; kept; kept = kept->next) {
		if (strcmp(kept->text, text) == 0)
			return kept->text;
	}
	struct kept *kept = malloc(sizeof(*kept) + strlen(text) + 1);
	if (!kept)
		return NULL;
	strcpy(kept->text, text);
	kept->next = all;
	all = kept;
	return kept->text;
}

/* --- command line --------------------------------------------------------------------------- */

#define KEY_CONFIG 0x1000
#define KEY_ROWS 0x1001

static struct {
	struct argp_option options[ROWS_MAX + SETTINGS_TABLES_MAX + 2];
	size_t count;
	char names[ROWS_MAX][40];
	char helps[ROWS_MAX][256];
	char titles[SETTINGS_TABLES_MAX][64];
	char version[96];
} line;

static error_t line_parse(int key, char *value, struct argp_state *state)
{
	char wants[128];
	union option_value parsed;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "unexpected argument '%s'", value);
	if (key == KEY_CONFIG) {
		asked.path = value;
		asked.path_named = true;
		return 0;
	}
	if (key < KEY_ROWS || key >= KEY_ROWS + (int)asked.count)
		return ARGP_ERR_UNKNOWN;
	size_t i = (size_t)(key - KEY_ROWS);
	if (!option_parse(asked.rows[i], value, &parsed))
		argp_error(state, "--%s: '%s' is not %s", line.names[i], value,
			option_wants(asked.rows[i], wants));
	asked.given[i] = value;
	return 0;
}

static void option_add(const char *name, int key, const char *value, const char *help)
{
	line.options[line.count++] =
		(struct argp_option){ .name = name, .key = key, .arg = value, .doc = help };
}

static const char *row_value_name(const struct option_row *row)
{
	static const char *const names[] = {
		[OPTION_TEXT] = "TEXT",
		[OPTION_DURATION] = "DURATION",
		[OPTION_SIZE] = "SIZE",
		[OPTION_NUMBER] = "NUMBER",
		[OPTION_SWITCH] = "yes|no",
		[OPTION_LEVEL] = "LEVEL",
	};
	size_t size = strlen(row->name);

	if (row->type == OPTION_TEXT && size > 4 && strcmp(row->name + size - 4, "_dir") == 0)
		return "DIR";
	return names[row->type];
}

static void row_add_option(size_t index)
{
	const struct option_row *row = asked.rows[index];
	char *name = line.names[index];
	char *help = line.helps[index];
	char bounds[128];

	snprintf(name, sizeof(line.names[0]), "%s", row->name);
	for (char *at = name; *at; at++)
		*at = *at == '_' ? '-' : *at;
	option_bounds(row, bounds);
	snprintf(help, sizeof(line.helps[0]), "%s (default %s%s%s)", row->help,
		*row->otherwise ? row->otherwise : "none", *bounds ? "; " : "", bounds);
	option_add(name, KEY_ROWS + (int)index, row_value_name(row), help);
}

static void tables_add(const struct option_table *const tables[], size_t table_count)
{
	line.count = 0;
	asked.count = 0;
	option_add("config", KEY_CONFIG, "FILE",
		"read settings from FILE (default " SYSCONFDIR "/orderd/orderd.conf)");
	assert(table_count <= SETTINGS_TABLES_MAX);
	for (size_t t = 0; t < table_count; t++) {
		snprintf(line.titles[t], sizeof(line.titles[t]),
			"Section '%s' of the file:", tables[t]->section);
		option_add(NULL, 0, NULL, line.titles[t]);
		for (size_t i = 0; i < tables[t]->count; i++) {
			assert(asked.count < ROWS_MAX);
			asked.rows[asked.count] = &tables[t]->rows[i];
			asked.sections[asked.count] = tables[t]->section;
			asked.given[asked.count] = NULL;
			row_add_option(asked.count++);
		}
	}
	line.options[line.count] = (struct argp_option){ 0 };
}

/* --- file ----------------------------------------------------------------------------------- */

struct source {
	zconfig_t *tree;             /* NULL: there is no file */
	const char *texts[ROWS_MAX]; /* in the tree; NULL: not in the file */
};

/* The file's bytes, to be freed; NULL with *ret_error: 0 where the file may be absent and is. */
static char *file_read(int *ret_error)
{
	FILE *file = fopen(asked.path, "re");
	size_t size = 0;

	*ret_error = 0;
	if (!file && errno == ENOENT && !asked.path_named)
		return NULL;
	char *text = file ? malloc(FILE_BYTES_MAX + 1) : NULL;
	if (text)
		size = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (!text || ferror(file)) {
		*ret_error = complain("%s: cannot be read: %s", asked.path, strerror(errno));
	} else if (size > FILE_BYTES_MAX || memchr(text, '\0', size)) {
		*ret_error = complain("%s: is not a settings file", asked.path);
	} else {
		text[size] = '\0';
	}
	if (file)
		fclose(file);
	if (*ret_error) {
		free(text);
		return NULL;
	}
	return text;
}

/* zconfig says on stdout, and only there, which line it does not understand. */
static int tree_parse(const char *text, zconfig_t **ret)
{
	char *said = NULL;
	size_t said_size = 0;
	FILE *catch = open_memstream(&said, &said_size);
	FILE *saved = stdout;
	int number = 0, skip = 0;

	if (!catch)
		return complain("%s: %s", asked.path, strerror(errno));
	stdout = catch;
	*ret = zconfig_str_load(text);
	stdout = saved;
	fclose(catch);
	if (*ret) {
		free(said);
		return 0;
	}
	const char *what = said ? strstr(said, "(zconfig): ") : NULL;
	if (what && sscanf(what, "(zconfig): (%d) %n", &number, &skip) == 1 && skip > 0)
		complain("%s: line %d: %.*s", asked.path, number, (int)strcspn(what + skip, "\n"),
			what + skip);
	else
		complain("%s: is not well formed", asked.path);
	free(said);
	return -EINVAL;
}

static bool section_is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strcmp(sections[i], name) == 0)
			return true;
	}
	return false;
}

static bool section_is_ours(const char *name)
{
	for (size_t i = 0; i < asked.count; i++) {
		if (strcmp(asked.sections[i], name) == 0)
			return true;
	}
	return false;
}

static int option_take(struct source *source, const char *section, zconfig_t *option)
{
	const char *name = zconfig_name(option);

	for (size_t i = 0; i < asked.count; i++) {
		if (strcmp(asked.sections[i], section) != 0 ||
			strcmp(asked.rows[i]->name, name) != 0)
			continue;
		if (source->texts[i])
			return complain("%s: %s/%s stands there twice", asked.path, section, name);
		if (zconfig_child(option))
			return complain("%s: %s/%s is an option, not a section", asked.path,
				section, name);
		source->texts[i] = zconfig_value(option);
		return 0;
	}
	return complain("%s: section '%s' has no option '%s'", asked.path, section, name);
}

/* The options of other daemons are theirs to check. */
static int section_take(struct source *source, zconfig_t *section)
{
	const char *name = zconfig_name(section);
	int error = 0;

	if (!section_is_known(name) && !section_is_ours(name))
		return complain("%s: unknown section '%s'", asked.path, name);
	if (*zconfig_value(section))
		return complain("%s: section '%s' has a value", asked.path, name);
	if (!section_is_ours(name))
		return 0;
	for (zconfig_t *at = zconfig_child(section); at && !error; at = zconfig_next(at))
		error = option_take(source, name, at);
	return error;
}

static int source_read(struct source *source)
{
	int error;

	char *text = file_read(&error);
	if (!text)
		return error;
	error = tree_parse(text, &source->tree);
	free(text);
	if (error)
		return error;
	for (zconfig_t *at = zconfig_child(source->tree); at && !error; at = zconfig_next(at))
		error = section_take(source, at);
	return error;
}

/* --- all together --------------------------------------------------------------------------- */

static int value_choose(const struct source *source, size_t i, union option_value *ret)
{
	const struct option_row *row = asked.rows[i];
	const char *text = asked.given[i];
	char wants[128];

	if (!text)
		text = source->texts[i];
	if (!text)
		text = row->otherwise;
	if (!option_parse(row, text, ret)) {
		assert(text != row->otherwise);
		return complain("%s: %s/%s: '%s' is not %s", asked.path, asked.sections[i],
			row->name, text, option_wants(row, wants));
	}
	if (row->type != OPTION_TEXT && row->type != OPTION_LEVEL)
		return 0;
	ret->text = text_keep(text);
	return ret->text ? 0 : complain("no memory");
}

static int values_read(union option_value values[ROWS_MAX])
{
	struct source source = { 0 };

	int error = source_read(&source);
	for (size_t i = 0; i < asked.count && !error; i++)
		error = value_choose(&source, i, &values[i]);
	zconfig_destroy(&source.tree);
	return error;
}

int settings_load(int argc, char **argv, const char *program, const char *summary,
	const struct option_table *const tables[], size_t table_count, void *ret_settings)
{
	struct argp argp = { .options = line.options, .parser = line_parse, .doc = summary };
	union option_value values[ROWS_MAX];

	asked.program = program;
	asked.path = SYSCONFDIR "/orderd/orderd.conf";
	asked.path_named = false;
	tables_add(tables, table_count);
	snprintf(line.version, sizeof(line.version), "%s (orderd) %s", program, PACKAGE_VERSION);
	argp_program_version = line.version;
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL) != 0)
		exit(EXIT_USAGE);
	int error = values_read(values);
	for (size_t i = 0; i < asked.count && !error; i++)
		option_store(asked.rows[i], &values[i], ret_settings);
	return error;
}

static void name_append(char *list, size_t room, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, room - used, "%s%s", used ? ", " : "", name);
}

int settings_reload(void *settings, char *ret_fixed, size_t fixed_size)
{
	union option_value values[ROWS_MAX];

	int error = values_read(values);
	if (error)
		return error;
	if (ret_fixed && fixed_size > 0)
		ret_fixed[0] = '\0';
	for (size_t i = 0; i < asked.count; i++) {
		const struct option_row *row = asked.rows[i];
		if (!option_differs(row, &values[i], settings))
			continue;
		if (row->live)
			option_store(row, &values[i], settings);
		else if (ret_fixed && fixed_size > 0)
			name_append(ret_fixed, fixed_size, row->name);
	}
	return 0;
}
