#include <stdarg.h>
#include <string.h>

#include "sim.h"

/* A frame as one readable line. */

struct line {
	char text[400];
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format,
	...)
{
	size_t room = sizeof(line->text) - line->size;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(line->text + line->size, room, format, arguments);
	va_end(arguments);
	line->size += size >= 0 && (size_t)size < room ? (size_t)size : room - 1;
}

static bool is_envelope(const struct value *key)
{
	static const char *const names[] = { "v", "message", "actor", "sku", "book_title",
		"order_no", "created_at", "updated_at" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (key->str.size == strlen(names[i]) &&
			memcmp(key->str.at, names[i], key->str.size) == 0)
			return true;
	return false;
}

static void value_add(struct line *line, const struct value *value)
{
	bool map = value->type == VALUE_MAP;

	if (value->type == VALUE_UINT)
		line_add(line, "%llu", (unsigned long long)value->u64);
	else if (value->type == VALUE_INT)
		line_add(line, "%lld", (long long)value->i64);
	else if (value->type == VALUE_STR)
		line_add(line, "%.*s", (int)value->str.size, value->str.at);
	else if (value->type == VALUE_BOOL)
		line_add(line, "%s", value->boolean ? "yes" : "no");
	else if (!map && value->type != VALUE_ARRAY)
		line_add(line, "?");
	else
		line_add(line, "%c", map ? '{' : '[');
	if (!map && value->type != VALUE_ARRAY)
		return;
	for (uint32_t i = 0; i < value->list.count; i++) {
		const struct value *at = &value->list.at[map ? 2 * i : i];

		if (map && is_envelope(at))
			continue;
		if (map)
			line_add(line, "%.*s ", (int)at->str.size, at->str.at);
		value_add(line, map ? at + 1 : at);
		line_add(line, "%s", i + 1 < value->list.count ? ", " : "");
	}
	line_add(line, "%c", map ? '}' : ']');
}

const char *sim_show(struct sim *sim, const void *data, size_t size)
{
	static struct line line;
	struct arena *arena;
	const struct value *map;

	line.size = 0;
	line.text[0] = '\0';
	if (!sim->tracing)
		return line.text;
	arena = arena_new();
	if (codec_parse(arena, data, size, &map) == 0)
		value_add(&line, map);
	else
		line_add(&line, "%zu bytes that are no frame", size);
	arena_free(arena);
	return line.text;
}

void sim_trace(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (!sim->tracing)
		return;
	printf("%8lld.%03lld  ", (long long)sim->now_ms / 1000, (long long)sim->now_ms % 1000);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}
