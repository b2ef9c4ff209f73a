#include "stores.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "store.h"
#include "vault.h"

#define LOCK_WAIT_MS 5000 /* for a suite that is just being stopped */
#define LOCK_PAUSE_MS 50
#define BEFORE ".before-"
#define MARK_NEW STORE_MARK STORES_NEW

const char *ctl_state_dir(const struct ctl *ctl)
{
	const char *given = ctl_option(ctl, "state-dir");

	return given ? given : STATE_DIR;
}

int stores_failed(const char *what, const char *path, int error)
{
	fprintf(stderr, "orderctl: %s%s%s: %s\n", what, *path ? " " : "", path, vault_error(error));
	return STATUS_REFUSED;
}

bool stores_exist(const char *state_dir, const char *suffix)
{
	char path[VAULT_PATH_BYTES];

	for (size_t i = 0; i < VAULT_STORES; i++)
		if (vault_path(path, state_dir, vault_stores[i], suffix) == 0 &&
			access(path, F_OK) == 0)
			return true;
	return false;
}

void stores_remove(const char *state_dir, const char *suffix)
{
	static const char *const files[] = { "/data.mdb", "/lock.mdb", "/owner.lock", "" };
	char path[VAULT_PATH_BYTES], name[128];

	for (size_t i = 0; i < VAULT_STORES; i++)
		for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
			snprintf(name, sizeof(name), "%s%s", vault_stores[i], suffix);
			if (vault_path(path, state_dir, name, files[f]) == 0)
				remove(path);
		}
}

void stores_before(const char *state_dir, char ret[STORES_BEFORE_BYTES])
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	size_t length;

	gmtime_r(&now, &tm);
	length = strftime(ret, STORES_BEFORE_BYTES, BEFORE "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned next = 2; stores_exist(state_dir, ret); next++)
		snprintf(ret + length, STORES_BEFORE_BYTES - length, "-%u", next);
}

/* --- the mark ----------------------------------------------------------------------------------- */

/* Whole, or not there. */
static int mark_set(const char *state_dir, const char *before)
{
	char made[VAULT_PATH_BYTES], path[VAULT_PATH_BYTES];
	int error = vault_path(made, state_dir, MARK_NEW, "");

	if (!error)
		error = vault_path(path, state_dir, STORE_MARK, "");
	if (error)
		return error;
	unlink(made);
	error = vault_write(made, before, 0644);
	if (!error && rename(made, path) < 0)
		error = -errno;
	if (error)
		unlink(made);
	return error ? error : vault_sync(state_dir);
}

static int mark_clear(const char *state_dir)
{
	char path[VAULT_PATH_BYTES];
	int error = vault_path(path, state_dir, STORE_MARK, "");

	if (!error && unlink(path) < 0)
		error = -errno;
	return error ? error : vault_sync(state_dir);
}

/* -ENOENT: there is none. One that does not say where to leaves that to us. */
static int mark_read(const char *state_dir, char ret_before[STORES_BEFORE_BYTES])
{
	char path[VAULT_PATH_BYTES];
	int error = vault_path(path, state_dir, STORE_MARK, "");
	int fd = error ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (fd < 0)
		return error ? error : -errno;
	size = read(fd, ret_before, STORES_BEFORE_BYTES - 1);
	error = size < 0 ? -errno : 0;
	close(fd);
	ret_before[size > 0 ? size : 0] = '\0';
	if (!error && (strncmp(ret_before, BEFORE, strlen(BEFORE)) != 0 || strchr(ret_before, '/')))
		stores_before(state_dir, ret_before);
	return error;
}

/* --- the exchange ------------------------------------------------------------------------------- */

static int move(const char *state_dir, const char *name, const char *from, const char *to)
{
	char old[VAULT_PATH_BYTES], new[VAULT_PATH_BYTES];
	int error = vault_path(old, state_dir, name, from);

	if (!error)
		error = vault_path(new, state_dir, name, to);
	if (!error && rename(old, new) < 0)
		error = -errno;
	return error;
}

/* One that was not made is in its place already. */
static int put_in_place(const char *state_dir, const char *before)
{
	char made[VAULT_PATH_BYTES];
	int error = 0;

	for (size_t i = 0; i < VAULT_STORES && !error; i++) {
		error = vault_path(made, state_dir, vault_stores[i], STORES_NEW);
		if (error || access(made, F_OK) < 0)
			continue;
		error = move(state_dir, vault_stores[i], "", before);
		if (!error || error == -ENOENT)
			error = move(state_dir, vault_stores[i], STORES_NEW, "");
	}
	if (!error)
		error = vault_sync(state_dir);
	return error ? error : mark_clear(state_dir);
}

int stores_exchange(const char *state_dir, const char *before)
{
	int error = mark_set(state_dir, before);

	return error ? error : put_in_place(state_dir, before);
}

/* Before anything else is done with these stores. */
static int finish_exchange(const char *state_dir)
{
	char before[STORES_BEFORE_BYTES];
	int error = mark_read(state_dir, before);

	if (error == -ENOENT || error == -ENOTDIR)
		return STATUS_DONE;
	if (!error)
		error = put_in_place(state_dir, before);
	if (error)
		return stores_failed("cannot bring to its end what was interrupted in", state_dir,
			error);
	fprintf(stderr,
		"orderctl: a restore or compact that was interrupted has been brought to its end;"
		" %s/NAME%s are the stores from before it\n",
		state_dir, before);
	return STATUS_DONE;
}

/* --- locks -------------------------------------------------------------------------------------- */

/* No other orderctl. A directory that is not there needs none. */
static int lock_directory(const char *state_dir, int *ret_fd)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? STATUS_DONE
				       : stores_failed("cannot open", state_dir, -errno);
	*ret_fd = fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return STATUS_DONE;
	if (errno != EWOULDBLOCK)
		return stores_failed("cannot lock", state_dir, -errno);
	fprintf(stderr, "orderctl: another orderctl works on %s; run this when it has ended.\n",
		state_dir);
	return STATUS_REFUSED;
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

static int lock_store(const char *state_dir, const char *name, int64_t until_ms, int *ret_fd)
{
	char path[VAULT_PATH_BYTES];
	int error = vault_path(path, state_dir, name, "");

	if (!error)
		error = lock_in_time(path, until_ms, ret_fd);
	if (!error || error == -ENOENT)
		return STATUS_DONE;
	if (error != -EBUSY)
		return stores_failed("cannot lock", path, error);
	fprintf(stderr,
		"orderctl: %s runs on %s.\nStop the suite first (systemctl stop orderd.target).\n",
		name, path);
	return STATUS_REFUSED;
}

int ctl_lock_stores(const char *state_dir, int fds[CTL_LOCKS])
{
	int64_t until_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
	int status;

	for (size_t i = 0; i < CTL_LOCKS; i++)
		fds[i] = -1;
	status = lock_directory(state_dir, &fds[VAULT_STORES]);
	if (!status)
		status = finish_exchange(state_dir);
	for (size_t i = 0; i < VAULT_STORES && !status; i++)
		status = lock_store(state_dir, vault_stores[i], until_ms, &fds[i]);
	if (status)
		ctl_unlock_stores(fds);
	return status;
}

void ctl_unlock_stores(int fds[CTL_LOCKS])
{
	for (size_t i = 0; i < CTL_LOCKS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
