#include "stock_room.h"

#include "memory.h"

void stock_room_heard(struct tick *tick, int outcome)
{
	struct stock_room *room = &memory_of(tick)->stock_room;

	if (outcome == OUTCOME_STORAGE_FULL)
		room->try_at_ms = tick->monotonic_ms + STOCK_ROOM_TRY_MS;
	else if (outcome == OUTCOME_OK)
		room->try_at_ms = 0;
}

bool stock_is_full(const struct tick *tick)
{
	return memory_of(tick)->stock_room.try_at_ms > 0;
}

bool stock_room_try(struct tick *tick)
{
	struct stock_room *room = &memory_of(tick)->stock_room;

	if (room->try_at_ms > tick->monotonic_ms)
		return false;
	if (room->try_at_ms > 0)
		room->try_at_ms = tick->monotonic_ms + STOCK_ROOM_TRY_MS;
	return true;
}
