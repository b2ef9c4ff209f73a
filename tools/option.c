#include <inttypes.h>
#include <string.h>

#include "orderctl.h"
#include "text.h"

const char *ctl_option_next(const struct ctl *ctl, const char *name, size_t *cursor)
{
	while (*cursor < ctl->option_count) {
		const struct ctl_option *option = &ctl->options[(*cursor)++];

		if (!strcmp(option->name, name))
			return option->value;
	}
	return NULL;
}

const char *ctl_option(const struct ctl *ctl, const char *name)
{
	const char *last = NULL, *value;
	size_t cursor = 0;

	while ((value = ctl_option_next(ctl, name, &cursor)))
		last = value;
	return last;
}

int ctl_option_u64(const struct ctl *ctl, const char *name, uint64_t *ret)
{
	const char *value = ctl_option(ctl, name);
	uint64_t number;

	if (!value)
		return STATUS_DONE;
	if (!text_to_u64(value, &number) || number > INT64_MAX)
		return usage_refuse(ctl, "--%s %s: not a number from 0 on", name, value);
	*ret = number;
	return STATUS_DONE;
}

int ctl_number(const struct ctl *ctl, const char *what, const char *text, int64_t min, int64_t max,
	int64_t *ret)
{
	int64_t number;

	if (!text_to_i64(text + (text[0] == '+'), &number) || (text[0] == '+' && text[1] == '-'))
		return usage_refuse(ctl, "%s %s: not a whole number", what, text);
	if (number < min || number > max)
		return usage_refuse(ctl, "%s %s: not within %" PRId64 " to %" PRId64, what, text,
			min, max);
	*ret = number;
	return STATUS_DONE;
}

int ctl_option_i64(const struct ctl *ctl, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	const char *value = ctl_option(ctl, name);
	const char *what = arena_print(ctl->arena, "--%s", name);

	return value ? ctl_number(ctl, what ? what : name, value, min, max, ret) : STATUS_DONE;
}

int ctl_option_duration(const struct ctl *ctl, const char *name, int64_t *ret_ms)
{
	const char *value = ctl_option(ctl, name);

	if (!value || text_to_duration_ms(value, ret_ms))
		return STATUS_DONE;
	return usage_refuse(ctl, "--%s %s: not a time such as 500ms, 3s, 15m, 24h or 7d", name,
		value);
}
