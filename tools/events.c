#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "clock.h"
#include "listing.h"
#include "orderctl.h"
#include "orderd.h"
#include "output.h"

/* One event a line as it comes: a table would have to wait for its last row. */
static void event_line(const struct orderd_event *event)
{
	char at[32], total[32];

	printf("%8" PRIu64 "  %s  order %-8" PRIu64 "  %-9s -> %-9s  %12s  %s%s%s\n", event->seq,
		clock_print_utc(at, event->at), event->order_id, orderd_status_name(event->from),
		orderd_status_name(event->to), amount_print(total, event->total), event->actor,
		event->reason ? ": " : "", event->reason ? event->reason : "");
}

static int stale(uint64_t seq)
{
	fprintf(stderr,
		"orderctl: the log does not have event %" PRIu64
		" as it was: an older copy of the suite was restored, or there was none yet.\n"
		"Compare what it has (orderctl events) with what you know, then go on from the last"
		" event\nthat agrees (orderctl events --follow --after SEQ).\n",
		seq);
	return STATUS_REFUSED;
}

static int follow(struct ctl *ctl, struct orderd_events *events, uint64_t after, uint64_t left)
{
	const struct orderd_event *event;
	int result = 0;

	while (left-- && !result) {
		result = orderd_events_next(events, -1, &event);
		if (result)
			break;
		after = event->seq;
		if (output_is_json())
			output_record(&event_record, event);
		else
			event_line(event);
		if (fflush(stdout) < 0)
			return STATUS_REFUSED;
	}
	if (result == -ESTALE)
		return stale(after);
	return result ? ctl_failed(ctl, ORDERD, result, NULL) : STATUS_DONE;
}

static int events_follow(struct ctl *ctl)
{
	struct orderd_client *client = NULL;
	struct orderd_events *events = NULL;
	int64_t wanted = INT64_MAX;
	uint64_t after = 0;
	int result, status = ctl_option_u64(ctl, "after", &after);

	if (!status)
		status = ctl_option_i64(ctl, "limit", 1, INT64_MAX, &wanted);
	if (status)
		return status;
	result = orderd_open(&client, ctl->runtime_dir);
	if (!result)
		orderd_set_timeout(client, ctl_timeout_ms(ctl));
	if (!result)
		result = orderd_events_open(client, after, &events);
	status = result ? ctl_failed(ctl, ORDERD, result, NULL)
			: follow(ctl, events, after, (uint64_t)wanted);
	orderd_events_close(events);
	orderd_close(client);
	return status;
}

int events_read(struct ctl *ctl)
{
	static const struct listing listing = { ORDERD, "event.list", &range_record,
		&event_list_record, &event_record, NULL };
	struct range range = { 0 };

	if (ctl_option(ctl, "follow"))
		return events_follow(ctl);
	return listing_print(ctl, &listing, &range);
}
