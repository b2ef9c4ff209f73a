#pragma once

#include "codec.h"
#include "dice.h"
#include "tests/faults/host.h"

/* What happens to the daemons, step by step, as bytes that can be cut and mixed: each step is a
 * byte (daemon 2 bits, what 3 bits, peer 1 bit, then 2 bits of which one says "and a turn"), two
 * bytes of size, little-endian, and the frame. What is left over at the end is ignored. */

#define SCRIPT_STEPS_MAX 512

enum step_what {
	STEP_REQUEST,
	STEP_REQUEST_AS_USER, /* who may not administer */
	STEP_MALFORMED,
	STEP_RESULT,
	STEP_PASS, /* the frame's first byte says how long */
	STEP_RESTART,
};

struct step {
	enum host_daemon which;
	enum step_what what;
	unsigned peer;
	bool turn;
	const uint8_t *at;
	size_t size;
};

struct script {
	struct step steps[SCRIPT_STEPS_MAX];
	size_t count;
};

void script_read(struct script *ret, const uint8_t *at, size_t size);
void script_write(const struct script *script, struct buffer *ret);

/* Appends one new step. */
void script_add(struct dice *dice, int64_t now_ms, struct buffer *ret);
