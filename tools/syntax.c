#include "syntax.h"

#include <errno.h>
#include <string.h>

#define ARGUMENTS_MAX 1000 /* of a word that may be repeated */
#define LETTERS_MAX 30

/* One word of a synopsis without its brackets and dots. */
struct word {
	char text[40];
	bool opens, closes, repeats;
};

static const char *word_read(const char *at, struct word *ret)
{
	size_t size;

	*ret = (struct word){ 0 };
	at += strspn(at, " ");
	ret->opens = *at == '[';
	at += ret->opens;
	size = strcspn(at, " ].");
	memcpy(ret->text, at, size < sizeof(ret->text) ? size : sizeof(ret->text) - 1);
	at += size;
	for (; *at && *at != ' '; at++) {
		ret->closes |= *at == ']';
		ret->repeats |= *at == '.';
	}
	return at;
}

/* `value` NULL: a switch. Dots stand behind the value where there is one. */
static int syntax_option(struct syntax *syntax, struct arena *arena, const struct word *word,
	const struct word *value)
{
	size_t i = syntax->count;
	const char *name = arena_text(arena, word->text + 2, strlen(word->text + 2));

	if (value)
		syntax->values[i] = arena_text(arena, value->text, strlen(value->text));
	if (!name || (value && !syntax->values[i]))
		return -ENOMEM;
	syntax->options[i] = (struct option){
		.name = name,
		.has_arg = value ? required_argument : no_argument,
		.val = SYNTAX_OPTIONS_FROM + (int)i,
	};
	syntax->needed[i] = !word->opens;
	syntax->repeats[i] = word->repeats || (value && value->repeats);
	syntax->count++;
	return 0;
}

static int syntax_argument(struct syntax *syntax, struct arena *arena, const struct word *word)
{
	size_t i = 0;

	while (i < SYNTAX_ARGUMENTS_MAX - 2 && syntax->arguments[i])
		i++;
	syntax->arguments[i] = arena_text(arena, word->text, strlen(word->text));
	syntax->arguments_min += !word->opens;
	syntax->arguments_max += word->repeats ? ARGUMENTS_MAX : 1;
	return syntax->arguments[i] ? 0 : -ENOMEM;
}

int syntax_read(struct syntax *ret, struct arena *arena, const char *synopsis)
{
	struct syntax syntax = { 0 };
	struct word word, value;
	const char *at = word_read(synopsis, &word);
	const char *behind;
	int error = 0;

	for (; word.text[0] && !error; at = word_read(at, &word)) {
		if (strncmp(word.text, "--", 2) != 0) {
			error = syntax_argument(&syntax, arena, &word);
			continue;
		}
		behind = word_read(at, &value);
		if (word.closes || !value.text[0] || value.opens || value.text[0] == '-') {
			error = syntax_option(&syntax, arena, &word, NULL);
		} else {
			error = syntax_option(&syntax, arena, &word, &value);
			at = behind;
		}
	}
	if (!error)
		*ret = syntax;
	return error;
}

static unsigned lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned word_distance(const char *a, const char *b)
{
	unsigned rows[3][LETTERS_MAX + 1];
	size_t height = strnlen(a, LETTERS_MAX), width = strnlen(b, LETTERS_MAX);

	for (size_t i = 0; i <= height; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const unsigned *over = rows[(i + 1) % 3];

		for (size_t j = 0; j <= width; j++) {
			if (i == 0 || j == 0) {
				row[j] = (unsigned)(i + j);
				continue;
			}
			row[j] = lesser(above[j], row[j - 1]) + 1;
			row[j] = lesser(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = lesser(row[j], over[j - 2] + 1);
		}
	}
	return rows[height % 3][width];
}
