#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "histogram.h"
#include "stream.h"

/* Drives one server with requests over many connections and measures how long each takes.
 *
 * Closed loop: every connection keeps `depth` requests outstanding. Open loop: requests are due at
 * a fixed rate whether or not earlier ones were answered, and a request's time counts from when
 * it was due, so that a stall is felt by all that it delayed (no coordinated omission). One due
 * finds no free place only after 1,024 on every connection are unanswered. */

struct load;

struct load_answer {
	uint64_t number; /* the request's, or LOAD_OLDEST */
	int64_t code;    /* 0: done */
};
#define LOAD_OLDEST UINT64_MAX /* the answer is to the request that waits longest */

/* How requests and answers go over a stream. Of one server there is one such. */
struct load_wire {
	/* What is said first on a connection; *ret_state is what it needs to read answers. 0 or
	 * -errno. */
	int (*open)(struct stream *stream, void **ret_state);
	void (*close)(void *state);
	/* Queues the load's request `index`, to be known as `number`. 0 or -errno. */
	int (*put)(struct stream *stream, const struct load *load, uint64_t index, uint64_t number);
	/* The next answer among what was read. 1; 0: there is no whole one; -errno. */
	int (*take)(struct stream *stream, void *state, struct load_answer *ret);
};

/* For a daemon of the suite: packs the fields of request number `index` (op and all but v and id)
 * into an open map; returns how many pairs. */
typedef uint32_t load_request(void *argument, uint64_t index, struct buffer *buffer);

struct load {
	const struct load_wire *wire;
	const char *socket_path;
	unsigned connections;
	unsigned depth;
	uint64_t requests;
	double rate; /* per second; 0: closed loop */
	load_request *request;
	void *argument;   /* of request, or the wire's own */
	const char *what; /* for the progress, which shows where stderr is a terminal */
	bool quiet;       /* no progress */
};

struct load_result {
	uint64_t done;          /* answered with code 0 */
	uint64_t refused;       /* answered with another code */
	uint64_t lost;          /* unanswered for LOAD_PATIENCE_MS, or then not yet sent */
	int64_t first_code;     /* of the refused */
	double seconds;         /* until the last answer */
	struct histogram times; /* us, of all that were answered */
};

#define LOAD_PATIENCE_MS 15000

/* 0 or -errno. */
int load_run(const struct load *load, struct load_result *ret);

extern const struct load_wire orderd_wire; /* any daemon of the suite */
extern const struct load_wire redis_wire;  /* argument: a struct redis_command */

struct redis_command {
	const char *at; /* as it goes over the wire */
	size_t size;
};
