#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* A client's end of ZMTP 3.0 (NULL mechanism, as a DEALER), as far as a load generator needs it.
 * RFC 23 of the ZeroMQ project says what goes over the wire. */

/* Shakes hands, waiting at most timeout_ms each time. 0 or -errno. */
int zmtp_greet(struct stream *stream, int timeout_ms);

/* Queues one message of one frame. 0 or -ENOMEM. */
int zmtp_put(struct stream *stream, const void *body, size_t size);

/* The next whole message, until the stream reads again. False: there is none. */
bool zmtp_take(struct stream *stream, const uint8_t **ret_body, size_t *ret_size);
