#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "histogram.h"

/* Drives one daemon with requests over many connections and measures how long each takes.
 *
 * Closed loop: every connection keeps `depth` requests outstanding. Open loop: requests are due at
 * a fixed rate whether or not earlier ones were answered, and a request's time counts from when
 * it was due, so that a stall is felt by all that it delayed (no coordinated omission). */

/* Packs the fields of request number `index` (op and all but v and id) into an open map; returns
 * how many pairs. */
typedef uint32_t load_request(void *argument, uint64_t index, struct buffer *buffer);

struct load {
	const char *socket_path;
	unsigned connections;
	unsigned depth;
	uint64_t requests;
	double rate; /* per second; 0: closed loop */
	load_request *request;
	void *argument;
	bool quiet; /* no progress on a terminal */
};

struct load_result {
	uint64_t done;      /* answered with code 0 */
	uint64_t refused;   /* answered with another code */
	uint64_t lost;      /* unanswered for LOAD_PATIENCE_MS */
	int64_t first_code; /* of the refused */
	double seconds;
	struct histogram times; /* of all that were answered */
};

#define LOAD_PATIENCE_MS 15000

/* 0, or -errno: a connection failed. */
int load_run(const struct load *load, struct load_result *ret);
