#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket" /* sd_journal_sendv(3); fixed there */
#define TEXT_BYTES 2048
#define FIELD_BYTES 192
#define FIELDS_MAX 12

static struct {
	const char *program;
	enum log_level level;
	bool journal;
} out = { .program = "orderd", .level = LOG_LEVEL_INFO };

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* systemd tells in JOURNAL_STREAM which stream is the journal's; a redirected stderr is not it. And
 * libsystemd takes a missing socket for success. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat info;
	char name[64];

	if (!stream || fstat(STDERR_FILENO, &info) < 0 || access(JOURNAL_SOCKET, W_OK) < 0)
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
	return strcmp(stream, name) == 0;
}

void log_open(const char *program)
{
	out.program = program;
	out.journal = stderr_is_journal();
}

static int level_find(const char *name)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return (int)levels[i].level;
	}
	return -EINVAL;
}

bool log_has_level(const char *name)
{
	return level_find(name) >= 0;
}

int log_set_level(const char *name)
{
	int level = level_find(name);

	if (level < 0)
		return level;
	out.level = (enum log_level)level;
	return 0;
}

static const char *level_name(enum log_level level)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (levels[i].level == level)
			return levels[i].name;
	}
	return "log";
}

/* One line of clean text, whatever a client put into it. */
static void text_clean(char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	}
	if (text_is_clean(text, size))
		return;
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
	}
}

/* Cuts a character that did not fit whole: the rest of the text is then still good UTF-8. */
static void text_trim(char *text)
{
	size_t size = strlen(text);
	size_t start = size;

	while (start > 0 && size - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

__attribute__((format(printf, 3, 0))) static void text_print(char *text, size_t room,
	const char *format, va_list list)
{
	int size = vsnprintf(text, room, format, list);

	if (size < 0)
		snprintf(text, room, "a message that cannot be printed");
	else if ((size_t)size >= room)
		text_trim(text);
	text_clean(text);
}

/* --- journal -------------------------------------------------------------------------------- */

struct fields {
	char texts[FIELDS_MAX][FIELD_BYTES];
	struct iovec vectors[FIELDS_MAX + 1];
	int count;
};

__attribute__((format(printf, 2, 3))) static void fields_add(struct fields *fields,
	const char *format, ...)
{
	char *text = fields->texts[fields->count];
	va_list list;

	va_start(list, format);
	text_print(text, FIELD_BYTES, format, list);
	va_end(list);
	fields->vectors[fields->count++] = (struct iovec){ text, strlen(text) };
}

static bool journal_send(enum log_level level, const char *id, const struct log_about *about,
	char *message)
{
	struct fields fields = { .count = 0 };

	fields_add(&fields, "PRIORITY=%d", level);
	fields_add(&fields, "SYSLOG_IDENTIFIER=%s", out.program);
	if (id)
		fields_add(&fields, "MESSAGE_ID=%s", id);
	if (about->order_id)
		fields_add(&fields, "ORDERD_ORDER_ID=%" PRIu64, about->order_id);
	if (about->user_id)
		fields_add(&fields, "ORDERD_USER_ID=%" PRIu64, about->user_id);
	if (about->book_id)
		fields_add(&fields, "ORDERD_BOOK_ID=%" PRIu64, about->book_id);
	if (about->saga_step)
		fields_add(&fields, "ORDERD_SAGA_STEP=%s", about->saga_step);
	if (about->operation)
		fields_add(&fields, "ORDERD_OPERATION=%s", about->operation);
	if (about->peer)
		fields_add(&fields, "ORDERD_PEER=%s", about->peer);
	if (about->error)
		fields_add(&fields, "ORDERD_ERROR=%s", about->error);
	if (about->uid)
		fields_add(&fields, "ORDERD_PEER_UID=%s", about->uid);
	fields.vectors[fields.count++] = (struct iovec){ message, strlen(message) };
	return sd_journal_sendv(fields.vectors, fields.count) == 0;
}

/* --- stderr --------------------------------------------------------------------------------- */

static void about_print(FILE *line, const struct log_about *about)
{
	const char *before = " (";

	if (about->order_id) {
		fprintf(line, "%sorder %" PRIu64, before, about->order_id);
		before = ", ";
	}
	if (about->user_id) {
		fprintf(line, "%suser %" PRIu64, before, about->user_id);
		before = ", ";
	}
	if (about->book_id) {
		fprintf(line, "%sbook %" PRIu64, before, about->book_id);
		before = ", ";
	}
	if (about->saga_step) {
		fprintf(line, "%sstep %s", before, about->saga_step);
		before = ", ";
	}
	if (about->operation) {
		fprintf(line, "%soperation %s", before, about->operation);
		before = ", ";
	}
	if (*before == ',')
		fputc(')', line);
}

/* The line goes out in one write, so that lines of several daemons on one terminal stay whole. */
static void stderr_send(enum log_level level, const struct log_about *about, const char *text)
{
	char line[TEXT_BYTES + 512] = "";
	FILE *file = fmemopen(line, sizeof(line) - 2, "w");

	if (file) {
		fprintf(file, "%s[%d]: %s: %s", out.program, (int)getpid(), level_name(level),
			text);
		about_print(file, about);
		fclose(file);
	}
	if (strlen(line) >= sizeof(line) - 3)
		text_trim(line);
	text_clean(line);
	strcat(line, "\n");
	ssize_t written = write(STDERR_FILENO, line, strlen(line));
	(void)written;
}

__attribute__((format(printf, 4, 0))) static void log_print(enum log_level level, const char *id,
	const struct log_about *about, const char *format, va_list list)
{
	static const struct log_about nothing;
	char message[TEXT_BYTES] = "MESSAGE=";
	size_t start = strlen(message);
	int saved = errno;

	if (level > out.level)
		return;
	if (!about)
		about = &nothing;
	text_print(message + start, sizeof(message) - start, format, list);
	if (!out.journal || !journal_send(level, id, about, message))
		stderr_send(level, about, message + start);
	errno = saved;
}

void log_line(enum log_level level, const struct log_about *about, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_print(level, NULL, about, format, list);
	va_end(list);
}

void log_message(enum message message, const struct log_about *about, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_print((enum log_level)message_rows[message].level, message_rows[message].id, about,
		format, list);
	va_end(list);
}
