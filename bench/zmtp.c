#include "zmtp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING_BYTES 64
#define FLAG_MORE 1
#define FLAG_LONG 2
#define FLAG_COMMAND 4
#define READ_BYTES 65536

static int room_make(uint8_t **at, size_t *room, size_t wanted)
{
	uint8_t *grown;

	if (wanted <= *room)
		return 0;
	grown = realloc(*at, 2 * wanted);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*room = 2 * wanted;
	return 0;
}

static int out_add(struct zmtp *zmtp, const void *bytes, size_t size)
{
	int result = room_make(&zmtp->out, &zmtp->out_room, zmtp->out_size + size);

	if (result < 0)
		return result;
	memcpy(zmtp->out + zmtp->out_size, bytes, size);
	zmtp->out_size += size;
	return 0;
}

static int frame_add(struct zmtp *zmtp, uint8_t flags, const void *body, size_t size)
{
	uint8_t head[9] = { flags };
	size_t head_size = 2;
	int result;

	if (size <= UINT8_MAX) {
		head[1] = (uint8_t)size;
	} else {
		head[0] |= FLAG_LONG;
		head_size = sizeof(head);
		for (int i = 0; i < 8; i++)
			head[1 + i] = (uint8_t)(size >> (56 - 8 * i));
	}
	result = out_add(zmtp, head, head_size);
	return result < 0 ? result : out_add(zmtp, body, size);
}

int zmtp_put(struct zmtp *zmtp, const void *body, size_t size)
{
	return frame_add(zmtp, 0, body, size);
}

int zmtp_flush(struct zmtp *zmtp)
{
	while (zmtp->out_at < zmtp->out_size) {
		ssize_t sent = send(zmtp->fd, zmtp->out + zmtp->out_at,
			zmtp->out_size - zmtp->out_at, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		zmtp->out_at += (size_t)sent;
	}
	zmtp->out_at = zmtp->out_size = 0;
	return 0;
}

int zmtp_fill(struct zmtp *zmtp)
{
	ssize_t got;
	int result;

	memmove(zmtp->in, zmtp->in + zmtp->in_at, zmtp->in_size - zmtp->in_at);
	zmtp->in_size -= zmtp->in_at;
	zmtp->in_at = 0;
	result = room_make(&zmtp->in, &zmtp->in_room, zmtp->in_size + READ_BYTES);
	if (result < 0)
		return result;
	got = recv(zmtp->fd, zmtp->in + zmtp->in_size, zmtp->in_room - zmtp->in_size, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -EPIPE;
	zmtp->in_size += (size_t)got;
	return 0;
}

/* One frame from what was read. */
static bool frame_take(struct zmtp *zmtp, uint8_t *ret_flags, const uint8_t **ret_body,
	size_t *ret_size)
{
	const uint8_t *at = zmtp->in + zmtp->in_at;
	size_t left = zmtp->in_size - zmtp->in_at;
	size_t head = 2;
	uint64_t size;

	if (left < head)
		return false;
	size = at[1];
	if (at[0] & FLAG_LONG) {
		head = 9;
		if (left < head)
			return false;
		size = 0;
		for (size_t i = 1; i < head; i++)
			size = size << 8 | at[i];
	}
	if (left - head < size)
		return false;
	*ret_flags = at[0];
	*ret_body = at + head;
	*ret_size = size;
	zmtp->in_at += head + size;
	return true;
}

bool zmtp_take(struct zmtp *zmtp, const uint8_t **ret_body, size_t *ret_size)
{
	uint8_t flags;

	while (frame_take(zmtp, &flags, ret_body, ret_size))
		if (!(flags & (FLAG_COMMAND | FLAG_MORE)))
			return true;
	return false;
}

/* --- opening -------------------------------------------------------------------------------- */

static int fill_until(struct zmtp *zmtp, size_t size, int timeout_ms)
{
	struct pollfd poller = { .fd = zmtp->fd, .events = POLLIN };
	int result = 0;

	while (result == 0 && zmtp->in_size - zmtp->in_at < size) {
		if (poll(&poller, 1, timeout_ms) <= 0)
			return -ETIMEDOUT;
		result = zmtp_fill(zmtp);
	}
	return result;
}

static int greet(struct zmtp *zmtp, int timeout_ms)
{
	static const uint8_t greeting[GREETING_BYTES] = {
		0xff,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0x7f,
		3,
		0,
		'N',
		'U',
		'L',
		'L',
	};
	static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
	int result = out_add(zmtp, greeting, sizeof(greeting));
	const uint8_t *body;
	uint8_t flags = 0;
	size_t size;

	if (result == 0)
		result = zmtp_flush(zmtp);
	if (result == 0)
		result = fill_until(zmtp, GREETING_BYTES, timeout_ms);
	if (result < 0)
		return result;
	zmtp->in_at += GREETING_BYTES;
	result = frame_add(zmtp, FLAG_COMMAND, ready, sizeof(ready));
	if (result == 0)
		result = zmtp_flush(zmtp);
	while (result == 0 && !frame_take(zmtp, &flags, &body, &size))
		result = fill_until(zmtp, zmtp->in_size - zmtp->in_at + 1, timeout_ms);
	if (result < 0)
		return result;
	return flags & FLAG_COMMAND && size > 5 && memcmp(body, "\5READY", 6) == 0 ? 0 : -EPROTO;
}

int zmtp_open(struct zmtp *zmtp, const char *path, int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int result;

	*zmtp = (struct zmtp){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (zmtp->fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path)) {
		zmtp_close(zmtp);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	result = connect(zmtp->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (result == 0)
		result = greet(zmtp, timeout_ms);
	if (result == 0 && fcntl(zmtp->fd, F_SETFL, O_NONBLOCK) < 0)
		result = -errno;
	if (result < 0)
		zmtp_close(zmtp);
	return result;
}

void zmtp_close(struct zmtp *zmtp)
{
	if (zmtp->fd >= 0)
		close(zmtp->fd);
	free(zmtp->in);
	free(zmtp->out);
	*zmtp = (struct zmtp){ .fd = -1 };
}
