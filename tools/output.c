#include "output.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager.h"
#include "streams.h"
#include "value.h"

#define TABLE_ROWS_MAX 10000 /* held before they are printed */
#define COLUMNS_MAX 32
#define SCREEN_LINES 20 /* what fits any terminal; more goes to the pager, which looks closer */

static bool json;
static bool colours;

/* $ORDERCTL_COLORS decides where it says yes or no, then $NO_COLOR, then the terminal. */
bool output_has_colours(void)
{
	const char *wanted = getenv("ORDERCTL_COLORS");
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (wanted && (!strcmp(wanted, "yes") || !strcmp(wanted, "1")))
		return true;
	if ((wanted && (!strcmp(wanted, "no") || !strcmp(wanted, "0"))) ||
		(no_colour && *no_colour))
		return false;
	return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void output_begin(bool as_json)
{
	json = as_json;
	colours = !json && output_has_colours();
}

int output_end(void)
{
	int error = streams_flush();

	pager_end();
	return error;
}

bool output_is_json(void)
{
	return json;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void json_record(const struct record *record, const void *from);

static void json_list(const struct field *field, const void *from)
{
	putchar('[');
	for (size_t i = 0; i < value_count(field, from); i++) {
		const char *element = value_element(field, from, i);
		uint64_t number;

		if (i)
			putchar(',');
		if (field->of) {
			json_record(field->of, element);
		} else {
			memcpy(&number, element, sizeof(number));
			printf("%" PRIu64, number);
		}
	}
	putchar(']');
}

static void json_field(const struct field *field, const void *from)
{
	switch (field->type) {
	case FIELD_U64:
		printf("%" PRIu64, value_number(field, from));
		break;
	case FIELD_I64:
	case FIELD_TIME_MS:
		printf("%" PRId64, (int64_t)value_number(field, from));
		break;
	case FIELD_BOOL:
		fputs(value_bool(field, from) ? "true" : "false", stdout);
		break;
	case FIELD_TEXT:
	case FIELD_SKU:
		json_text(value_text(field, from));
		break;
	case FIELD_BYTES: /* no answer that people see has any */
		fputs("null", stdout);
		break;
	case FIELD_ENUM:
		json_text(value_enum(field, from));
		break;
	case FIELD_LIST:
		json_list(field, from);
		break;
	case FIELD_RECORD:
		json_record(field->of, value_member(field, from));
		break;
	}
}

static void json_record(const struct record *record, const void *from)
{
	const char *divider = "";

	putchar('{');
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];

		if (!field_is_shown(field, from))
			continue;
		fputs(divider, stdout);
		divider = ",";
		json_text(field->name);
		putchar(':');
		json_field(field, from);
	}
	putchar('}');
}

static void json_line(const struct record *record, const void *from)
{
	json_record(record, from);
	putchar('\n');
	streams_note();
}

/* --- tables ----------------------------------------------------------------------------------- */

struct rows {
	const struct record *record;
	const struct field *fields[COLUMNS_MAX];
	size_t count; /* of fields */
	struct libscols_table *table;
	struct arena *arena; /* of one row */
	bool is_part;        /* of something that is being printed */
};

static const char *colour_of(const char *value)
{
	static const struct {
		const char *value, *colour;
	} rows[] = {
		{ "PENDING", "yellow" },
		{ "PAID", "cyan" },
		{ "SHIPPED", "blue" },
		{ "COMPLETED", "green" },
		{ "CANCELLED", "red" },
		{ "HELD", "yellow" },
		{ "SOLD", "green" },
		{ "RETURNED", "red" },
		{ "COMPENSATING", "red" },
		{ "up", "green" },
		{ "degraded", "yellow" },
		{ "not ready", "yellow" },
		{ "down", "red" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].value, value))
			return rows[i].colour;
	return NULL;
}

static bool field_is_right(const struct field *field)
{
	return field->type == FIELD_U64 || field->type == FIELD_I64 || field->type == FIELD_LIST;
}

static struct libscols_table *table_new(void)
{
	struct libscols_table *table = scols_new_table();

	if (table) {
		scols_table_enable_colors(table, colours);
		scols_table_enable_minout(table, 1); /* no blanks at the ends of lines */
	}
	return table;
}

/* The next word of a list of names, compared with a field's. */
static bool names_hold(const char *names, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = names; (at = strstr(at, name)); at += size)
		if ((at == names || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
			return true;
	return false;
}

static bool rows_column(struct rows *rows, const struct field *field)
{
	int flags = field_is_right(field) ? SCOLS_FL_RIGHT : 0;
	struct libscols_column *column;
	char name[64];
	size_t i;

	for (i = 0; field->name[i] && i < sizeof(name) - 1; i++)
		name[i] = field->name[i] >= 'a' && field->name[i] <= 'z'
			? field->name[i] - 'a' + 'A'
			: field->name[i];
	name[i] = '\0';
	if (field->type == FIELD_TEXT &&
		(strstr(field->name, "title") || !strcmp(field->name, "reason")))
		flags |= SCOLS_FL_TRUNC;
	column = scols_table_new_column(rows->table, name, 0, flags);
	if (column && colours)
		scols_cell_set_color(scols_column_get_header(column), "bold");
	rows->fields[rows->count++] = field;
	return column;
}

struct rows *rows_begin(const struct record *record, const char *columns)
{
	struct rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	rows->record = record;
	rows->arena = arena_new();
	rows->table = json ? NULL : table_new();
	for (size_t i = 0; rows->table && i < record->count && rows->count < COLUMNS_MAX; i++) {
		const struct field *field = &record->fields[i];

		if (!(field->flags & FIELD_HIDDEN) &&
			(!columns || names_hold(columns, field->name)))
			rows_column(rows, field);
	}
	if (rows->arena && (rows->table || json))
		return rows;
	arena_free(rows->arena);
	scols_unref_table(rows->table);
	free(rows);
	return NULL;
}

static void rows_print(struct rows *rows)
{
	if (!rows->is_part && scols_table_get_nlines(rows->table) > SCREEN_LINES)
		pager_begin();
	scols_print_table(rows->table);
	streams_note();
	scols_table_remove_lines(rows->table);
	scols_table_enable_noheadings(rows->table, 1);
}

void rows_add(struct rows *rows, const void *from)
{
	struct libscols_line *line;

	if (json) {
		json_line(rows->record, from);
		return;
	}
	line = scols_table_new_line(rows->table, NULL);
	for (size_t i = 0; line && i < rows->count; i++) {
		const char *value = value_print(rows->arena, rows->fields[i], from);
		const char *colour = colours ? colour_of(value) : NULL;

		scols_line_set_data(line, i, value);
		if (colour)
			scols_cell_set_color(scols_line_get_cell(line, i), colour);
	}
	arena_reset(rows->arena);
	if (scols_table_get_nlines(rows->table) >= TABLE_ROWS_MAX)
		rows_print(rows);
}

void rows_end(struct rows *rows)
{
	if (!rows)
		return;
	if (rows->table && scols_table_get_nlines(rows->table))
		rows_print(rows);
	scols_unref_table(rows->table);
	arena_free(rows->arena);
	free(rows);
}

/* --- one record ------------------------------------------------------------------------------- */

static void table_fields(struct libscols_table *table, struct arena *arena,
	const struct record *record, const void *from)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		const char *value = value_print(arena, field, from);
		struct libscols_line *line;

		if (!*value || (field->type == FIELD_LIST && field->of))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line)
			return;
		scols_line_set_data(line, 0, field->name);
		scols_line_set_data(line, 1, value);
		if (colours && colour_of(value))
			scols_cell_set_color(scols_line_get_cell(line, 1), colour_of(value));
	}
}

static void list_print(const struct field *field, const void *from)
{
	struct rows *rows = value_count(field, from) ? rows_begin(field->of, NULL) : NULL;

	if (!rows)
		return;
	putchar('\n');
	rows->is_part = true;
	for (size_t i = 0; i < value_count(field, from); i++)
		rows_add(rows, value_element(field, from, i));
	rows_end(rows);
}

void output_record(const struct record *record, const void *from)
{
	struct libscols_table *table;
	struct arena *arena;

	if (json) {
		json_line(record, from);
		return;
	}
	table = table_new();
	arena = arena_new();
	if (table && arena) {
		scols_table_enable_noheadings(table, 1);
		scols_table_new_column(table, "field", 0, 0);
		scols_table_new_column(table, "value", 0, 0);
		table_fields(table, arena, record, from);
		scols_print_table(table);
		streams_note();
		for (size_t i = 0; i < record->count; i++)
			if (record->fields[i].type == FIELD_LIST && record->fields[i].of)
				list_print(&record->fields[i], from);
	}
	scols_unref_table(table);
	arena_free(arena);
}
