#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "orderctl.h"
#include "output.h"
#include "store.h"
#include "vault.h"

/* New stores take the place of old ones, while no daemon runs: all are made beside first. From the
 * first renaming to the last a mark keeps the daemons from starting on a mixture. */

#define NEW_SUFFIX ".made"
#define DIRECTORY_MODE 0750
#define LOCK_WAIT_MS 5000 /* for a suite that is just being stopped */
#define LOCK_PAUSE_MS 50

struct change {
	const char *state_dir;
	const char *before; /* where the old stores are now, by suffix */
	uint64_t bytes_before, bytes;
	int owner_fds[VAULT_STORES];
};

static const struct field change_fields[] = {
	{ "state_dir", FIELD_TEXT, 0, AT(change, state_dir) },
	{ "old_stores", FIELD_TEXT, FIELD_SPARSE, AT(change, before) },
	{ "bytes_before", FIELD_U64, FIELD_SPARSE, AT(change, bytes_before) },
	{ "bytes", FIELD_U64, 0, AT(change, bytes) },
};
static const struct record change_record = RECORD(change, change_fields);

static int failed(const char *what, const char *name, int error)
{
	fprintf(stderr, "orderctl: %s %s: %s\n", what, name, strerror(-error));
	return STATUS_REFUSED;
}

/* --- what the verbs share ----------------------------------------------------------------------- */

const char *ctl_state_dir(const struct ctl *ctl)
{
	const char *given = ctl_option(ctl, "state-dir");

	return given ? given : STATE_DIR;
}

/* `systemctl stop orderd.target` returns before the last daemon has ended. */
static int lock_in_time(const char *path, int64_t until_ms, int *ret_fd)
{
	int error = store_lock(path, ret_fd);

	if (error == -EBUSY && clock_monotonic_ms() < until_ms)
		fputs("orderctl: a daemon has the store; waiting up to 5 s for it to end\n",
			stderr);
	while (error == -EBUSY && clock_monotonic_ms() < until_ms) {
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_MS * 1000000L }, NULL);
		error = store_lock(path, ret_fd);
	}
	return error;
}

int ctl_lock_stores(const char *state_dir, int fds[])
{
	int64_t until_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
	char path[VAULT_PATH_BYTES];

	for (size_t i = 0; i < VAULT_STORES; i++) {
		int error = vault_path(path, state_dir, vault_stores[i], "");

		fds[i] = -1;
		if (!error)
			error = lock_in_time(path, until_ms, &fds[i]);
		if (!error || error == -ENOENT)
			continue;
		if (error == -EBUSY)
			fprintf(stderr,
				"orderctl: %s runs on %s.\nStop the suite first (systemctl stop"
				" orderd.target).\n",
				vault_stores[i], path);
		else
			failed("cannot lock", path, error);
		ctl_unlock_stores(fds);
		return STATUS_REFUSED;
	}
	return STATUS_DONE;
}

void ctl_unlock_stores(int fds[])
{
	for (size_t i = 0; i < VAULT_STORES; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* --- new stores beside the old ones ------------------------------------------------------------- */

/* The directory NAME.made, empty, whatever an earlier attempt left there. */
static int make_store(const char *state_dir, const char *name, char path[VAULT_PATH_BYTES])
{
	int error = vault_path(path, state_dir, name, NEW_SUFFIX "/data.mdb");

	if (!error && unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		error = -errno;
	if (!error)
		error = vault_path(path, state_dir, name, NEW_SUFFIX);
	if (!error && mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
		error = -errno;
	if (!error)
		error = store_give(state_dir, path);
	return error ? error : vault_path(path, state_dir, name, NEW_SUFFIX "/data.mdb");
}

static int finish_store(const char *state_dir, const char *name, const char *data)
{
	char path[VAULT_PATH_BYTES];
	int error = store_give(state_dir, data);

	if (!error)
		error = vault_path(path, state_dir, name, NEW_SUFFIX);
	if (!error)
		error = store_make_lock(path);
	return error ? error : vault_sync(path);
}

static void remove_stores(const char *state_dir, const char *suffix)
{
	static const char *const files[] = { "/data.mdb", "/lock.mdb", "/owner.lock", "" };
	char path[VAULT_PATH_BYTES], name[64];

	for (size_t i = 0; i < VAULT_STORES; i++)
		for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
			snprintf(name, sizeof(name), "%s%s", vault_stores[i], suffix);
			if (vault_path(path, state_dir, name, files[f]) == 0)
				remove(path);
		}
}

/* --- the exchange ------------------------------------------------------------------------------- */

static int mark(const char *state_dir, bool set)
{
	char path[VAULT_PATH_BYTES];
	int error = vault_path(path, state_dir, STORE_MARK, "");

	if (error)
		return error;
	if (set) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0)
			return -errno;
		close(fd);
	} else if (unlink(path) < 0) {
		return -errno;
	}
	return vault_sync(state_dir);
}

static int move(const char *state_dir, const char *name, const char *from, const char *to)
{
	char old[VAULT_PATH_BYTES], new[VAULT_PATH_BYTES];
	int error = vault_path(old, state_dir, name, from);

	if (!error)
		error = vault_path(new, state_dir, name, to);
	if (error)
		return error;
	return rename(old, new) < 0 ? -errno : 0;
}

static int exchange(struct change *change)
{
	int error = mark(change->state_dir, true);
	size_t moved = 0;

	for (size_t i = 0; i < VAULT_STORES && !error; i++) {
		error = move(change->state_dir, vault_stores[i], "", change->before);
		moved += !error;
		error = error == -ENOENT ? 0 : error;
	}
	if (moved == 0)
		change->before = NULL;
	for (size_t i = 0; i < VAULT_STORES && !error; i++)
		error = move(change->state_dir, vault_stores[i], NEW_SUFFIX, "");
	if (!error)
		error = vault_sync(change->state_dir);
	return error ? error : mark(change->state_dir, false);
}

static const char *before_name(struct ctl *ctl)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), ".before-%Y%m%dT%H%M%SZ", &tm);
	return arena_text(ctl->arena, text, strlen(text));
}

/* --- restore ------------------------------------------------------------------------------------ */

static int check_sum(const char *path, const char *sum, const char *wanted)
{
	if (strcmp(sum, wanted) == 0)
		return STATUS_DONE;
	fprintf(stderr,
		"orderctl: %s is not what was backed up: its checksum differs.\nTake another"
		" backup; this one is damaged, and nothing was changed.\n",
		path);
	return STATUS_REFUSED;
}

static int restore_store(struct change *change, const char *dir, const char *name,
	const char *wanted)
{
	char from[VAULT_PATH_BYTES], to[VAULT_PATH_BYTES], sum[VAULT_SUM_BYTES];
	struct stat info;
	int error = vault_path(from, dir, name, "/data.mdb");

	if (!error)
		error = make_store(change->state_dir, name, to);
	if (!error)
		error = vault_sum(from, to, sum);
	if (!error)
		error = finish_store(change->state_dir, name, to);
	if (!error && stat(to, &info) < 0)
		error = -errno;
	if (error)
		return failed("cannot restore", from, error);
	change->bytes += (uint64_t)info.st_size;
	return check_sum(from, sum, wanted);
}

static int has_room(const char *from, const char *state_dir)
{
	uint64_t wanted, room;
	int error = vault_size(from, &wanted);

	if (!error)
		error = vault_room(state_dir, &room);
	if (error)
		return failed("cannot read", from, error);
	if (room > wanted)
		return STATUS_DONE;
	fprintf(stderr, "orderctl: %s has %" PRIu64 " MiB left and %" PRIu64 " are needed.\n",
		state_dir, room >> 20, wanted >> 20);
	return STATUS_REFUSED;
}

static int restore(struct change *change, const char *dir)
{
	char sums[VAULT_STORES][VAULT_SUM_BYTES];
	int error = vault_read_manifest(dir, sums), status;

	if (error) {
		fprintf(stderr,
			"orderctl: %s/" VAULT_MANIFEST ": %s.\nThis is no backup, or one"
			" that did not come to its end.\n",
			dir, strerror(-error));
		return STATUS_USAGE;
	}
	if (mkdir(change->state_dir, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return failed("cannot make", change->state_dir, -errno);
	status = has_room(dir, change->state_dir);
	for (size_t i = 0; i < VAULT_STORES && !status; i++)
		status = restore_store(change, dir, vault_stores[i], sums[i]);
	if (status) {
		remove_stores(change->state_dir, NEW_SUFFIX);
		return status;
	}
	error = exchange(change);
	return error ? failed("cannot put in place in", change->state_dir, error) : STATUS_DONE;
}

int restore_run(struct ctl *ctl)
{
	struct change change = { .state_dir = ctl_state_dir(ctl), .before = before_name(ctl) };
	int status = ctl_lock_stores(change.state_dir, change.owner_fds);

	if (!status && change.before)
		status = restore(&change, ctl->arguments[0]);
	if (!status)
		output_record(&change_record, &change);
	ctl_unlock_stores(change.owner_fds);
	return status;
}

/* --- compact ------------------------------------------------------------------------------------ */

static int compact_store(struct change *change, const char *name)
{
	static const char *const no_tables[] = { NULL };
	static const struct db_spec spec = { .tables = no_tables };
	char from[VAULT_PATH_BYTES], to[VAULT_PATH_BYTES];
	struct db *db = NULL;
	struct stat info;
	int fd = -1, error = vault_path(from, change->state_dir, name, "");

	if (!error)
		error = db_open(&db, from, &spec, DB_WATCH);
	if (!error)
		error = make_store(change->state_dir, name, to);
	if (!error) {
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		error = fd < 0 ? -errno : db_copy(db, fd, true);
	}
	if (!error)
		error = fsync(fd) < 0 || fstat(fd, &info) < 0 ? -errno : 0;
	if (!error)
		error = finish_store(change->state_dir, name, to);
	if (fd >= 0)
		close(fd);
	db_close(db);
	if (error)
		return failed("cannot compact", from, error);
	change->bytes += (uint64_t)info.st_size;
	return STATUS_DONE;
}

static int compact(struct change *change)
{
	int status = has_room(change->state_dir, change->state_dir), error;

	if (status)
		return status;
	error = vault_size(change->state_dir, &change->bytes_before);
	if (error)
		return failed("cannot read", change->state_dir, error);
	for (size_t i = 0; i < VAULT_STORES && !status; i++)
		status = compact_store(change, vault_stores[i]);
	if (status) {
		remove_stores(change->state_dir, NEW_SUFFIX);
		return status;
	}
	error = exchange(change);
	if (error)
		return failed("cannot put in place in", change->state_dir, error);
	remove_stores(change->state_dir, change->before);
	change->before = NULL;
	return STATUS_DONE;
}

int compact_run(struct ctl *ctl)
{
	struct change change = { .state_dir = ctl_state_dir(ctl), .before = before_name(ctl) };
	int status = ctl_lock_stores(change.state_dir, change.owner_fds);

	if (!status && change.before)
		status = compact(&change);
	if (!status)
		output_record(&change_record, &change);
	ctl_unlock_stores(change.owner_fds);
	return status;
}
