#pragma once

#include "audit.h"
#include "recording.h"

/* What clients were told before a cut has to be there after it; what was refused, not; what got no
 * answer is whole or absent, and converges when it is repeated. */

struct promise {
	const struct recording *recording;
	uint64_t cut;
	struct picture picture;
	uint64_t answers, repeats; /* that were looked at */
	char why[320];
};

/* Starts the daemons on what is there, lets them come to rest, looks at all they hold, repeats some
 * requests. False: promise->why. */
bool promise_check(struct promise *promise, struct host *host);
