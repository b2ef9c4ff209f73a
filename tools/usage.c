#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "orderctl.h"
#include "pager.h"
#include "streams.h"
#include "syntax.h"
#include "text.h"

#define WIDTH 80
#define HELP_COLUMN 44

enum { GLOBAL_RUNTIME_DIR = 1000, GLOBAL_JSON, GLOBAL_TIMEOUT, GLOBAL_HELP, GLOBAL_VERSION };

const struct option usage_options[] = {
	{ "runtime-dir", required_argument, NULL, GLOBAL_RUNTIME_DIR },
	{ "json", no_argument, NULL, GLOBAL_JSON },
	{ "timeout", required_argument, NULL, GLOBAL_TIMEOUT },
	{ "help", no_argument, NULL, GLOBAL_HELP },
	{ "version", no_argument, NULL, GLOBAL_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char global_help[] =
	"Options of every command:\n"
	"  --runtime-dir DIR  where the sockets are; default: $ORDERD_RUNTIME_DIR, else\n"
	"                     " RUNTIME_DIR "\n"
	"  --json             for programs: one object, or one a line for lists\n"
	"  --timeout TIME     how long to wait, such as 500ms, 10s or 2m; default: 10s\n"
	"                     (imports: 60s without any progress)\n"
	"  --help, --version\n";

/* --- help ------------------------------------------------------------------------------------- */

/* The bytes up to the next optional part, which is where a long synopsis may be broken. */
static size_t part_size(const char *at)
{
	const char *next = strstr(at + 1, " [");

	return next ? (size_t)(next - at) : strlen(at);
}

static void verb_line(const struct verb *row)
{
	const char *at = row->synopsis, *space = *at ? " " : "";
	int used = printf("  %s%s%s%s", row->noun, row->verb ? " " : "", row->verb ? row->verb : "",
		space);

	for (size_t size; *at; at += size) {
		size = part_size(at);
		if (used + (int)size > WIDTH)
			used = printf("\n       ") - 1;
		used += printf("%.*s", (int)size, at);
	}
	if (used >= HELP_COLUMN - 1)
		used = printf("\n") - 1;
	printf("%*s%s\n", HELP_COLUMN - used, "", row->help);
}

/* Of all commands, of one noun's, or of one. */
static void help_print(const char *noun, const struct verb *only)
{
	if (!noun)
		pager_begin();
	printf("Usage: orderctl [OPTION]... NOUN [VERB] [ARGUMENT]...\n\n");
	for (const struct verb *row = verbs; row->noun; row++)
		if (row->help && (!noun || !strcmp(noun, row->noun)) && (!only || only == row))
			verb_line(row);
	if (only && only->notes)
		printf("\n%s", only->notes);
	if (!noun)
		printf("\nBOOK is a book's id or sku:SKU, ORDER an order's id or 20-digit number.\n"
		       "orderctl NOUN VERB --help says more about one command.\n");
	printf("\n%s", global_help);
	if (!noun)
		printf("\nExit status: 0 done, 1 refused, 2 usage or bad file, 3 no answer.\n");
	streams_note();
}

int usage_refuse(const struct ctl *ctl, const char *format, ...)
{
	const struct verb *verb = ctl->verb;
	va_list arguments;

	fputs("orderctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nSee: orderctl%s%s%s%s --help\n", verb ? " " : "", verb ? verb->noun : "",
		verb && verb->verb ? " " : "", verb && verb->verb ? verb->verb : "");
	return STATUS_USAGE;
}

/* --- the nearest word ------------------------------------------------------------------------- */

/* The noun, or where a noun is given its verb, that is spelt most like `word`. */
static const char *word_nearest(const char *noun, const char *word)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1; /* beyond it is another word, not a slip */
	const char *nearest = NULL;

	for (const struct verb *row = verbs; row->noun; row++) {
		const char *candidate = noun ? row->verb : row->noun;
		unsigned distance;

		if ((noun && strcmp(noun, row->noun) != 0) || !candidate || !row->help)
			continue;
		distance = word_distance(word, candidate);
		if (distance < best) {
			best = distance;
			nearest = candidate;
		}
	}
	return nearest;
}

/* The nouns, or the verbs of a noun. */
static void words_print(const char *before, const char *noun)
{
	fputs(before, stderr);
	for (const struct verb *row = verbs; row->help; row++) {
		if (noun && !strcmp(noun, row->noun))
			fprintf(stderr, " %s", row->verb);
		else if (!noun && (row == verbs || strcmp(row[-1].noun, row->noun) != 0))
			fprintf(stderr, " %s", row->noun);
	}
}

static int word_refuse(const char *noun, const char *word)
{
	const char *nearest = word_nearest(noun, word);
	const char *space = noun ? " " : "";

	noun = noun ? noun : "";
	fprintf(stderr, "orderctl: no such command: %s%s%s", noun, space, word);
	if (nearest)
		fprintf(stderr, "; did you mean %s%s%s?", noun, space, nearest);
	else
		words_print("; one of:", *noun ? noun : NULL);
	fprintf(stderr, "\nSee: orderctl%s%s --help\n", space, noun);
	return STATUS_USAGE;
}

/* A command that is not whole. */
static int noun_refuse(const char *noun)
{
	words_print("orderctl: which command? One of:", noun);
	fprintf(stderr, "\nSee: orderctl%s%s --help\n", noun ? " " : "", noun ? noun : "");
	return STATUS_USAGE;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int global_take(struct ctl *ctl, int option, const char *value)
{
	switch (option) {
	case GLOBAL_RUNTIME_DIR:
		ctl->runtime_dir = value;
		return STATUS_DONE;
	case GLOBAL_JSON:
		ctl->json = true;
		return STATUS_DONE;
	default:
		if (text_to_duration_ms(value, &ctl->timeout_ms) && ctl->timeout_ms > 0)
			return STATUS_DONE;
		return usage_refuse(ctl, "--timeout %s: not a time such as 500ms, 10s or 2m",
			value);
	}
}

/* Where the reading stands: --help and --version wait until it is known what they are about. */
struct reading {
	int argc;
	char **argv;
	const char *noun;
	bool help, version;
};

static int option_refuse(const struct ctl *ctl, const struct reading *reading, int option)
{
	const char *text = reading->argv[optind - 1];

	if (option == ':')
		return usage_refuse(ctl, "%s needs a value", text);
	return usage_refuse(ctl, "%s is no option here, or is not given as it should be", text);
}

/* Global options up to the next word. Returns STATUS_DONE with *ret_word (NULL: there is none). */
static int word_take(struct ctl *ctl, struct reading *reading, char **ret_word)
{
	int option, status;

	*ret_word = NULL;
	while ((option = getopt_long(reading->argc, reading->argv, "+:h", usage_options, NULL)) >=
		0) {
		if (option == '?' || option == ':')
			return option_refuse(ctl, reading, option);
		if (option == GLOBAL_HELP || option == 'h') {
			reading->help = true;
		} else if (option == GLOBAL_VERSION) {
			reading->version = true;
		} else {
			status = global_take(ctl, option, optarg);
			if (status)
				return status;
		}
	}
	if (optind < reading->argc)
		*ret_word = reading->argv[optind++];
	return STATUS_DONE;
}

static int verb_find(struct ctl *ctl, struct reading *reading)
{
	const struct verb *row = verbs;
	char *word;
	int status = word_take(ctl, reading, &word);

	if (status || !word)
		return status;
	while (row->noun && strcmp(row->noun, word) != 0)
		row++;
	if (!row->noun)
		return word_refuse(NULL, word);
	reading->noun = row->noun;
	if (!row->verb) {
		ctl->verb = row;
		return STATUS_DONE;
	}
	status = word_take(ctl, reading, &word);
	if (status || !word)
		return status;
	for (row = verbs; row->noun && !ctl->verb; row++)
		if (!strcmp(row->noun, reading->noun) && !strcmp(row->verb ? row->verb : "", word))
			ctl->verb = row;
	return ctl->verb ? STATUS_DONE : word_refuse(reading->noun, word);
}

/* One option or argument of the verb. A number below 0 looks like an option: digits are declared
 * as options, and what they came in is an argument. */
static int verb_take(struct ctl *ctl, struct reading *reading, const struct syntax *syntax,
	int option)
{
	size_t own = (size_t)option - SYNTAX_OPTIONS_FROM;

	if (option == '?' || option == ':')
		return option_refuse(ctl, reading, option);
	if (option == GLOBAL_HELP || option == 'h')
		reading->help = true;
	else if (option == GLOBAL_VERSION)
		reading->version = true;
	else if (option >= GLOBAL_RUNTIME_DIR)
		return global_take(ctl, option, optarg);
	else if (option >= SYNTAX_OPTIONS_FROM)
		ctl->options[ctl->option_count++] =
			(struct ctl_option){ syntax->options[own].name, optarg ? optarg : "" };
	else
		ctl->arguments[ctl->argument_count++] =
			option == 1 ? optarg : reading->argv[optind - 1];
	return STATUS_DONE;
}

static int verb_check(const struct ctl *ctl, const struct syntax *syntax)
{
	const char *synopsis = ctl->verb->synopsis;

	if (ctl->argument_count < syntax->arguments_min)
		return usage_refuse(ctl, "something is missing; wanted: %s", synopsis);
	if (ctl->argument_count > syntax->arguments_max)
		return usage_refuse(ctl, "%s is too much; wanted: %s",
			ctl->arguments[syntax->arguments_max],
			*synopsis ? synopsis : "nothing more");
	for (size_t i = 0; i < syntax->count; i++)
		if (syntax->needed[i] && !ctl_option(ctl, syntax->options[i].name))
			return usage_refuse(ctl, "--%s is missing; wanted: %s",
				syntax->options[i].name, synopsis);
	return STATUS_DONE;
}

/* What stands behind the verb. */
static int verb_read(struct ctl *ctl, struct reading *reading, struct syntax *syntax)
{
	size_t room = (size_t)reading->argc + 1;
	int option, status = STATUS_DONE;

	ctl->arguments = arena_take(ctl->arena, room * sizeof(*ctl->arguments));
	ctl->options = arena_take(ctl->arena, room * sizeof(*ctl->options));
	if (!ctl->arguments || !ctl->options ||
		syntax_read(syntax, ctl->arena, ctl->verb->synopsis))
		return usage_refuse(ctl, "no memory");
	memcpy(syntax->options + syntax->count, usage_options, sizeof(usage_options));
	reading->argc -= optind - 1;
	reading->argv += optind - 1;
	optind = 0;
	while (!status &&
		(option = getopt_long(reading->argc, reading->argv,
			 "-:h0::1::2::3::4::5::6::7::8::9::", syntax->options, NULL)) >= 0)
		status = verb_take(ctl, reading, syntax, option);
	while (!status && optind < reading->argc)
		ctl->arguments[ctl->argument_count++] = reading->argv[optind++];
	return status;
}

int usage_read(struct ctl *ctl, int argc, char **argv, bool *ret_finished)
{
	struct reading reading = { .argc = argc, .argv = argv };
	struct syntax syntax = { 0 };
	int status;

	opterr = 0;
	status = verb_find(ctl, &reading);
	if (!status && ctl->verb)
		status = verb_read(ctl, &reading, &syntax);
	if (status)
		return status;
	*ret_finished = reading.help || reading.version;
	if (reading.help)
		help_print(reading.noun, ctl->verb);
	else if (reading.version)
		printf("orderctl %s\n", PACKAGE_VERSION);
	else if (!ctl->verb)
		return noun_refuse(reading.noun);
	else
		return verb_check(ctl, &syntax);
	return STATUS_DONE;
}
