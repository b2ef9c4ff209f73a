#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "orderctl.h"
#include "output.h"
#include "settings.h"

/* The settings file, read by the daemons' own rows and without asking a daemon. */

static const struct option_table *const tables[] = { &suite_options, &orderd_options,
	&stockd_options, &catalogd_options, &reaperd_options };

struct problem {
	const char *file;
	int64_t line; /* 0: of the whole file */
	const char *message;
};
static const struct field problem_fields[] = {
	{ "file", FIELD_TEXT, 0, AT(problem, file) },
	{ "line", FIELD_I64, FIELD_SPARSE, AT(problem, line) },
	{ "message", FIELD_TEXT, 0, AT(problem, message) },
};
static const struct record problem_record = RECORD(problem, problem_fields);

struct effect {
	const char *section;
	const char *name;
	const char *value;
	int64_t line;     /* 0: nobody set it */
	const char *from; /* default, or line 7 */
	const char *change;
	const char *meaning;
};
static const struct field effect_fields[] = {
	{ "section", FIELD_TEXT, 0, AT(effect, section) },
	{ "name", FIELD_TEXT, 0, AT(effect, name) },
	{ "value", FIELD_TEXT, 0, AT(effect, value) },
	{ "line", FIELD_I64, FIELD_SPARSE, AT(effect, line) },
	{ "from", FIELD_TEXT, 0, AT(effect, from) },
	{ "change", FIELD_TEXT, 0, AT(effect, change) },
	{ "meaning", FIELD_TEXT, 0, AT(effect, meaning) },
};
static const struct record effect_record = RECORD(effect, effect_fields);

struct look {
	struct ctl *ctl;
	const char *file;
	int status;
	struct rows *rows; /* NULL: what is in order is not shown */
};

/* As compilers do, so that editors find the place. */
static void problem_take(void *context, int line, const char *message)
{
	struct look *look = context;
	struct problem problem = { look->file, line, message };

	look->status = STATUS_REFUSED;
	if (output_is_json())
		output_record(&problem_record, &problem);
	else if (line)
		printf("%s:%d: %s\n", look->file, line, message);
	else
		printf("%s: %s\n", look->file, message);
}

static void option_take(void *context, const char *section, const struct option_row *row,
	const char *value, int line)
{
	struct look *look = context;
	struct effect effect = {
		.section = section,
		.name = row->name,
		.value = value,
		.line = line,
		.from = line ? arena_print(look->ctl->arena, "line %d", line) : "default",
		.change = row->live ? "reload" : "restart",
		.meaning = row->help,
	};

	if (look->rows)
		rows_add(look->rows, &effect);
}

/* The file that is looked at, where one was named or the default one is there. */
static const char *file_given(const struct ctl *ctl)
{
	if (ctl->argument_count)
		return ctl->arguments[0];
	return access(settings_path, F_OK) == 0 ? settings_path : NULL;
}

static int config_look(struct ctl *ctl, struct look *look)
{
	static const struct settings_visitor visitor = { problem_take, option_take };
	const char *file = file_given(ctl);

	look->ctl = ctl;
	look->file = file ? file : settings_path;
	settings_inspect(file, tables, sizeof(tables) / sizeof(tables[0]), &visitor, look);
	return look->status;
}

int config_check(struct ctl *ctl)
{
	struct look look = { .file = NULL };
	int status = config_look(ctl, &look);

	if (!status && !output_is_json())
		printf("%s: %s\n", look.file,
			file_given(ctl) ? "no mistake found"
					: "is not there, so every setting has its default");
	return status;
}

int config_show(struct ctl *ctl)
{
	struct look look = { .rows = rows_begin(&effect_record, "section name value from change") };
	int status;

	if (!look.rows)
		return ctl_failed(ctl, ORDERD, -ENOMEM, NULL);
	status = config_look(ctl, &look);
	rows_end(look.rows);
	return status;
}
