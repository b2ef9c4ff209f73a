#include "passed.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "log.h"

#define PASSED_MAX 8

static bool taken[PASSED_MAX];

static int passed_count(void)
{
	int count = sd_listen_fds(false);

	return count < PASSED_MAX ? count : PASSED_MAX;
}

int passed_take(const char *path)
{
	for (int i = 0; i < passed_count(); i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (taken[i] || sd_is_socket_unix(fd, SOCK_STREAM, 1, path, 0) <= 0)
			continue;
		taken[i] = true;
		return fd;
	}
	return -1;
}

int passed_check(void)
{
	for (int i = 0; i < passed_count(); i++) {
		struct sockaddr_un address = { .sun_family = AF_UNSPEC };
		socklen_t size = sizeof(address) - 1;

		if (taken[i])
			continue;
		getsockname(SD_LISTEN_FDS_START + i, (struct sockaddr *)&address, &size);
		log_message(MESSAGE_WRONG_SOCKET, NULL,
			"the socket unit passed %s, which is none of this daemon's; "
			"ListenStream= and the setting runtime_dir must agree",
			address.sun_family == AF_UNIX ? address.sun_path : "a descriptor");
		return -EINVAL;
	}
	return 0;
}
