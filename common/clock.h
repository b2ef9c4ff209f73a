#pragma once

#include <stdint.h>

/* The two clocks. Only the loop, the statistics and the tools ask them; handlers are told the
 * time. */

int64_t clock_wall_ms(void);      /* since 1970-01-01 UTC */
int64_t clock_monotonic_ms(void); /* since some start, never backwards, stands still in suspend */

uint64_t clock_monotonic_us(void);

int64_t clock_cpu_ms(void); /* processor time of this thread: waiting does not count */

/* Writes "YYYY-MM-DDTHH:MM:SS.mmmZ" (25 bytes with the NUL) and returns `text`. */
char *clock_print_utc(char text[32], int64_t wall_ms);
