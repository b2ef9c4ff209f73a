#include "summary.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "clock.h"
#include "output.h"
#include "value.h"

#define BAR_WIDTH 30
#define TERMINAL_EVERY_MS 100
#define LINES_EVERY_MS 1000

/* --- the summary ------------------------------------------------------------------------------ */

static const struct field refusal_fields[] = {
	{ "count", FIELD_U64, 0, AT(refusal, count) },
	{ "reason", FIELD_TEXT, 0, AT(refusal, reason) },
	{ "meaning", FIELD_TEXT, 0, AT(refusal, meaning) },
};
static const struct record refusal_record = RECORD(refusal, refusal_fields);

#define REFUSALS \
	{ \
		"refusals", FIELD_LIST, 0, AT(import, refusals), .of = &refusal_record, \
								 COUNT_AT(import, refusal_count) \
	}
#define COMMON \
	{ "elapsed_ms", FIELD_I64, 0, AT(import, elapsed_ms) }, \
		{ "per_second", FIELD_I64, 0, AT(import, per_second) }, \
	{ \
		"left", FIELD_U64, FIELD_SPARSE, AT(import, left) \
	}

static const struct field catalog_fields[] = {
	{ "file", FIELD_TEXT, 0, AT(import, file) },
	{ "rows", FIELD_U64, 0, AT(import, rows) },
	{ "books_made", FIELD_U64, 0, AT(import, made) },
	{ "books_changed", FIELD_U64, 0, AT(import, changed) },
	{ "unchanged", FIELD_U64, 0, AT(import, already) },
	{ "refused_rows", FIELD_U64, 0, AT(import, refused_rows) },
	COMMON,
	REFUSALS,
};
static const struct record catalog_record = RECORD(import, catalog_fields);

static const struct field stock_fields[] = {
	{ "file", FIELD_TEXT, 0, AT(import, file) },
	{ "rows", FIELD_U64, 0, AT(import, rows) },
	{ "books_added_to", FIELD_U64, 0, AT(import, made) },
	{ "units", FIELD_U64, 0, AT(import, units) },
	{ "unchanged", FIELD_U64, 0, AT(import, already) },
	{ "refused_rows", FIELD_U64, 0, AT(import, refused_rows) },
	COMMON,
	REFUSALS,
};
static const struct record stock_record = RECORD(import, stock_fields);

static const struct field order_fields[] = {
	{ "file", FIELD_TEXT, 0, AT(import, file) },
	{ "rows", FIELD_U64, 0, AT(import, rows) },
	{ "orders_made", FIELD_U64, 0, AT(import, made) },
	{ "already", FIELD_U64, 0, AT(import, already) },
	{ "refused", FIELD_U64, 0, AT(import, refused) },
	{ "refused_rows", FIELD_U64, 0, AT(import, refused_rows) },
	{ "value", FIELD_I64, 0, AT(import, value) },
	COMMON,
	REFUSALS,
};
static const struct record order_record_of_import = RECORD(import, order_fields);

static int refusal_compare(const void *a, const void *b)
{
	const struct refusal *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->reason, other->reason);
}

void summary_print(struct import *import)
{
	uint64_t done = import->made + import->changed + import->already;
	int64_t elapsed_ms = import->elapsed_ms ? import->elapsed_ms : 1;

	if (import->use == USE_ORDER)
		done += import->refused;
	import->per_second = (int64_t)done * 1000 / elapsed_ms;
	qsort(import->refusals, import->refusal_count, sizeof(*import->refusals), refusal_compare);
	output_record(import->use == USE_CATALOG   ? &catalog_record
			: import->use == USE_STOCK ? &stock_record
						   : &order_record_of_import,
		import);
}

void summary_reject(struct import *import, const char *line, const char *reason,
	const struct sheet_row *row)
{
	FILE *out = import->rejects;

	fprintf(out, "%s,%s", line, reason);
	for (size_t i = 0; i < row->count; i++) {
		const char *field = row->fields[i];

		fputc(',', out);
		if (field[strcspn(field, "\",\r\n")])
			csv_fwrite(out, field, strlen(field));
		else
			fputs(field, out);
	}
	fputc('\n', out);
}

/* --- progress --------------------------------------------------------------------------------- */

void progress_begin(struct import *import)
{
	import->terminal = isatty(STDERR_FILENO);
	import->progress = import->terminal || ctl_option(import->ctl, "progress");
}

static void bar_print(uint64_t done, uint64_t total)
{
	int filled = (int)(done * BAR_WIDTH / total);

	fputs("\r[", stderr);
	for (int i = 0; i < BAR_WIDTH; i++)
		fputc(i < filled ? '#' : '.', stderr);
	fputs("] ", stderr);
}

void import_progress(struct import *import, uint64_t done, uint64_t total)
{
	int64_t now_ms = clock_monotonic_ms(), passed_ms = now_ms - import->pace_ms;
	int64_t every_ms = import->terminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS;
	uint64_t rate = passed_ms > 0 ? done * 1000 / (uint64_t)passed_ms : 0;
	char shown[32], of[32], speed[32];

	if (!import->pace_ms)
		import->pace_ms = import->shown_ms = now_ms;
	if (!import->progress || !total || now_ms - import->shown_ms < every_ms)
		return;
	import->shown_ms = now_ms;
	if (import->terminal)
		bar_print(done, total);
	fprintf(stderr, "%s of %s, %" PRIu64 " %%, %s/s", value_print_count(shown, done),
		value_print_count(of, total), done * 100 / total, value_print_count(speed, rate));
	if (rate)
		fprintf(stderr, ", %" PRIu64 " s left", (total - done + rate - 1) / rate);
	fputs(import->terminal ? "\033[K" : "\n", stderr);
}

void progress_end(struct import *import)
{
	if (import->terminal && import->shown_ms)
		fputs("\r\033[K", stderr);
}
