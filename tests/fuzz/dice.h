#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Numbers that depend on a seed alone (SplitMix64). */
struct dice {
	uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to sides - 1. */
static inline uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
	return dice_next(dice) % sides;
}

static inline bool dice_hit(struct dice *dice, unsigned percent)
{
	return dice_roll(dice, 100) < percent;
}

/* The dice of one part of a run, whatever the parts before it have thrown. */
static inline struct dice dice_of(uint64_t seed, uint64_t part)
{
	struct dice dice = { seed };

	dice.state = dice_next(&dice) ^ (part + 1) * UINT64_C(0xd6e8feb86659fd93);
	dice_next(&dice);
	return dice;
}
