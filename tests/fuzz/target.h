#pragma once

#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "dice.h"

/* What a fuzz target is: libFuzzer's entry points, and one that makes inputs of its own. Linked
 * with libFuzzer it is searched with coverage; linked with driver.c it replays files and runs a
 * bounded number of inputs made from a seed. */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

/* A new input; it depends on the dice alone. */
void target_generate(struct dice *dice, struct buffer *ret);

extern const char target_unit[];   /* what is counted: "frames" */
extern uint64_t target_count;      /* of them so far in this process */
extern const char *target_covered; /* more to tell at the end, or NULL */

/* Says what is wrong on stderr and aborts. */
void target_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
