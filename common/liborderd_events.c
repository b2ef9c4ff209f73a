#include "liborderd_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "client_socket.h"
#include "clock.h"
#include "error.h"

#define LOG_ANSWER_MS 2000 /* then the log is asked again */
#define ABSENT_FIRST_MS 10 /* between two looks for an orderd that is not there */
#define ABSENT_MAX_MS 320
#define ABSENT_TOLD_MS 1000 /* an orderd that was never met is reported from here on */
#define QUIET_FIRST_MS 100
#define QUIET_MAX_MS 1000

/* The log is the truth, what is published only saves asking for it. A subscription takes hold some
 * time after it was made, again after each restart of orderd, and nobody says when: so after a
 * while of quiet the log is read again, first soon, then once a second.
 *
 * A log that was restored from an older copy counts on from where that one ended, so a seq alone does
 * not name an event. The log is therefore read from the event given last on, and has to have it
 * still. That it may not is suspected of what is published below what was heard before. */
struct orderd_events {
	struct connection *connection;
	struct subscription *subscription;
	uint64_t last;          /* seq of the event given last */
	uint64_t last_order_id; /* 0: not known, as it was given to another iterator */
	int64_t last_at;
	bool stale; /* the log does not have it */
	int64_t opened_ms;
	bool met; /* orderd has answered once */

	struct arena *log_arena;
	struct event_list page; /* read from the log */
	size_t given;           /* of the page */
	bool behind;            /* the log may hold more */
	uint64_t asked;         /* times; the ref of the last one */
	bool waiting;           /* for the answer to it */
	int64_t answer_by_ms;
	int64_t absent_ms;

	struct arena *live_arena;
	struct orderd_event live;
	uint64_t heard; /* seq of the event published last */
	int64_t quiet_max_ms;
	int64_t quiet_until_ms;
};

static int events_connect(struct orderd_events *events, const char *runtime_dir)
{
	char *publisher = client_path(runtime_dir, SOCKET_EVENTS);
	char *path = client_path(runtime_dir, SOCKET_ORDERD);
	int result = publisher && path ? 0 : -ENOMEM;

	if (result == 0)
		result = subscription_open(&events->subscription, publisher);
	if (result == 0)
		result = connection_open(&events->connection, path);
	free(publisher);
	free(path);
	return result;
}

int orderd_events_open(struct orderd_client *client, uint64_t after, struct orderd_events **ret)
{
	struct orderd_events *events;
	int result = -ENOMEM;

	if (connection_is_inherited(client->connection))
		return client_say(client, -ECHILD, NULL);
	events = calloc(1, sizeof(*events));
	if (!events)
		return client_say(client, -ENOMEM, NULL);
	events->last = after;
	events->behind = true;
	events->opened_ms = clock_monotonic_ms();
	events->quiet_max_ms = QUIET_FIRST_MS;
	events->absent_ms = ABSENT_FIRST_MS;
	events->log_arena = arena_new();
	events->live_arena = arena_new();
	if (events->log_arena && events->live_arena)
		result = events_connect(events, client->runtime_dir);
	if (result < 0) {
		orderd_events_close(events);
		return client_say(client, result, NULL);
	}
	*ret = events;
	return client_say(client, 0, NULL);
}

void orderd_events_close(struct orderd_events *events)
{
	if (!events)
		return;
	connection_close(events->connection);
	subscription_close(events->subscription);
	arena_free(events->log_arena);
	arena_free(events->live_arena);
	free(events);
}

static void quiet_begin(struct orderd_events *events)
{
	events->behind = false;
	events->quiet_until_ms = deadline_in(events->quiet_max_ms);
}

static void event_give(struct orderd_events *events, const struct orderd_event *event)
{
	events->last = event->seq;
	events->last_order_id = event->order_id;
	events->last_at = event->at;
}

/* --- from the log --------------------------------------------------------------------------- */

static bool page_next(struct orderd_events *events, const struct orderd_event **ret)
{
	while (events->given < events->page.count) {
		const struct orderd_event *event = &events->page.events[events->given++];

		if (event->seq <= events->last)
			continue;
		event_give(events, event);
		*ret = event;
		return true;
	}
	return false;
}

static int log_ask(struct orderd_events *events)
{
	uint64_t before = events->last > 0 ? events->last - 1 : 0;
	struct range range = { .after = before, .limit = LIST_LIMIT_MAX };
	int result;

	if (events->waiting)
		return 0;
	result = connection_send(events->connection, "event.list", &range_record, &range, 0,
		events->asked + 1);
	if (result < 0)
		return result;
	events->asked++;
	events->waiting = true;
	events->absent_ms = ABSENT_FIRST_MS;
	events->answer_by_ms = deadline_in(LOG_ANSWER_MS);
	return 0;
}

/* Whether the page begins with the event given last. */
static bool page_goes_on(const struct orderd_events *events, const struct event_list *page)
{
	const struct orderd_event *first = page->events;

	if (events->last == 0)
		return true;
	return page->count > 0 && first->seq == events->last &&
		(events->last_order_id == 0 ||
			(first->order_id == events->last_order_id && first->at == events->last_at));
}

static int page_take(struct orderd_events *events, const struct event_list *page)
{
	bool news = page->count > (events->last > 0);

	events->stale = !page_goes_on(events, page);
	if (events->stale)
		return -ESTALE;
	if (events->last > 0)
		event_give(events, page->events);
	events->page = *page;
	events->given = 0;
	events->behind = page->next > 0;
	if (events->behind)
		return 0;
	events->quiet_max_ms = news ? QUIET_FIRST_MS : 2 * events->quiet_max_ms;
	if (events->quiet_max_ms > QUIET_MAX_MS)
		events->quiet_max_ms = QUIET_MAX_MS;
	quiet_begin(events);
	return 0;
}

/* 0: there is a page, perhaps an empty one. -EAGAIN: not yet. -ESTALE: it is of another log. */
static int log_read(struct orderd_events *events, int64_t deadline_ms, struct answer *ret_answer)
{
	struct event_list page;
	uint64_t ref;
	int result = log_ask(events);

	if (result < 0)
		return result;
	if (deadline_ms > events->answer_by_ms)
		deadline_ms = events->answer_by_ms;
	do {
		ref = events->asked;
		arena_reset(events->log_arena);
		events->page.count = 0;
		result = connection_take(events->connection, events->log_arena,
			deadline_left(deadline_ms), &event_list_record, &page, &ref, ret_answer);
	} while (ref != events->asked);
	if (result == -EAGAIN && deadline_left(events->answer_by_ms) > 0)
		return -EAGAIN;
	events->waiting = false;
	if (result != 0)
		return result;
	events->met = true;
	return page_take(events, &page);
}

/* --- live ----------------------------------------------------------------------------------- */

/* What is published rises: what was given already may be heard once, after the log had it. */
static bool live_repeats(struct orderd_events *events)
{
	uint64_t heard = events->heard;

	events->heard = events->live.seq;
	return events->live.seq > heard && events->live.seq <= events->last;
}

/* 0: `live` is the next event. -EAGAIN: it is not, or not yet. */
static int live_take(struct orderd_events *events, int64_t deadline_ms)
{
	bool quiet = events->quiet_until_ms <= deadline_ms;
	int64_t until_ms = quiet ? events->quiet_until_ms : deadline_ms;
	bool missed;
	int result;

	do {
		arena_reset(events->live_arena);
		result = subscription_take(events->subscription, events->live_arena,
			deadline_left(until_ms), &event_record, &events->live);
	} while (result == 0 && live_repeats(events));
	missed = result == -EBADMSG || (result == 0 && events->live.seq != events->last + 1);
	if (missed || (result == -EAGAIN && quiet))
		events->behind = true;
	if (missed)
		return -EAGAIN;
	if (result < 0)
		return result;
	event_give(events, &events->live);
	events->quiet_max_ms = QUIET_MAX_MS;
	quiet_begin(events);
	return 0;
}

/* --- both ----------------------------------------------------------------------------------- */

/* Whether to go on after the log could not be read, and after what pause in ms; -1: no. */
static int64_t trouble_pause(struct orderd_events *events, int result, const struct answer *answer)
{
	int64_t absent_ms = events->absent_ms;

	if (result == -EAGAIN)
		return 0;
	if (result == -ENOENT || result == -ECONNREFUSED) {
		events->absent_ms = absent_ms < ABSENT_MAX_MS ? 2 * absent_ms : ABSENT_MAX_MS;
		return absent_ms;
	}
	return result == outcome_code(OUTCOME_BUSY) ? client_retry_after(answer) : -1;
}

/* What to say when the time is up: an orderd that is only away for a restart is no trouble. */
static int trouble_end(const struct orderd_events *events, int result)
{
	bool told = !events->met && clock_monotonic_ms() - events->opened_ms >= ABSENT_TOLD_MS;

	return told && result < 0 ? result : -EAGAIN;
}

int orderd_events_next(struct orderd_events *events, int64_t timeout_ms,
	const struct orderd_event **ret)
{
	int64_t deadline_ms = deadline_in(timeout_ms);
	struct answer answer;

	if (connection_is_inherited(events->connection))
		return -ECHILD;
	if (events->stale)
		return -ESTALE;
	for (;;) {
		int64_t pause_ms, left_ms;
		int result = 0;

		if (page_next(events, ret))
			return 0;
		if (!events->behind) {
			result = live_take(events, deadline_ms);
			if (result == 0)
				*ret = &events->live;
			if (result == 0 || (result < 0 && result != -EAGAIN))
				return result;
		} else {
			result = log_read(events, deadline_ms, &answer);
		}
		left_ms = deadline_left(deadline_ms);
		pause_ms = result == 0 ? 0 : trouble_pause(events, result, &answer);
		if (pause_ms < 0)
			return result;
		if (result != 0 && left_ms == 0)
			return trouble_end(events, result);
		client_sleep(pause_ms < left_ms ? pause_ms : left_ms);
	}
}
