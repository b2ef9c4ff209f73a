#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "listing.h"
#include "orderctl.h"
#include "orderd.h"
#include "syntax.h"
#include "value.h"

/* The words that may stand where a command line ends, for the shells' completion. They come from
 * the table of verbs, its synopses, and the running suite; a suite that is down or slow gives
 * none, and no word about that.
 *
 * A line is WORD or WORD<tab>DESCRIPTION; a word that ends in = wants no blank behind it. The line
 * :files or :directories leaves the rest to the shell. */

#define PATIENCE_MS 300 /* for one answer: somebody waits at the keyboard */
#define IDS_MAX 2000    /* of books */
#define RECENT_EVENTS LIST_LIMIT_MAX

struct completion {
	struct ctl *ctl;
	const char *noun, *verb;
	const struct verb *row; /* NULL: not known yet */
	struct syntax syntax;   /* of row */
	const char **given;     /* options without dashes */
	size_t given_count;
	size_t arguments;   /* that are complete */
	const char *before; /* what stands before each word: "--status=" */
	const char *typed;  /* of the word */
	const char *behind; /* what stands behind each: "=" */
};

static void word_print(const struct completion *completion, const char *word,
	const char *description)
{
	if (strncmp(word, completion->typed, strlen(completion->typed)) != 0)
		return;
	printf("%s%s%s", completion->before, word, completion->behind);
	if (description && *description)
		printf("\t%s", description);
	putchar('\n');
}

/* --- of the running suite --------------------------------------------------------------------- */

/* The state from which a verb leads on; ORDERD_ANY: it takes any order. */
static enum orderd_status state_before(const char *verb)
{
	static const struct {
		const char *verb;
		enum orderd_status status;
	} rows[] = {
		{ "pay", ORDERD_PENDING },
		{ "cancel", ORDERD_PENDING },
		{ "ship", ORDERD_PAID },
		{ "refund", ORDERD_PAID },
		{ "complete", ORDERD_SHIPPED },
	};

	for (size_t i = 0; verb && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].verb, verb))
			return rows[i].status;
	return ORDERD_ANY;
}

static bool event_is_last(const struct event_list *list, size_t at)
{
	for (size_t i = at + 1; i < list->count; i++)
		if (list->events[i].order_id == list->events[at].order_id)
			return false;
	return true;
}

/* The end of the event log names the orders that something happened to last. */
static int recent_events(struct ctl *ctl, struct event_list *ret)
{
	struct range range = { .limit = 1 };
	int result = ctl_try(ctl, ORDERD, "event.list", &range_record, &range, &event_list_record,
		ret, NULL);

	range.limit = RECENT_EVENTS;
	range.after = !result && ret->last > RECENT_EVENTS ? ret->last - RECENT_EVENTS : 0;
	if (!result)
		result = ctl_try(ctl, ORDERD, "event.list", &range_record, &range,
			&event_list_record, ret, NULL);
	return result;
}

static void orders_print(struct completion *completion)
{
	enum orderd_status wanted = state_before(completion->verb);
	struct event_list list;
	char id[24], total[32];

	if (recent_events(completion->ctl, &list))
		return;
	for (size_t i = list.count; i-- > 0;) {
		const struct orderd_event *event = &list.events[i];

		if ((wanted != ORDERD_ANY && event->to != wanted) || !event_is_last(&list, i))
			continue;
		snprintf(id, sizeof(id), "%llu", (unsigned long long)event->order_id);
		word_print(completion, id,
			arena_print(completion->ctl->arena, "%s %s", orderd_status_name(event->to),
				amount_print(total, event->total)));
	}
}

static int saga_print(void *context, const void *element)
{
	const struct completion *completion = context;
	const struct saga_info *saga = element;
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)saga->order_id);
	word_print(completion, id, saga_names[saga->step]);
	return STATUS_DONE;
}

static void sagas_print(struct completion *completion)
{
	static const struct listing listing = { ORDERD, "saga.list", &range_record,
		&saga_list_record, &saga_info_record, NULL };
	struct range range = { 0 };

	listing_walk(completion->ctl, &listing, &range, LIST_LIMIT_MAX, saga_print, completion);
}

static int book_print(void *context, const void *element)
{
	const struct completion *completion = context;
	const struct book *book = element;
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)book->book_id);
	word_print(completion, id, book->title);
	/* Twice as many words help nobody who has not begun to write one of them. */
	if (book->sku && *book->sku && completion->typed[0] == 's')
		word_print(completion, arena_print(completion->ctl->arena, "sku:%s", book->sku),
			book->title);
	return STATUS_DONE;
}

static void books_print(struct completion *completion)
{
	static const struct listing listing = { CATALOGD, "catalog.list", &range_record,
		&book_list_record, &book_record, NULL };
	struct range range = { 0 };

	listing_walk(completion->ctl, &listing, &range, IDS_MAX, book_print, completion);
}

static void users_print(struct completion *completion)
{
	struct event_list list;
	char id[24];

	if (recent_events(completion->ctl, &list))
		return;
	for (size_t i = 0; i < list.count; i++) {
		size_t seen = 0;

		while (list.events[seen].user_id != list.events[i].user_id)
			seen++;
		snprintf(id, sizeof(id), "%llu", (unsigned long long)list.events[i].user_id);
		if (seen == i)
			word_print(completion, id, NULL);
	}
}

/* --- what stands in the tables ---------------------------------------------------------------- */

static void statuses_print(struct completion *completion)
{
	for (size_t i = 0; status_names[i]; i++)
		word_print(completion, status_names[i], NULL);
}

static void items_print(struct completion *completion)
{
	completion->behind = "=";
	books_print(completion);
}

static void formats_print(struct completion *completion)
{
	word_print(completion, "openmetrics", NULL);
	word_print(completion, "prometheus", NULL);
}

static void files_print(struct completion *completion)
{
	(void)completion;
	puts(":files");
}

static void directories_print(struct completion *completion)
{
	(void)completion;
	puts(":directories");
}

/* What a value may be: by the option's name, or by what the synopsis calls it. */
static const struct kind {
	const char *noun; /* NULL: any */
	const char *name;
	void (*print)(struct completion *completion);
} kinds[] = {
	{ NULL, "--runtime-dir", directories_print },
	{ NULL, "--order", orders_print },
	{ NULL, "--user", users_print },
	{ "saga", "ORDER", sagas_print },
	{ NULL, "ORDER", orders_print },
	{ NULL, "BOOK", books_print },
	{ NULL, "BOOK=QTY", items_print },
	{ NULL, "ID|SKU", books_print },
	{ NULL, "STATUS", statuses_print },
	{ NULL, "FORMAT", formats_print },
	{ NULL, "FILE", files_print },
	{ NULL, "DIR", directories_print },
};

static bool kind_print(struct completion *completion, const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) != 0 ||
			(kinds[i].noun && strcmp(kinds[i].noun, completion->noun) != 0))
			continue;
		kinds[i].print(completion);
		return true;
	}
	return false;
}

/* The value of an option of that name. */
static void value_complete(struct completion *completion, const char *name)
{
	const struct syntax *syntax = &completion->syntax;

	if (kind_print(completion, arena_print(completion->ctl->arena, "--%s", name)))
		return;
	for (size_t i = 0; i < syntax->count; i++)
		if (!strcmp(syntax->options[i].name, name))
			kind_print(completion, syntax->values[i]);
}

static void argument_complete(struct completion *completion)
{
	const struct syntax *syntax = &completion->syntax;
	size_t last = 0;

	if (!completion->row || completion->arguments >= syntax->arguments_max)
		return;
	while (last + 1 < SYNTAX_ARGUMENTS_MAX && syntax->arguments[last + 1])
		last++;
	kind_print(completion,
		syntax->arguments[completion->arguments < last ? completion->arguments : last]);
}

/* Nouns, or the verbs of the noun at hand. */
static void commands_complete(struct completion *completion)
{
	for (const struct verb *row = verbs; row->help; row++) {
		bool first = row == verbs || strcmp(row[-1].noun, row->noun) != 0;

		if (completion->noun && !strcmp(row->noun, completion->noun))
			word_print(completion, row->verb, row->help);
		else if (!completion->noun && first)
			word_print(completion, row->noun, row->verb ? NULL : row->help);
	}
}

static bool option_is_given(const struct completion *completion, const char *name)
{
	for (size_t i = 0; i < completion->given_count; i++)
		if (!strcmp(completion->given[i], name))
			return true;
	return false;
}

static void option_print(const struct completion *completion, const char *name)
{
	word_print(completion, arena_print(completion->ctl->arena, "--%s", name), NULL);
}

static void options_complete(const struct completion *completion)
{
	const struct syntax *syntax = &completion->syntax;

	for (size_t i = 0; i < syntax->count; i++)
		if (syntax->repeats[i] || !option_is_given(completion, syntax->options[i].name))
			option_print(completion, syntax->options[i].name);
	for (const struct option *option = usage_options; option->name; option++)
		if (!option_is_given(completion, option->name))
			option_print(completion, option->name);
}

/* --- the line so far -------------------------------------------------------------------------- */

static bool option_takes_value(const struct completion *completion, const char *name)
{
	const struct syntax *syntax = &completion->syntax;

	for (const struct option *option = usage_options; option->name; option++)
		if (!strcmp(option->name, name))
			return option->has_arg == required_argument;
	for (size_t i = 0; i < syntax->count; i++)
		if (!strcmp(syntax->options[i].name, name))
			return syntax->values[i];
	return false;
}

static void row_find(struct completion *completion)
{
	for (const struct verb *row = verbs; row->help && !completion->row; row++)
		if (!strcmp(row->noun, completion->noun) &&
			(!row->verb || (completion->verb && !strcmp(row->verb, completion->verb))))
			completion->row = row;
	if (completion->row &&
		syntax_read(&completion->syntax, completion->ctl->arena, completion->row->synopsis))
		completion->row = NULL;
}

static void word_take(struct completion *completion, const char *word)
{
	if (completion->row) {
		completion->arguments++;
		return;
	}
	if (!completion->noun)
		completion->noun = word;
	else if (!completion->verb)
		completion->verb = word;
	row_find(completion);
}

/* An option that is complete with its value, which tells where the suite is. */
static void option_take(struct completion *completion, const char *name, const char *value)
{
	completion->given[completion->given_count++] = name;
	if (value && !strcmp(name, "runtime-dir"))
		completion->ctl->runtime_dir = value;
}

/* Takes all words but the last. Returns the option whose value the last one is, or NULL. */
static const char *line_take(struct completion *completion, char **words, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		char *name = words[i] + 2;
		char *value = strchr(words[i], '=');

		if (strncmp(words[i], "--", 2) != 0) {
			word_take(completion, words[i]);
			continue;
		}
		if (value)
			*value++ = '\0';
		else if (option_takes_value(completion, name))
			value = words[++i];
		option_take(completion, name, i + 1 < count ? value : NULL);
		if (i + 1 == count)
			return name;
	}
	return NULL;
}

/* --name=VALUE as one word. */
static void joined_complete(struct completion *completion, char *word, char *equals)
{
	completion->before = arena_text(completion->ctl->arena, word, (size_t)(equals + 1 - word));
	completion->typed = equals + 1;
	*equals = '\0';
	value_complete(completion, word + 2);
}

int complete_run(struct ctl *ctl)
{
	struct completion completion = { .ctl = ctl, .before = "", .behind = "" };
	size_t count = ctl->argument_count;
	char empty[] = "", *word = count ? ctl->arguments[count - 1] : empty, *equals;
	const char *option;

	completion.given = arena_take(ctl->arena, (count + 1) * sizeof(*completion.given));
	if (!completion.given || !freopen("/dev/null", "w", stderr))
		return STATUS_REFUSED;
	ctl->timeout_ms = PATIENCE_MS;
	option = line_take(&completion, ctl->arguments, count);
	completion.typed = word;
	equals = strchr(word, '=');
	if (option)
		value_complete(&completion, option);
	else if (word[0] == '-' && equals)
		joined_complete(&completion, word, equals);
	else if (word[0] == '-')
		options_complete(&completion);
	else if (completion.row)
		argument_complete(&completion);
	else
		commands_complete(&completion);
	return STATUS_DONE;
}
