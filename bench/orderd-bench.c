#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "load.h"
#include "meter.h"
#include "protocol.h"
#include "requests.h"
#include "text.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

#define EXIT_USAGE 2
#define EXIT_UNREACHABLE 3
#define PREPARE_CONNECTIONS 4
#define PREPARE_DEPTH 64
#define STORM_LEAD_MS 2000      /* from the last order made to the storm, at least */
#define STORM_ORDERS_PER_S 2000 /* the slowest making that a storm allows for */

struct bench {
	const char *mode;
	const char *runtime_dir;
	uint64_t connections, depth, orders, rate;
	double zipf;
	bool json, no_prepare;
	struct draw draw;
};

struct mode {
	const char *name;
	load_request *request;
	bool needs_orders;
	bool storm;
};

static const struct mode modes[] = {
	{ "create", request_create, false, false },
	{ "get", request_get, true, false },
	{ "list", request_list, true, false },
	{ "mix", request_mix, true, false },
	{ "cancel", request_cancel, true, false },
	{ "expire", request_create, false, true },
};

/* --- the command line ----------------------------------------------------------------------- */

enum {
	KEY_ZIPF = 256,
	KEY_NO_PREPARE,
	KEY_USERS,
	KEY_BOOKS,
	KEY_LINES,
	KEY_RATE,
	KEY_SEED,
	KEY_JSON
};

static const struct argp_option options[] = {
	{ "runtime-dir", 'r', "DIR", 0, "where the suite's sockets are", 0 },
	{ "connections", 'c', "N", 0, "connections to orderd (64)", 0 },
	{ "depth", 'd', "N", 0, "requests outstanding on each, closed loop (1)", 0 },
	{ "orders", 'n', "N", 0, "requests in all (40000)", 0 },
	{ "rate", KEY_RATE, "PER-SECOND", 0, "open loop: requests are due at this rate", 0 },
	{ "users", KEY_USERS, "N", 0, "users who order (10000)", 0 },
	{ "books", KEY_BOOKS, "N", 0, "books ordered (1000)", 0 },
	{ "lines", KEY_LINES, "N", 0, "lines of an order (2)", 0 },
	{ "zipf", KEY_ZIPF, "S", 0, "books by Zipf's law with this exponent; else all alike", 0 },
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

static void zipf_set(struct argp_state *state, const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	if (end == text || *end || !(*ret > 0) || *ret > 10)
		argp_error(state, "%s: give an exponent above 0 and up to 10", text);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct bench *bench = state->input;

	switch (key) {
	case 'r':
		bench->runtime_dir = text;
		break;
	case 'c':
		number_set(state, text, 1, 4096, &bench->connections);
		break;
	case 'd':
		number_set(state, text, 1, 1024, &bench->depth);
		break;
	case 'n':
		number_set(state, text, 1, 1000000000, &bench->orders);
		break;
	case KEY_RATE:
		number_set(state, text, 1, 10000000, &bench->rate);
		break;
	case KEY_USERS:
		number_set(state, text, 1, INT64_MAX, &bench->draw.users);
		break;
	case KEY_BOOKS:
		number_set(state, text, 1, 10000000, &bench->draw.books);
		break;
	case KEY_LINES:
		number_set(state, text, 1, LINES_MAX, &bench->draw.lines);
		break;
	case KEY_SEED:
		number_set(state, text, 1, INT64_MAX, &bench->draw.state);
		break;
	case KEY_ZIPF:
		zipf_set(state, text, &bench->zipf);
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
	fprintf(stderr, "orderd-bench: %s: %s; is the suite running in %s?\n", what,
		error < 0 ? strerror(-error) : "refused", bench->runtime_dir);
	return EXIT_UNREACHABLE;
}

static int run(const struct bench *bench, const char *daemon, struct load load,
	struct load_result *ret)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.sock", bench->runtime_dir, daemon);
	load.socket_path = path;
	load.argument = (void *)&bench->draw;
	load.quiet = load.quiet || !isatty(STDERR_FILENO);
	return load_run(&load, ret);
}

static int prepare(const struct bench *bench)
{
	static struct load_result result;
	struct load load = {
		.connections = PREPARE_CONNECTIONS,
		.depth = PREPARE_DEPTH,
		.requests = bench->draw.books,
		.request = request_book,
		.quiet = true,
	};
	int error = run(bench, "catalogd", load, &result);

	load.request = request_stock;
	if (error == 0 && result.refused == 0)
		error = run(bench, "stockd", load, &result);
	if (error == 0 && result.refused > 0)
		error = -EACCES; /* only the daemons' own user and root may */
	return error;
}

/* Modes that read or cancel work on orders that are made now. */
static int make_orders(struct bench *bench, uint64_t count)
{
	static struct load_result result;
	struct load load = {
		.connections = PREPARE_CONNECTIONS,
		.depth = PREPARE_DEPTH,
		.requests = count,
		.request = request_create,
	};
	struct meter meter;
	struct tally tally = { 0 };
	int error = meter_read(bench->runtime_dir, &meter);

	tally.last_event = meter.last_event;
	if (error == 0)
		error = run(bench, "orderd", load, &result);
	if (error == 0)
		error = tally_read(bench->runtime_dir, &tally, NULL, NULL);
	if (error == 0 && tally.made < count)
		error = -EIO;
	bench->draw.first_id = tally.first_id;
	bench->draw.last_id = tally.last_id;
	return error;
}

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

static void report_json(const struct bench *bench, const struct load_result *result,
	const struct meter *before, const struct meter *after)
{
	double each = result->done > 0 ? 1.0 / (double)result->done : 0;
	struct spread times = histogram_spread(&result->times);

	printf("{\"mode\":\"%s\",\"connections\":%" PRIu64 ",\"depth\":%" PRIu64
	       ",\"done\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"seconds\":%.3f,\"rate\":%.1f",
		bench->mode, bench->connections, bench->depth, result->done, result->refused,
		result->lost, result->seconds, (double)result->done / result->seconds);
	printf(",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f",
		ms(times.p50), ms(times.p90), ms(times.p99), ms(times.p999), ms(times.max));
	printf(",\"cpu_us_per_order\":{");
	for (int i = 0; i < METER_COUNT; i++)
		printf("%s\"%s\":%.2f", i > 0 ? "," : "", meter_names[i],
			(after->cpu_s[i] - before->cpu_s[i]) * 1e6 * each);
	printf("},\"fsyncs_per_order\":%.4f,\"write_bytes_per_order\":%.1f}\n",
		2 * (double)(after->commits - before->commits) * each,
		(double)(after->write_bytes - before->write_bytes) * each);
}

static void report(const struct bench *bench, const struct load_result *result,
	const struct meter *before, const struct meter *after)
{
	double each = result->done > 0 ? 1.0 / (double)result->done : 0;
	struct spread times = histogram_spread(&result->times);

	if (bench->json) {
		report_json(bench, result, before, after);
		return;
	}
	printf("%s: %" PRIu64 " done, %" PRIu64 " refused, %" PRIu64 " unanswered in %.2f s\n",
		bench->mode, result->done, result->refused, result->lost, result->seconds);
	printf("rate     %.0f/s\n", (double)result->done / result->seconds);
	printf("latency  p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, max %.3f ms\n", ms(times.p50),
		ms(times.p99), ms(times.p999), ms(times.max));
	printf("cpu each");
	for (int i = 0; i < METER_COUNT; i++)
		printf(" %s %.1f us", meter_names[i],
			(after->cpu_s[i] - before->cpu_s[i]) * 1e6 * each);
	printf("\ndisk     %.3f syncs and %.0f bytes an order\n",
		2 * (double)(after->commits - before->commits) * each,
		(double)(after->write_bytes - before->write_bytes) * each);
	if (result->refused > 0)
		printf("the first refusal had code %" PRId64 "\n", result->first_code);
}

/* --- an expiry storm ------------------------------------------------------------------------ */

struct storm {
	int64_t due_ms;
	uint64_t early;
	struct histogram *late;
};

static void storm_add(void *argument, int64_t at)
{
	struct storm *storm = argument;

	if (at < storm->due_ms)
		storm->early++;
	else
		histogram_add(storm->late, (uint64_t)(at - storm->due_ms) * 1000);
}

/* All orders fall due at one moment; the rate counts to the moment when all stock is back. */
static int storm_wait(struct bench *bench, struct tally *tally, struct load_result *result)
{
	struct storm storm = { .due_ms = bench->draw.expire_at_ms, .late = &result->times };
	uint64_t made = result->done;
	int64_t patience_ms = storm.due_ms + 60000;
	int error = 0;

	memset(&result->times, 0, sizeof(result->times));
	while (error == 0 && clock_wall_ms() < patience_ms &&
		(tally->cancelled < made || open_sagas(bench->runtime_dir) > 0)) {
		usleep(2000);
		if (clock_wall_ms() >= storm.due_ms)
			error = tally_read(bench->runtime_dir, tally, storm_add, &storm);
	}
	result->seconds = (double)(clock_wall_ms() - storm.due_ms) / 1000;
	result->done = tally->cancelled;
	result->lost = made - tally->cancelled;
	result->refused = storm.early;
	return error;
}

static int storm_run(struct bench *bench, struct load load, struct load_result *result)
{
	struct meter meter;
	struct tally tally = { 0 };
	int error = meter_read(bench->runtime_dir, &meter);

	tally.last_event = meter.last_event;
	bench->draw.expire_at_ms = clock_wall_ms() + STORM_LEAD_MS +
		(int64_t)(bench->orders * 1000 / STORM_ORDERS_PER_S);
	if (error == 0)
		error = run(bench, "orderd", load, result);
	return error == 0 ? storm_wait(bench, &tally, result) : error;
}

/* -------------------------------------------------------------------------------------------- */

static int bench_run(struct bench *bench, const struct mode *mode)
{
	static struct load_result result;
	struct meter before, after;
	struct load load = {
		.connections = (unsigned)bench->connections,
		.depth = (unsigned)bench->depth,
		.requests = bench->orders,
		.rate = (double)bench->rate,
		.request = mode->request,
	};
	int error = bench->no_prepare ? 0 : prepare(bench);

	if (error == 0 && mode->needs_orders)
		error = make_orders(bench, mode->request == request_cancel ? bench->orders : 1000);
	if (error == 0)
		error = meter_read(bench->runtime_dir, &before);
	if (error == 0)
		error = mode->storm ? storm_run(bench, load, &result)
				    : run(bench, "orderd", load, &result);
	if (error == 0)
		error = meter_read(bench->runtime_dir, &after);
	if (error < 0)
		return fail(bench, mode->name, error);
	report(bench, &result, &before, &after);
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
		.runtime_dir = dir ? dir : RUNSTATEDIR "/orderd",
		.connections = 64,
		.depth = 1,
		.orders = 40000,
		.draw = { .state = 1, .users = 10000, .books = 1000, .lines = 2 },
	};
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
		bench.draw.zipf = zipf_shares(bench.draw.books, bench.zipf);
	bench.draw.state *= 0x9e3779b97f4a7c15;
	status = bench_run(&bench, mode);
	free((void *)bench.draw.zipf);
	return status;
}
