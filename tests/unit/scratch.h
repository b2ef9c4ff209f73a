#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of a test's own. Include after cmocka.h. */

struct scratch {
	char path[64];
};

static inline struct scratch scratch_make(void)
{
	struct scratch scratch = { "/tmp/orderd-test.XXXXXX" };

	assert_non_null(mkdtemp(scratch.path));
	return scratch;
}

static inline int tree_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info, (void)type, (void)place;
	return remove(path);
}

static inline void tree_remove(const char *path)
{
	assert_int_equal(nftw(path, tree_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void scratch_remove(const struct scratch *scratch)
{
	tree_remove(scratch->path);
}

/* The place of `name` in it; valid until the eighth call after. */
static inline const char *scratch_at(const struct scratch *scratch, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", scratch->path, name);
	return path;
}

static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
	FILE *file = fopen(scratch_at(scratch, name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline int scratch_has(const struct scratch *scratch, const char *name)
{
	return access(scratch_at(scratch, name), F_OK) == 0;
}

/* --- what is said on a stream --------------------------------------------------------------- */

static inline int scratch_open(const struct scratch *scratch, const char *name)
{
	int fd = open(scratch_at(scratch, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* Puts a file in the place of one of the three standard streams; gives what stood there. */
static inline int stream_swap(int stream, int fd)
{
	int saved = dup(stream);

	fflush(NULL);
	assert_true(saved >= 0);
	assert_true(dup2(fd, stream) >= 0);
	return saved;
}

static inline void stream_restore(int stream, int saved)
{
	fflush(NULL);
	assert_true(dup2(saved, stream) >= 0);
	close(saved);
}

/* What said_read found. */
static char said[16384];

static inline void said_read(int fd)
{
	ssize_t size = pread(fd, said, sizeof(said) - 1, 0);

	said[size > 0 ? size : 0] = '\0';
}

static inline void assert_said(const char *what)
{
	if (!strstr(said, what))
		fail_msg("'%s' does not say '%s'", said, what);
}
