#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

/* fuzz_X [--seed S] [--from R] [--rounds N] [--write DIR] [FILE | DIRECTORY ...]: replays the files,
 * then runs N inputs that are made from the seed, and writes them to DIR. A worker does the work, so
 * that whatever ends it, the line that does it again is printed. */

#define USAGE_STATUS 2

/* Shared with the worker. */
struct progress {
	char file[4096]; /* being replayed; "": a round is run */
	uint64_t round;
	uint64_t replayed;
	uint64_t count;
	char covered[512];
};

static struct progress *progress;
static uint64_t seed = 1, from, rounds;
static const char *write_to;

static void file_replay(const char *path)
{
	FILE *in = fopen(path, "re");
	struct buffer bytes = { 0 };
	char piece[65536];
	size_t size;

	if (!in) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(USAGE_STATUS);
	}
	while ((size = fread(piece, 1, sizeof(piece), in)) > 0)
		buffer_append(&bytes, piece, size);
	fclose(in);
	snprintf(progress->file, sizeof(progress->file), "%s", path);
	LLVMFuzzerTestOneInput(bytes.at, bytes.size);
	progress->replayed++;
	progress->count = target_count;
	buffer_done(&bytes);
}

static int is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void path_replay(const char *path)
{
	struct dirent **entries;
	struct stat info;
	char name[4096];
	int count;

	if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode)) {
		file_replay(path);
		return;
	}
	count = scandir(path, &entries, is_plain, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		file_replay(name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static void input_write(const struct buffer *input, uint64_t round)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/seed-%llu-%llu", write_to, (unsigned long long)seed,
		(unsigned long long)round);
	out = fopen(path, "we");
	if (!out || (input->size > 0 && fwrite(input->at, input->size, 1, out) != 1) ||
		fclose(out) != 0) {
		fprintf(stderr, "%s: cannot be written\n", path);
		exit(USAGE_STATUS);
	}
}

static void work(int argc, char **argv)
{
	struct buffer input = { 0 };

	if (LLVMFuzzerInitialize(&argc, &argv) != 0)
		exit(USAGE_STATUS);
	for (int i = 0; i < argc; i++)
		path_replay(argv[i]);
	progress->file[0] = '\0';
	for (progress->round = from; progress->round < from + rounds; progress->round++) {
		struct dice dice = dice_of(seed, progress->round);

		buffer_reset(&input);
		target_generate(&dice, &input);
		if (write_to)
			input_write(&input, progress->round);
		LLVMFuzzerTestOneInput(input.at, input.size);
		progress->count = target_count;
	}
	buffer_done(&input);
	if (target_covered)
		snprintf(progress->covered, sizeof(progress->covered), "; %s", target_covered);
	exit(0);
}

static int options_take(int argc, char **argv)
{
	int at = 1;

	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--seed") == 0)
			seed = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--from") == 0)
			from = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--rounds") == 0)
			rounds = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--write") == 0)
			write_to = argv[at + 1];
		else
			return -1;
	}
	return at < argc && strncmp(argv[at], "--", 2) == 0 ? -1 : at;
}

static int tell_end(const char *program, int status)
{
	const char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

	if (status == 0) {
		printf("%s: %llu files, %llu inputs of seed %llu: %llu %s%s: ok\n", name,
			(unsigned long long)progress->replayed, (unsigned long long)rounds,
			(unsigned long long)seed, (unsigned long long)progress->count, target_unit,
			progress->covered);
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == USAGE_STATUS)
		return USAGE_STATUS;
	if (progress->file[0])
		printf("%s: FAILED; replay: %s %s\n", name, program, progress->file);
	else
		printf("%s: FAILED; replay: %s --seed %llu --from %llu --rounds 1\n", name, program,
			(unsigned long long)seed, (unsigned long long)progress->round);
	return 1;
}

int main(int argc, char **argv)
{
	int first = options_take(argc, argv);
	int status = 0;
	pid_t worker;

	if (first < 0) {
		fprintf(stderr,
			"usage: %s [--seed S] [--from R] [--rounds N] [--write DIR] [FILE ...]\n",
			argv[0]);
		return USAGE_STATUS;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (progress == MAP_FAILED)
		return USAGE_STATUS;
	fflush(NULL);
	worker = fork();
	if (worker == 0)
		work(argc - first, argv + first);
	if (worker < 0 || waitpid(worker, &status, 0) < 0)
		return USAGE_STATUS;
	return tell_end(argv[0], status);
}
