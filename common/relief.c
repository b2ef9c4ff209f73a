#include "relief.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "protocol.h"

struct relief {
	pthread_t thread;
	int end;                    /* an eventfd that ends the thread */
	int64_t base_bytes;         /* what the process had at its start */
	int64_t limit_bytes;        /* what it may have now */
	int descriptors;            /* how many it may have */
	atomic_uint_fast64_t sends; /* begun and ended */
	uint_fast64_t seen;
	int stuck; /* so many checks */
};

/* In memory, without the pages of files, as stores have them. 0: not known. */
static int64_t own_bytes(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	long long resident, of_files;

	if (fd >= 0)
		close(fd);
	text[size > 0 ? size : 0] = '\0';
	if (sscanf(text, "%*d %lld %lld", &resident, &of_files) != 2)
		return 0;
	return (resident - of_files) * sysconf(_SC_PAGESIZE);
}

/* A connection that was accepted has the path of the socket that it came to; one of our own asking
 * has none, nor has the journal's. */
static bool is_client(int fd, bool subscriber)
{
	struct sockaddr_un name = { 0 };
	socklen_t size = sizeof(name) - 1;
	int listens = 1;
	socklen_t listens_size = sizeof(listens);

	return getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
		name.sun_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) &&
		(!subscriber || strstr(name.sun_path, "/" SOCKET_EVENTS)) &&
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) == 0 && !listens;
}

static bool input_waits(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

static pid_t process_of(int fd)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	return peer.pid;
}

/* Which clients: all, or fewer. */
struct choice {
	bool subscribers; /* only */
	bool waiting;     /* only those whose input waits */
	pid_t process;    /* only its; 0: of any */
};

static bool is_chosen(int fd, const struct choice *choice)
{
	return is_client(fd, choice->subscribers) && (!choice->waiting || input_waits(fd)) &&
		(choice->process == 0 || process_of(fd) == choice->process);
}

/* Calls `each` for those that are chosen; of how many it said true. */
static unsigned for_clients(const struct choice *choice, bool (*each)(int fd, void *argument),
	void *argument)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned count = 0;

	for (const struct dirent *entry = fds ? readdir(fds) : NULL; entry; entry = readdir(fds)) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && is_chosen(fd, choice))
			count += each(fd, argument);
	}
	if (fds)
		closedir(fds);
	return count;
}

/* libzmq finds the connection at its end and lets go of all that came over it. */
static bool end(int fd, void *argument)
{
	(void)argument;
	return shutdown(fd, SHUT_RDWR) == 0;
}

static unsigned disconnect(struct choice choice)
{
	return for_clients(&choice, end, NULL);
}

static void tell(int64_t bytes, unsigned count, const char *why)
{
	log_message(MESSAGE_TOO_LARGE, NULL,
		"%s: %u clients were disconnected, with %lld MiB in use", why, count,
		(long long)(bytes >> 20));
}

static void check_size(struct relief *relief)
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
	count = relief->seen % 2 > 0 ? disconnect((struct choice){ .subscribers = true }) : 0;
	if (count == 0 && !again)
		count = disconnect((struct choice){ .waiting = true });
	if (count == 0)
		count = disconnect((struct choice){ 0 });
	malloc_trim(0);
	relief->limit_bytes = bytes + RELIEF_STEP_BYTES;
	tell(bytes, count, "too much memory");
}

/* Odd while a send is on its way. */
static void check_sends(struct relief *relief)
{
	uint_fast64_t sends = atomic_load_explicit(&relief->sends, memory_order_relaxed);

	relief->stuck = sends % 2 > 0 && sends == relief->seen ? relief->stuck + 1 : 0;
	relief->seen = sends;
	if (relief->stuck < RELIEF_STUCK)
		return;
	relief->stuck = 1;
	tell(own_bytes(), disconnect((struct choice){ .subscribers = true, .waiting = true }),
		"stuck in publishing");
}

/* --- too many connections ------------------------------------------------------------------------ */

struct processes {
	pid_t of[RELIEF_DESCRIPTORS];
	size_t count;
};

static bool note_process(int fd, void *argument)
{
	struct processes *processes = argument;

	if (processes->count < RELIEF_DESCRIPTORS)
		processes->of[processes->count++] = process_of(fd);
	return true;
}

static int by_number(const void *one, const void *other)
{
	const pid_t *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

/* The process with most connections. 0: a crowd of many processes, or no memory. */
static pid_t crowd(void)
{
	struct processes *processes = calloc(1, sizeof(*processes));
	size_t most = 0;
	pid_t found = 0;

	if (!processes)
		return 0;
	for_clients(&(struct choice){ 0 }, note_process, processes);
	qsort(processes->of, processes->count, sizeof(*processes->of), by_number);
	for (size_t from = 0, to = 0; from < processes->count; from = to) {
		while (to < processes->count && processes->of[to] == processes->of[from])
			to++;
		if (to - from > most) {
			most = to - from;
			found = processes->of[from];
		}
	}
	found = most > processes->count / 4 ? found : 0;
	free(processes);
	return found;
}

/* The lowest free descriptor tells how many there are: libzmq ends the process at the last one. */
static void check_connections(const struct relief *relief)
{
	int lowest = fcntl(relief->end, F_DUPFD_CLOEXEC, 0);
	pid_t process;

	if (lowest >= 0)
		close(lowest);
	if (lowest >= 0 && lowest < relief->descriptors)
		return;
	process = crowd();
	tell(own_bytes(), disconnect((struct choice){ .process = process }),
		"too many connections");
}

static void *look(void *argument)
{
	struct relief *relief = argument;
	struct pollfd end = { relief->end, POLLIN, 0 };

	while (poll(&end, 1, RELIEF_CHECK_MS) <= 0) {
		check_connections(relief);
		check_sends(relief);
		check_size(relief);
	}
	return NULL;
}

static int descriptors_max(void)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur / 2 < RELIEF_DESCRIPTORS ? (int)(limit.rlim_cur / 2)
						       : RELIEF_DESCRIPTORS;
}

int relief_open(struct relief **ret)
{
	struct relief *relief = calloc(1, sizeof(*relief));
	int result;

	if (!relief)
		return -ENOMEM;
	relief->descriptors = descriptors_max();
	relief->base_bytes = own_bytes();
	relief->limit_bytes = relief->base_bytes + RELIEF_BYTES;
	relief->end = eventfd(0, EFD_CLOEXEC);
	result = relief->end < 0 ? errno : pthread_create(&relief->thread, NULL, look, relief);
	if (result == 0) {
		*ret = relief;
		return 0;
	}
	if (relief->end >= 0)
		close(relief->end);
	free(relief);
	return -result;
}

void relief_close(struct relief *relief)
{
	if (!relief)
		return;
	eventfd_write(relief->end, 1);
	pthread_join(relief->thread, NULL);
	close(relief->end);
	free(relief);
}

void relief_begin(struct relief *relief)
{
	atomic_fetch_add_explicit(&relief->sends, 1, memory_order_relaxed);
}

void relief_end(struct relief *relief)
{
	atomic_fetch_add_explicit(&relief->sends, 1, memory_order_relaxed);
}
