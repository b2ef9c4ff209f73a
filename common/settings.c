#include "settings.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"
#include "settings_file.h"

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
/* Less would leave too little, of what is kept, for those to be paid and cancelled that came before
 * the store was seen to be full. */
#define STORE_SIZE_MIN_BYTES (INT64_C(64) << 20)
#define NAMES_BYTES_MAX 2000
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
		"64G", STORE_SIZE_MIN_BYTES, INT64_C(1) << 46, "how large a store may grow",
		false },
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

const char settings_path[] = SYSCONFDIR "/orderd/orderd.conf";

static const char *const sections[] = { "suite", "orderd", "stockd", "catalogd", "reaperd" };

/* What settings_load was told, for settings_reload. */
static struct {
	const char *program;
	const char *path;
	bool path_named;
	const struct option_table *tables[SETTINGS_TABLES_MAX]; /* a reload reads by them again */
	size_t table_count;
	const struct settings_visitor *visitor; /* NULL: stderr hears of problems */
	void *context;
	size_t count; /* of rows */
	const struct option_row *rows[ROWS_MAX];
	const char *sections[ROWS_MAX];
	const char *given[ROWS_MAX]; /* on the command line, NULL: not */
} asked;

/* Something is wrong with the file, in that line of it; 0: nowhere in particular. */
__attribute__((format(printf, 2, 3))) static int complain(int line_number, const char *format, ...)
{
	char message[512];
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	if (asked.visitor)
		asked.visitor->problem(asked.context, line_number, message);
	else if (line_number)
		fprintf(stderr, "%s: %s: line %d: %s\n", asked.program, asked.path, line_number,
			message);
	else
		fprintf(stderr, "%s: %s: %s\n", asked.program, asked.path, message);
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

/* NULL: where it is unless somebody says otherwise. */
static void path_set(const char *path)
{
	asked.path = path ? path : settings_path;
	asked.path_named = path;
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
		path_set(value);
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
	asked.table_count = table_count;
	for (size_t t = 0; t < table_count; t++) {
		asked.tables[t] = tables[t];
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

/* What the file says of each row: an item of it, or NULL. */
struct source {
	struct settings_file file;
	const struct settings_item *items[ROWS_MAX];
};

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
	for (size_t t = 0; t < asked.table_count; t++) {
		if (strcmp(asked.tables[t]->section, name) == 0)
			return true;
	}
	return false;
}

static int option_take(struct source *source, const struct settings_item *item)
{
	for (size_t i = 0; i < asked.count; i++) {
		if (strcmp(asked.sections[i], item->section) != 0 ||
			strcmp(asked.rows[i]->name, item->name) != 0)
			continue;
		if (source->items[i])
			return complain(item->line, "%s/%s stands there twice", item->section,
				item->name);
		source->items[i] = item;
		return item->is_parent ? complain(item->line, "%s/%s is an option, not a section",
						 item->section, item->name)
				       : 0;
	}
	return complain(item->line, "section '%s' has no option '%s'", item->section, item->name);
}

/* The options of other daemons are theirs to check. */
static int item_take(struct source *source, const struct settings_item *item)
{
	bool ours = section_is_ours(item->section);

	if (item->name)
		return ours ? option_take(source, item) : 0;
	if (!ours && !section_is_known(item->section))
		return complain(item->line, "unknown section '%s'", item->section);
	if (*item->value)
		return complain(item->line, "section '%s' has a value", item->section);
	return 0;
}

/* Goes on behind a mistake: all of them are told. */
static int source_read(struct source *source)
{
	int error = settings_file_read(&source->file, asked.path, !asked.path_named);

	if (error)
		return complain(source->file.wrong_line, "%s", source->file.why);
	for (size_t i = 0; i < source->file.count; i++) {
		if (item_take(source, &source->file.items[i]))
			error = -EINVAL;
	}
	return error;
}

/* --- all together --------------------------------------------------------------------------- */

static int value_choose(const struct source *source, size_t i, union option_value *ret)
{
	const struct option_row *row = asked.rows[i];
	const struct settings_item *item = source->items[i];
	const char *text = asked.given[i];
	char wants[128];

	if (!text)
		text = item ? item->value : row->otherwise;
	if (!option_parse(row, text, ret)) {
		assert(item && text == item->value);
		return complain(item->line, "%s/%s: '%s' is not %s", asked.sections[i], row->name,
			text, option_wants(row, wants));
	}
	if (row->type != OPTION_TEXT && row->type != OPTION_LEVEL)
		return 0;
	ret->text = text_keep(text);
	return ret->text ? 0 : complain(0, "no memory");
}

static int source_values(struct source *source, union option_value values[ROWS_MAX])
{
	int error = source_read(source);

	for (size_t i = 0; i < asked.count; i++) {
		if (value_choose(source, i, &values[i]))
			error = -EINVAL;
	}
	return error;
}

static int values_read(union option_value values[ROWS_MAX])
{
	struct source source = { 0 };
	int error = source_values(&source, values);

	settings_file_done(&source.file);
	return error;
}

int settings_inspect(const char *path, const struct option_table *const tables[],
	size_t table_count, const struct settings_visitor *visitor, void *context)
{
	struct source source = { 0 };
	union option_value values[ROWS_MAX];
	int error;

	path_set(path);
	tables_add(tables, table_count);
	asked.visitor = visitor;
	asked.context = context;
	error = source_values(&source, values);
	for (size_t i = 0; i < asked.count && !error; i++) {
		const struct settings_item *item = source.items[i];

		visitor->option(context, asked.sections[i], asked.rows[i],
			item ? item->value : asked.rows[i]->otherwise, item ? item->line : 0);
	}
	settings_file_done(&source.file);
	asked.visitor = NULL;
	return error;
}

int settings_load(int argc, char **argv, const char *program, const char *summary,
	const struct option_table *const tables[], size_t table_count, void *ret_settings)
{
	struct argp argp = { .options = line.options, .parser = line_parse, .doc = summary };
	union option_value values[ROWS_MAX];

	asked.program = program;
	path_set(NULL);
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
