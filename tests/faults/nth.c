#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nth.h"
#include "random.h"

/* nth [OPERATION:FAULT:N[:SEED]]: each of the hottest operations, and a start, with the Nth call
 * failing, for every N until there is no such call any more, in the cores of all daemons on real
 * stores. A daemon whose tick fails is started again. After each: the suite comes to rest, the
 * stores add up, what was answered holds, what was refused left nothing, and the same asked again
 * converges. To replay one N all those below are run first.
 *
 * nth --seed SEED: all operations, in a shop whose sizes are by seed. */

#define USAGE_STATUS 2
#define STORE_BYTES (INT64_C(256) << 20)
#define N_MAX 20000
#define MANY_MOST 20 /* more than are listed at once */
#define BEFORE_MAX 200

static const char *const names[] = { "create", "pay", "cancel", "expire", "get", "start", "price",
	"many", "list", "ship", "put", "add" };

struct sizes sizes;
struct progress *progress;
struct host *host;
struct arena *arena;
struct orderd_line lines[LINES_MOST];
int64_t price = 100, added;
static uint64_t users;

void give_up(const char *why)
{
	printf("nth: %s: %s with %s at %" PRIu64 "; replay: tests/faults/nth %s:%s:%" PRIu64
	       ":%" PRIu64 "\n",
		why, names[progress->operation], failing_names[progress->what], progress->n,
		names[progress->operation], failing_names[progress->what], progress->n, sizes.seed);
	fflush(stdout);
	progress->failed = true;
	_exit(1);
}

/* --- cases ---------------------------------------------------------------------------------- */

static void tally(void)
{
	static char seen[40][48];
	const char *what = heard.answered ? heard.code ? heard.error : "done" : "no answer";

	for (size_t i = 0; i < 40; i++) {
		if (strcmp(seen[i], what) == 0)
			return;
		if (!seen[i][0]) {
			snprintf(seen[i], sizeof(seen[i]), "%s", what);
			printf("nth: %s, %s: first \"%s\" at %" PRIu64 "\n",
				names[progress->operation], failing_names[progress->what], what,
				progress->n);
			return;
		}
	}
}

static void start_again(void)
{
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		host_stop(host, i);
	host_start_all(host);
}

/* False: the Nth call never came. */
static bool case_run(void)
{
	uint64_t user_id = ++users;
	uint64_t order_id = prepare(progress->operation, user_id);
	bool hit;

	heard.answered = false;
	ask(progress->operation, user_id, order_id);
	failing_arm(progress->what, progress->n);
	if (progress->operation == START)
		start_again();
	wait_for_answer();
	hit = failing_disarm();
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		progress->deaths += !host_runs(host, i);
	if (progress->operation != EXPIRE && progress->operation != START && sizes.seed == 0)
		tally();
	look(user_id);
	ask_again(user_id, order_id);
	progress->cases++;
	arena_reset(arena);
	return hit;
}

static void shop_open(const char *dir)
{
	host = host_new(dir, STORE_BYTES);
	arena = arena_new();
	if (!host || !arena || host_start_all(host) < 0)
		give_up("the suite does not start");
	host_listen(host, hear, NULL);
	for (uint64_t book = 1; book <= sizes.lines; book++) {
		struct book_put put = put_of(book, price);
		struct level_set set = { .book_id = book, .available = added = 1000000 };
		struct book_put_reply reply;
		struct level level;

		if (host_call(host, HOST_CATALOGD, "catalog.put", &book_put_record, &put, arena,
			    &book_put_reply_record, &reply) != 0 ||
			host_call(host, HOST_STOCKD, "stock.set", &level_set_record, &set, arena,
				&level_record, &level) != 0)
			give_up("the books cannot be made");
		lines[book - 1] = (struct orderd_line){ .book_id = book, .quantity = 1 + book % 2 };
	}
	while (users < sizes.before) {
		struct orderd_order order;

		if (create(++users, 0, &order) != 0)
			give_up("the orders from before cannot be made");
	}
}

/* Of the shop that seed stands for. */
static void sizes_set(uint64_t seed)
{
	struct random random = { .state = seed };

	sizes.seed = seed;
	sizes.lines = seed ? 1 + random_below(&random, LINES_MOST) : 2;
	sizes.many = seed ? 1 + random_below(&random, MANY_MOST) : 2;
	sizes.before = seed ? random_below(&random, BEFORE_MAX) : 0;
}

static void work(const char *dir, uint64_t from, uint64_t to)
{
	if (!freopen("/dev/null", "we", stderr)) /* daemons say there what failed */
		give_up("/dev/null");
	shop_open(dir);
	for (progress->n = from; progress->n <= to; progress->n++)
		if (!case_run())
			break;
	host_free(host);
	fflush(stdout);
	_exit(0);
}

/* One operation and one fault in a process and a directory of their own. */
static int sweep(enum operation_kind operation, enum failing what, uint64_t from, uint64_t to)
{
	const char *tmp = getenv("TMPDIR");
	uint64_t cases = progress->cases, deaths = progress->deaths;
	char dir[128];
	int status;
	pid_t worker;

	snprintf(dir, sizeof(dir), "%.100s/orderd-nth.XXXXXX", tmp ? tmp : "/dev/shm");
	if (!mkdtemp(dir))
		return USAGE_STATUS;
	progress->operation = operation;
	progress->what = what;
	fflush(stdout);
	worker = fork();
	if (worker == 0)
		work(dir, from, to);
	if (worker < 0 || waitpid(worker, &status, 0) < 0)
		return USAGE_STATUS;
	if (status != 0 && !progress->failed)
		printf("nth: the process ended: replay: tests/faults/nth %s:%s:%" PRIu64 ":%" PRIu64
		       "\n",
			names[operation], failing_names[what], progress->n, sizes.seed);
	progress->failed = false;
	if (sizes.seed == 0 || status)
		printf("nth: %s, %s: %" PRIu64 " cases, %" PRIu64
		       " daemons gone and back, N up to %" PRIu64 ": %s\n",
			names[operation], failing_names[what], progress->cases - cases,
			progress->deaths - deaths, progress->n, status ? "FAILED" : "ok");
	return status != 0;
}

static int replay(const char *which)
{
	char operation[16], what[16];
	uint64_t n, seed = 0;

	if (sscanf(which, "%15[a-z]:%15[a-z]:%" SCNu64 ":%" SCNu64, operation, what, &n, &seed) < 3)
		return USAGE_STATUS;
	sizes_set(seed);
	for (unsigned i = 0; i < OPERATIONS; i++)
		for (unsigned k = 0; k < FAILINGS; k++)
			if (strcmp(names[i], operation) == 0 && strcmp(failing_names[k], what) == 0)
				return sweep(i, k, 1, n);
	return USAGE_STATUS;
}

static int sweep_all(unsigned operations)
{
	int failed = 0;

	for (unsigned i = 0; i < operations; i++)
		for (unsigned k = 0; k < FAILINGS; k++)
			failed |= sweep(i, k, 1, N_MAX);
	printf("covered: nth failure: %" PRIu64 " cases: %s\n", progress->cases,
		failed ? "FAILED" : "ok");
	return failed;
}

int main(int argc, char **argv)
{
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (progress == MAP_FAILED)
		return USAGE_STATUS;
	sizes_set(0);
	if (argc == 2)
		return replay(argv[1]);
	if (argc != 3 || strcmp(argv[1], "--seed") != 0)
		return argc == 1 ? sweep_all(HOTTEST) : USAGE_STATUS;
	sizes_set(strtoull(argv[2], NULL, 10));
	return sweep_all(OPERATIONS);
}
