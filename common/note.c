#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "service_inside.h"

struct note {
	enum message message;
	struct log_about about;
	const char *text;
};

static void note_log(void *state, void *argument)
{
	const struct note *note = argument;

	(void)state;
	log_message(note->message, &note->about, "%s", note->text);
}

void tick_note(struct tick *tick, enum message message, const struct log_about *about,
	const char *format, ...)
{
	const struct suite_settings *suite = tick->settings;
	char text[512];
	struct note *note;
	va_list list;

	if (!suite->log_orders)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	note = arena_take(tick->arena, sizeof(*note));
	if (!note)
		return;
	*note = (struct note){ message, *about, arena_text(tick->arena, text, strlen(text)) };
	if (note->text)
		tick_after(tick, note_log, note);
}

struct damage {
	const char *program, *operation, *text;
};

static void damage_log(void *state, void *argument)
{
	const struct damage *damage = argument;

	(void)state;
	log_message(MESSAGE_RECORD_DAMAGED,
		&(struct log_about){ .operation = damage->operation, .error = "corrupt_record" },
		"%s: %s: a damaged record, passed over: %s", damage->program, damage->operation,
		damage->text);
}

void tick_damage(struct tick *tick, const char *text)
{
	const struct service *service = tick->service;
	struct damage *damage = arena_take(tick->arena, sizeof(*damage));

	if (!damage)
		return;
	*damage = (struct damage){ service->program->name, service->operation->name,
		arena_text(tick->arena, text, strlen(text)) };
	if (damage->text)
		tick_after(tick, damage_log, damage);
}
