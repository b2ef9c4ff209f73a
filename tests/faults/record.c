#include "record.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* To be preloaded: writes down every write, sync and rename of the files below ORDERD_RECORD_DIR
 * into the file ORDERD_RECORD, which is there already and as large as it may get. */

static uint8_t *map;
static uint64_t map_size;
static const char *below;
static size_t below_size;

__attribute__((constructor)) static void record_open(void)
{
	const char *path = getenv("ORDERD_RECORD");
	struct stat info;
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	below = getenv("ORDERD_RECORD_DIR");
	if (fd < 0 || !below || fstat(fd, &info) < 0)
		return;
	below_size = strlen(below);
	map = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		map = NULL;
	map_size = (uint64_t)info.st_size;
}

/* The function that this one stands in for. */
static void *next_of(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

static bool is_ours(const char *path)
{
	return map && strncmp(path, below, below_size) == 0;
}

/* Whether writes to that descriptor are written down. */
static bool fd_is_ours(int fd, char path[PATH_MAX], uint64_t *ret_inode)
{
	struct stat info;
	char link[64];
	ssize_t size;
	int saved = errno;
	bool ours = false;

	if (map && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		size = readlink(link, path, PATH_MAX - 1);
		path[size > 0 ? size : 0] = '\0';
		*ret_inode = info.st_ino;
		ours = is_ours(path);
	}
	errno = saved;
	return ours;
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Its position; the data is the caller's to fill in, *ret_data says where. */
static uint64_t entry_add(enum record_kind kind, uint64_t inode, const char *path, uint64_t offset,
	uint64_t size, uint8_t **ret_data)
{
	struct record_head *head = (struct record_head *)map;
	size_t path_size = strlen(path) + 1;
	uint64_t whole_size = (sizeof(struct record_entry) + path_size + size + 7) & ~UINT64_C(7);
	uint64_t at = __atomic_fetch_add(&head->tail, whole_size, __ATOMIC_SEQ_CST);
	struct record_entry *entry = (struct record_entry *)(map + at);

	if (at + whole_size > map_size) {
		fprintf(stderr, "record: the file is full\n");
		abort();
	}
	entry->whole_size = whole_size;
	entry->path_size = (uint32_t)path_size;
	entry->inode = inode;
	entry->offset = offset;
	entry->size = size;
	entry->wall_ms = wall_ms();
	memcpy(entry + 1, path, path_size);
	*ret_data = (uint8_t *)(entry + 1) + path_size;
	__atomic_store_n(&entry->kind, kind, __ATOMIC_SEQ_CST);
	return at;
}

/* --- writes --------------------------------------------------------------------------------- */

/* The position of the write, 0: not ours. */
static uint64_t write_begin(int fd, const struct iovec *parts, int count, off_t offset)
{
	char path[PATH_MAX];
	uint64_t inode, size = 0, at;
	uint8_t *data;

	if (!fd_is_ours(fd, path, &inode))
		return 0;
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	if (offset < 0)
		offset = lseek(fd, 0, SEEK_CUR);
	at = entry_add(RECORD_WRITE, inode, path, (uint64_t)offset, size, &data);
	for (int i = 0; i < count; i++) {
		memcpy(data, parts[i].iov_base, parts[i].iov_len);
		data += parts[i].iov_len;
	}
	return at;
}

static ssize_t write_end(int fd, uint64_t at, ssize_t result)
{
	int saved = errno;
	uint8_t *data;

	if (at > 0 && result >= 0 && (fcntl(fd, F_GETFL) & O_DSYNC))
		entry_add(RECORD_DURABLE, 0, "", at, 0, &data);
	errno = saved;
	return result;
}

#define ONE(bytes, count) &(struct iovec){ (void *)(bytes), (count) }, 1

ssize_t write(int fd, const void *bytes, size_t count)
{
	static ssize_t (*next)(int, const void *, size_t);
	uint64_t at = write_begin(fd, ONE(bytes, count), -1);

	if (!next)
		next = next_of("write");
	return write_end(fd, at, next(fd, bytes, count));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	uint64_t at = write_begin(fd, ONE(bytes, count), offset);

	if (!next)
		next = next_of("pwrite64");
	return write_end(fd, at, next(fd, bytes, count, offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	return pwrite64(fd, bytes, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	uint64_t at = write_begin(fd, parts, count, -1);

	if (!next)
		next = next_of("writev");
	return write_end(fd, at, next(fd, parts, count));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
	static ssize_t (*next)(int, const struct iovec *, int, off64_t);
	uint64_t at = write_begin(fd, parts, count, offset);

	if (!next)
		next = next_of("pwritev64");
	return write_end(fd, at, next(fd, parts, count, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev64(fd, parts, count, offset);
}

/* --- the rest ------------------------------------------------------------------------------- */

static int sync_end(int fd, int result)
{
	char path[PATH_MAX];
	uint64_t inode;
	uint8_t *data;

	if (result == 0 && fd_is_ours(fd, path, &inode))
		entry_add(RECORD_SYNC, inode, path, 0, 0, &data);
	return result;
}

int fdatasync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = next_of("fdatasync");
	return sync_end(fd, next(fd));
}

int fsync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = next_of("fsync");
	return sync_end(fd, next(fd));
}

int ftruncate64(int fd, off64_t size)
{
	static int (*next)(int, off64_t);
	char path[PATH_MAX];
	uint64_t inode;
	uint8_t *data;

	if (fd_is_ours(fd, path, &inode))
		entry_add(RECORD_RESIZE, inode, path, (uint64_t)size, 0, &data);
	if (!next)
		next = next_of("ftruncate64");
	return next(fd, size);
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

int mkdir(const char *path, mode_t mode)
{
	static int (*next)(const char *, mode_t);
	uint8_t *data;

	if (is_ours(path))
		entry_add(RECORD_MKDIR, 0, path, 0, 0, &data);
	if (!next)
		next = next_of("mkdir");
	return next(path, mode);
}

int unlink(const char *path)
{
	static int (*next)(const char *);
	uint8_t *data;

	if (is_ours(path))
		entry_add(RECORD_UNLINK, 0, path, 0, 0, &data);
	if (!next)
		next = next_of("unlink");
	return next(path);
}

int rename(const char *path, const char *to)
{
	static int (*next)(const char *, const char *);
	uint8_t *data;

	if (is_ours(path)) {
		entry_add(RECORD_RENAME, 0, path, 0, strlen(to) + 1, &data);
		memcpy(data, to, strlen(to) + 1);
	}
	if (!next)
		next = next_of("rename");
	return next(path, to);
}
