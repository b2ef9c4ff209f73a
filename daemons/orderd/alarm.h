#pragma once

#include <stddef.h>
#include <stdint.h>

/* Alarms in the order of their time: a binary heap of alarms that live in what they wake. */

struct alarm {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
};

struct alarms {
	struct alarm **heap; /* [1] is the earliest */
	size_t count;
	size_t room;
};

/* Makes room for one more alarm than are set. 0 or -ENOMEM. */
int alarms_reserve(struct alarms *alarms);
void alarms_done(struct alarms *alarms);

/* Sets or moves an alarm; a new one needs room reserved. */
void alarm_set(struct alarms *alarms, struct alarm *alarm, int64_t at_ms);
void alarm_clear(struct alarms *alarms, struct alarm *alarm); /* fine if it is not set */

/* Fills `ret` with alarms at or before now, at most `max`, and leaves them set. */
size_t alarms_due(const struct alarms *alarms, int64_t now_ms, struct alarm **ret, size_t max);
