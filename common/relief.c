#include "relief.h"

#include <dirent.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/* In memory, without the pages of files, as stores have them. 0: not known. */
static int64_t own_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long resident = 0, of_files = 0;
	int count = file ? fscanf(file, "%*d %lld %lld", &resident, &of_files) : 0;

	if (file)
		fclose(file);
	return count == 2 ? (resident - of_files) * sysconf(_SC_PAGESIZE) : 0;
}

void relief_open(struct relief *relief)
{
	relief->base_bytes = own_bytes();
	relief->limit_bytes = relief->base_bytes + RELIEF_BYTES;
}

/* A connection that was accepted has the path of the socket that it came to; one of our own asking
 * has none, nor has the journal's. */
static bool is_client(int fd)
{
	struct sockaddr_un name;
	socklen_t size = sizeof(name);
	int listens = 1;
	socklen_t listens_size = sizeof(listens);

	return getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
		name.sun_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) &&
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && !listens;
}

static bool input_waits(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* libzmq finds the connection at its end and lets go of all that came over it. */
static unsigned disconnect(bool all)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned count = 0;

	for (const struct dirent *entry = fds ? readdir(fds) : NULL; entry; entry = readdir(fds)) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && is_client(fd) && (all || input_waits(fd)) &&
			shutdown(fd, SHUT_RDWR) == 0)
			count++;
	}
	if (fds)
		closedir(fds);
	return count;
}

void relief_check(struct relief *relief)
{
	int64_t bytes = own_bytes();
	int64_t calm_bytes = relief->base_bytes + RELIEF_BYTES;
	bool again = relief->limit_bytes > calm_bytes;
	unsigned count;

	if (bytes <= relief->limit_bytes) {
		if (again && bytes <= calm_bytes)
			relief->limit_bytes = calm_bytes;
		return;
	}
	count = disconnect(again);
	if (count == 0 && !again)
		count = disconnect(true);
	malloc_trim(0);
	relief->limit_bytes = bytes + RELIEF_STEP_BYTES;
	log_message(MESSAGE_TOO_LARGE, NULL,
		"%lld MiB of memory are too much: %u clients were disconnected",
		(long long)(bytes >> 20), count);
}
