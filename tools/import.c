#include "import.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "amount.h"
#include "clock.h"
#include "refusal.h"
#include "summary.h"
#include "text.h"

/* --- the file --------------------------------------------------------------------------------- */

static int file_refuse(const struct import *import, const char *why)
{
	fprintf(stderr, "orderctl: %s: %s\n", import->file, why);
	return STATUS_USAGE;
}

static int file_read(struct import *import)
{
	bool standard = !strcmp(import->file, "-");
	FILE *in = standard ? stdin : fopen(import->file, "re");
	int error = in ? sheet_read(&import->sheet, in) : -errno;

	if (in && !standard)
		fclose(in);
	if (standard)
		import->file = "standard input";
	if (error == -EINVAL)
		return file_refuse(import, import->sheet.why);
	return error ? file_refuse(import, strerror(-error)) : STATUS_DONE;
}

/* The decimal mark that the numbers of a file betray; 0 where they betray none or both. */
static char mark_find(const struct import *import)
{
	static const enum column numbers[] = { COLUMN_PRICE, COLUMN_QUANTITY, COLUMN_AVAILABLE };
	char found = 0;

	for (size_t row = 0; row < import->sheet.count; row++)
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			char mark = amount_mark(import_text(import, row, numbers[i]));

			if (found && mark && mark != found)
				return 0;
			found = mark ? mark : found;
		}
	return found;
}

/* --- its columns ------------------------------------------------------------------------------ */

static void headings_print(const struct import *import)
{
	const struct sheet_row *header = &import->sheet.header;

	fprintf(stderr, "Its columns are:");
	for (size_t i = 0; i < header->count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", header->fields[i]);
	fprintf(stderr, "\nSay which one it is with --column NAME=HEADING.\n");
}

static int columns_override(struct import *import)
{
	struct ctl *ctl = import->ctl;
	size_t cursor = 0;
	const char *text;
	int error;

	while ((text = ctl_option_next(ctl, "column", &cursor))) {
		error = columns_set(&import->columns, &import->sheet.header, text);
		if (error == -EINVAL)
			return usage_refuse(ctl,
				"--column %s: wanted NAME=HEADING, NAME one of order user"
				" book_id sku title price quantity available",
				text);
		if (error) {
			fprintf(stderr, "orderctl: %s has no such column: %s\n", import->file,
				text);
			headings_print(import);
			return STATUS_USAGE;
		}
	}
	return STATUS_DONE;
}

static int columns_check(const struct import *import, unsigned wanted)
{
	const int *at = import->columns.at;

	for (enum column i = 0; i < COLUMNS; i++)
		if (wanted & 1u << i && at[i] < 0) {
			fprintf(stderr, "orderctl: %s has no column for %s.\n", import->file,
				column_name(i));
			headings_print(import);
			return STATUS_USAGE;
		}
	if (at[COLUMN_SKU] >= 0 || at[COLUMN_BOOK_ID] >= 0)
		return STATUS_DONE;
	fprintf(stderr, "orderctl: %s has no column for sku or book_id.\n", import->file);
	headings_print(import);
	return STATUS_USAGE;
}

const char *import_text(const struct import *import, size_t row, enum column column)
{
	return column_text(&import->columns, &import->sheet.rows[row], column);
}

/* --- begin and end ---------------------------------------------------------------------------- */

static bool is_input(const struct import *import, const char *path)
{
	struct stat input, output;

	return stat(import->file, &input) == 0 && stat(path, &output) == 0 &&
		S_ISREG(output.st_mode) && input.st_dev == output.st_dev &&
		input.st_ino == output.st_ino;
}

static int rejects_open(struct import *import)
{
	const char *path = ctl_option(import->ctl, "rejects");

	if (!path)
		return STATUS_DONE;
	if (is_input(import, path)) {
		fprintf(stderr, "orderctl: --rejects %s is the file to import; name another\n",
			path);
		return STATUS_USAGE;
	}
	import->rejects = fopen(path, "we");
	if (!import->rejects) {
		fprintf(stderr, "orderctl: %s: %s\n", path, strerror(errno));
		return STATUS_USAGE;
	}
	summary_reject(import, "line", "reason", &import->sheet.header);
	return STATUS_DONE;
}

int import_begin(struct import *import, struct ctl *ctl, enum column_use use, unsigned wanted)
{
	int status;

	*import = (struct import){
		.ctl = ctl,
		.use = use,
		.file = ctl->arguments[0],
		.scratch = arena_new(),
		.began_at = clock_wall_ms(),
		.began_ms = clock_monotonic_ms(),
	};
	progress_begin(import);
	status = file_read(import);
	if (status)
		return status;
	columns_find(&import->columns, &import->sheet.header, use);
	status = columns_override(import);
	if (!status)
		status = columns_check(import, wanted);
	if (!status)
		status = rejects_open(import);
	if (status)
		return status;
	import->mark = mark_find(import);
	import->rows = import->sheet.count;
	import->groups = groups_new(import->sheet.count);
	import->refusals = arena_take(ctl->arena, REFUSALS_MAX * sizeof(*import->refusals));
	if (import->groups && import->refusals && import->scratch)
		return STATUS_DONE;
	return file_refuse(import, strerror(ENOMEM));
}

static int rejects_close(struct import *import)
{
	bool failed = import->rejects && (ferror(import->rejects) | fclose(import->rejects));

	import->rejects = NULL;
	if (failed)
		fprintf(stderr, "orderctl: %s: %s\n", ctl_option(import->ctl, "rejects"),
			strerror(errno ? errno : EIO));
	return failed ? STATUS_REFUSED : STATUS_DONE;
}

int import_end(struct import *import, int status)
{
	int closed = rejects_close(import);

	if (import->groups) {
		import->elapsed_ms = clock_monotonic_ms() - import->began_ms;
		progress_end(import);
		summary_print(import);
	}
	groups_free(import->groups);
	sheet_done(&import->sheet);
	arena_free(import->scratch);
	if (!status && import->refused && ctl_option(import->ctl, "strict"))
		status = STATUS_REFUSED;
	return status ? status : closed;
}

/* --- refusals --------------------------------------------------------------------------------- */

static struct refusal *refusal_find(struct import *import, const char *reason)
{
	for (size_t i = 0; i < import->refusal_count; i++)
		if (!strcmp(import->refusals[i].reason, reason))
			return &import->refusals[i];
	return NULL;
}

static struct refusal *refusal_new(struct import *import, const char *reason)
{
	struct refusal *refusal = &import->refusals[import->refusal_count];
	char *kept = arena_text(import->ctl->arena, reason, strlen(reason));

	if (!kept || import->refusal_count == REFUSALS_MAX)
		return &import->refusals[REFUSALS_MAX - 1];
	if (import->refusal_count == REFUSALS_MAX - 1)
		kept = (char *)"other";
	*refusal = (struct refusal){ .reason = kept, .meaning = refusal_meaning(kept) };
	import->refusal_count++;
	return refusal;
}

void import_count(struct import *import, const char *reason)
{
	struct refusal *refusal = refusal_find(import, reason);

	if (!refusal)
		refusal = refusal_new(import, reason);
	refusal->count++;
	import->refused++;
}

void import_reject(struct import *import, size_t row, const char *reason)
{
	const struct sheet_row *at = &import->sheet.rows[row];
	char line[24];

	import->refused_rows++;
	if (!import->rejects)
		return;
	snprintf(line, sizeof(line), "%zu", at->line);
	summary_reject(import, line, reason, at);
}

void import_refuse_row(struct import *import, size_t row, const char *reason)
{
	import_count(import, reason);
	import_reject(import, row, reason);
}

void import_refuse_group(struct import *import, const struct group *group, const char *reason)
{
	for (size_t row = group->first; row != GROUP_END; row = groups_next(import->groups, row))
		import_refuse_row(import, row, reason);
}

/* --- books ------------------------------------------------------------------------------------ */

const char *import_book(const struct import *import, size_t row, uint64_t *ret_book_id,
	const char **ret_sku)
{
	const char *id = import_text(import, row, COLUMN_BOOK_ID);
	const char *sku = import_text(import, row, COLUMN_SKU);

	if (!*id && !*sku)
		return "no_book";
	if (*sku && !text_is_sku(sku, strlen(sku)))
		return "bad_sku";
	if (*id && amount_to_id(id, import->mark ? import->mark : '.', ret_book_id))
		return "bad_book_id";
	*ret_book_id = *id ? *ret_book_id : 0;
	*ret_sku = *sku ? sku : NULL;
	return NULL;
}

const char *import_book_key(const struct import *import, uint64_t book_id, const char *sku)
{
	if (book_id)
		return arena_print(import->sheet.arena, "%llu", (unsigned long long)book_id);
	return arena_print(import->sheet.arena, "sku:%s", sku);
}
