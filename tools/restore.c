#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "orderctl.h"
#include "output.h"
#include "store.h"
#include "stores.h"
#include "vault.h"

#define DIRECTORY_MODE 0750

struct change {
	struct ctl *ctl;
	const char *state_dir;
	const char *before; /* where the old stores are now, by suffix */
	uint64_t bytes_before, bytes;
	int locks[CTL_LOCKS];
};

static const struct field change_fields[] = {
	{ "state_dir", FIELD_TEXT, 0, AT(change, state_dir) },
	{ "old_stores", FIELD_TEXT, FIELD_SPARSE, AT(change, before) },
	{ "bytes_before", FIELD_U64, FIELD_SPARSE, AT(change, bytes_before) },
	{ "bytes", FIELD_U64, 0, AT(change, bytes) },
};
static const struct record change_record = RECORD(change, change_fields);

/* --- new stores beside the old ones ------------------------------------------------------------- */

/* The directory NAME.made, empty, whatever an earlier attempt left there. */
static int make_store(const char *state_dir, const char *name, char path[VAULT_PATH_BYTES])
{
	int error = vault_path(path, state_dir, name, STORES_NEW "/data.mdb");

	if (!error && unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		error = -errno;
	if (!error)
		error = vault_path(path, state_dir, name, STORES_NEW);
	if (!error && mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
		error = -errno;
	if (!error)
		error = store_give(state_dir, path);
	return error ? error : vault_path(path, state_dir, name, STORES_NEW "/data.mdb");
}

static int finish_store(const char *state_dir, const char *name, const char *data)
{
	char path[VAULT_PATH_BYTES];
	int error = store_give(state_dir, data);

	if (!error)
		error = vault_path(path, state_dir, name, STORES_NEW);
	if (!error)
		error = store_make_lock(path);
	return error ? error : vault_sync(path);
}

/* Tells where the old ones are now, if there were any. */
static int exchange(struct change *change)
{
	char before[STORES_BEFORE_BYTES];
	int error;

	stores_before(change->state_dir, before);
	error = stores_exchange(change->state_dir, before);
	if (error)
		return stores_failed("cannot put in place in", change->state_dir, error);
	if (stores_exist(change->state_dir, before))
		change->before = arena_text(change->ctl->arena, before, strlen(before));
	return STATUS_DONE;
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
		return stores_failed("cannot restore", from, error);
	change->bytes += (uint64_t)info.st_size;
	return check_sum(from, sum, wanted);
}

static int has_room(const char *from, const char *state_dir, uint64_t *ret_wanted)
{
	char path[VAULT_PATH_BYTES];
	uint64_t room;
	int error = vault_size(from, ret_wanted, path);

	if (error)
		return stores_failed("cannot read", path, error);
	error = vault_room(state_dir, &room);
	if (error)
		return stores_failed("cannot read", state_dir, error);
	if (room > *ret_wanted)
		return STATUS_DONE;
	fprintf(stderr, "orderctl: %s has %" PRIu64 " MiB left and %" PRIu64 " are needed.\n",
		state_dir, room >> 20, *ret_wanted >> 20);
	return STATUS_REFUSED;
}

static int restore(struct change *change, const char *dir)
{
	char sums[VAULT_STORES][VAULT_SUM_BYTES];
	int error = vault_read_manifest(dir, sums), status;
	uint64_t wanted;

	if (error) {
		fprintf(stderr,
			"orderctl: %s/" VAULT_MANIFEST ": %s.\nThis is no backup, or one"
			" that did not come to its end.\n",
			dir, vault_error(error));
		return STATUS_USAGE;
	}
	status = has_room(dir, change->state_dir, &wanted);
	for (size_t i = 0; i < VAULT_STORES && !status; i++)
		status = restore_store(change, dir, vault_stores[i], sums[i]);
	if (status) {
		stores_remove(change->state_dir, STORES_NEW);
		return status;
	}
	return exchange(change);
}

int restore_run(struct ctl *ctl)
{
	struct change change = { .ctl = ctl, .state_dir = ctl_state_dir(ctl) };
	int status;

	if (mkdir(change.state_dir, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return stores_failed("cannot make", change.state_dir, -errno);
	status = ctl_lock_stores(change.state_dir, change.locks);
	if (!status)
		status = restore(&change, ctl->arguments[0]);
	if (!status)
		output_record(&change_record, &change);
	ctl_unlock_stores(change.locks);
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
		return stores_failed("cannot compact", from, error);
	change->bytes += (uint64_t)info.st_size;
	return STATUS_DONE;
}

static int compact(struct change *change)
{
	int status = has_room(change->state_dir, change->state_dir, &change->bytes_before);

	for (size_t i = 0; i < VAULT_STORES && !status; i++)
		status = compact_store(change, vault_stores[i]);
	if (status) {
		stores_remove(change->state_dir, STORES_NEW);
		return status;
	}
	status = exchange(change);
	if (change->before)
		stores_remove(change->state_dir, change->before);
	change->before = NULL;
	return status;
}

int compact_run(struct ctl *ctl)
{
	struct change change = { .ctl = ctl, .state_dir = ctl_state_dir(ctl) };
	int status = ctl_lock_stores(change.state_dir, change.locks);

	if (!status)
		status = compact(&change);
	if (!status)
		output_record(&change_record, &change);
	ctl_unlock_stores(change.locks);
	return status;
}
