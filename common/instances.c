#include "instances.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_socket.h"
#include "clock.h"
#include "protocol.h"
#include "text.h"

#define LOOK_MS 1000   /* between two looks at who is there */
#define REST_MS 1000   /* for one that failed */
#define ATTEMPT_MS 250 /* then the next is asked, and the second time round twice as long */
#define ATTEMPT_MAX_MS 8000
#define HEALTH_MS 250
#define PAUSE_MS 50 /* while all of them rest */

struct instance {
	char *path;
	struct connection *connection; /* NULL: not asked yet */
	int64_t rest_until_ms;
	int failure; /* of the last time: 0, a code or -errno */
	bool there;  /* at the last look */
};

struct instances {
	char *dir;
	char *name;
	struct instance list[INSTANCES_MAX];
	size_t count;
	size_t turn;
	int64_t look_at_ms;
	int failure; /* of the look itself */
};

/* --- who is there --------------------------------------------------------------------------- */

static void instance_done(struct instance *instance)
{
	connection_close(instance->connection);
	free(instance->path);
}

int instances_open(struct instances **ret, const char *runtime_dir, const char *name)
{
	struct instances *instances = calloc(1, sizeof(*instances));

	if (!instances)
		return -ENOMEM;
	instances->dir = strdup(runtime_dir);
	instances->name = strdup(name);
	if (!instances->dir || !instances->name) {
		instances_close(instances);
		return -ENOMEM;
	}
	*ret = instances;
	return 0;
}

void instances_close(struct instances *instances)
{
	if (!instances)
		return;
	for (size_t i = 0; i < instances->count; i++)
		instance_done(&instances->list[i]);
	free(instances->dir);
	free(instances->name);
	free(instances);
}

size_t instance_in(const char *file, const char *name, const char *ending)
{
	size_t size = strlen(name), length = strlen(file), end = strlen(ending);

	if (length < size + end || strncmp(file, name, size) != 0 ||
		strcmp(file + length - end, ending) != 0)
		return 0;
	length -= end;
	if (length > size &&
		(file[size] != '@' || !text_is_instance(file + size + 1, length - size - 1)))
		return 0;
	return length;
}

static int instance_see(struct instances *instances, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s", instances->dir, file) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < instances->count; i++)
		if (strcmp(instances->list[i].path, path) == 0) {
			instances->list[i].there = true;
			free(path);
			return 0;
		}
	if (instances->count == INSTANCES_MAX) {
		free(path);
		return 0;
	}
	instances->list[instances->count++] = (struct instance){ .path = path, .there = true };
	return 0;
}

static void forget_absent(struct instances *instances)
{
	size_t kept = 0;

	for (size_t i = 0; i < instances->count; i++)
		if (instances->list[i].there)
			instances->list[kept++] = instances->list[i];
		else
			instance_done(&instances->list[i]);
	instances->count = kept;
}

/* The process has no descriptor left: that says nothing of any instance. */
static bool lacks_files(int result)
{
	return result == -EMFILE || result == -ENFILE;
}

static int look(struct instances *instances)
{
	DIR *dir = opendir(instances->dir);
	int result = dir ? 0 : -errno;
	struct dirent *entry;

	instances->look_at_ms = clock_monotonic_ms() + LOOK_MS;
	if (lacks_files(result))
		return result;
	for (size_t i = 0; i < instances->count; i++)
		instances->list[i].there = false;
	while (result == 0 && (entry = readdir(dir)))
		if (instance_in(entry->d_name, instances->name, ".sock") > 0)
			result = instance_see(instances, entry->d_name);
	if (dir)
		closedir(dir);
	forget_absent(instances);
	return result;
}

/* --- in turn -------------------------------------------------------------------------------- */

/* Whoever failed has to be there and to say that it is ready; on a new connection, as the old one
 * takes its time to notice that its daemon is back. */
static int health_ask(struct instance *instance, struct arena *arena)
{
	struct health health;
	int result = client_socket_look(instance->path);

	if (result < 0)
		return result;
	connection_close(instance->connection);
	instance->connection = NULL;
	result = connection_open(&instance->connection, instance->path);
	if (result == 0)
		result = connection_call(instance->connection, arena, "health", &empty_record, NULL,
			HEALTH_MS, &health_record, &health, NULL);
	return result == 0 && !health.ready ? -EAGAIN : result;
}

static void instance_rest(struct instance *instance, int failure)
{
	instance->failure = failure;
	instance->rest_until_ms = clock_monotonic_ms() + REST_MS;
}

/* The next one that does not rest and, where it failed, is well again; NULL: nobody. */
static struct instance *next_well(struct instances *instances, struct arena *arena)
{
	for (size_t tries = 0; tries < instances->count; tries++) {
		struct instance *instance = &instances->list[instances->turn++ % instances->count];
		int result = 0;

		if (instance->rest_until_ms > clock_monotonic_ms())
			continue;
		if (instance->failure)
			result = health_ask(instance, arena);
		else if (!instance->connection)
			result = connection_open(&instance->connection, instance->path);
		instance->failure = result;
		if (result == 0)
			return instance;
		instance_rest(instance, result);
	}
	return NULL;
}

bool instances_pass_over(int result)
{
	int kind = result / 100; /* as HTTP has it: busy, unavailable, timed out */

	return result < 0 ? result != -EMSGSIZE && result != -ENOMEM && result != -EACCES &&
			!lacks_files(result)
			  : kind == 429 || kind == 503 || kind == 504;
}

static void pause_until(int64_t deadline_ms)
{
	int64_t left_ms = deadline_left(deadline_ms);

	left_ms = left_ms < PAUSE_MS ? left_ms : PAUSE_MS;
	nanosleep(&(struct timespec){ .tv_nsec = left_ms * 1000000 }, NULL);
}

/* What to say of a time in which all of them rested: as before, if one was asked. */
static int nobody(const struct instances *instances, int before)
{
	int last;

	if (instances->count == 0)
		return instances->failure < 0 ? instances->failure : -ENOENT;
	last = instances->list[instances->turn % instances->count].failure;
	return before != -ENOENT ? before : last < 0 ? last : -ETIMEDOUT;
}

int instances_call(struct instances *instances, struct arena *arena, const char *operation,
	const struct record *request_record, const void *request, int64_t timeout_ms,
	const struct record *reply_record, void *ret_reply, struct answer *ret_answer)
{
	int64_t deadline_ms = deadline_in(timeout_ms);
	int64_t attempt_ms = ATTEMPT_MS;
	int result = -ENOENT;

	do {
		struct instance *instance;
		int64_t left_ms = deadline_left(deadline_ms);

		if (clock_monotonic_ms() >= instances->look_at_ms)
			instances->failure = look(instances);
		instance = next_well(instances, arena);
		if (!instance) {
			result = nobody(instances, result);
			if (lacks_files(result))
				return result;
			pause_until(deadline_ms);
			continue;
		}
		result = connection_call(instance->connection, arena, operation, request_record,
			request, left_ms < attempt_ms ? left_ms : attempt_ms, reply_record,
			ret_reply, ret_answer);
		if (!instances_pass_over(result))
			return result;
		instance_rest(instance, result);
		if (attempt_ms < ATTEMPT_MAX_MS)
			attempt_ms *= 2;
	} while (deadline_left(deadline_ms) > 0);
	return result;
}

static const char *failure_text(int failure)
{
	switch (failure) {
	case 0:
		return "well";
	case -ETIMEDOUT:
		return "no answer in time";
	case -ECONNREFUSED:
		return "nobody answers there";
	case -EAGAIN:
		return "not ready";
	default:
		return failure < 0 ? strerror(-failure) : "busy";
	}
}

const char *instances_tried(const struct instances *instances, struct arena *arena)
{
	const char *text = "";

	if (instances->count == 0)
		return arena_print(arena, "%s/%s.sock (%s)", instances->dir, instances->name,
			strerror(instances->failure < 0 ? -instances->failure : ENOENT));
	for (size_t i = 0; text && i < instances->count; i++)
		text = arena_print(arena, "%s%s%s (%s)", text, i > 0 ? ", " : "",
			instances->list[i].path, failure_text(instances->list[i].failure));
	return text;
}
