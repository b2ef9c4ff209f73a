#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "sim.h"

/* tests/faults/sim: seeds in a row, or one again. */

const char *const compensation_names[BACK_KINDS] = {
	[BACK_UNMADE] = "given back, never made",
	[BACK_EARLY] = "given back before held",
	[BACK_CANCEL] = "given back, cancelled",
	[BACK_EXPIRY] = "given back, expired",
	[BACK_REFUND] = "given back, refunded",
	[BACK_RECOVER] = "made after a restart",
};

/* What no seed can bring about: damage, restored stores, and requests the clients here do not make. */
static const char *const unseen[] = { "internal", "corrupt_record", "superseded", "sku_taken",
	"fenced" };

static const char usage[] =
	"Usage: sim [--from N] [--seeds N] [--cover]     run seeds in a row\n"
	"       sim --seed N [--steps M] [--without LIST] [--trace]   run one again\n"
	"  --steps M       only its first M requests and faults\n"
	"  --without LIST  leave some out: 3,7-12\n"
	"  --trace         print what happens\n"
	"  --cover         fail when an error or a compensation was never seen\n"
	"  --no-shrink     do not look for a shorter failing run\n";

struct options {
	uint64_t from, seeds, seed;
	bool one, cover, trace, shrink;
	size_t steps;
	bool left_out[ITEMS_MAX];
};

static uint64_t seed_in_hand;

/* An assertion or a crash of the code under test ends everything: at least the seed is told. */
static void on_signal(int number)
{
	char text[128];
	int size = snprintf(text, sizeof(text),
		"\nsignal %d\nreplay: tests/faults/sim --seed %llu --trace\n", number,
		(unsigned long long)seed_in_hand);

	if (write(STDERR_FILENO, text, (size_t)size) < 0)
		_exit(2);
	_exit(1);
}

static bool seed_run(uint64_t seed, const struct options *options, struct coverage *coverage,
	char ret_failure[512])
{
	struct sim *sim = calloc(1, sizeof(*sim));
	bool good;

	if (!sim)
		abort();
	seed_in_hand = seed;
	sim->seed = seed;
	sim->coverage = coverage;
	sim->tracing = options->trace;
	plan_make(&sim->plan, seed);
	for (size_t i = 0; i < sim->plan.count; i++)
		sim->plan.items[i].left_out = options->left_out[i] || i >= options->steps;
	good = sim_run(sim);
	memcpy(ret_failure, sim->failure, sizeof(sim->failure));
	free(sim);
	return good;
}

/* --- shrinking ------------------------------------------------------------------------------ */

/* Leaves out ever smaller pieces while the run still fails, in any way. */
static void seed_shrink(uint64_t seed, struct options *options)
{
	struct coverage ignored;
	char failure[512];
	time_t end = time(NULL) + 30;

	memset(&ignored, 0, sizeof(ignored));
	for (size_t piece = ITEMS_MAX / 2; piece > 0; piece /= 2) {
		for (size_t at = 0; at < ITEMS_MAX && time(NULL) < end; at += piece) {
			struct options fewer = *options;

			memset(fewer.left_out + at, true, piece);
			if (memcmp(fewer.left_out, options->left_out, sizeof(fewer.left_out)) !=
					0 &&
				!seed_run(seed, &fewer, &ignored, failure))
				*options = fewer;
		}
	}
}

static void left_out_print(const struct options *options)
{
	const char *before = " --without ";

	for (size_t at = 0; at < ITEMS_MAX; at++) {
		size_t end = at;

		if (!options->left_out[at])
			continue;
		while (end + 1 < ITEMS_MAX && options->left_out[end + 1])
			end++;
		printf(end > at ? "%s%zu-%zu" : "%s%zu", before, at, end);
		before = ",";
		at = end;
	}
	printf("\n");
}

static void seed_failed(uint64_t seed, struct options options, const char *failure)
{
	struct coverage ignored;
	char again[512];

	printf("seed %llu: %s\nreplay: tests/faults/sim --seed %llu --trace",
		(unsigned long long)seed, failure, (unsigned long long)seed);
	left_out_print(&options);
	fflush(stdout);
	if (!options.shrink)
		return;
	memset(&ignored, 0, sizeof(ignored));
	options.trace = false;
	seed_shrink(seed, &options);
	printf("shortest: tests/faults/sim --seed %llu --trace", (unsigned long long)seed);
	left_out_print(&options);
	options.trace = true;
	seed_run(seed, &options, &ignored, again);
}

/* --- coverage ------------------------------------------------------------------------------- */

static bool is_unseen(int outcome)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (strcmp(unseen[i], outcome_name(outcome)) == 0)
			return true;
	return outcome == OUTCOME_OK;
}

static bool coverage_print(const struct coverage *coverage)
{
	bool whole = true;

	printf("%llu seeds, %llu ticks, %llu messages, %llu answers, %llu orders, %llu looks\n",
		(unsigned long long)coverage->seeds, (unsigned long long)coverage->ticks,
		(unsigned long long)coverage->messages, (unsigned long long)coverage->answers,
		(unsigned long long)coverage->orders, (unsigned long long)coverage->checks);
	for (int i = ITEM_FAULTS; i < ITEM_KINDS; i++) {
		printf("fault %s: %llu\n", item_names[i], (unsigned long long)coverage->items[i]);
		whole = whole && coverage->items[i] > 0;
	}
	for (int i = 0; i < BACK_KINDS; i++) {
		printf("%s: %llu\n", compensation_names[i],
			(unsigned long long)coverage->compensations[i]);
		whole = whole && coverage->compensations[i] > 0;
	}
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		printf("answer %s: %llu\n", i == OUTCOME_OK ? "ok" : outcome_name(i),
			(unsigned long long)coverage->outcomes[i]);
		whole = whole && (is_unseen(i) || coverage->outcomes[i] > 0);
	}
	return whole;
}

/* --- options -------------------------------------------------------------------------------- */

static bool left_out_read(struct options *options, const char *list)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (end == list || first > last || last >= ITEMS_MAX || (*end && *end != ','))
			return false;
		memset(options->left_out + first, true, last - first + 1);
		list = *end ? end + 1 : end;
	}
	return true;
}

static bool options_read(struct options *options, int argc, char **argv)
{
	static const struct option rows[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "steps", required_argument, NULL, 'm' },
		{ "without", required_argument, NULL, 'w' },
		{ "trace", no_argument, NULL, 't' },
		{ "cover", no_argument, NULL, 'c' },
		{ "no-shrink", no_argument, NULL, 'q' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option == 'f')
			options->from = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			options->seeds = strtoull(optarg, NULL, 10);
		else if (option == 's')
			options->one = true, options->seed = strtoull(optarg, NULL, 10);
		else if (option == 'm')
			options->steps = strtoul(optarg, NULL, 10);
		else if (option == 't')
			options->trace = true;
		else if (option == 'c')
			options->cover = true;
		else if (option == 'q')
			options->shrink = false;
		else if (option != 'w' || !left_out_read(options, optarg))
			return false;
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options options = { .from = 1, .seeds = 100, .steps = ITEMS_MAX, .shrink = true };
	struct coverage coverage = { 0 };
	char failure[512];
	int failed = 0;

	if (!options_read(&options, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (options.one) {
		options.from = options.seed;
		options.seeds = 1;
		options.shrink = options.shrink && !options.trace;
	}
	log_set_level("error");
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	for (uint64_t seed = options.from; seed < options.from + options.seeds && failed < 3;
		seed++) {
		if (seed_run(seed, &options, &coverage, failure))
			continue;
		failed++;
		seed_failed(seed, options, failure);
	}
	if (options.trace)
		return failed > 0;
	if (!coverage_print(&coverage) && options.cover && failed == 0) {
		printf("something was never seen: the run proves less than it says\n");
		return 1;
	}
	return failed > 0;
}
