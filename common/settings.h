#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Settings: one row an option. The row drives the configuration file, the command line, --help
 * and the bounds; a default in the row is what the man page states.
 *
 * The file is ZPL: a section for each daemon, and `suite` for what they share:
 *     suite
 *         runtime_dir = /run/orderd
 *     orderd
 *         payment_timeout = 15m
 * The command line overrides the file, the file overrides the row. An unknown name, a value
 * out of bounds or an unreadable file is an error that names file, line, option and bounds, and all of them are told at once. */

enum option_type {
	OPTION_TEXT,     /* const char * */
	OPTION_DURATION, /* int64_t ms; written as 250ms, 3s, 15m, 24h, 7d */
	OPTION_SIZE,     /* int64_t bytes; written as 64K, 16M, 64G */
	OPTION_NUMBER,   /* int64_t */
	OPTION_SWITCH,   /* bool: yes or no */
	OPTION_LEVEL,    /* const char *: error, warning, info or debug */
};

struct option_row {
	const char *name; /* in the file: payment_timeout; on the command line: --payment-timeout */
	enum option_type type;
	size_t offset; /* in the daemon's settings struct */
	const char *otherwise;
	int64_t min, max; /* inclusive: of the number, of a text's bytes; 0, 0: 0 and above */
	const char *help; /* one line */
	bool live;        /* may change on reload */
};

struct option_table {
	const char *section;
	const struct option_row *rows;
	size_t count;
};

/* What every daemon has; the first member of its own settings struct. */
struct suite_settings {
	const char *runtime_dir; /* sockets; /run/orderd */
	const char *state_dir;   /* stores; /var/lib/orderd */
	const char *log_level;   /* error, warning, info, debug */
	int64_t store_size_max_bytes;
	/* Names or numbers, separated by commas; see permit.h. */
	const char *admin_users, *admin_groups;
	const char *order_users, *order_groups;
	bool log_orders; /* every step of every order, at level info */
};
extern const struct option_table suite_options; /* section "suite" */

/* Each daemon's own section, which its program names and orderctl checks. */
extern const struct option_table orderd_options, stockd_options, catalogd_options, reaperd_options;

#define SETTINGS_TABLES_MAX 5

extern const char settings_path[]; /* where the file is, unless somebody says otherwise */

/* Reads command line (GNU style, with --config FILE, --help, --version), then the file (default
 * SYSCONFDIR/orderd/orderd.conf, which may be absent unless named), into `ret_settings` (zeroed).
 * --help and --version print to stdout and exit 0; wrong usage prints to stderr and exits 2.
 * Returns 0 or -EINVAL after having said on stderr what is wrong, where. Strings live until the
 * process ends. `tables` are the rows of this daemon: suite_options and its own. */
int settings_load(int argc, char **argv, const char *program, const char *summary,
	const struct option_table *const tables[], size_t table_count, void *ret_settings);

/* Reads the file again and copies only live options; writes to `ret_fixed` (may be NULL) the
 * names of changed options that need a restart, separated by ", ", or "". 0 or -EINVAL with the
 * old settings untouched. */
int settings_reload(void *settings, char *ret_fixed, size_t fixed_size);

/* What a look at a file finds. */
struct settings_visitor {
	/* A problem, in that line of the file; 0: nowhere in particular. */
	void (*problem)(void *context, int line, const char *message);
	/* A row and its value, from that line; 0: the row's own. */
	void (*option)(void *context, const char *section, const struct option_row *row,
		const char *value, int line);
};

/* Reads a file (NULL: the default one, which may be absent) as settings_load would without a
 * command line, and takes nothing over: tells every problem, or where there is none every option.
 * 0 or -EINVAL. */
int settings_inspect(const char *path, const struct option_table *const tables[],
	size_t table_count, const struct settings_visitor *visitor, void *context);
