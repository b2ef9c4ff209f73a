#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define OPEN_DEPTH 1024 /* most outstanding on one connection in the open loop */
#define PROGRESS_US 500000
#define PROGRESS_COLUMNS 60
#define IDLE_US 100000
#define TOGETHER_US 200 /* requests that are due within this leave together in the open loop */

struct slot {
	uint64_t since_us;
	bool busy;
};

struct link {
	struct stream stream;
	void *state; /* the wire's */
	struct slot *slots;
	unsigned *spare; /* free slots, a ring: so those that are answered in order go round */
	unsigned spare_count, spare_at;
	uint64_t answered;
	bool writable_wanted;
};

struct run {
	const struct load *load;
	struct load_result *result;
	struct link *links;
	unsigned depth;
	uint64_t sent, answered;
	uint64_t began_us, heard_us, shown_us;
	unsigned turn;
	bool held; /* open loop: no place is free for the next */
	int epoll;
};

static int link_open(struct run *run, struct link *link)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
	int result = stream_open(&link->stream, run->load->socket_path);

	if (result == 0)
		result = run->load->wire->open(&link->stream, &link->state);
	if (result == 0)
		result = stream_unblock(&link->stream);
	if (result < 0)
		return result;
	link->slots = calloc(run->depth, sizeof(*link->slots));
	link->spare = calloc(run->depth, sizeof(*link->spare));
	if (!link->slots || !link->spare)
		return -ENOMEM;
	link->spare_count = run->depth;
	for (unsigned i = 0; i < run->depth; i++)
		link->spare[i] = i;
	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, link->stream.fd, &event) < 0 ? -errno : 0;
}

static void link_close(const struct run *run, struct link *link)
{
	if (link->state)
		run->load->wire->close(link->state);
	if (link->stream.fd >= 0)
		stream_close(&link->stream);
	free(link->slots);
	free(link->spare);
}

static int link_put(struct run *run, struct link *link, uint64_t since_us)
{
	unsigned slot = link->spare[link->spare_at];

	link->spare_at = (link->spare_at + 1) % run->depth;
	link->spare_count--;
	link->slots[slot] = (struct slot){ since_us, true };
	return run->load->wire->put(&link->stream, run->load, run->sent++, slot);
}

static int link_flush(struct run *run, struct link *link)
{
	int result = stream_flush(&link->stream);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
	bool wanted = result == -EAGAIN;

	if (result < 0 && !wanted)
		return result;
	if (wanted == link->writable_wanted)
		return 0;
	link->writable_wanted = wanted;
	event.events |= wanted ? EPOLLOUT : 0;
	return epoll_ctl(run->epoll, EPOLL_CTL_MOD, link->stream.fd, &event) < 0 ? -errno : 0;
}

static int answer_note(struct run *run, struct link *link, const struct load_answer *answer)
{
	uint64_t slot =
		answer->number == LOAD_OLDEST ? link->answered % run->depth : answer->number;
	uint64_t now = clock_monotonic_us();

	if (slot >= run->depth || !link->slots[slot].busy)
		return -EBADMSG;
	link->slots[slot].busy = false;
	link->spare[(link->spare_at + link->spare_count++) % run->depth] = (unsigned)slot;
	link->answered++;
	histogram_add(&run->result->times, now - link->slots[slot].since_us);
	run->answered++;
	run->heard_us = now;
	if (answer->code == 0)
		run->result->done++;
	else if (run->result->refused++ == 0)
		run->result->first_code = answer->code;
	return 0;
}

static int link_read(struct run *run, struct link *link)
{
	struct load_answer answer;
	int result = stream_fill(&link->stream);

	if (result < 0)
		return result;
	while ((result = run->load->wire->take(&link->stream, link->state, &answer)) > 0) {
		result = answer_note(run, link, &answer);
		if (result < 0)
			break;
	}
	return result;
}

/* --- when to send --------------------------------------------------------------------------- */

static int closed_send(struct run *run, struct link *link)
{
	int result = 0;

	while (result == 0 && link->spare_count > 0 && run->sent < run->load->requests)
		result = link_put(run, link, clock_monotonic_us());
	return result < 0 ? result : link_flush(run, link);
}

static uint64_t due_us(const struct run *run, uint64_t number)
{
	return run->began_us + (uint64_t)((double)number * 1e6 / run->load->rate);
}

/* Everything that is due by now, to the connections in turn. */
static int open_send(struct run *run)
{
	uint64_t now = clock_monotonic_us();
	int result = 0;

	while (result == 0 && run->sent < run->load->requests && due_us(run, run->sent) <= now) {
		struct link *link = &run->links[run->turn++ % run->load->connections];

		run->held = link->spare_count == 0;
		if (run->held)
			break;
		result = link_put(run, link, due_us(run, run->sent));
		if (result == 0)
			result = link_flush(run, link);
	}
	return result;
}

/* In the open loop until the next requests are due, by a clock finer than a millisecond's: looking
 * again and again meanwhile, or for each of many a second, would take a core from what is
 * measured. */
static struct timespec wait_time(const struct run *run)
{
	uint64_t now = clock_monotonic_us();
	uint64_t us = IDLE_US, due;

	if (run->load->rate > 0 && !run->held && run->sent < run->load->requests) {
		due = due_us(run, run->sent + (uint64_t)(run->load->rate * TOGETHER_US / 1e6));
		if (due < now + us)
			us = due > now ? due - now : 0;
	}
	return (struct timespec){ .tv_nsec = (long)us * 1000 };
}

static void progress(struct run *run)
{
	uint64_t now = clock_monotonic_us();

	if (run->load->quiet || now - run->shown_us < PROGRESS_US)
		return;
	run->shown_us = now;
	fprintf(stderr, "\r%s: %llu of %llu, %.0f/s ", run->load->what,
		(unsigned long long)run->answered, (unsigned long long)run->load->requests,
		(double)run->answered * 1e6 / (double)(now - run->began_us));
}

static int run_step(struct run *run)
{
	struct epoll_event events[256];
	struct timespec wait = wait_time(run);
	int count = epoll_pwait2(run->epoll, events, 256, &wait, NULL);
	int result = 0;

	for (int i = 0; result == 0 && i < count; i++) {
		struct link *link = events[i].data.ptr;

		if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			result = link_read(run, link);
		if (result == 0)
			result = run->load->rate > 0 ? link_flush(run, link)
						     : closed_send(run, link);
	}
	if (result == 0 && run->load->rate > 0)
		result = open_send(run);
	progress(run);
	return result;
}

static int run_all(struct run *run)
{
	int result = 0;

	if (run->load->rate > 0)
		prctl(PR_SET_TIMERSLACK, 1UL);
	run->began_us = run->heard_us = run->shown_us = clock_monotonic_us();
	for (unsigned i = 0; result == 0 && run->load->rate <= 0 && i < run->load->connections; i++)
		result = closed_send(run, &run->links[i]);
	while (result == 0 && run->answered < run->load->requests) {
		result = run_step(run);
		if (clock_monotonic_us() - run->heard_us > LOAD_PATIENCE_MS * 1000)
			break;
	}
	run->result->seconds = (double)(run->heard_us - run->began_us) / 1e6;
	run->result->lost = run->load->requests - run->answered;
	if (run->shown_us > run->began_us)
		fprintf(stderr, "\r%*s\r", PROGRESS_COLUMNS, "");
	return result;
}

static void run_done(struct run *run)
{
	for (unsigned i = 0; run->links && i < run->load->connections; i++)
		link_close(run, &run->links[i]);
	free(run->links);
	if (run->epoll >= 0)
		close(run->epoll);
}

int load_run(const struct load *load, struct load_result *ret)
{
	struct run run = {
		.load = load,
		.result = ret,
		.depth = load->rate > 0 ? OPEN_DEPTH : load->depth,
		.links = calloc(load->connections, sizeof(struct link)),
		.epoll = epoll_create1(EPOLL_CLOEXEC),
	};
	int result = run.links && run.epoll >= 0 ? 0 : -ENOMEM;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; run.links && i < load->connections; i++)
		run.links[i].stream.fd = -1;
	for (unsigned i = 0; result == 0 && i < load->connections; i++)
		result = link_open(&run, &run.links[i]);
	if (result == 0)
		result = run_all(&run);
	run_done(&run);
	return result;
}
