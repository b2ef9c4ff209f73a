#include <string.h>

#include "script.h"
#include "target.h"

/* libFuzzer's way to change a script: step by step, so that a script stays one. */

/* libFuzzer's; the driver has none and never asks for it. */
size_t LLVMFuzzerMutate(uint8_t *at, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *at, size_t size, size_t max_size, unsigned seed);

#define FRAME_MAX_BYTES 8192

static void step_make(struct dice *dice, struct buffer *made, struct step *ret)
{
	struct script script;

	script_add(dice, INT64_C(1700000000000) + (int64_t)dice_roll(dice, 4000), made);
	script_read(&script, made->at, made->size);
	*ret = script.steps[0];
}

static void step_change(struct dice *dice, uint8_t frame[FRAME_MAX_BYTES], struct step *step)
{
	size_t size = step->size < FRAME_MAX_BYTES ? step->size : FRAME_MAX_BYTES;

	memcpy(frame, step->at, size);
	step->at = frame;
	step->size = LLVMFuzzerMutate(frame, size, FRAME_MAX_BYTES);
	if (dice_hit(dice, 20))
		step->turn = !step->turn;
}

static void step_drop(struct script *script, size_t at)
{
	memmove(&script->steps[at], &script->steps[at + 1],
		(script->count - at - 1) * sizeof(script->steps[0]));
	script->count--;
}

static void step_insert(struct script *script, size_t at, struct step step)
{
	if (script->count == SCRIPT_STEPS_MAX)
		step_drop(script, SCRIPT_STEPS_MAX - 1);
	memmove(&script->steps[at + 1], &script->steps[at],
		(script->count - at) * sizeof(script->steps[0]));
	script->steps[at] = step;
	script->count++;
}

size_t LLVMFuzzerCustomMutator(uint8_t *at, size_t size, size_t max_size, unsigned seed)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	struct dice dice = dice_of(seed, 0);
	struct buffer made = { 0 }, out = { .limit = max_size };
	struct script script;
	struct step step;

	script_read(&script, at, size);
	step_make(&dice, &made, &step);
	uint64_t roll = script.count == 0 ? 0 : dice_roll(&dice, 10);
	size_t where = script.count == 0 ? 0 : dice_roll(&dice, script.count);

	if (roll < 4)
		step_insert(&script, where, step);
	else if (roll < 5)
		step_drop(&script, where);
	else if (roll < 6)
		script.steps[where] = step;
	else if (roll < 7)
		step_insert(&script, dice_roll(&dice, script.count), script.steps[where]);
	else
		step_change(&dice, frame, &script.steps[where]);
	script_write(&script, &out);
	if (!out.error && out.size > 0) {
		memcpy(at, out.at, out.size);
		size = out.size;
	}
	buffer_done(&out);
	buffer_done(&made);
	return size;
}
