#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

int stream_open(struct stream *stream, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int result = 0;

	*stream = (struct stream){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (stream->fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		result = -ENAMETOOLONG;
	else
		strcpy(address.sun_path, path);
	if (result == 0 && connect(stream->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		result = -errno;
	if (result < 0)
		stream_close(stream);
	return result;
}

void stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->in);
	free(stream->out);
	*stream = (struct stream){ .fd = -1 };
}

int stream_unblock(struct stream *stream)
{
	return fcntl(stream->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int stream_add(struct stream *stream, const void *bytes, size_t size)
{
	int result = room_make(&stream->out, &stream->out_room, stream->out_size + size);

	if (result < 0)
		return result;
	memcpy(stream->out + stream->out_size, bytes, size);
	stream->out_size += size;
	return 0;
}

int stream_flush(struct stream *stream)
{
	while (stream->out_at < stream->out_size) {
		ssize_t sent = send(stream->fd, stream->out + stream->out_at,
			stream->out_size - stream->out_at, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		stream->out_at += (size_t)sent;
	}
	stream->out_at = stream->out_size = 0;
	return 0;
}

int stream_fill(struct stream *stream)
{
	ssize_t got;
	int result;

	memmove(stream->in, stream->in + stream->in_at, stream->in_size - stream->in_at);
	stream->in_size -= stream->in_at;
	stream->in_at = 0;
	result = room_make(&stream->in, &stream->in_room, stream->in_size + READ_BYTES);
	if (result < 0)
		return result;
	got = recv(stream->fd, stream->in + stream->in_size, stream->in_room - stream->in_size, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -EPIPE;
	stream->in_size += (size_t)got;
	return 0;
}

int stream_fill_until(struct stream *stream, size_t size, int timeout_ms)
{
	struct pollfd poller = { .fd = stream->fd, .events = POLLIN };
	int result = 0;

	while (result == 0 && stream->in_size - stream->in_at < size) {
		if (poll(&poller, 1, timeout_ms) <= 0)
			return -ETIMEDOUT;
		result = stream_fill(stream);
	}
	return result;
}
