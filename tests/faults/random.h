#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Numbers that a seed decides (splitmix64). Whatever needs its own, so that nobody else's drawing
 * changes it, takes a random of its own from random_from. */

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t mix = random->state += UINT64_C(0x9e3779b97f4a7c15);

	mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mix ^ (mix >> 31);
}

static inline struct random random_from(uint64_t seed, uint64_t number)
{
	struct random random = { seed * UINT64_C(0xd1342543de82ef95) + number };

	random_next(&random);
	return random;
}

static inline int64_t random_below(struct random *random, int64_t bound)
{
	return (int64_t)(random_next(random) % (uint64_t)bound);
}

static inline int64_t random_between(struct random *random, int64_t low, int64_t high)
{
	return low + random_below(random, high - low + 1);
}

static inline bool random_chance(struct random *random, int64_t percent)
{
	return random_below(random, 100) < percent;
}
