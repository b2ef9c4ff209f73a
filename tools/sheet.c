#include "sheet.h"

#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

#include "charset.h"

/* Where a file is being read: the row under way, and what the rows are put into. */
struct reading {
	struct sheet *sheet;
	size_t line;     /* that is being fed */
	size_t row_line; /* where the row under way began; 0: none has */
	char *bytes;     /* of the row's fields, NUL behind each */
	size_t size, room;
	size_t fields;
	size_t rows_room;
	bool has_header;
	int error;
};

char sheet_delimiter(const char *header, size_t size)
{
	static const char candidates[] = ",;\t|";
	unsigned counts[sizeof(candidates)] = { 0 };
	bool quoted = false;
	size_t best = 0;

	for (size_t i = 0; i < size && (quoted || (header[i] != '\n' && header[i] != '\r')); i++) {
		const char *found = header[i] ? strchr(candidates, header[i]) : NULL;

		quoted ^= header[i] == '"';
		if (found && !quoted)
			counts[found - candidates]++;
	}
	for (size_t i = 1; i < sizeof(candidates) - 1; i++)
		if (counts[i] > counts[best])
			best = i;
	return candidates[best];
}

const char *sheet_field(const struct sheet_row *row, int column)
{
	return column < 0 || (size_t)column >= row->count ? "" : row->fields[column];
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool bytes_reserve(struct reading *reading, size_t more)
{
	size_t room = reading->room ? reading->room : 1024;
	char *bytes;

	while (room < reading->size + more)
		room *= 2;
	if (room == reading->room)
		return true;
	bytes = realloc(reading->bytes, room);
	if (!bytes) {
		reading->error = -ENOMEM;
		return false;
	}
	reading->bytes = bytes;
	reading->room = room;
	return true;
}

static void field_end(void *at, size_t size, void *context)
{
	struct reading *reading = context;
	const char *bytes = at;

	if (reading->error || !bytes_reserve(reading, size + 1))
		return;
	/* A NUL is no text: what stands behind it would be lost without a word. */
	for (size_t i = 0; i < size; i++)
		reading->bytes[reading->size++] = bytes[i] ? bytes[i] : ' ';
	reading->bytes[reading->size++] = '\0';
	reading->fields++;
}

static struct sheet_row *row_new(struct reading *reading)
{
	struct sheet *sheet = reading->sheet;
	size_t room = reading->rows_room ? 2 * reading->rows_room : 1024;
	struct sheet_row *rows;

	if (!reading->has_header) {
		reading->has_header = true;
		return &sheet->header;
	}
	if (sheet->count == SHEET_ROWS_MAX) {
		snprintf(sheet->why, sizeof(sheet->why), "it has more than %d rows: divide it",
			SHEET_ROWS_MAX);
		reading->error = -EINVAL;
		return NULL;
	}
	if (sheet->count == reading->rows_room) {
		rows = realloc(sheet->rows, room * sizeof(*rows));
		if (!rows) {
			reading->error = -ENOMEM;
			return NULL;
		}
		sheet->rows = rows;
		reading->rows_room = room;
	}
	return &sheet->rows[sheet->count++];
}

static bool char_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next of the gathered fields in the arena, without the blanks around it. */
static char *field_keep(struct arena *arena, const char **bytes)
{
	const char *begin = *bytes;
	const char *end = begin + strlen(begin);

	*bytes = end + 1;
	while (begin < end && char_is_blank(*begin))
		begin++;
	while (end > begin && char_is_blank(end[-1]))
		end--;
	return charset_utf8(arena, begin, (size_t)(end - begin));
}

static void row_keep(struct reading *reading)
{
	struct arena *arena = reading->sheet->arena;
	char **fields = arena_take(arena, reading->fields * sizeof(char *));
	const char *bytes = reading->bytes;
	struct sheet_row *row;
	bool filled = false;

	for (size_t i = 0; fields && i < reading->fields; i++) {
		fields[i] = field_keep(arena, &bytes);
		if (!fields[i])
			fields = NULL;
		else
			filled |= *fields[i] != '\0';
	}
	if (!fields) {
		reading->error = -ENOMEM;
		return;
	}
	row = filled ? row_new(reading) : NULL;
	if (row)
		*row = (struct sheet_row){ reading->row_line, reading->fields, fields };
}

/* The gathered fields become a row; spreadsheets end in rows of nothing but delimiters. */
static void row_end(int terminator, void *context)
{
	struct reading *reading = context;

	(void)terminator;
	if (!reading->error && reading->fields)
		row_keep(reading);
	reading->size = 0;
	reading->fields = 0;
	reading->row_line = 0;
}

/* The bytes of the line at `at`, its line break included. */
static size_t line_size(const char *at, size_t left)
{
	size_t size = 0;

	while (size < left && at[size] != '\n' && at[size] != '\r')
		size++;
	if (size < left && at[size] == '\r' && size + 1 < left && at[size + 1] == '\n')
		size++;
	return size < left ? size + 1 : size;
}

static bool line_is_blank(const char *at, size_t size)
{
	while (size && (at[size - 1] == ' ' || at[size - 1] == '\r' || at[size - 1] == '\n'))
		size--;
	return size == 0;
}

/* libcsv counts no lines: it is fed one at a time. */
static int lines_feed(struct reading *reading, struct csv_parser *parser, const char *at,
	size_t left)
{
	size_t quote_line, size;

	for (; left && !reading->error; reading->line++, at += size, left -= size) {
		size = line_size(at, left);
		if (!reading->row_line && line_is_blank(at, size))
			continue;
		if (!reading->row_line)
			reading->row_line = reading->line;
		if (csv_parse(parser, at, size, field_end, row_end, reading) != size)
			return -ENOMEM;
	}
	quote_line = reading->row_line;
	/* Quotes may stand anywhere in a field, only the last one must not stay open. */
	csv_set_opts(parser, CSV_STRICT | CSV_STRICT_FINI);
	if (reading->error || !csv_fini(parser, field_end, row_end, reading))
		return reading->error;
	snprintf(reading->sheet->why, sizeof(reading->sheet->why),
		"line %zu: a quote is opened and never closed", quote_line);
	return -EINVAL;
}

static int rows_read(struct sheet *sheet, const char *at, size_t left, size_t first_line)
{
	struct reading reading = { .sheet = sheet, .line = first_line };
	struct csv_parser parser;
	int error;

	if (csv_init(&parser, 0))
		return -ENOMEM;
	csv_set_delim(&parser, (unsigned char)sheet->delimiter);
	error = lines_feed(&reading, &parser, at, left);
	csv_free(&parser);
	free(reading.bytes);
	if (!error && !reading.has_header) {
		snprintf(sheet->why, sizeof(sheet->why), "it is empty: a header line is needed");
		return -EINVAL;
	}
	return error;
}

/* --- the file --------------------------------------------------------------------------------- */

static int bytes_read(FILE *in, char **ret, size_t *ret_size)
{
	size_t room = 1 << 20, size = 0;
	char *bytes = malloc(room), *more;

	while (bytes) {
		size += fread(bytes + size, 1, room - size, in);
		if (size < room)
			break;
		room *= 2;
		more = room > SHEET_BYTES_MAX ? NULL : realloc(bytes, room);
		if (!more)
			free(bytes);
		bytes = more;
	}
	if (!bytes)
		return size >= SHEET_BYTES_MAX ? -EFBIG : -ENOMEM;
	if (ferror(in)) {
		free(bytes);
		return -EIO;
	}
	*ret = bytes;
	*ret_size = size;
	return 0;
}

static int sheet_parse(struct sheet *sheet, const char *at, size_t size)
{
	size_t first = 1, skip;

	if (size >= 3 && !memcmp(at, "\xef\xbb\xbf", 3)) {
		at += 3;
		size -= 3;
	}
	sheet->delimiter = sheet_delimiter(at, size);
	if (size >= 5 && !strncasecmp(at, "sep=", 4) && strchr(",;\t|", at[4]) && at[4]) {
		sheet->delimiter = at[4];
		skip = line_size(at, size);
		at += skip;
		size -= skip;
		first = 2;
	}
	return rows_read(sheet, at, size, first);
}

int sheet_read(struct sheet *ret, FILE *in)
{
	char *bytes = NULL;
	size_t size = 0;
	int error;

	*ret = (struct sheet){ .arena = arena_new() };
	error = ret->arena ? bytes_read(in, &bytes, &size) : -ENOMEM;
	if (error)
		return error;
	ret->digest = XXH3_64bits(bytes, size);
	if (charset_is_utf16(bytes, size))
		error = charset_from_utf16(&bytes, &size);
	if (error == -EILSEQ) {
		snprintf(ret->why, sizeof(ret->why), "it begins as UTF-16 and is not");
		error = -EINVAL;
	}
	if (!error)
		error = sheet_parse(ret, bytes, size);
	free(bytes);
	return error;
}

void sheet_done(struct sheet *sheet)
{
	free(sheet->rows);
	arena_free(sheet->arena);
	*sheet = (struct sheet){ 0 };
}
