#include "script.h"

#include "frames.h"

#define HEAD_BYTES 3

void script_read(struct script *ret, const uint8_t *at, size_t size)
{
	static const enum step_what whats[8] = { STEP_REQUEST, STEP_REQUEST, STEP_REQUEST,
		STEP_REQUEST_AS_USER, STEP_RESULT, STEP_PASS, STEP_RESTART, STEP_MALFORMED };

	ret->count = 0;
	while (size >= HEAD_BYTES && ret->count < SCRIPT_STEPS_MAX) {
		struct step *step = &ret->steps[ret->count++];
		size_t length = at[1] | (size_t)at[2] << 8;

		if (length > size - HEAD_BYTES)
			length = size - HEAD_BYTES;
		step->which = at[0] & 3;
		step->what = whats[at[0] >> 2 & 7];
		step->peer = at[0] >> 5 & 1;
		step->turn = at[0] >> 6 & 1;
		step->at = at + HEAD_BYTES;
		step->size = length;
		at += HEAD_BYTES + length;
		size -= HEAD_BYTES + length;
	}
}

static void step_write(const struct step *step, struct buffer *ret)
{
	static const uint8_t whats[] = { [STEP_REQUEST] = 0,
		[STEP_REQUEST_AS_USER] = 3,
		[STEP_RESULT] = 4,
		[STEP_PASS] = 5,
		[STEP_RESTART] = 6,
		[STEP_MALFORMED] = 7 };
	uint8_t head[HEAD_BYTES] = { (uint8_t)(step->which | whats[step->what] << 2 |
					     step->peer << 5 | (unsigned)step->turn << 6),
		(uint8_t)step->size, (uint8_t)(step->size >> 8) };

	buffer_append(ret, head, sizeof(head));
	buffer_append(ret, step->at, step->size);
}

void script_write(const struct script *script, struct buffer *ret)
{
	for (size_t i = 0; i < script->count; i++)
		step_write(&script->steps[i], ret);
}

static enum step_what what_roll(struct dice *dice)
{
	uint64_t roll = dice_roll(dice, 1000);

	if (roll < 800)
		return STEP_REQUEST;
	if (roll < 870)
		return STEP_REQUEST_AS_USER;
	if (roll < 940)
		return STEP_RESULT;
	return roll < 985 ? STEP_PASS : roll < 995 ? STEP_MALFORMED : STEP_RESTART;
}

void script_add(struct dice *dice, int64_t now_ms, struct buffer *ret)
{
	static const enum host_daemon often[] = { HOST_ORDERD, HOST_ORDERD, HOST_ORDERD,
		HOST_STOCKD, HOST_STOCKD, HOST_CATALOGD };
	struct step step = { .which = often[dice_roll(dice, sizeof(often) / sizeof(often[0]))],
		.what = what_roll(dice),
		.peer = (unsigned)dice_roll(dice, 2),
		.turn = dice_hit(dice, 50) };
	const struct program *program;
	struct buffer frame = { .limit = UINT16_MAX };
	uint8_t length = (uint8_t)dice_roll(dice, dice_hit(dice, 80) ? 10 : 256);

	if (dice_hit(dice, 2) || step.what == STEP_RESTART)
		step.which = (enum host_daemon)dice_roll(dice, HOST_DAEMONS);
	if (step.what == STEP_RESULT)
		step.which = dice_hit(dice, 90) ? HOST_ORDERD : HOST_REAPERD;
	program = host_program(step.which);
	if (step.what == STEP_REQUEST || step.what == STEP_REQUEST_AS_USER)
		frames_request(dice, program, &frame);
	else if (step.what == STEP_RESULT)
		frames_result(dice, &program->peers[step.which == HOST_ORDERD ? step.peer : 0],
			now_ms, &frame);
	else if (step.what == STEP_PASS)
		buffer_append(&frame, &length, 1);
	step.at = frame.at;
	step.size = frame.size;
	step_write(&step, ret);
	buffer_done(&frame);
}
