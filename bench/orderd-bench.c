#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "due.h"
#include "meter.h"
#include "protocol.h"
#include "report.h"
#include "suite.h"
#include "text.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

#define EXIT_USAGE 2
#define EXIT_UNREACHABLE 3
#define ZIPF_EXPONENT 1.0

struct bench {
	const char *mode;
	struct suite suite;
	uint64_t connections, depth, orders, rate;
	uint64_t stored, page, lifetime_ms;
	double zipf; /* 0: books are all alike */
	bool json, no_prepare;
};

struct mode {
	const char *name;
	load_request *request;
	bool needs_orders; /* made before: as many as are stored, or as many as there are requests */
	bool uses_up;
	bool expires;
};

static const struct mode modes[] = {
	{ "create", request_create, false, false, false },
	{ "get", request_get, true, false, false },
	{ "list", request_list, true, false, false },
	{ "mix", request_mix, true, false, false },
	{ "cancel", request_cancel, true, true, false },
	{ "expire", request_create, false, false, true },
};

/* --- the command line ----------------------------------------------------------------------- */

enum {
	KEY_BOOKS = 256,
	KEY_NO_PREPARE,
	KEY_USERS,
	KEY_TITLES,
	KEY_LINES,
	KEY_RATE,
	KEY_SEED,
	KEY_STORED,
	KEY_PAGE,
	KEY_LIFETIME,
	KEY_JSON
};

static const struct argp_option options[] = {
	{ "runtime-dir", 'r', "DIR", 0, "where the suite's sockets are", 0 },
	{ "connections", 'c', "N", 0, "connections to orderd (64)", 0 },
	{ "depth", 'd', "N", 0, "requests outstanding on each, closed loop (1)", 0 },
	{ "orders", 'n', "N", 0, "requests in all (40000)", 0 },
	{ "rate", KEY_RATE, "PER-SECOND", 0, "open loop: requests are due at this rate", 0 },
	{ "users", KEY_USERS, "N", 0, "users who order (10000)", 0 },
	{ "books", KEY_BOOKS, "uniform|zipf[:S]", 0,
		"books all alike, or by Zipf's law with exponent S (1)", 0 },
	{ "titles", KEY_TITLES, "N", 0, "books in the catalog (1000)", 0 },
	{ "lines", KEY_LINES, "N", 0, "lines of an order (2)", 0 },
	{ "stored", KEY_STORED, "N", 0,
		"orders made before get, list and mix; 0: those that are there (1000)", 0 },
	{ "page", KEY_PAGE, "N", 0, "list: that page of user 1, by cursor, not first pages of all",
		0 },
	{ "lifetime", KEY_LIFETIME, "MS", 0, "expire with --rate: from making to deadline (2000)",
		0 },
	{ "seed", KEY_SEED, "N", 0, "of the random draws (1)", 0 },
	{ "no-prepare", KEY_NO_PREPARE, NULL, 0, "do not put the books and their stock first", 0 },
	{ "json", KEY_JSON, NULL, 0, "print one JSON object", 0 },
	{ 0 },
};

static void number_set(struct argp_state *state, const char *text, uint64_t min, uint64_t max,
	uint64_t *ret)
{
	if (!text_to_u64(text, ret) || *ret < min || *ret > max)
		argp_error(state, "%s: give a number from %" PRIu64 " to %" PRIu64, text, min, max);
}

static void books_set(struct argp_state *state, const char *text, double *ret_zipf)
{
	char *end = NULL;

	*ret_zipf = 0;
	if (strcmp(text, "uniform") == 0)
		return;
	if (strcmp(text, "zipf") == 0)
		*ret_zipf = ZIPF_EXPONENT;
	else if (strncmp(text, "zipf:", 5) == 0)
		*ret_zipf = strtod(text + 5, &end);
	if ((end && *end) || !(*ret_zipf > 0) || *ret_zipf > 10)
		argp_error(state, "%s: give uniform, zipf, or zipf: and an exponent up to 10",
			text);
}

/* Options that are a number. */
static bool parse_number(struct bench *bench, int key, const char *text, struct argp_state *state)
{
	struct draw *draw = &bench->suite.draw;
	const struct {
		int key;
		uint64_t min, max, *to;
	} rows[] = {
		{ 'c', 1, 4096, &bench->connections },
		{ 'd', 1, 1024, &bench->depth },
		{ 'n', 1, 1000000000, &bench->orders },
		{ KEY_RATE, 1, 10000000, &bench->rate },
		{ KEY_USERS, 1, INT64_MAX, &draw->users },
		{ KEY_TITLES, 1, 10000000, &draw->books },
		{ KEY_LINES, 1, LINES_MAX, &draw->lines },
		{ KEY_STORED, 0, 1000000000, &bench->stored },
		{ KEY_PAGE, 1, 1000000, &bench->page },
		{ KEY_LIFETIME, EXPIRES_IN_MIN_MS, 600000, &bench->lifetime_ms },
		{ KEY_SEED, 1, INT64_MAX, &draw->state },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].key != key)
			continue;
		number_set(state, text, rows[i].min, rows[i].max, rows[i].to);
		return true;
	}
	return false;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct bench *bench = state->input;

	if (parse_number(bench, key, text, state))
		return 0;
	switch (key) {
	case 'r':
		bench->suite.runtime_dir = text;
		break;
	case KEY_BOOKS:
		books_set(state, text, &bench->zipf);
		break;
	case KEY_NO_PREPARE:
		bench->no_prepare = true;
		break;
	case KEY_JSON:
		bench->json = true;
		break;
	case ARGP_KEY_ARG:
		if (bench->mode)
			argp_usage(state);
		bench->mode = text;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

/* --- running -------------------------------------------------------------------------------- */

static int fail(const struct bench *bench, const char *what, int error)
{
	const char *dir = bench->suite.runtime_dir;

	if (error == -EACCES)
		fprintf(stderr,
			"orderd-bench: refused to put books; run it as the daemons' user\n");
	else if (error == -EBADE)
		fprintf(stderr,
			"orderd-bench: orders to work on were refused; are the books there, "
			"as many as --titles says?\n");
	else if (error == -ETIME)
		fprintf(stderr,
			"orderd-bench: the orders were not made before they fell due; "
			"is the machine busy otherwise?\n");
	else if (error == -ENODATA)
		fprintf(stderr, "orderd-bench: user 1 has no page %" PRIu64 "\n", bench->page);
	else if (error == -ENOMSG)
		fprintf(stderr,
			"orderd-bench: there are no orders; give another --stored than 0\n");
	else
		fprintf(stderr, "orderd-bench: %s: %s; is the suite running in %s?\n", what,
			strerror(-error), dir);
	return EXIT_UNREACHABLE;
}

static int make_ready(struct bench *bench, const struct mode *mode)
{
	uint64_t orders = mode->uses_up ? bench->orders : bench->stored;
	int error = bench->no_prepare ? 0 : suite_prepare(&bench->suite);

	if (error == 0 && mode->needs_orders)
		error = orders > 0 ? suite_make_orders(&bench->suite, orders)
				   : suite_take_orders(&bench->suite);
	if (error == 0 && mode->request == request_list && bench->page > 0) {
		bench->suite.draw.users = 1;
		error = suite_turn_to(&bench->suite, bench->page);
	}
	return error;
}

static int measure(struct bench *bench, const struct mode *mode, struct load_result *ret)
{
	struct load load = {
		.connections = (unsigned)bench->connections,
		.depth = (unsigned)bench->depth,
		.requests = bench->orders,
		.rate = (double)bench->rate,
		.request = mode->request,
		.what = mode->name,
	};

	if (!mode->expires)
		return suite_load(&bench->suite, "orderd", load, ret);
	if (bench->rate > 0)
		return due_steadily(&bench->suite, load, (int64_t)bench->lifetime_ms, ret);
	return due_storm(&bench->suite, load, ret);
}

static int bench_run(struct bench *bench, const struct mode *mode)
{
	static struct load_result result;
	struct meter before, after;
	struct report report = { mode->name, bench->connections, bench->depth, &result, &before,
		&after };
	int error = make_ready(bench, mode);

	if (error == 0)
		error = meter_read(bench->suite.runtime_dir, &before);
	if (error == 0)
		error = measure(bench, mode, &result);
	if (error == 0)
		error = meter_read(bench->suite.runtime_dir, &after);
	if (error < 0)
		return fail(bench, mode->name, error);
	if (bench->json)
		report_json(&report);
	else
		report_text(&report);
	return result.lost > 0 || (result.refused > 0 && result.done == 0);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"create|get|list|mix|cancel|expire",
		"Loads a running suite and measures it.\v"
		"Makes real orders: use it on a suite of its own.",
		NULL,
		NULL,
		NULL,
	};
	const char *dir = getenv("ORDERD_RUNTIME_DIR");
	struct bench bench = {
		.suite = {
			.runtime_dir = dir ? dir : RUNSTATEDIR "/orderd",
			.draw = { .state = 1, .users = 10000, .books = 1000, .lines = 2 },
			.quiet = !isatty(STDERR_FILENO),
		},
		.connections = 64,
		.depth = 1,
		.orders = 40000,
		.stored = 1000,
		.lifetime_ms = 2000,
	};
	struct draw *draw = &bench.suite.draw;
	const struct mode *mode;
	int status;

	argp_program_version = "orderd-bench " PACKAGE_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &bench);
	mode = mode_find(bench.mode);
	if (!mode) {
		fprintf(stderr,
			"orderd-bench: %s is none of create, get, list, mix, cancel, expire\n",
			bench.mode);
		return EXIT_USAGE;
	}
	if (bench.zipf > 0)
		draw->zipf = zipf_shares(draw->books, bench.zipf);
	draw->state *= 0x9e3779b97f4a7c15;
	status = bench_run(&bench, mode);
	free((void *)draw->zipf);
	return status;
}
