#include "alarm.h"

#include <errno.h>
#include <stdlib.h>

int alarms_reserve(struct alarms *alarms)
{
	size_t room = alarms->room ? 2 * alarms->room : 256;
	struct alarm **heap;

	if (alarms->count + 2 <= alarms->room)
		return 0;
	heap = reallocarray(alarms->heap, room, sizeof(struct alarm *));
	if (!heap)
		return -ENOMEM;
	alarms->heap = heap;
	alarms->room = room;
	return 0;
}

void alarms_done(struct alarms *alarms)
{
	free(alarms->heap);
	*alarms = (struct alarms){ 0 };
}

static void place(struct alarms *alarms, struct alarm *alarm, size_t at)
{
	alarms->heap[at] = alarm;
	alarm->place = at;
}

static void sift(struct alarms *alarms, struct alarm *alarm, size_t at)
{
	struct alarm **heap = alarms->heap;

	for (; at > 1 && heap[at / 2]->at_ms > alarm->at_ms; at /= 2)
		place(alarms, heap[at / 2], at);
	for (;;) {
		size_t child = 2 * at;

		if (child < alarms->count && heap[child + 1]->at_ms < heap[child]->at_ms)
			child++;
		if (child > alarms->count || heap[child]->at_ms >= alarm->at_ms)
			break;
		place(alarms, heap[child], at);
		at = child;
	}
	place(alarms, alarm, at);
}

void alarm_set(struct alarms *alarms, struct alarm *alarm, int64_t at_ms)
{
	alarm->at_ms = at_ms;
	sift(alarms, alarm, alarm->place > 0 ? alarm->place : ++alarms->count);
}

void alarm_clear(struct alarms *alarms, struct alarm *alarm)
{
	size_t at = alarm->place;
	struct alarm *last;

	if (at == 0)
		return;
	last = alarms->heap[alarms->count--];
	if (last != alarm)
		sift(alarms, last, at);
	alarm->place = 0;
}

/* Below an alarm that is not due none is: only due ones are looked under. */
static size_t due_below(const struct alarms *alarms, size_t at, int64_t now_ms, struct alarm **ret,
	size_t count, size_t max)
{
	if (at > alarms->count || count == max || alarms->heap[at]->at_ms > now_ms)
		return count;
	ret[count++] = alarms->heap[at];
	count = due_below(alarms, 2 * at, now_ms, ret, count, max);
	return due_below(alarms, 2 * at + 1, now_ms, ret, count, max);
}

size_t alarms_due(const struct alarms *alarms, int64_t now_ms, struct alarm **ret, size_t max)
{
	return due_below(alarms, 1, now_ms, ret, 0, max);
}
