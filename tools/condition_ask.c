#include <string.h>

#include "clock.h"
#include "condition.h"

void condition_ask(struct ctl *ctl, enum neighbour who, struct condition *ret)
{
	char nothing = 0;

	*ret = (struct condition){ .name = ctl_name(ctl, who) };
	ret->result = ctl_try(ctl, who, "health", &empty_record, &nothing, &health_record,
		&ret->health, &ret->answer);
	if (!ret->result) {
		condition_judge(ret, ctl->arena, clock_wall_ms());
		return;
	}
	ret->health = (struct health){ 0 };
	condition_set(ret, CONDITION_DOWN);
	ret->reason = ret->result > 0 ? ret->answer.message : strerror(-ret->result);
}
