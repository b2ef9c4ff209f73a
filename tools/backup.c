#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "orderctl.h"
#include "output.h"
#include "store.h"
#include "stores.h"
#include "vault.h"

/* The three copies agree because orderd lets nothing out while they begin: then every move that
 * stockd has in its copy was sent by what orderd has in its own, and whatever is still under way
 * is an open saga there, which a start after a restore repeats. */

#define PIPE_BYTES (1024 * 1024)
#define ROOM_SPARE_BYTES (16 * 1024 * 1024)

static const int64_t holds_ms[] = { 25, 100, 400, 1000 };
#define HOLDS (sizeof(holds_ms) / sizeof(holds_ms[0]))

/* One store on its way: a thread copies it into a pipe. */
struct copy {
	const char *name;
	struct db *db;
	pthread_t thread;
	bool started, ended;
	int result;
	int from, to; /* the pipe */
	struct vault_file file;
};

struct backup {
	struct ctl *ctl;
	const char *dir;
	const char *state_dir;
	bool running; /* the daemons are */
	int locks[CTL_LOCKS];
	struct copy copies[VAULT_STORES];
	char sums[VAULT_STORES][VAULT_SUM_BYTES];
	uint64_t bytes;
	int64_t hold_ms, took_ms;
	int64_t shown_ms;
	bool progress;
};

static const struct field backup_fields[] = {
	{ "dir", FIELD_TEXT, 0, AT(backup, dir) },
	{ "state_dir", FIELD_TEXT, 0, AT(backup, state_dir) },
	{ "bytes", FIELD_U64, 0, AT(backup, bytes) },
	{ "hold_ms", FIELD_I64, 0, AT(backup, hold_ms) },
	{ "took_ms", FIELD_I64, 0, AT(backup, took_ms) },
};
static const struct record backup_record = RECORD(backup, backup_fields);

/* --- copying ------------------------------------------------------------------------------------ */

static void *copy_work(void *argument)
{
	struct copy *copy = argument;

	copy->result = db_copy(copy->db, copy->to, false);
	close(copy->to);
	return NULL;
}

static int copy_start(struct copy *copy)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	copy->from = ends[0];
	copy->to = ends[1];
	copy->ended = false;
	int error = pthread_create(&copy->thread, NULL, copy_work, copy);
	copy->started = error == 0;
	if (error)
		close(ends[1]);
	return -error;
}

/* Also in the middle: the copying thread then finds nobody to read it. */
static void copy_stop(struct copy *copy)
{
	if (copy->from >= 0)
		close(copy->from);
	if (copy->started)
		pthread_join(copy->thread, NULL);
	copy->started = false;
	copy->from = -1;
}

static int copies_start(struct backup *backup)
{
	int error = 0;

	for (size_t i = 0; i < VAULT_STORES && !error; i++)
		error = copy_start(&backup->copies[i]);
	return error;
}

static void copies_stop(struct backup *backup)
{
	for (size_t i = 0; i < VAULT_STORES; i++)
		copy_stop(&backup->copies[i]);
}

/* A snapshot is taken before its first byte is written. False: not all were by then. */
static bool copies_have_begun(struct backup *backup, int64_t until_ms)
{
	for (size_t i = 0; i < VAULT_STORES; i++) {
		struct pollfd at = { .fd = backup->copies[i].from, .events = POLLIN };
		int64_t left_ms = until_ms - clock_monotonic_ms();

		if (left_ms <= 0 || poll(&at, 1, (int)left_ms) <= 0)
			return false;
	}
	return clock_monotonic_ms() < until_ms;
}

static void progress_show(struct backup *backup, uint64_t total)
{
	int64_t now_ms = clock_monotonic_ms();

	if (!backup->progress || now_ms - backup->shown_ms < 500)
		return;
	backup->shown_ms = now_ms;
	fprintf(stderr, "%" PRIu64 " of %" PRIu64 " MiB\n", backup->bytes >> 20, total >> 20);
}

static int copy_drain(struct backup *backup, struct copy *copy, void *room)
{
	ssize_t size = read(copy->from, room, PIPE_BYTES);

	if (size < 0)
		return errno == EINTR ? 0 : -errno;
	if (size > 0) {
		backup->bytes += (uint64_t)size;
		return vault_file_write(&copy->file, room, (size_t)size);
	}
	copy->ended = true;
	copy_stop(copy);
	return copy->result;
}

static int copies_drain(struct backup *backup, uint64_t total, void *room)
{
	size_t left = VAULT_STORES;
	int error = 0;

	while (left > 0 && !error) {
		struct pollfd at[VAULT_STORES];

		for (size_t i = 0; i < VAULT_STORES; i++)
			at[i] = (struct pollfd){ .fd = backup->copies[i].from, .events = POLLIN };
		if (poll(at, VAULT_STORES, -1) < 0 && errno != EINTR)
			return -errno;
		for (size_t i = 0; i < VAULT_STORES && !error; i++) {
			struct copy *copy = &backup->copies[i];

			if (copy->ended || !at[i].revents)
				continue;
			error = copy_drain(backup, copy, room);
			left -= copy->ended;
		}
		progress_show(backup, total);
	}
	return error;
}

/* --- beginning together ------------------------------------------------------------------------- */

/* Asks orderd to let nothing out for so long. 0, or the status to end with. */
static int hold(struct backup *backup, int64_t hold_ms, int64_t *ret_until_ms)
{
	struct backup_hold request = { .hold_ms = hold_ms };
	struct backup_hold_reply reply;
	struct answer answer = { 0 };
	int result = ctl_try(backup->ctl, ORDERD, "backup.hold", &backup_hold_record, &request,
		&backup_hold_reply_record, &reply, &answer);

	if (result)
		return ctl_failed(backup->ctl, ORDERD, result, &answer);
	*ret_until_ms = reply.until_ms;
	return STATUS_DONE;
}

static int begin_while_held(struct backup *backup)
{
	for (size_t i = 0; i < HOLDS; i++) {
		int64_t until_ms = 0;
		int status = hold(backup, holds_ms[i], &until_ms);
		int error = status ? 0 : copies_start(backup);

		if (status)
			return status;
		if (error)
			return stores_failed("cannot begin to copy", "", error);
		if (copies_have_begun(backup, until_ms)) {
			backup->hold_ms = holds_ms[i];
			return STATUS_DONE;
		}
		copies_stop(backup);
	}
	fprintf(stderr,
		"orderctl: the copies did not begin within %" PRId64 " ms.\n"
		"The machine is too busy for copies that agree: run it again when it is less so.\n",
		holds_ms[HOLDS - 1]);
	return STATUS_REFUSED;
}

static int begin(struct backup *backup)
{
	int error;

	if (backup->running)
		return begin_while_held(backup);
	error = copies_start(backup);
	return error ? stores_failed("cannot begin to copy", "", error) : STATUS_DONE;
}

/* --- before and after --------------------------------------------------------------------------- */

/* Where the stores are: orderd knows, and without it --state-dir or the usual place. Without a
 * running daemon the stores are kept from starting ones. */
static int find_stores(struct backup *backup)
{
	struct backup_hold request = { 0 };
	struct backup_hold_reply reply;
	struct answer answer = { 0 };
	int result = ctl_try(backup->ctl, ORDERD, "backup.hold", &backup_hold_record, &request,
		&backup_hold_reply_record, &reply, &answer);

	backup->running = result == 0;
	backup->state_dir = ctl_state_dir(backup->ctl);
	if (result == 0 && !ctl_option(backup->ctl, "state-dir"))
		backup->state_dir = reply.state_dir;
	if (result == 0)
		return STATUS_DONE;
	if (result != -ENOENT && result != -ECONNREFUSED)
		return ctl_failed(backup->ctl, ORDERD, result, &answer);
	return ctl_lock_stores(backup->state_dir, backup->locks);
}

static int open_stores(struct backup *backup)
{
	static const char *const no_tables[] = { NULL };
	static const struct db_spec spec = { .tables = no_tables };
	char path[VAULT_PATH_BYTES];

	for (size_t i = 0; i < VAULT_STORES; i++) {
		int error = vault_path(path, backup->state_dir, vault_stores[i], "");

		backup->copies[i].name = vault_stores[i];
		if (!error)
			error = db_open(&backup->copies[i].db, path, &spec, DB_WATCH);
		if (error == -EACCES) {
			fprintf(stderr,
				"orderctl: %s: permission denied.\nRun this as root or as the"
				" daemons' own user.\n",
				path);
			return STATUS_REFUSED;
		}
		if (error)
			return stores_failed("cannot open the store", path, error);
	}
	return STATUS_DONE;
}

static int make_dir(const char *path)
{
	return mkdir(path, 0700) < 0 ? -errno : 0;
}

static int target_refuse(const struct backup *backup, const char *why)
{
	fprintf(stderr,
		"orderctl: %s is there already and %s.\nName a new directory:"
		" a backup is never written over.\n",
		backup->dir, why);
	return STATUS_USAGE;
}

/* 1: it has entries. */
static int dir_has_entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int result = 0;

	if (!dir)
		return -errno;
	errno = 0;
	while (result == 0 && (entry = readdir(dir)))
		result = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (result == 0)
		result = -errno;
	closedir(dir);
	return result;
}

/* One that cannot be made anew: a file system may be mounted there, or a link lead there. Whoever else
 * has it could exchange what is written. */
static int take_target(const struct backup *backup)
{
	struct stat info;
	int result;

	if (stat(backup->dir, &info) < 0) {
		stores_failed("cannot use", backup->dir, -errno);
		return STATUS_USAGE;
	}
	if (!S_ISDIR(info.st_mode))
		return target_refuse(backup, "not a directory");
	result = dir_has_entries(backup->dir);
	if (result > 0)
		return target_refuse(backup, "not empty");
	if (!result && info.st_uid != geteuid())
		return target_refuse(backup, "belongs to somebody else");
	if (!result && access(backup->dir, W_OK) < 0)
		result = -errno;
	if (!result)
		return STATUS_DONE;
	stores_failed("cannot write to", backup->dir, result);
	return STATUS_USAGE;
}

/* An empty directory will do; nothing is ever written over. */
static int make_target(const struct backup *backup)
{
	int error = make_dir(backup->dir);

	if (error == -EEXIST && rmdir(backup->dir) == 0)
		error = make_dir(backup->dir);
	if (error == -EEXIST)
		return take_target(backup);
	return error ? stores_failed("cannot make", backup->dir, error) : STATUS_DONE;
}

static int check_room(const struct backup *backup, uint64_t *ret_total)
{
	char path[VAULT_PATH_BYTES];
	uint64_t room = 0;
	int error = vault_size(backup->state_dir, ret_total, path);

	if (error)
		return stores_failed("cannot read", path, error);
	error = vault_room(backup->dir, &room);
	if (error)
		return stores_failed("cannot write to", backup->dir, error);
	if (room >= *ret_total + ROOM_SPARE_BYTES)
		return STATUS_DONE;
	fprintf(stderr,
		"orderctl: %s has %" PRIu64 " MiB left and %" PRIu64 " are needed.\n"
		"Make room there or name another directory.\n",
		backup->dir, room >> 20, (*ret_total + ROOM_SPARE_BYTES) >> 20);
	return STATUS_REFUSED;
}

static int open_files(struct backup *backup)
{
	char path[VAULT_PATH_BYTES];

	for (size_t i = 0; i < VAULT_STORES; i++) {
		int error = vault_path(path, backup->dir, vault_stores[i], "");

		if (!error)
			error = make_dir(path);
		if (!error)
			error = vault_path(path, backup->dir, vault_stores[i], "/data.mdb");
		if (!error)
			error = vault_file_open(&backup->copies[i].file, path, 0600);
		if (error)
			return stores_failed("cannot make", path, error);
	}
	return STATUS_DONE;
}

static int finish(struct backup *backup)
{
	char path[VAULT_PATH_BYTES];
	int error = 0;

	for (size_t i = 0; i < VAULT_STORES && !error; i++) {
		error = vault_file_close(&backup->copies[i].file, backup->sums[i]);
		if (!error)
			error = vault_path(path, backup->dir, vault_stores[i], "");
		if (!error)
			error = vault_sync(path);
	}
	if (!error)
		error = vault_write_manifest(backup->dir, backup->sums, clock_wall_ms());
	if (!error)
		error = vault_path(path, backup->dir, "..", "");
	if (!error)
		error = vault_sync(path);
	return error ? stores_failed("cannot write", backup->dir, error) : STATUS_DONE;
}

/* What is there without a manifest is no backup, and is taken away. */
static void clean_up(struct backup *backup)
{
	char path[VAULT_PATH_BYTES];

	for (size_t i = 0; i < VAULT_STORES; i++) {
		if (vault_path(path, backup->dir, vault_stores[i], "/data.mdb") == 0)
			unlink(path);
		if (vault_path(path, backup->dir, vault_stores[i], "") == 0)
			rmdir(path);
	}
	rmdir(backup->dir);
}

static int run(struct backup *backup)
{
	int64_t started_ms = clock_monotonic_ms();
	uint64_t total = 0;
	void *room = malloc(PIPE_BYTES);
	int error = 0,
	    status = room ? make_target(backup) : stores_failed("cannot begin", "", -ENOMEM);

	if (status) { /* what is there is not ours */
		free(room);
		return status;
	}
	status = check_room(backup, &total);
	if (!status)
		status = open_files(backup);
	if (!status)
		status = begin(backup);
	if (!status)
		error = copies_drain(backup, total, room);
	if (error)
		status = stores_failed("cannot copy to", backup->dir, error);
	if (!status)
		status = finish(backup);
	if (status)
		clean_up(backup);
	backup->took_ms = clock_monotonic_ms() - started_ms;
	free(room);
	return status;
}

int backup_run(struct ctl *ctl)
{
	struct backup backup = { .ctl = ctl, .dir = ctl->arguments[0] };
	int status;

	signal(SIGPIPE, SIG_IGN);
	backup.progress = ctl_option(ctl, "progress") != NULL;
	for (size_t i = 0; i < VAULT_STORES; i++)
		backup.copies[i].from = backup.copies[i].file.fd = -1;
	for (size_t i = 0; i < CTL_LOCKS; i++)
		backup.locks[i] = -1;
	status = find_stores(&backup);
	if (!status)
		status = open_stores(&backup);
	if (!status)
		status = run(&backup);
	if (!status)
		output_record(&backup_record, &backup);
	copies_stop(&backup);
	for (size_t i = 0; i < VAULT_STORES; i++) {
		vault_file_drop(&backup.copies[i].file);
		db_close(backup.copies[i].db);
	}
	ctl_unlock_stores(backup.locks);
	return status;
}
