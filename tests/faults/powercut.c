#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cutfiles.h"
#include "log.h"
#include "promise.h"

/* powercut DIR [--states N] [--seed S] [--jobs J] [--replay POSITION:VARIANT]
 *     [--forget sync|meta]
 *
 * Rebuilds the stores of a recording (load.py) as a power cut would leave them, starts the daemons'
 * cores on them, lets them come to rest and compares with what clients were told. */

#define USAGE_STATUS 2
#define JOBS_MAX 16
#define FAILURES_MAX 5 /* a worker ends after so many */
#define TRIES 4        /* for each state of a cut that is wanted */
#define STORE_BYTES (INT64_C(64) << 20)

/* Of one worker, shared with the parent. */
struct progress {
	uint64_t position, variant;
	uint64_t states, pending, first_starts, answers, repeats, failures;
};

static struct progress *progress;
static const char *dir, *program;
static uint64_t states = 1000, seed = 1;
static unsigned jobs = 1;
static struct cut only;
static uint64_t only_variant;
static enum forget forget;

static void fail(struct progress *mine, const char *why)
{
	printf("powercut: FAILED: %s; replay: %s %s --replay %" PRIu64 ":%" PRIu64 "\n", why,
		program, dir, mine->position, mine->variant);
	fflush(stdout);
	mine->failures++;
}

static void state_try(struct progress *mine, const struct recording *recording, const char *at,
	const struct cut *cut, uint64_t variant)
{
	struct promise promise = { .recording = recording, .cut = cut->at };
	struct host *host = host_new(at, STORE_BYTES);

	if (!host)
		exit(USAGE_STATUS);
	mine->position = cut->at;
	mine->variant = variant;
	host_set_clock(host, cut->wall_ms + 5);
	if (!promise_check(&promise, host))
		fail(mine, promise.why);
	host_free(host);
	mine->states++;
	mine->pending += cut->pending;
	mine->first_starts += recording->stores[STORES - 1].rename_durable_at >= cut->at;
	mine->answers += promise.answers;
	mine->repeats += promise.repeats;
}

/* How many variants each cut with something pending gets; the others get one. */
static uint64_t variants_each(const struct recording *recording)
{
	uint64_t plain = 0, pending = 0;

	for (size_t i = 0; i < recording->cut_count; i++)
		*(recording->cuts[i].pending ? &pending : &plain) += 1;
	if (states <= plain + pending || pending == 0)
		return 1;
	return (states - plain + pending - 1) / pending;
}

/* One that stands for its place alone is dropped as a whole, kept as a whole or mixed. */
static uint64_t variant_of(bool alone, size_t i, uint64_t v)
{
	uint64_t variant = alone ? i % 4 : v;

	return variant < 2 ? variant : seed * 1000000 + variant + i;
}

/* So many states of a cut that are not the same; returns how many there were. */
static uint64_t cut_try(struct progress *mine, const struct recording *recording,
	struct cut_files *files, const char *at, size_t i, size_t places, uint64_t wanted)
{
	const struct cut *cut = &recording->cuts[i * recording->cut_count / places];
	uint64_t *seen = calloc(wanted, sizeof(*seen)), count = 0;

	if (!seen)
		exit(USAGE_STATUS);
	for (uint64_t v = 0; count < wanted && v < TRIES * wanted; v++) {
		uint64_t variant = variant_of(wanted == 1, i, v), k = 0;

		seen[count] = cut_files_make(files, cut, variant);
		while (seen[k] != seen[count])
			k++;
		if (k < count)
			continue;
		count++;
		state_try(mine, recording, at, cut, variant);
	}
	free(seen);
	return count;
}

/* Places where little was under way have fewer states than each is to give: the next ones make up
 * for it as far as they can. */
static void cuts_try(struct progress *mine, const struct recording *recording,
	struct cut_files *files, const char *at, unsigned job)
{
	uint64_t each = variants_each(recording), owed = 0;
	size_t places = recording->cut_count < states ? recording->cut_count : states;

	for (size_t i = job; i < places && mine->failures < FAILURES_MAX; i += jobs) {
		bool pending = recording->cuts[i * recording->cut_count / places].pending;
		uint64_t more = pending && each > 1 ? (owed < 2 * each ? owed : 2 * each) : 0;
		uint64_t wanted = (pending ? each : 1) + more;

		owed += wanted - more;
		owed -= cut_try(mine, recording, files, at, i, places, wanted);
	}
}

static void work(struct progress *mine, const struct recording *recording, unsigned job)
{
	const char *tmp = getenv("TMPDIR");
	char place[128];
	struct cut_files *files;

	snprintf(place, sizeof(place), "%.100s/orderd-cut.XXXXXX", tmp ? tmp : "/dev/shm");
	files = mkdtemp(place) ? cut_files_new(recording, place) : NULL;
	if (!files)
		exit(USAGE_STATUS);
	log_set_level("error");
	mallopt(M_MMAP_THRESHOLD, 1 << 30); /* fresh pages cost more than clearing old ones */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	if (only.at > 0) {
		cut_files_make(files, &only, only_variant);
		state_try(mine, recording, place, &only, only_variant);
		cut_files_free(files);
		exit(0);
	}
	cuts_try(mine, recording, files, place, job);
	cut_files_free(files);
	exit(0);
}

static int run(const struct recording *recording)
{
	struct progress sum = { 0 };
	pid_t workers[JOBS_MAX];
	int status;

	fflush(NULL);
	for (unsigned i = 0; i < jobs; i++) {
		workers[i] = fork();
		if (workers[i] == 0)
			work(&progress[i], recording, i);
	}
	for (unsigned i = 0; i < jobs; i++) {
		waitpid(workers[i], &status, 0);
		if (status != 0)
			fail(&progress[i], "the process ended");
		sum.states += progress[i].states;
		sum.pending += progress[i].pending;
		sum.first_starts += progress[i].first_starts;
		sum.answers += progress[i].answers;
		sum.repeats += progress[i].repeats;
		sum.failures += progress[i].failures;
	}
	printf("powercut: %zu places, %" PRIu64 " different states (%" PRIu64
	       " with writes that could be lost, %" PRIu64 " of a first start), %" PRIu64
	       " answers kept, %" PRIu64 " requests repeated, %" PRIu64 " failures: %s\n",
		recording->cut_count, sum.states, sum.pending, sum.first_starts, sum.answers,
		sum.repeats, sum.failures, sum.failures ? "FAILED" : "ok");
	return sum.failures > 0;
}

static bool options_take(int argc, char **argv)
{
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (strcmp(argv[i], "--states") == 0)
			states = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--jobs") == 0)
			jobs = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--replay") == 0 &&
			sscanf(value, "%" SCNu64 ":%" SCNu64, &only.at, &only_variant) == 2)
			jobs = 1;
		else if (strcmp(argv[i], "--forget") == 0)
			forget = strcmp(value, "sync") == 0 ? FORGET_SYNC : FORGET_META;
		else
			return false;
	}
	program = argv[0];
	dir = argv[1];
	return argc >= 2 && argc % 2 == 0 && jobs > 0 && jobs <= JOBS_MAX && states > 0;
}

int main(int argc, char **argv)
{
	struct recording recording;

	if (!options_take(argc, argv)) {
		fprintf(stderr,
			"usage: powercut DIR [--states N] [--seed S] [--jobs J] [--replay POSITION:VARIANT] [--forget sync|meta]\n");
		return USAGE_STATUS;
	}
	progress = mmap(NULL, JOBS_MAX * sizeof(*progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return USAGE_STATUS;
	recording_read(&recording, dir, forget);
	for (size_t i = 0; i < recording.cut_count; i++)
		if (recording.cuts[i].at == only.at)
			only = recording.cuts[i];
	return run(&recording);
}
