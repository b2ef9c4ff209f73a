#pragma once

#include <stddef.h>
#include <stdint.h>

/* A local socket with a buffer each way, for load generators: no thread and no queue elsewhere, so
 * that the machine is left to what is measured. */

struct stream {
	int fd;
	uint8_t *in;
	size_t in_size, in_room, in_at; /* what was read and not taken lies from in_at to in_size */
	uint8_t *out;
	size_t out_size, out_room, out_at;
};

/* Connects. 0 or -errno. */
int stream_open(struct stream *stream, const char *path);
void stream_close(struct stream *stream);

/* From now on nothing waits. 0 or -errno. */
int stream_unblock(struct stream *stream);

/* Queues bytes. 0 or -ENOMEM. */
int stream_add(struct stream *stream, const void *bytes, size_t size);

/* Writes what is queued as far as the socket takes it. 0, -EAGAIN (some is left) or -errno. */
int stream_flush(struct stream *stream);

/* Reads what has come. 0 (also if nothing had), -EPIPE at the end, or -errno. */
int stream_fill(struct stream *stream);

/* Reads until `size` bytes are there, at most timeout_ms. 0 or -errno. */
int stream_fill_until(struct stream *stream, size_t size, int timeout_ms);
