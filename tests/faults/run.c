#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "sim.h"

/* One seed from its first start to its rest. */

#define SETUP_MS 90
#define CONVERGE_MS 15000

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
	va_end(arguments);
	sim_trace(sim, "*** %s", sim->failure);
	longjmp(sim->failed, 1);
}

static void sim_live(struct sim *sim)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < sim->plan.count; i++)
		last_ms = sim->plan.items[i].at_ms;
	world_begin(sim);
	clients_begin(sim);
	world_run(sim, SETUP_MS);
	world_run(sim, last_ms + 1);
	world_heal(sim);
	world_run(sim, sim->now_ms + REST_MS);
	rest_check(sim);
	clients_converge(sim);
	world_run(sim, sim->now_ms + CONVERGE_MS);
	rest_check(sim);
}

static int tree_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info, (void)type, (void)place;
	return remove(path);
}

bool sim_run(struct sim *sim)
{
	char dir[] = "/dev/shm/orderd-sim.XXXXXX";
	bool good;

	if (!mkdtemp(dir)) {
		snprintf(sim->failure, sizeof(sim->failure), "%s: %s", dir, strerror(errno));
		return false;
	}
	sim->dir = dir;
	sim->arena = arena_new();
	sim->coverage->seeds++;
	disk_watch(sim);
	good = setjmp(sim->failed) == 0;
	if (good)
		sim_live(sim);
	disk_watch(NULL);
	world_end(sim);
	oracle_end(sim);
	clients_end(sim);
	arena_free(sim->arena);
	nftw(dir, tree_entry, 16, FTW_DEPTH | FTW_PHYS);
	return good;
}
