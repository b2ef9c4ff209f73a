#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A client's end of ZMTP 3.0 (NULL mechanism, as a DEALER) over a local socket, as far as a load
 * generator needs it: no thread and no queue of its own, so that the machine is left to what is
 * measured. RFC 23 of the ZeroMQ project says what goes over the wire. */

struct zmtp {
	int fd;
	uint8_t *in;
	size_t in_size, in_room, in_at;
	uint8_t *out;
	size_t out_size, out_room, out_at;
};

/* Connects and shakes hands, waiting at most timeout_ms. 0 or -errno; on success the descriptor
 * is non-blocking. */
int zmtp_open(struct zmtp *zmtp, const char *path, int timeout_ms);
void zmtp_close(struct zmtp *zmtp);

/* Queues one message of one frame. 0 or -ENOMEM. */
int zmtp_put(struct zmtp *zmtp, const void *body, size_t size);

/* Writes what is queued as far as the socket takes it. 0, -EAGAIN (some is left) or -errno. */
int zmtp_flush(struct zmtp *zmtp);

/* Reads what has come. 0 (also if nothing had), -EPIPE at the end, or -errno. */
int zmtp_fill(struct zmtp *zmtp);

/* The next whole message, until the next zmtp_fill. False: there is none. */
bool zmtp_take(struct zmtp *zmtp, const uint8_t **ret_body, size_t *ret_size);
