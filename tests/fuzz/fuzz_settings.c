#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemons/orderd/operations.h"
#include "daemons/orderd/order.h"
#include "settings.h"
#include "target.h"

/* The reader of the configuration file: any bytes as orderd.conf. What it takes keeps the bounds
 * of its rows. */

const char target_unit[] = "files";
uint64_t target_count;
const char *target_covered;

static int fd = -1;
static char path[32];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	fd = memfd_create("orderd.conf", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* What is wrong in a file is told there, for each of millions. Sanitizers do not use it. */
	stderr = fopen("/dev/null", "we");
	return fd >= 0 && stderr ? 0 : 1;
}

static void check_bounds(const struct option_table *table, const void *settings)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option_row *row = &table->rows[i];
		int64_t number;

		if (row->type == OPTION_TEXT || row->type == OPTION_LEVEL ||
			row->type == OPTION_SWITCH)
			continue;
		memcpy(&number, (const char *)settings + row->offset, sizeof(number));
		if (number < row->min || (row->max > 0 && number > row->max))
			target_fail("%s is %lld", row->name, (long long)number);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	const struct option_table *tables[] = { &suite_options, orderd_program.options };
	char *argv[] = { (char *)"orderd", (char *)"--config", path, NULL };
	struct orderd_settings settings = { 0 };

	target_count++;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, at, size, 0) != (ssize_t)size)
		return 0;
	if (settings_load(3, argv, "orderd", "", tables, 2, &settings) == 0)
		for (size_t i = 0; i < 2; i++)
			check_bounds(tables[i], &settings);
	return 0;
}

static const char *pick(struct dice *dice, const char *const *texts, size_t count)
{
	return texts[dice_roll(dice, count)];
}

static void line_generate(struct dice *dice, struct buffer *ret)
{
	static const char *const begins[] = { "    ", "", "        ", "\t", "  ", "#" };
	static const char *const names[] = { "suite", "orderd", "stockd", "payment_timeout",
		"lines_max", "store_size_max", "log_level", "state_dir", "settle_wait", "nothing" };
	static const char *const marks[] = { " = ", "=", "", " ", " = \"", " = '", " == " };
	static const char *const values[] = { "15m", "20", "64G", "info", "/var", "0", "-1",
		"9223372036854775807", "99999999999999999999d", "a \"quoted\" one", "x # y", "'",
		"\"", "" };
	const char *parts[] = { pick(dice, begins, 6), pick(dice, names, 10), pick(dice, marks, 7),
		pick(dice, values, 14), dice_hit(dice, 20) ? "\r\n" : "\n" };

	for (size_t i = 0; i < 5; i++)
		buffer_append(ret, parts[i], strlen(parts[i]));
}

void target_generate(struct dice *dice, struct buffer *ret)
{
	if (dice_hit(dice, 80))
		buffer_append(ret, "orderd\n", 7);
	for (uint64_t lines = dice_roll(dice, 7); lines > 0; lines--)
		line_generate(dice, ret);
	if (ret->size > 0 && dice_hit(dice, 20))
		ret->at[dice_roll(dice, ret->size)] = (uint8_t)dice_next(dice);
}
