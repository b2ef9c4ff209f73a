#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

const char *const failing_names[] = { "eio", "enospc", "short", "malloc" };

static enum failing fails;
static uint64_t left; /* calls until it fails */
static bool armed, hit;

void failing_arm(enum failing what, uint64_t n)
{
	fails = what;
	left = n;
	hit = false;
	armed = true;
}

bool failing_disarm(void)
{
	armed = false;
	return hit;
}

bool failing_pause(void)
{
	bool was = armed;

	armed = false;
	return was;
}

void failing_resume(void)
{
	armed = true;
}

static bool count(void)
{
	if (left == 0 || --left > 0)
		return false;
	hit = true;
	return true;
}

static void *next_of(const char *name)
{
	bool was = failing_pause();
	void *found = dlsym(RTLD_NEXT, name);

	armed = was;
	if (!found)
		abort();
	return found;
}

/* --- files ---------------------------------------------------------------------------------- */

static bool is_file(int fd)
{
	struct stat info;

	return fd > STDERR_FILENO && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

/* Whether the write fails; *size is cut where it takes only a part. */
static bool write_fails(int fd, size_t *size)
{
	if (!armed || fails == FAIL_MALLOC || !is_file(fd) || !count())
		return false;
	if (fails == FAIL_SHORT) {
		*size /= 2;
		return false;
	}
	errno = fails == FAIL_EIO ? EIO : ENOSPC;
	return true;
}

static bool sync_fails(int fd)
{
	if (!armed || fails != FAIL_EIO || !is_file(fd) || !count())
		return false;
	errno = EIO;
	return true;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);

	if (!next)
		next = next_of("pwrite64");
	return write_fails(fd, &size) ? -1 : next(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite64(fd, bytes, size, offset);
}

/* A vector that takes a part is written up to the middle of its first piece. */
ssize_t pwritev64(int fd, const struct iovec *parts, int parts_count, off64_t offset)
{
	static ssize_t (*next)(int, const struct iovec *, int, off64_t);
	size_t size = parts[0].iov_len;

	if (!next)
		next = next_of("pwritev64");
	if (write_fails(fd, &size))
		return -1;
	if (size < parts[0].iov_len)
		return pwrite64(fd, parts[0].iov_base, size, offset);
	return next(fd, parts, parts_count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int parts_count, off_t offset)
{
	return pwritev64(fd, parts, parts_count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int parts_count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	size_t size = parts[0].iov_len;

	if (!next)
		next = next_of("writev");
	if (write_fails(fd, &size))
		return -1;
	if (size < parts[0].iov_len)
		return write(fd, parts[0].iov_base, size);
	return next(fd, parts, parts_count);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	static ssize_t (*next)(int, const void *, size_t);

	if (!next)
		next = next_of("write");
	return write_fails(fd, &size) ? -1 : next(fd, bytes, size);
}

int fdatasync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = next_of("fdatasync");
	return sync_fails(fd) ? -1 : next(fd);
}

int fsync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = next_of("fsync");
	return sync_fails(fd) ? -1 : next(fd);
}

/* --- memory --------------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

static bool memory_fails(void)
{
	if (!armed || fails != FAIL_MALLOC || !count())
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return memory_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return memory_fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *at, size_t size)
{
	return memory_fails() ? NULL : __libc_realloc(at, size);
}
