#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "failing.h"

/* nth [OPERATION:FAULT:N]: each of the hottest operations with the Nth call failing, for every N
 * until there is no such call any more, in the cores of all daemons on real stores. A daemon whose
 * tick fails is started again. After each: the suite comes to rest, the stores add up, what was
 * answered holds, what was refused left nothing, and the same asked again converges. */

#define USAGE_STATUS 2
#define STORE_BYTES (INT64_C(16) << 20)
#define ANSWER_MS 20000
#define REST_MS 30000
#define N_MAX 20000
#define CLIENT 7

enum operation_kind { CREATE, PAY, CANCEL, EXPIRE, GET, OPERATIONS };
static const char *const names[] = { "create", "pay", "cancel", "expire", "get" };

/* Where the worker is, for whoever hears of its end. */
static struct {
	enum operation_kind operation;
	enum failing what;
	uint64_t n;
	uint64_t cases, deaths;
	bool failed;
} * progress;

static struct host *host;
static struct arena *arena;
static uint64_t users;

/* What the client heard. */
static struct {
	bool answered;
	int code;
	char error[40];
} heard;

static void hear(void *argument, uint64_t client, const void *frame, size_t size)
{
	const struct value *map, *code, *error;
	bool armed = failing_pause();

	(void)argument, (void)client;
	if (codec_parse(arena, frame, size, &map) == 0) {
		code = value_find(map, "code");
		error = value_find(map, "error");
		heard.answered = true;
		heard.code = code ? (int)code->u64 : -1;
		snprintf(heard.error, sizeof(heard.error), "%.*s", error ? (int)error->str.size : 0,
			error ? error->str.at : "");
	}
	if (armed)
		failing_resume();
}

static void give_up(const char *why)
{
	printf("nth: %s: %s with %s at %" PRIu64 "; replay: tests/faults/nth %s:%s:%" PRIu64 "\n",
		why, names[progress->operation], failing_names[progress->what], progress->n,
		names[progress->operation], failing_names[progress->what], progress->n);
	fflush(stdout);
	progress->failed = true;
	_exit(1);
}

/* --- what is asked -------------------------------------------------------------------------- */

static struct orderd_line lines[] = { { .book_id = 1, .quantity = 2 },
	{ .book_id = 2, .quantity = 1 } };

static struct orderd_create create_of(uint64_t user_id)
{
	return (struct orderd_create){ .user_id = user_id,
		.items = lines,
		.item_count = 2,
		.idempotency_key = arena_print(arena, "key-%" PRIu64, user_id),
		.expires_in_ms = progress->operation == EXPIRE ? 1000 : 0 };
}

static int create(uint64_t user_id, struct orderd_order *ret)
{
	struct orderd_create request = create_of(user_id);

	return host_call(host, HOST_ORDERD, "order.create", &create_record, &request, arena,
		&order_record, ret);
}

static void ask(enum operation_kind operation, uint64_t user_id, uint64_t order_id)
{
	struct orderd_create request = create_of(user_id);
	struct order_change change = { .order_id = order_id, .status = ORDERD_PAID };
	struct order_ref ref = { .order_id = order_id };

	if (operation == CREATE)
		host_ask(host, HOST_ORDERD, CLIENT, "order.create", &create_record, &request);
	else if (operation == PAY)
		host_ask(host, HOST_ORDERD, CLIENT, "order.set_status", &order_set_status_record,
			&change);
	else if (operation == CANCEL)
		host_ask(host, HOST_ORDERD, CLIENT, "order.cancel", &order_cancel_record, &change);
	else if (operation == GET)
		host_ask(host, HOST_ORDERD, CLIENT, "order.get", &order_ref_record, &ref);
}

/* Until it is answered, orderd is gone, or it is too long. */
static void wait_for_answer(void)
{
	int most_ms = progress->operation == EXPIRE ? 1100 : ANSWER_MS;

	for (int passed_ms = 0; passed_ms < most_ms; passed_ms += 50) {
		host_drain(host);
		if (heard.answered || !host_runs(host, HOST_ORDERD))
			return;
		host_pass(host, 50);
	}
}

/* --- what has to be true then --------------------------------------------------------------- */

static const struct orderd_order *order_of(const struct picture *picture, uint64_t user_id)
{
	const struct orderd_order *found = NULL;

	for (size_t i = 0; i < picture->order_count; i++) {
		if (picture->orders[i].user_id != user_id)
			continue;
		if (found)
			give_up("two orders under one key");
		found = &picture->orders[i];
	}
	return found;
}

static void check_outcome(const struct orderd_order *order)
{
	static const enum orderd_status wanted[] = { [CREATE] = ORDERD_PENDING,
		[PAY] = ORDERD_PAID,
		[CANCEL] = ORDERD_CANCELLED,
		[EXPIRE] = ORDERD_CANCELLED };
	enum operation_kind operation = progress->operation;
	bool done = order && operation != GET && order->status == wanted[operation];

	if (operation == GET)
		done = heard.answered && heard.code == 0;
	if (heard.answered && heard.code == 0 && !done)
		give_up("what was answered is lost");
	if (heard.answered && heard.code != 0 && done && operation != GET)
		give_up("what was refused is there");
	if (operation == EXPIRE && !done)
		give_up("it did not expire");
	if (heard.answered && heard.code == 50000 && progress->what != FAIL_MALLOC)
		give_up("an error without a word");
}

/* In one process daemons share what they have open of a store, and a store that failed at its last
 * page stays so until nobody has it open: who is gone takes the others along. */
static bool all_run(void)
{
	bool good = true;

	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		good = good && host_runs(host, i);
	return good;
}

static void look(uint64_t user_id)
{
	struct picture picture;

	if (!all_run())
		for (unsigned i = 0; i < HOST_DAEMONS; i++)
			host_stop(host, i);
	if (host_start_all(host) < 0)
		give_up("a daemon does not start again");
	if (progress->operation == EXPIRE)
		host_pass(host, 3000);
	if (!audit_wait_for_rest(host, REST_MS))
		give_up("not at rest after 30 s");
	if (picture_take(host, &picture) < 0 || !audit_at_rest(&picture)) {
		printf("nth: %s\n", picture.why);
		give_up("the stores do not add up");
	}
	check_outcome(order_of(&picture, user_id));
	picture_done(&picture);
}

static void ask_again(uint64_t user_id, uint64_t order_id)
{
	struct orderd_order order = { 0 };

	if (progress->what == FAIL_ENOSPC || progress->what == FAIL_SHORT)
		host_pass(host, 100); /* until stockd is tried again */
	if (progress->operation == CREATE && (heard.code = create(user_id, &order)) != 0) {
		printf("nth: %d %s\n", heard.code, host_error(host));
		give_up("the same asked again is refused");
	}
	if (progress->operation != PAY && progress->operation != CANCEL)
		return;
	heard.answered = false;
	ask(progress->operation, user_id, order_id);
	wait_for_answer();
	if (!heard.answered || (heard.code != 0 && heard.code != 40900))
		give_up("the same asked again is refused");
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

/* False: the Nth call never came. */
static bool case_run(void)
{
	struct orderd_order order = { 0 };
	uint64_t user_id = ++users;
	bool hit;

	if (progress->operation != CREATE && create(user_id, &order) != 0)
		give_up("the order to try it on cannot be made");
	heard.answered = false;
	ask(progress->operation, user_id, order.order_id);
	failing_arm(progress->what, progress->n);
	wait_for_answer();
	hit = failing_disarm();
	for (unsigned i = 0; i < HOST_DAEMONS; i++)
		progress->deaths += !host_runs(host, i);
	if (progress->operation != EXPIRE)
		tally();
	look(user_id);
	ask_again(user_id, order.order_id);
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
	for (uint64_t book = 1; book <= 2; book++) {
		struct book_put put = {
			.book_id = book, .title = "A book", .price = 100, .active = true
		};
		struct level_set set = { .book_id = book, .available = 1000000 };
		struct book_put_reply reply;
		struct level level;

		if (host_call(host, HOST_CATALOGD, "catalog.put", &book_put_record, &put, arena,
			    &book_put_reply_record, &reply) != 0 ||
			host_call(host, HOST_STOCKD, "stock.set", &level_set_record, &set, arena,
				&level_record, &level) != 0)
			give_up("the books cannot be made");
	}
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
		printf("nth: the process ended: replay: tests/faults/nth %s:%s:%" PRIu64 "\n",
			names[operation], failing_names[what], progress->n);
	progress->failed = false;
	printf("nth: %s, %s: %" PRIu64 " cases, %" PRIu64 " daemons gone and back, N up to %" PRIu64
	       ": %s\n",
		names[operation], failing_names[what], progress->cases - cases,
		progress->deaths - deaths, progress->n, status ? "FAILED" : "ok");
	return status != 0;
}

static int replay(const char *which)
{
	char operation[16], what[16];
	uint64_t n;

	if (sscanf(which, "%15[a-z]:%15[a-z]:%" SCNu64, operation, what, &n) != 3)
		return USAGE_STATUS;
	for (unsigned i = 0; i < OPERATIONS; i++)
		for (unsigned k = 0; k < FAILINGS; k++)
			if (strcmp(names[i], operation) == 0 && strcmp(failing_names[k], what) == 0)
				return sweep(i, k, n, n);
	return USAGE_STATUS;
}

int main(int argc, char **argv)
{
	int failed = 0;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (progress == MAP_FAILED)
		return USAGE_STATUS;
	if (argc == 2)
		return replay(argv[1]);
	for (unsigned i = 0; i < OPERATIONS; i++)
		for (unsigned k = 0; k < FAILINGS; k++)
			failed |= sweep(i, k, 1, N_MAX);
	printf("covered: nth failure: %" PRIu64 " cases: %s\n", progress->cases,
		failed ? "FAILED" : "ok");
	return failed;
}
