#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

uint64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t clock_cpu_ms(void)
{
	return clock_ms(CLOCK_THREAD_CPUTIME_ID);
}

char *clock_print_utc(char text[32], int64_t wall_ms)
{
	unsigned ms = (unsigned)((wall_ms % 1000 + 1000) % 1000);
	time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
	struct tm tm;

	gmtime_r(&seconds, &tm);
	size_t size = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + size, 32 - size, ".%03uZ", ms % 1000);
	return text;
}
