#pragma once

#include "service.h"

/* reaperd: reads orderd's deadlines and proposes to orderd every order whose time has come. It
 * decides nothing: orderd does, by its own clock and in its own transaction, so that proposing
 * twice, late or in vain does no harm.
 *
 * An order that was proposed is left alone for SWEEP_AGAIN_MS, and for as long after the answer. */
#define SWEEP_BATCH 1000  /* proposals a tick */
#define SWEEP_WINDOW 3000 /* proposals without an answer */
#define SWEEP_AGAIN_MS 1000
#define SWEEP_IDLE_MS 500   /* between two looks: an order made meanwhile lives a second or more */
#define SWEEP_FULL_MS 10    /* the same while the window is full */
#define SWEEP_ABSENT_MS 100 /* the same while orderd is not there: one order is proposed */
#define SWEEP_CLOCK_MS 1000 /* a jump of the wall clock that is told */

extern const struct program reaperd_program;
