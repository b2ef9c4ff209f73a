#include "states.h"

#include <stddef.h>

static const struct step steps[] = {
	{ ORDERD_PENDING, ORDERD_PAID, GOAL_SOLD, SAGA_COMMITTING },
	{ ORDERD_PENDING, ORDERD_CANCELLED, GOAL_RETURNED, SAGA_RETURNING },
	{ ORDERD_PAID, ORDERD_SHIPPED, GOAL_NONE, SAGA_NONE },
	{ ORDERD_PAID, ORDERD_CANCELLED, GOAL_RETURNED, SAGA_RETURNING },
	{ ORDERD_SHIPPED, ORDERD_COMPLETED, GOAL_NONE, SAGA_NONE },
};

const struct step *step_find(enum orderd_status from, enum orderd_status to)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].from == from && steps[i].to == to)
			return &steps[i];
	return NULL;
}
