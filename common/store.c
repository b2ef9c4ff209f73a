#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "failpoint.h"

#define DATA_MODE 0640
#define LOCK_MODE 0660
#define DIRECTORY_MODE 0750

/* `dir` without slashes at its end, then `rest`. */
static int store_path(char path[PATH_MAX], const char *dir, const char *rest)
{
	size_t size = strlen(dir);

	while (size > 1 && dir[size - 1] == '/')
		size--;
	if (size == 0)
		return -EINVAL;
	if (size + strlen(rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, dir, size);
	strcpy(path + size, rest);
	return 0;
}

int store_find(const char *dir, bool *ret_there)
{
	char path[PATH_MAX];
	struct stat info;

	int error = store_path(path, dir, "/data.mdb");
	if (error)
		return error;
	if (stat(path, &info) == 0)
		*ret_there = true;
	else if (errno == ENOENT)
		*ret_there = false;
	else
		return -errno;
	return 0;
}

bool store_has(const char *dir, int fd)
{
	char path[PATH_MAX];
	struct stat wanted, info;

	if (store_path(path, dir, "/data.mdb") || stat(path, &wanted) < 0 || fstat(fd, &info) < 0)
		return false;
	return info.st_dev == wanted.st_dev && info.st_ino == wanted.st_ino;
}

int store_give(const char *dir, const char *path)
{
	struct stat wanted;

	if (geteuid() != 0)
		return 0;
	if (stat(dir, &wanted) < 0 || chown(path, wanted.st_uid, wanted.st_gid) < 0)
		return -errno;
	return 0;
}

int store_lock(const char *dir, int *ret_fd)
{
	char path[PATH_MAX];

	int error = store_path(path, dir, "/owner.lock");
	if (error)
		return error;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, DATA_MODE);
	if (fd < 0)
		return -errno;
	error = store_give(dir, path);
	if (!error && flock(fd, LOCK_EX | LOCK_NB) < 0)
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int store_make_lock(const char *dir)
{
	char path[PATH_MAX];

	int error = store_path(path, dir, "/lock.mdb");
	if (error)
		return error;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, LOCK_MODE);
	if (fd < 0)
		return -errno;
	error = fchmod(fd, LOCK_MODE) < 0 ? -errno : store_give(dir, path);
	close(fd);
	return error;
}

static int store_set_modes(const char *dir)
{
	char data[PATH_MAX], lock[PATH_MAX];

	int error = store_path(data, dir, "/data.mdb");
	if (!error)
		error = store_path(lock, dir, "/lock.mdb");
	if (!error)
		error = store_give(dir, lock);
	if (error)
		return error;
	return chmod(data, DATA_MODE) < 0 || chmod(lock, LOCK_MODE) < 0 ? -errno : 0;
}

int store_probe(const char *dir)
{
	char path[PATH_MAX];

	int error = store_path(path, dir, "/lock.mdb");
	if (error)
		return error;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* owner.lock stays: another start may hold it open. */
static int store_clear(const char *dir)
{
	static const char *const names[] = { "/data.mdb", "/lock.mdb" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int error = store_path(path, dir, names[i]);
		if (error)
			return error;
		if (unlink(path) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int path_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int error = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return error;
}

static int path_sync_parent(const char *dir)
{
	char path[PATH_MAX];

	int error = store_path(path, dir, "");
	if (error)
		return error;
	char *slash = strrchr(path, '/');
	if (!slash)
		return path_sync(".");
	slash[slash == path] = '\0';
	return path_sync(path);
}

static int store_rename(const char *dir, const char *path)
{
	char place[PATH_MAX];
	bool there = false;

	int error = store_path(place, dir, "");
	if (error)
		return error;
	if (rename(path, place) == 0)
		return 0;
	error = -errno;
	if ((error == -ENOTEMPTY || error == -EEXIST) && store_find(dir, &there) == 0)
		return there ? -EBUSY : -ENOTEMPTY;
	return error;
}

static int store_publish(const char *dir, const char *path)
{
	char data[PATH_MAX];

	int error = store_path(data, path, "/data.mdb");
	if (!error)
		error = store_set_modes(path);
	if (!error)
		error = path_sync(data);
	if (!error)
		error = path_sync(path);
	FAILPOINT("create", "synced");
	if (!error)
		error = store_rename(dir, path);
	FAILPOINT("create", "renamed");
	return error;
}

int store_create(const char *dir, int (*fill)(const char *path, const void *argument),
	const void *argument, int *ret_fd)
{
	char path[PATH_MAX];
	int fd;

	int error = store_path(path, dir, ".new");
	if (error)
		return error;
	if (mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return -errno;
	if (chmod(path, DIRECTORY_MODE) < 0)
		return -errno;
	error = store_lock(path, &fd);
	if (error)
		return error;
	FAILPOINT("create", "made");
	error = store_clear(path);
	if (!error)
		error = fill(path, argument);
	FAILPOINT("create", "filled");
	if (!error)
		error = store_publish(dir, path);
	if (error) {
		store_clear(path);
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int store_settle(const char *dir)
{
	int error = store_set_modes(dir);
	return error ? error : path_sync_parent(dir);
}

int64_t store_disk_room(const char *dir)
{
	struct statvfs info;

	return statvfs(dir, &info) < 0 ? -errno : (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

/* Blocks behind the last page; the file does not get longer. */
int store_reserve(const char *dir, int64_t bytes)
{
	char path[PATH_MAX];

	int error = store_path(path, dir, "/data.mdb");
	if (error)
		return error;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) < 0)
		error = -errno;
	close(fd);
	FAILPOINT("room", "kept");
	if (error == -EDQUOT || error == -EFBIG)
		return -ENOSPC;
	return error == -EOPNOTSUPP || error == -ENOSYS ? 0 : error;
}
