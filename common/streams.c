#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failure; /* the first, -errno */
static const char *checked_program;

void streams_keep(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* gets `fd` */
}

void streams_note(void)
{
	if (!failure && ferror(stdout))
		failure = errno > 0 ? -errno : -EIO;
}

int streams_flush(void)
{
	streams_note();
	if (fflush(stdout) < 0 && !failure)
		failure = -errno;
	return failure;
}

static void check(void)
{
	int error = streams_flush();

	if (!error)
		return;
	fprintf(stderr, "%s: cannot write the output: %s\n", checked_program, strerror(-error));
	_exit(EXIT_FAILURE);
}

void streams_check_at_exit(const char *program)
{
	checked_program = program;
	atexit(check);
}
